//! Rate and latency in the corner of the picture.

use crate::live::Item;
use std::collections::VecDeque;
use std::fmt::Write;
use std::time::{Duration, Instant};

/// How long back the rate looks.
const WINDOW: Duration = Duration::from_secs(2);

/// When the last frames were put out.
#[derive(Debug, Default)]
pub(super) struct Hud {
    times: VecDeque<Instant>,
}

impl Hud {
    /// Gives a frame that is put out now its line.
    pub(super) fn write(&mut self, item: &mut Item) {
        let rate = self.rate(Instant::now());
        let latency = item.born.elapsed().as_secs_f64() * 1e3;
        item.shot.caption.clear();
        // Writing to a string cannot fail.
        let _ = match rate {
            Some(rate) => write!(item.shot.caption, "{rate:.1} fps, {latency:.0} ms"),
            None => write!(item.shot.caption, "{latency:.0} ms"),
        };
    }

    /// Frames a second, with one at `now`; none before there are two.
    fn rate(&mut self, now: Instant) -> Option<f64> {
        self.times.push_back(now);
        let is_old = |time: &Instant| now.duration_since(*time) > WINDOW;
        // One that is older stays, for slow rates.
        while self.times.len() > 2 && self.times.get(1).is_some_and(is_old) {
            self.times.pop_front();
        }
        let first = *self.times.front()?;
        let seconds = now.duration_since(first).as_secs_f64();
        (seconds > 0.0).then(|| (self.times.len() - 1) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_that_of_the_last_frames() {
        let (mut hud, start) = (Hud::default(), Instant::now());
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        assert_eq!(hud.rate(at(0.0)), None);
        let near = |rate: Option<f64>, expected: f64| (rate.unwrap() - expected).abs() < 1e-6;
        for frame in 1..=50 {
            assert!(near(hud.rate(at(f64::from(frame) * 0.1)), 10.0), "{frame}");
        }
        // Then slow: the last two frames are what there is.
        assert!(hud.times.len() <= 22, "{}", hud.times.len());
        hud.rate(at(15.0));
        assert!(near(hud.rate(at(25.0)), 0.1));
    }
}
