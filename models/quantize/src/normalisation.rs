//! Batch normalisation and rounding folded into thresholds of an integer sum, exactly.
//!
//! With `y = gamma * (scale * acc - mean) / sigma + beta` and the code `floor(y / step + 1/2)` cut to 0 to
//! `2^bits - 1`, code `j` or more is where
//!
//! ```text
//! acc >= (((j - 1/2) * step - beta) * sigma / gamma + mean) / scale        gamma > 0
//! acc <= the same                                                          gamma < 0
//! ```

use crate::Error;

/// A unit of the parameters: they are exact multiples of it, or rounded to one.
const UNIT: f64 = 1.0 / 65536.0;

/// The largest parameter, so that products of three fit 128 bits.
const MOST: f64 = (1u64 << 20) as f64;

/// The parameters of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Normalisation {
    /// Multiplies what is normalised.
    pub gamma: f64,
    /// Added last.
    pub beta: f64,
    /// Subtracted first.
    pub mean: f64,
    /// Divided by; positive.
    pub sigma: f64,
    /// A step of the sum; positive.
    pub scale: f64,
    /// A step of the code; positive.
    pub step: f64,
}

/// How codes are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// The number of thresholds that the sum reaches.
    Reached(Vec<i64>),
    /// The number of thresholds that the sum does not exceed; negated weights and thresholds turn it round.
    NotExceeded(Vec<i64>),
    /// The same code for every sum.
    Always(i64),
}

impl Normalisation {
    /// The thresholds of a code of `bits` bits, exact for parameters that are multiples of 2^-16.
    ///
    /// # Errors
    /// If a parameter is no number or beyond 2^20, or one that must be positive is not.
    pub fn thresholds(&self, bits: u8) -> Result<Count, Error> {
        let values = [
            self.gamma, self.beta, self.mean, self.sigma, self.scale, self.step,
        ];
        let units = values.map(|value| (value / UNIT).round());
        let fits = |unit: &f64| unit.abs() <= MOST / UNIT;
        let is_positive = units[3..].iter().all(|unit| *unit > 0.0);
        if !(units.iter().all(fits) && is_positive && (1..=8).contains(&bits)) {
            let what =
                "parameters up to 2^20, deviation and steps positive, 1 to 8 bits are expected";
            return Err(Error::layer("normalisation", what));
        }
        let [gamma, beta, mean, sigma, scale, step] = units.map(|unit| unit as i128);
        let codes = 1..1i128 << bits;
        if gamma == 0 {
            // floor(beta / step + 1/2)
            let code = (2 * beta + step).div_euclid(2 * step);
            return Ok(Count::Always(code.clamp(0, (1 << bits) - 1) as i64));
        }
        // (upper * sigma / (2 gamma) + mean) / scale, in which units cancel.
        let edge = |code: i128| {
            let upper = (2 * code - 1) * step - 2 * beta;
            let above = upper * sigma + 2 * mean * gamma;
            let below = 2 * gamma * scale;
            (above * below.signum(), below.abs())
        };
        let down = |(above, below): (i128, i128)| above.div_euclid(below) as i64;
        let up = |(above, below): (i128, i128)| -(-above).div_euclid(below) as i64;
        Ok(match gamma > 0 {
            true => Count::Reached(codes.map(|code| up(edge(code))).collect()),
            false => Count::NotExceeded(codes.map(|code| down(edge(code))).collect()),
        })
    }
}

impl Count {
    /// The code of a sum.
    pub fn code(&self, sum: i64) -> i64 {
        let counted = |thresholds: &[i64], holds: &dyn Fn(i64) -> bool| {
            thresholds.iter().filter(|t| holds(**t)).count() as i64
        };
        match self {
            Count::Reached(thresholds) => counted(thresholds, &|t| sum >= t),
            Count::NotExceeded(thresholds) => counted(thresholds, &|t| sum <= t),
            Count::Always(code) => *code,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_folded_is_refused() {
        let sound = Normalisation {
            gamma: 1.0,
            beta: 0.0,
            mean: 0.0,
            sigma: 1.0,
            scale: 1.0,
            step: 2.0,
        };
        assert_eq!(sound.thresholds(2).unwrap(), Count::Reached(vec![1, 3, 5]));
        for sigma in [0.0, -1.0, f64::NAN, 1e30] {
            assert!(Normalisation { sigma, ..sound }.thresholds(2).is_err());
        }
    }
}
