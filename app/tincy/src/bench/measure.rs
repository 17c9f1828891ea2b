//! The measuring itself.

use super::Samples;
use crate::detector::{Detector, Model};
use anyhow::Result;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tincy_dataset::picture::{self, Limit};
use tincy_vision::{Filter, Frame};

/// Times that latency and throughput take turns.
const ROUNDS: usize = 3;

/// Frames before the first that counts: caches, page tables and clocks settle.
const WARM_UP: usize = 3;

/// What is shown to the model, every time.
#[derive(Clone, Debug)]
pub enum Picture {
    /// Pixels at hand.
    Frame(Frame),
    /// A file in memory, decoded every time.
    File {
        /// Its name, for its format.
        name: PathBuf,
        /// Its bytes.
        bytes: Vec<u8>,
    },
}

impl Picture {
    /// A noisy frame, always the same.
    pub fn noise(width: usize, height: usize) -> Frame {
        let mut state = 1u32;
        let mut sample = || {
            // Numerical Recipes' generator.
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let pixels = (0..3 * width * height).map(|_| sample()).collect();
        Frame {
            width,
            height,
            pixels,
            ..Frame::default()
        }
    }

    /// Its frame, and how long it took to decode.
    fn frame(&self, decoded: &mut Option<Frame>) -> Result<Duration> {
        let start = Instant::now();
        match self {
            Picture::Frame(frame) if decoded.is_none() => *decoded = Some(frame.clone()),
            Picture::Frame(_) => {}
            Picture::File { name, bytes } => {
                *decoded = Some(picture::decode(bytes, name, Limit::default(), &mut |_| {})?);
            }
        }
        Ok(start.elapsed())
    }
}

/// Everything that was measured.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The picture file to pixels.
    pub decode: Samples,
    /// Pixels to the network's input.
    pub input: Samples,
    /// The network.
    pub network: Samples,
    /// The network's output to boxes.
    pub boxes: Samples,
    /// All of it.
    pub whole: Samples,
    /// Each step of the plan.
    pub steps: Vec<Samples>,
    /// Frames a second of all workers together, the best round's.
    pub throughput: f64,
    /// Objects found in the picture.
    pub objects: usize,
}

/// Measures a model on `picture`: at least `frames` one at a time, and as many by each of
/// `workers` at once.
///
/// # Errors
/// If the picture cannot be decoded or fitted.
pub fn measure(
    model: &Model,
    filter: &Filter,
    picture: &Picture,
    workers: usize,
    frames: usize,
) -> Result<Measured> {
    let mut detectors: Vec<_> = (0..workers)
        .map(|_| Detector::new(model, filter.clone()))
        .collect();
    let steps = model.plan().steps().len();
    let mut measured = Measured {
        steps: vec![Samples::default(); steps],
        ..Measured::default()
    };
    let a_round = frames.div_ceil(ROUNDS);
    for detector in &mut detectors {
        run(detector, picture, WARM_UP)?;
    }
    for _ in 0..ROUNDS {
        let mut frame = None;
        for _ in 0..a_round {
            one(&mut detectors[0], picture, &mut frame, &mut measured)?;
        }
        let rate = together(&mut detectors, picture, a_round)?;
        measured.throughput = measured.throughput.max(rate);
    }
    Ok(measured)
}

/// One frame, its stages and steps timed.
fn one(
    detector: &mut Detector,
    picture: &Picture,
    frame: &mut Option<Frame>,
    measured: &mut Measured,
) -> Result<()> {
    let decode = picture.frame(frame)?;
    let mut steps = vec![Duration::ZERO; measured.steps.len()];
    let start = Instant::now();
    if let Some(frame) = frame {
        detector.fit(frame)?;
    }
    let fitted = Instant::now();
    detector.session().run_timed(&mut steps);
    let ran = Instant::now();
    measured.objects = detector.found()?.len();
    let end = Instant::now();
    measured.decode.push(decode);
    measured.input.push(fitted - start);
    measured.network.push(ran - fitted);
    measured.boxes.push(end - ran);
    measured.whole.push(decode + (end - start));
    for (samples, step) in measured.steps.iter_mut().zip(steps) {
        samples.push(step);
    }
    Ok(())
}

/// All workers at once, `frames` each; frames a second.
fn together(detectors: &mut [Detector], picture: &Picture, frames: usize) -> Result<f64> {
    let all = (detectors.len() * frames) as f64;
    let start = Instant::now();
    std::thread::scope(|scope| {
        let start = |detector| scope.spawn(move || run(detector, picture, frames));
        let threads: Vec<_> = detectors.iter_mut().map(start).collect();
        threads
            .into_iter()
            .try_for_each(|thread| match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    })?;
    Ok(all / start.elapsed().as_secs_f64())
}

fn run(detector: &mut Detector, picture: &Picture, frames: usize) -> Result<()> {
    let mut frame = None;
    for _ in 0..frames {
        picture.frame(&mut frame)?;
        if let Some(frame) = &frame {
            std::hint::black_box(detector.detect(frame)?);
        }
    }
    Ok(())
}
