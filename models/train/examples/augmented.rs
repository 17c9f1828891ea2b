//! Shows what training sees: writes inputs with their objects as PNG files, and says how fast they
//! are made.
//!
//! `augmented SET OUTPUT [BATCHES] [THREADS]`; objects to be found are green, ignored ones red.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tincy_network::{Fit, Input, Picture, Resample};
use tincy_train::augment::{Augment, Batch, Loader, Pictures, Plan, Source};

/// Names of VOC's classes.
const CLASSES: &str = "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog \
                       horse motorbike person pottedplant sheep sofa train tvmonitor";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [root, output, rest @ ..] = &arguments[..] else {
        return Err("usage: augmented SET OUTPUT [BATCHES] [THREADS]".into());
    };
    let number = |i: usize, default| rest.get(i).map_or(Ok(default), |text| text.parse());
    let (batches, threads) = (number(0, 4)?, number(1, 1)?);
    let classes: Vec<String> = CLASSES.split(' ').map(str::to_string).collect();
    let source = Source {
        root: PathBuf::from(root),
        ignore_below: 0.002,
    };
    let pictures = Arc::new(Pictures::open(&[source], &classes)?);
    let mut input = Input::rgb(416, 416);
    input.picture = Some(Picture {
        fit: Fit::Letterbox { fill: 0.5 },
        resample: Resample::HalfPixel,
        ..Picture::default()
    });
    let plan = Plan {
        seed: 1,
        batch: 8,
        sizes: vec![320, 352, 384, 416],
        augment: Augment {
            strength: 1.0,
            flip: 0.5,
            mosaic: 0.5,
        },
    };
    let mut loader = Loader::start(&pictures, &input, &plan, 0, threads)?;
    let start = Instant::now();
    for _ in 0..batches {
        let batch = loader.next_batch()?;
        if batch.step < 4 {
            write(&batch, Path::new(output))?;
        }
    }
    let rate = (batches * plan.batch) as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.1} pictures/s by {threads} threads");
    Ok(())
}

fn write(batch: &Batch, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    std::fs::create_dir_all(folder)?;
    let [width, height] = batch.size;
    let length = 3 * width * height;
    for (number, (input, truths)) in batch.inputs.chunks(length).zip(&batch.truths).enumerate() {
        let mut pixels: Vec<u8> = input.iter().map(|sample| (sample * 255.0) as u8).collect();
        for truth in truths {
            let colour = if truth.ignored {
                [255, 0, 0]
            } else {
                [0, 255, 0]
            };
            let sides = [width, height, width, height];
            let [left, top, right, bottom] = [0, 1, 2, 3]
                .map(|i| ((truth.edges[i] * sides[i] as f32) as usize).min(sides[i] - 1));
            let mut dot = |x: usize, y: usize| {
                pixels[3 * (y * width + x)..][..3].copy_from_slice(&colour);
            };
            (left..=right).for_each(|x| [top, bottom].iter().for_each(|y| dot(x, *y)));
            (top..=bottom).for_each(|y| [left, right].iter().for_each(|x| dot(*x, y)));
        }
        let path = folder.join(format!("{}-{number}.png", batch.step));
        let (width, height) = (width as u32, height as u32);
        image::save_buffer(path, &pixels, width, height, image::ColorType::Rgb8)?;
    }
    Ok(())
}
