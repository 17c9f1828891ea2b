//! Frames as they come: from a source that does not wait, through workers, out in order.
//!
//! ```text
//! capture ──► mailbox ──► infer-0 .. infer-N ──► channel ──► output (the caller's thread) ──► video
//!             holds one   each its own           in order     reports, counts, times           draw,
//!             frame: the  detector                                                            encode
//!             newest wins
//! ```
//!
//! Whoever is slow makes the one before it wait, up to the mailbox: there the older frame is dropped
//! and counted. So what is put out is always of now, and memory is bounded: items go round.
//!
//! | module | subject |
//! | --- | --- |
//! | [`source`] | a camera, or a recording that plays like one |
//! | [`mailbox`] | the place for one frame |
//! | [`figures`] | how often, how long, how late |
//! | [`flow`] | the threads |
//! | [`cores`] | which thread runs on which core |
//! | [`climate`] | temperature, power and clocks meanwhile |
//! | [`record`] | raw frames and decisions into files |

pub mod climate;
pub mod cores;
pub mod figures;
pub mod flow;
pub mod mailbox;
pub mod record;
pub mod source;

use crate::camera::Picture;
use crate::output::video::stages::Shot;
use std::time::{Duration, Instant};

/// A frame on its way.
#[derive(Debug)]
pub struct Item {
    /// A camera's frame as it came.
    pub picture: Picture,
    /// The frame as RGB where that is needed, and what was found.
    pub shot: Shot,
    /// Whether the frame came as RGB.
    pub is_rgb: bool,
    /// Columns and rows.
    pub size: (usize, usize),
    /// Its number in the source.
    pub sequence: u64,
    /// Its time from the first frame's.
    pub time: Duration,
    /// When it was captured.
    pub born: Instant,
    /// How long a worker had it.
    pub worked: Duration,
    /// Whether it turned out to be damaged.
    pub corrupt: bool,
    /// A camera's JPEG as it came; empty for other frames.
    pub jpeg: Vec<u8>,
    /// Frames that came before it and are not put out, back to the one that is.
    pub dropped: Vec<Dropped>,
}

/// A frame that came and is not put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its number in the source.
    pub sequence: u64,
    /// Its time from the first frame's.
    pub time: Duration,
    /// The reason.
    pub why: Why,
}

/// Why a frame is not put out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// No worker was free before a newer one came.
    Busy,
    /// It turned out to be damaged.
    Corrupt,
}

impl Why {
    /// Its name in reports and decisions.
    pub fn name(self) -> &'static str {
        match self {
            Why::Busy => "busy",
            Why::Corrupt => "corrupt",
        }
    }
}

impl Item {
    /// Leaves it out: what is to be told of it and of those before it goes to `dropped`.
    pub fn drop_into(&mut self, why: Why, dropped: &mut Vec<Dropped>) {
        dropped.append(&mut self.dropped);
        dropped.push(Dropped {
            sequence: self.sequence,
            time: self.time,
            why,
        });
    }
}

impl Default for Item {
    fn default() -> Item {
        Item {
            picture: Picture::default(),
            shot: Shot::default(),
            is_rgb: false,
            size: (0, 0),
            sequence: 0,
            time: Duration::ZERO,
            born: Instant::now(),
            worked: Duration::ZERO,
            corrupt: false,
            jpeg: Vec::new(),
            dropped: Vec::new(),
        }
    }
}
