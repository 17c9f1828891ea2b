//! Several models in turns, so that a machine that slows down or wakes up meets all alike.

use super::Samples;
use crate::detector::{Detector, Model};
use anyhow::Result;
use std::time::{Duration, Instant};
use tincy_vision::{Filter, Frame};

/// Times that each has its turn.
pub const ROUNDS: usize = 6;

/// Frames before the first that counts, each turn: caches are another's by then.
const WARM_UP: usize = 1;

/// A model in the race, and its times.
pub struct Contestant {
    detector: Detector,
    /// A frame as a whole: pixels to boxes.
    pub whole: Samples,
    /// The network alone.
    pub network: Samples,
    /// Medians of the turns, as a whole.
    pub turns: Samples,
}

impl Contestant {
    /// A model that has not run yet.
    pub fn new(model: &Model) -> Contestant {
        Contestant {
            detector: Detector::new(model, Filter::default()),
            whole: Samples::default(),
            network: Samples::default(),
            turns: Samples::default(),
        }
    }

    fn turn(&mut self, frame: &Frame, frames: usize) -> Result<()> {
        let mut turn = Samples::default();
        for number in 0..WARM_UP + frames {
            let start = Instant::now();
            self.detector.fit(frame)?;
            let fitted = Instant::now();
            self.detector.session().run();
            let ran = Instant::now();
            std::hint::black_box(self.detector.found()?);
            if number >= WARM_UP {
                turn.push(start.elapsed());
                self.whole.push(start.elapsed());
                self.network.push(ran - fitted);
            }
        }
        let median = turn.figures().median_ms / 1e3;
        self.turns.push(Duration::from_secs_f64(median));
        Ok(())
    }
}

/// Runs all on a frame, `frames` times each at least, in turns; `step` is called after each turn, and ends
/// the race by false.
///
/// # Errors
/// If the frame's size cannot be.
pub fn race(
    contestants: &mut [Contestant],
    frame: &Frame,
    frames: usize,
    mut step: impl FnMut() -> bool,
) -> Result<()> {
    for round in 0..ROUNDS {
        // The first of a round is another one each time.
        let count = contestants.len();
        for place in 0..count {
            contestants[(place + round) % count].turn(frame, frames.div_ceil(ROUNDS))?;
            if !step() {
                return Ok(());
            }
        }
    }
    Ok(())
}
