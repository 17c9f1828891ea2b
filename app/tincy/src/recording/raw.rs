//! Raw recordings of `tincy run --record`: frames just as the detector had them.

use super::decisions::{Decisions, Recorded};
use super::nut::{Coding, NutReader};
use super::reader::{Complaints, DEFAULT_RATE};
use super::{Error, Info, Rational, Reader};
use std::io::{BufRead, ErrorKind};
use tincy_dataset::picture::{Limit, jpeg};
use tincy_vision::raw::Layout;
use tincy_vision::{Frame, RawFrame};

/// An open raw recording.
pub struct Raw<R> {
    frames: NutReader<R>,
    info: Info,
    decisions: Option<Decisions>,
    bytes: Vec<u8>,
    /// Number of the next frame where no decision says it.
    sequence: u64,
    limit: Limit,
    complaints: Complaints,
}

/// Times where nothing is said: a recording's are exact, players do with milliseconds.
const TIME_BASE: Rational = Rational {
    numerator: 1,
    denominator: 1000,
};

impl<R: BufRead + Send> Raw<R> {
    /// Frames with the numbers that `decisions` give them; from 0 without any.
    pub fn new(frames: NutReader<R>, decisions: Option<Decisions>) -> Raw<R> {
        Raw::with_limit(frames, decisions, Limit::default())
    }

    /// [`new`](Raw::new) with another limit of a JPEG's pixels.
    pub fn with_limit(frames: NutReader<R>, decisions: Option<Decisions>, limit: Limit) -> Raw<R> {
        let header = decisions.as_ref().map(Decisions::header);
        let known = |[numerator, denominator]: [u32; 2]| Rational::new(numerator, denominator);
        let rate = header.and_then(|header| known(header.rate));
        let time_base = header.and_then(|header| known(header.time_base));
        let video = frames.video();
        let info = Info {
            width: video.width,
            height: video.height,
            rate: rate.unwrap_or(DEFAULT_RATE),
            time_base: time_base.unwrap_or(TIME_BASE),
            pixel_aspect: video.pixel_aspect,
            frames: None,
            sound: None,
        };
        Raw {
            frames,
            info,
            decisions,
            bytes: Vec::new(),
            sequence: 0,
            limit,
            complaints: Complaints::default(),
        }
    }

    /// The decision about the next frame; none are asked for again after one that does not fit.
    fn decision(&mut self, frame: &Frame) -> Result<Option<Recorded>, Error> {
        let Some(decisions) = &mut self.decisions else {
            return Ok(None);
        };
        let next = decisions.next_recorded()?;
        let time = frame.time.unwrap_or_default();
        if next.as_ref().is_some_and(|next| !next.is_at(time)) {
            let number = self.sequence;
            self.complaints.add(|| {
                format!("the decisions beside it do not fit from frame {number} on: were they made with it?")
            });
            self.decisions = None;
            return Ok(None);
        }
        Ok(next)
    }

    /// Makes the bytes read last RGB.
    fn decode(&mut self, frame: &mut Frame) -> Result<(), Error> {
        let size = (self.info.width, self.info.height);
        match self.frames.coding() {
            Coding::Raw {
                layout: Layout::Rgb,
                ..
            } => {
                std::mem::swap(&mut frame.pixels, &mut self.bytes);
                (frame.width, frame.height) = size;
            }
            Coding::Raw {
                layout,
                encoding,
                range,
            } => {
                let stride = layout.row_bytes(size.0);
                let raw = RawFrame::new(layout, size, stride, &self.bytes);
                let raw = raw.map_err(|error| Error::damaged(error.to_string()))?;
                raw.coded(encoding, range).to_rgb(frame);
            }
            Coding::Jpeg => {
                let number = self.sequence;
                let wrong = |what: String| Error::Damaged(format!("frame {number}: {what}"));
                let strictly = jpeg::Damage::Refuse;
                jpeg::decode(&self.bytes, self.limit, strictly, frame)
                    .map_err(|error| wrong(error.to_string()))?;
                if (frame.width, frame.height) != size {
                    let (width, height) = (frame.width, frame.height);
                    return Err(wrong(format!(
                        "{width}x{height} is not the first one's size"
                    )));
                }
            }
        }
        Ok(())
    }
}

impl<R: BufRead + Send> Reader for Raw<R> {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let time = match self.frames.next(&mut self.bytes) {
            Ok(None) => return Ok(false),
            Ok(Some(time)) => time,
            Err(Error::Io(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                let number = self.sequence;
                let complaints = &mut self.complaints;
                complaints.add(|| format!("cut short: frame {number} is not whole"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        frame.time = Some(time);
        if let Some(decision) = self.decision(frame)? {
            self.sequence = decision.frame;
        }
        self.decode(frame)?;
        frame.time = Some(time);
        frame.sequence = self.sequence;
        self.sequence += 1;
        Ok(true)
    }

    fn complaints(&mut self) -> Vec<String> {
        self.complaints.list()
    }

    fn source(&self) -> Option<&str> {
        let decisions = self.decisions.as_ref()?;
        Some(&decisions.header().source)
    }
}
