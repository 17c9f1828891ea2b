//! Real numbers to codes by thresholds.

use crate::rules::expect;
use crate::{Code, Error, Number, Values};
use serde::{Deserialize, Serialize};

/// The code of an element is the number of its channel's thresholds that it reaches (`x >= t`); of NaN
/// it is 0.
///
/// Any monotone function to few levels is this exactly: scaling, batch norm, rounding of any kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    /// Unsigned.
    pub code: Code,
    /// Lists of thresholds: one for each channel, or one for all.
    pub lists: usize,
    /// `[lists][steps]`, rising within a list; at most as many as the largest code.
    #[serde(skip)]
    pub values: Values<f32>,
}

impl Steps {
    /// The thresholds of a channel.
    pub fn channel(&self, channel: usize) -> &[f32] {
        let steps = self.values.len() / self.lists;
        &self.values[channel % self.lists * steps..][..steps]
    }

    /// The code of an element of a channel.
    pub fn apply(&self, value: f32, channel: usize) -> u8 {
        let reached = self.channel(channel).iter().filter(|t| value >= **t);
        reached.count() as u8
    }

    pub(crate) fn check(&self, channels: usize) -> Result<(), Error> {
        if !self.code.is_valid() || self.code.signed {
            let found = Number::Code(self.code);
            return Err(Error::layer("code of steps", "an unsigned one", found));
        }
        if self.lists != 1 {
            expect("lists of steps", channels, self.lists)?;
        }
        let steps = self.values.len() / self.lists;
        let most = self.code.max() as usize;
        if !self.values.len().is_multiple_of(self.lists) || !(1..=most).contains(&steps) {
            let expected = format!("1 to {most} for each of {} lists", self.lists);
            return Err(Error::layer("steps", expected, self.values.len()));
        }
        // NaN is in no order.
        match (0..self.lists).find(|list| !self.channel(*list).is_sorted()) {
            None => Ok(()),
            Some(list) => Err(Error::layer(
                "steps",
                "rising",
                format!("list {list} unsorted"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(bits: u8, lists: usize, values: &[f32]) -> Steps {
        Steps {
            code: Code::unsigned(bits, 1.0),
            lists,
            values: values.to_vec().into(),
        }
    }

    #[test]
    fn a_threshold_is_reached_by_itself() {
        let two = steps(2, 2, &[-1.0, 0.0, 0.5, f32::INFINITY]);
        assert!(two.check(2).is_ok());
        let codes = |channel| [-2.0, -1.0, 0.0, 0.5, f32::NAN].map(|x| two.apply(x, channel));
        assert_eq!(codes(0), [0, 1, 2, 2, 0]);
        assert_eq!(codes(1), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert!(steps(1, 1, &[0.0]).check(7).is_ok());
        assert!(steps(1, 1, &[0.0, 1.0]).check(7).is_err());
        assert!(steps(1, 1, &[]).check(7).is_err());
        assert!(steps(2, 2, &[0.0, 1.0]).check(7).is_err());
        assert!(steps(2, 2, &[0.0, 1.0, 2.0]).check(2).is_err());
        assert!(steps(2, 1, &[1.0, 0.0]).check(1).is_err());
        assert!(steps(2, 1, &[f32::NAN, 0.0]).check(1).is_err());
    }
}
