//! Proves a screen: shows a moving pattern, and tells how often it was flipped.
//!
//! ```text
//! screen [FRAMES]
//! ```

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};
use tincy_drivers::display::{Picture, Request, Screen};

fn main() -> Result<(), Box<dyn Error>> {
    let frames: usize = std::env::args()
        .nth(1)
        .map_or(Ok(60), |text| text.parse())?;
    let mut screen = Screen::open(Path::new("/dev"), &Request::default())?;
    println!("{screen}");
    let (width, height) = (640, 480);
    let mut rgb = vec![0; 3 * width * height];
    let (since, mut drawing) = (Instant::now(), Duration::ZERO);
    for frame in 0..frames {
        let start = Instant::now();
        for (at, pixel) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let (x, y) = (at % width, at / width);
            *pixel = [
                (x + 8 * frame) as u8,
                y as u8,
                if (x / 32 + y / 32) % 2 == 0 { 0 } else { 160 },
            ];
        }
        drawing += start.elapsed();
        screen.show(Picture {
            width,
            height,
            rgb: &rgb,
        })?;
    }
    let seconds = (since.elapsed() - drawing).as_secs_f64();
    println!("{} flips in {seconds:.2} s beside drawing", screen.flips());
    Ok(())
}
