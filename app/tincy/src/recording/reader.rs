//! What every reader of recordings offers.

use std::time::Duration;
use tincy_vision::Frame;

/// The largest frame in bytes as RGB: 16K.
pub const MAX_FRAME_BYTES: u64 = 15360 * 8640 * 3;

/// Why a recording cannot be had, or ends early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("the file is empty")]
    Empty,
    /// It is a picture.
    #[error("a picture, not a recording; use `tincy detect`")]
    Picture,
    /// It is not what it should be, or a part is damaged.
    #[error("{0}")]
    Damaged(String),
    /// There is no ffmpeg.
    #[error(
        "this format needs the program ffmpeg, which is not installed (without it: Y4M, and AVI or streams of JPEG)"
    )]
    NoFfmpeg,
}

impl Error {
    pub(crate) fn damaged(what: impl Into<String>) -> Error {
        Error::Damaged(what.into())
    }
}

/// A positive fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rational {
    /// Above the line.
    pub numerator: u32,
    /// Below the line.
    pub denominator: u32,
}

impl Rational {
    /// A fraction; `None` if a part is 0.
    pub fn new(numerator: u32, denominator: u32) -> Option<Rational> {
        let positive = numerator > 0 && denominator > 0;
        positive.then_some(Rational {
            numerator,
            denominator,
        })
    }

    /// The other way up.
    pub fn inverse(self) -> Rational {
        Rational {
            numerator: self.denominator,
            denominator: self.numerator,
        }
    }

    /// As a float.
    pub fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    /// `count` times this many seconds, rounded to nanoseconds.
    pub fn seconds(self, count: u64) -> Duration {
        let (n, d) = (u128::from(self.numerator), u128::from(self.denominator));
        let nanos = (u128::from(count) * n * 1_000_000_000 + d / 2) / d;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// How many times this many seconds a time is, rounded.
    pub fn count(self, time: Duration) -> u64 {
        let (n, d) = (
            u128::from(self.numerator) * 1_000_000_000,
            u128::from(self.denominator),
        );
        u64::try_from((time.as_nanos() * d + n / 2) / n).unwrap_or(u64::MAX)
    }
}

/// What a recording is like.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// Columns of a frame as shown.
    pub width: usize,
    /// Rows of a frame as shown.
    pub height: usize,
    /// Frames a second: of a steady recording exactly, of others about. 25 where nothing is said.
    pub rate: Rational,
    /// Seconds that times are multiples of.
    pub time_base: Rational,
    /// Width of a pixel to its height, if known.
    pub pixel_aspect: Option<Rational>,
    /// How many frames there are, if known before reading; a guess for progress.
    pub frames: Option<u64>,
    /// Codec of the sound, as ffmpeg calls it.
    pub sound: Option<String>,
}

/// Frames a second where a recording does not say.
pub const DEFAULT_RATE: Rational = Rational {
    numerator: 25,
    denominator: 1,
};

/// An open recording.
pub trait Reader: Send {
    /// What it is like.
    fn info(&self) -> &Info;

    /// Reads the next frame into `frame`, whose memory is used again: size, pixels and time.
    /// False at the end.
    ///
    /// # Errors
    /// If the recording cannot be read on; frames until then are good.
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error>;

    /// What its frames come from, where it was made of another source and says so. Its frames' numbers
    /// are that source's, then.
    fn source(&self) -> Option<&str> {
        None
    }

    /// What was wrong so far that did not end the recording; empty if nothing.
    fn complaints(&mut self) -> Vec<String> {
        Vec::new()
    }
}

/// Damage in a recording that goes on: how often, and what came first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Complaints {
    count: u64,
    first: String,
}

impl Complaints {
    pub(crate) fn add(&mut self, what: impl FnOnce() -> String) {
        if self.count == 0 {
            self.first = what();
        }
        self.count += 1;
    }

    pub(crate) fn list(&self) -> Vec<String> {
        match self.count {
            0 => Vec::new(),
            1 => vec![self.first.clone()],
            count => vec![format!("{} (and {} more)", self.first, count - 1)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_way_to_nanoseconds_and_back() {
        for (numerator, denominator) in [(1, 25), (1001, 30000), (1, 90000), (1499, 45000)] {
            let base = Rational {
                numerator,
                denominator,
            };
            for count in [0, 1, 2, 3, 1000, 123_456_789] {
                assert_eq!(base.count(base.seconds(count)), count, "{base:?} {count}");
            }
        }
    }
}
