//! The two files of a recording, as the thread writes them.

use super::{Entry, NANOSECONDS, Pixels, Recorded};
use crate::recording::decisions;
use crate::recording::nut::{Coding, NutWriter, Video};
use crossbeam_channel::{Receiver, Sender};
use std::fs::File;
use std::io::{self, BufWriter, Seek};
use std::path::PathBuf;

/// Decisions into a file.
type Lines = decisions::Writer<BufWriter<File>>;

/// The file of frames: before the first one, from it on, and given up.
enum Frames {
    Empty(File),
    Started {
        writer: NutWriter<BufWriter<File>>,
        like: (Coding, (usize, usize)),
    },
    Ended,
}

pub(super) struct Files {
    path: PathBuf,
    frames: Frames,
    lines: Lines,
    /// Bytes up to the end of the last whole frame.
    whole: u64,
    told: Recorded,
}

impl Files {
    /// Writes to these.
    pub(super) fn new(path: PathBuf, frames: File, lines: Lines) -> Files {
        Files {
            frames: Frames::Empty(frames),
            lines,
            whole: 0,
            told: Recorded::default(),
            path,
        }
    }

    /// Writes what comes, as far as the disk takes it, and gives the buffers back.
    pub(super) fn write_all(
        mut self,
        entries: &Receiver<Entry>,
        free: &Sender<Box<Pixels>>,
    ) -> Recorded {
        for entry in entries {
            if self.told.failure.is_some() {
                self.told.missed += u64::from(matches!(entry, Entry::PutOut { .. }));
                continue;
            }
            if let Err(error) = self.write(entry, free) {
                self.fail(&error);
            }
        }
        self.told
    }

    fn write(&mut self, entry: Entry, free: &Sender<Box<Pixels>>) -> io::Result<()> {
        match entry {
            Entry::Dropped(dropped) => self.lines.dropped(&dropped),
            Entry::PutOut { line, pixels } => {
                let is_recorded = match pixels {
                    Some(pixels) => {
                        let is_recorded = self.frame(&pixels)?;
                        let _ = free.send(pixels); // at the end nobody takes them any more
                        is_recorded
                    }
                    None => false,
                };
                self.lines.put_out(&line, is_recorded)?;
                self.lines.flush()
            }
            Entry::End { missed, run } => {
                self.told.missed += missed;
                let recorded = &self.told;
                let last = serde_json::json!({ "recorded": recorded, "run": run });
                self.lines.finish(&last)
            }
        }
    }

    /// Writes a frame; false if it is unlike the first.
    fn frame(&mut self, pixels: &Pixels) -> io::Result<bool> {
        let (bytes, coding) = pixels.coded()?;
        let now = (coding, pixels.size);
        if let Frames::Empty(file) = &self.frames {
            let stream = BufWriter::with_capacity(1 << 16, file.try_clone()?);
            let video = Video {
                width: pixels.size.0,
                height: pixels.size.1,
                pixel_aspect: None,
                time_base: NANOSECONDS,
            };
            let writer = NutWriter::recording(stream, &video, coding)?;
            self.frames = Frames::Started { writer, like: now };
        }
        let Frames::Started { writer, like } = &mut self.frames else {
            return Ok(false);
        };
        if *like != now {
            self.told.missed += 1;
            return Ok(false);
        }
        writer.write(&bytes, pixels.time)?;
        // Whoever ends us by force finds all frames until now.
        self.whole = writer.stream().stream_position()?;
        self.told.recorded += 1;
        Ok(true)
    }

    /// Says once why no more is recorded, and cuts off what is not whole.
    fn fail(&mut self, error: &io::Error) {
        let (path, frames) = (self.path.display(), self.told.recorded);
        log::error!("writing {path}: {error}; {frames} frames until then are recorded");
        self.told.failure = Some(error.to_string());
        let frames = std::mem::replace(&mut self.frames, Frames::Ended);
        if let Frames::Started { writer, .. } = frames {
            // What is still in memory must not be written behind the cut.
            let (file, _) = writer.into_stream().into_parts();
            let _ = file.set_len(self.whole); // if it fails too, the reader tells of the cut
        }
    }
}
