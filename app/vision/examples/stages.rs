//! Times the stages around a network on this machine: `stages [WIDTH HEIGHT]`.

use std::hint::black_box;
use std::time::Instant;
use tincy_network::{Fit, Input, Picture, Resample};
use tincy_vision::pixel::{Range, Sampling, to_rgb};
use tincy_vision::{Detection, Fitting, Frame, Rect, annotate};

/// The least milliseconds of many runs.
fn least(mut run: impl FnMut()) -> f64 {
    let runs = (0..200).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e3
    });
    runs.fold(f64::INFINITY, f64::min)
}

fn main() {
    let sides: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|side| side.parse().ok())
        .collect();
    let (width, height) = match sides[..] {
        [width, height, ..] => (width, height),
        _ => (768, 576),
    };
    let planes: Vec<u8> = (0..Sampling::C420.bytes(width, height))
        .map(|i| (i * 31) as u8)
        .collect();
    let mut frame = Frame::default();
    let time = least(|| {
        to_rgb(
            &planes,
            Sampling::C420,
            Range::Limited,
            (width, height),
            &mut frame,
        )
        .unwrap();
    });
    println!("4:2:0 to RGB          {time:.3} ms");
    for resample in [Resample::AlignedCorners, Resample::HalfPixel] {
        let mut input = Input::rgb(416, 416);
        input.picture = Some(Picture {
            fit: Fit::Letterbox { fill: 0.5 },
            resample,
            ..Picture::default()
        });
        let mut output = vec![0.0f32; input.shape.elements()];
        let mut fitting = Fitting::new(&input, width, height).unwrap();
        let time = least(|| fitting.apply(black_box(&frame), &mut output).unwrap());
        println!("letterbox, {resample:?}  {time:.3} ms");
    }
    let names = vec!["motorbike".to_string(); 8];
    let found: Vec<Detection> = (0..8)
        .map(|i| Detection {
            class: i,
            score: 0.5,
            rect: Rect {
                left: 0.1 * (i * width) as f32,
                top: 0.1 * (i * height) as f32,
                right: 0.2 * ((i + 1) * width) as f32,
                bottom: 0.2 * ((i + 1) * height) as f32,
            },
        })
        .collect();
    let time = least(|| annotate(&mut frame, &found, &names));
    println!("eight boxes and labels {time:.3} ms");
}
