//! Raw frames and decisions into files, so that `tincy replay` comes to the same.
//!
//! A thread of its own writes. It gets a frame's bytes by exchange for a buffer that it has written,
//! of which there are few: where the disk is slower than the camera, frames are not recorded, and
//! counted, and nothing else waits.

mod files;

use super::{Dropped, Item};
use crate::camera::Picture;
use crate::outcome::Usage;
use crate::recording::Rational;
use crate::recording::decisions::{self, Header};
use crate::recording::nut::coding::{Coding, RGB};
use anyhow::{Context, Result, anyhow};
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, unbounded};
use files::Files;
use serde::Serialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// Memory for frames that wait to be written, in bytes.
const MEMORY: usize = 64 << 20;

/// Lines that wait to be written.
const WAITING: usize = 1024;

/// Times in the file are nanoseconds.
const NANOSECONDS: Rational = Rational {
    numerator: 1,
    denominator: 1_000_000_000,
};

/// The file that `--record` names: itself, or `live.nut` in a folder.
///
/// # Errors
/// [`Usage`] if it ends otherwise.
pub fn file(path: &Path) -> Result<PathBuf> {
    if path.is_dir() || path.to_string_lossy().ends_with('/') {
        return Ok(path.join("live.nut"));
    }
    match path.extension().is_some_and(|ending| ending == "nut") {
        true => Ok(path.into()),
        false => Err(Usage(format!(
            "--record {}: raw frames are written to a file .nut, or into a folder: a name that ends in /",
            path.display()
        ))
        .into()),
    }
}

/// A frame on its way to the disk.
#[derive(Debug, Default)]
struct Pixels {
    picture: Picture,
    /// A JPEG, or packed RGB.
    bytes: Vec<u8>,
    kind: Kind,
    size: (usize, usize),
    time: Duration,
}

/// What holds a frame's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Picture,
    Jpeg,
    Rgb,
}

/// What goes to the thread.
#[derive(Debug)]
enum Entry {
    PutOut {
        line: String,
        pixels: Option<Box<Pixels>>,
    },
    Dropped(Dropped),
    /// The last one: frames without a buffer, and the counts of the run.
    End {
        missed: u64,
        run: serde_json::Value,
    },
}

/// What became of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// Frames in the file.
    pub recorded: u64,
    /// Frames that were put out and are not in it, as the disk was too slow or full, or as they were
    /// unlike the first.
    pub missed: u64,
    /// What ended the recording before the run.
    pub failure: Option<String>,
}

/// A recording that is being made.
#[derive(Debug)]
pub struct Recorder {
    entries: Sender<Entry>,
    back: Receiver<Box<Pixels>>,
    /// Buffers that may still be made; unknown before the first frame.
    unmade: Option<usize>,
    missed: u64,
    thread: JoinHandle<Recorded>,
}

impl Recorder {
    /// Makes the files and starts the thread, which calls `begin` first.
    ///
    /// # Errors
    /// If a file cannot be made.
    pub fn start(
        path: PathBuf,
        header: &Header,
        begin: impl FnOnce() + Send + 'static,
    ) -> Result<Recorder> {
        let context = |path: &Path| format!("writing {}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| context(&path))?;
        }
        let beside = decisions::path(&path);
        let file = File::create(&path).with_context(|| context(&path))?;
        let lines = File::create(&beside).map(BufWriter::new);
        let lines = lines.and_then(|lines| decisions::Writer::new(lines, header));
        let lines = lines.with_context(|| context(&beside))?;
        let files = Files::new(path, file, lines);
        let (entries, to_write) = bounded(WAITING);
        let (free, back) = unbounded();
        let thread = Builder::new().name("record".into()).spawn(move || {
            begin();
            files.write_all(&to_write, &free)
        })?;
        Ok(Recorder {
            entries,
            back,
            unmade: None,
            missed: 0,
            thread,
        })
    }

    /// Takes a frame that is put out, and its line; what was dropped before it first. The item's pixels
    /// may be others afterwards, its RGB frame is the same.
    pub fn add(&mut self, item: &mut Item, line: String) {
        self.dropped(&item.dropped);
        let pixels = self.buffer(item).map(|mut pixels| {
            pixels.take(item);
            pixels
        });
        self.missed += u64::from(pixels.is_none());
        self.send(Entry::PutOut { line, pixels });
    }

    /// Takes frames that are not put out.
    pub fn dropped(&self, dropped: &[Dropped]) {
        for dropped in dropped {
            let _ = self.entries.try_send(Entry::Dropped(*dropped)); // a line less, the counts stay
        }
    }

    fn send(&mut self, entry: Entry) {
        let sent = self.entries.try_send(entry);
        if let Err(TrySendError::Full(Entry::PutOut { pixels, .. })) = sent {
            self.missed += u64::from(pixels.is_some());
        }
    }

    /// A buffer that is free, if there is one.
    fn buffer(&mut self, item: &Item) -> Option<Box<Pixels>> {
        let bytes = 3 * item.size.0 * item.size.1;
        let unmade = self
            .unmade
            .get_or_insert((MEMORY / bytes.max(1)).clamp(2, 64));
        if let Ok(free) = self.back.try_recv() {
            return Some(free);
        }
        *unmade = unmade.checked_sub(1)?;
        Some(Box::default())
    }

    /// Ends the files, with the counts of the whole run in the last line.
    ///
    /// # Errors
    /// If the thread has crashed.
    pub fn finish(self, counts: &impl Serialize) -> Result<Recorded> {
        let end = Entry::End {
            missed: self.missed,
            run: serde_json::to_value(counts)?,
        };
        let _ = self.entries.send(end); // a thread that has crashed says so when it is joined
        drop(self.entries);
        let crashed = |_| anyhow!("the recorder has crashed");
        self.thread.join().map_err(crashed)
    }
}

impl Pixels {
    /// Exchanges them for an item's; RGB is copied, as it may be drawn on.
    fn take(&mut self, item: &mut Item) {
        self.size = item.size;
        self.time = item.time;
        self.kind = match (item.is_rgb, item.jpeg.is_empty()) {
            (true, _) => Kind::Rgb,
            (false, true) => Kind::Picture,
            (false, false) => Kind::Jpeg,
        };
        match self.kind {
            Kind::Picture => std::mem::swap(&mut self.picture, &mut item.picture),
            Kind::Jpeg => std::mem::swap(&mut self.bytes, &mut item.jpeg),
            Kind::Rgb => {
                self.bytes.clear();
                self.bytes.extend_from_slice(&item.shot.frame.pixels);
            }
        }
    }

    /// Its bytes, and how they are coded.
    fn coded(&self) -> io::Result<(Cow<'_, [u8]>, Coding)> {
        match self.kind {
            Kind::Rgb => Ok((Cow::Borrowed(&self.bytes), RGB)),
            Kind::Jpeg => Ok((Cow::Borrowed(&self.bytes), Coding::Jpeg)),
            Kind::Picture => {
                let raw = self.picture.raw().map_err(io::Error::other)?;
                let raw = raw.ok_or_else(|| io::Error::other("a frame without pixels"))?;
                Ok((raw.packed(), Coding::of(&raw)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_costs_recorded_frames_and_nobody_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(&folder.path().join("new/")).unwrap();
        let header = Header::new("cam".into(), NANOSECONDS, NANOSECONDS);
        let (wake, sleep) = bounded::<()>(0);
        let asleep = move || assert!(sleep.recv().is_err());
        let mut recorder = Recorder::start(path.clone(), &header, asleep).unwrap();
        // A megabyte and a half each: 64 MiB hold 42 of them.
        let mut item = Item {
            size: (1000, 512),
            is_rgb: true,
            ..Item::default()
        };
        item.shot.frame.pixels = vec![7; 3 * 1000 * 512];
        for frame in 0..60 {
            item.time = Duration::from_millis(frame);
            let seconds = item.time.as_secs_f64();
            let line = format!("{{\"frame\":{frame},\"time\":{seconds},\"detections\":[]}}");
            recorder.add(&mut item, line);
        }
        drop(wake);
        let expected = Recorded {
            recorded: 43,
            missed: 17,
            failure: None,
        };
        assert_eq!(recorder.finish(&()).unwrap(), expected);
        let text = std::fs::read_to_string(decisions::path(&path)).unwrap();
        let missed = text
            .lines()
            .filter(|line| line.contains("\"recorded\":false"));
        assert_eq!((text.lines().count(), missed.count()), (62, 17));
        let mut read = decisions::Decisions::beside(&path).unwrap().unwrap();
        let last = std::iter::from_fn(|| read.next_recorded().unwrap()).last();
        assert_eq!(last.unwrap().frame, 42);
    }

    #[test]
    fn frames_unlike_the_first_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nut");
        let header = Header::new("cam".into(), NANOSECONDS, NANOSECONDS);
        let mut recorder = Recorder::start(path, &header, || {}).unwrap();
        for size in [(4, 2), (2, 4), (4, 2)] {
            let mut item = Item {
                size,
                is_rgb: true,
                ..Item::default()
            };
            item.shot.frame.pixels = vec![7; 24];
            recorder.add(&mut item, "{}".into());
        }
        let recorded = recorder.finish(&()).unwrap();
        assert_eq!((recorded.recorded, recorded.missed), (2, 1));
    }
}
