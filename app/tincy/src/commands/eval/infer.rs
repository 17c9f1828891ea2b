//! The model over the pictures of a data set, several at a time, results in order.

use crate::detector::{Detector, Model};
use crate::outcome::one_line;
use crate::pipeline;
use crate::progress::Progress;
use crate::stop::Stop;
use anyhow::Result;
use std::path::Path;
use tincy_dataset::picture::{self, Limit};
use tincy_dataset::{Dataset, Oddities};
use tincy_vision::{Detection, Filter, Frame};

/// A picture on its way.
struct Job {
    number: usize,
    result: Result<Vec<Detection>, String>,
    /// Width and height as decoded.
    size: [usize; 2],
}

/// Hands each picture's detections to `take`, in the order of `numbers`; a picture that cannot be
/// read gives an error text. Returns the signal that ended it early, if one did.
///
/// # Errors
/// That of `take`.
pub(super) fn run(
    dataset: &Dataset,
    numbers: &[usize],
    model: &Model,
    filter: &Filter,
    workers: usize,
    mut take: impl FnMut(usize, Result<Vec<Detection>, String>) -> Result<()>,
) -> Result<Option<i32>> {
    let stop = Stop::listen()?;
    let mut waiting = numbers.iter();
    let next = |job: &mut Job| {
        let number = waiting.next().filter(|_| stop.signal().is_none());
        job.number = number.copied().unwrap_or(0);
        number.is_some()
    };
    let worker = |_| {
        let mut detector = Detector::new(model, filter.clone());
        move |job: &mut Job| match detect(dataset, job.number, &mut detector) {
            Ok((detections, size)) => (job.result, job.size) = (Ok(detections), size),
            Err(error) => job.result = Err(one_line(&error)),
        }
    };
    let pool = (0..2 * workers).map(|_| Job {
        number: 0,
        result: Ok(Vec::new()),
        size: [0; 2],
    });
    let mut progress = Progress::start("eval", "pictures", Some(numbers.len() as u64));
    let mut oddities = Oddities::default();
    pipeline::ordered(
        pool.collect(),
        next,
        (0..workers).map(worker).collect(),
        |mut job, free| {
            let picture = &dataset.pictures[job.number];
            if job.result.is_ok() && picture.size.is_some_and(|size| size != job.size) {
                oddities.note("picture of another size than its labels say", picture);
            }
            take(
                job.number,
                std::mem::replace(&mut job.result, Ok(Vec::new())),
            )?;
            progress.step();
            // When all have been handed out, nobody takes them back.
            let _ = free.send(job);
            Ok(())
        },
    )?;
    drop(progress);
    oddities.lines().for_each(|line| log::warn!("{line}"));
    Ok(stop.signal())
}

fn detect(
    dataset: &Dataset,
    number: usize,
    detector: &mut Detector,
) -> Result<(Vec<Detection>, [usize; 2])> {
    let picture = &dataset.pictures[number];
    let bytes = picture.read()?;
    let frame: Frame = picture::decode(
        &bytes,
        Path::new(&picture.name),
        Limit::default(),
        &mut |_| {},
    )?;
    Ok((detector.detect(&frame)?, [frame.width, frame.height]))
}
