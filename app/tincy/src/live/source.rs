//! A camera, or a recording that plays like one.

use super::Item;
use crate::inputs::Input;
use crate::recording::{self, Info, Rational, Reader};
use anyhow::Result;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use tincy_drivers::camera::kernel::System;
use tincy_drivers::camera::{Camera, Counts};

/// Where live frames come from.
pub trait Source: Send {
    /// What to call it.
    fn name(&self) -> String;

    /// What its frames are like.
    fn info(&self) -> &Info;

    /// Waits for the next frame; false at the end, or once `stop` says so.
    ///
    /// # Errors
    /// If no more can be had.
    fn next(&mut self, item: &mut Item, stop: &dyn Fn() -> bool) -> Result<bool>;

    /// What happened to its frames before they came here.
    fn counts(&self) -> Counts;

    /// What was wrong so far that did not end it.
    fn complaints(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Frames of a camera.
pub struct CameraSource<S: System> {
    camera: Camera<S>,
    info: Info,
    /// Time of the first frame.
    first: Option<Duration>,
}

impl<S: System> CameraSource<S> {
    /// Frames of an open camera.
    pub fn new(camera: Camera<S>) -> CameraSource<S> {
        let format = camera.format();
        let rate = camera.interval();
        let rate =
            rate.and_then(|interval| Rational::new(interval.denominator, interval.numerator));
        let rate = rate.unwrap_or(Rational {
            numerator: 30,
            denominator: 1,
        });
        let info = Info {
            width: format.width as usize,
            height: format.height as usize,
            rate,
            // Frames come when they come: to a millisecond.
            time_base: Rational {
                numerator: 1,
                denominator: 1000,
            },
            pixel_aspect: None,
            frames: None,
            sound: None,
        };
        CameraSource {
            camera,
            info,
            first: None,
        }
    }
}

impl<S: System + Send> Source for CameraSource<S>
where
    S::Node: Send,
{
    fn name(&self) -> String {
        self.camera.path().display().to_string()
    }

    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, item: &mut Item, stop: &dyn Fn() -> bool) -> Result<bool> {
        let Some(captured) = self.camera.next(stop)? else {
            return Ok(false);
        };
        item.picture.take(&captured);
        let format = captured.format();
        item.jpeg.clear();
        if format.fourcc.is_jpeg() {
            item.jpeg.extend_from_slice(captured.bytes());
        }
        item.size = (format.width as usize, format.height as usize);
        item.is_rgb = false;
        drop(captured);
        let time = item.picture.time;
        let age = self.camera.now().saturating_sub(time);
        let now = Instant::now();
        item.born = now.checked_sub(age).unwrap_or(now);
        item.sequence = item.picture.sequence;
        item.time = time.saturating_sub(*self.first.get_or_insert(time));
        Ok(true)
    }

    fn counts(&self) -> Counts {
        self.camera.counts()
    }
}

/// A recording at its own rate: each frame comes when it is due, or when it is decoded if that is later.
pub struct Paced {
    reader: Box<dyn Reader>,
    name: String,
    counts: Counts,
    /// When the frame of time 0 was due.
    start: Option<Instant>,
}

impl Paced {
    /// Opens a recording.
    ///
    /// # Errors
    /// If it is none.
    pub fn open(path: &Path) -> Result<Paced> {
        let input = Input::file(path);
        let name = input.name();
        let reader = recording::open(&input);
        let reader = reader.map_err(|error| anyhow::anyhow!("{name}: {error}"))?;
        Ok(Paced {
            reader,
            name,
            counts: Counts::default(),
            start: None,
        })
    }

    /// Waits for a moment; false if told to stop before it.
    fn wait(due: Instant, stop: &dyn Fn() -> bool) -> bool {
        const SLICE: Duration = Duration::from_millis(50);
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if stop() {
                return false;
            }
            if left.is_zero() {
                return true;
            }
            thread::sleep(left.min(SLICE));
        }
    }
}

impl Source for Paced {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn info(&self) -> &Info {
        self.reader.info()
    }

    fn next(&mut self, item: &mut Item, stop: &dyn Fn() -> bool) -> Result<bool> {
        if stop() || !self.reader.next(&mut item.shot.frame)? {
            return Ok(false);
        }
        let frame = &item.shot.frame;
        item.sequence = self.counts.delivered;
        item.time = frame.time.unwrap_or_default();
        item.size = (frame.width, frame.height);
        let now = Instant::now();
        let first = || now.checked_sub(item.time).unwrap_or(now);
        let start = *self.start.get_or_insert_with(first);
        if !Paced::wait(start + item.time, stop) {
            return Ok(false);
        }
        item.is_rgb = true;
        item.born = Instant::now();
        self.counts.delivered += 1;
        Ok(true)
    }

    fn counts(&self) -> Counts {
        self.counts
    }

    fn complaints(&mut self) -> Vec<String> {
        self.reader.complaints()
    }
}
