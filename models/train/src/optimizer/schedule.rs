//! The rate over a run.

/// A linear rise, then half a cosine down to a share of the rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The highest rate.
    pub rate: f32,
    /// Steps until it is reached.
    pub warm_up: u64,
    /// Share of the rate that is left at the end.
    pub floor: f32,
}

impl Schedule {
    /// The rate of step `step` (from 0 on) when `progress` of the run, 0 to 1, is over.
    pub fn at(&self, step: u64, progress: f64) -> f32 {
        let rise = ((step + 1) as f64 / self.warm_up.max(1) as f64).min(1.0);
        let floor = f64::from(self.floor);
        let cosine = (1.0 + (std::f64::consts::PI * progress.clamp(0.0, 1.0)).cos()) / 2.0;
        (f64::from(self.rate) * rise * (floor + (1.0 - floor) * cosine)) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_and_falls() {
        let schedule = Schedule {
            rate: 0.1,
            warm_up: 10,
            floor: 0.02,
        };
        assert!((schedule.at(0, 0.0) - 0.01).abs() < 1e-8);
        assert!((schedule.at(9, 0.0) - 0.1).abs() < 1e-8);
        assert!((schedule.at(50, 0.5) - 0.051).abs() < 1e-8);
        assert!((schedule.at(99, 1.0) - 0.002).abs() < 1e-8);
    }
}
