//! Axes, most of them logarithmic: where a value lies, and what is written beside it.

/// From one round number to another, each 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    is_linear: bool,
}

impl Axis {
    /// The shortest axis that holds all positive values; from 1 to 10 without any.
    pub(crate) fn over(values: impl Iterator<Item = f64>) -> Axis {
        let positive = values.filter(|value| *value > 0.0 && value.is_finite());
        let (low, high) = positive.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return Axis {
                low: 1.0,
                high: 10.0,
                is_linear: false,
            };
        }
        let mut rounds = rounds(low / 10.0, high * 10.0);
        let above = rounds.iter().position(|round| *round >= high * 1.05);
        rounds.truncate(above.map_or(rounds.len(), |last| last + 1));
        let below = rounds.iter().rposition(|round| *round <= low / 1.05);
        Axis {
            low: rounds[below.unwrap_or(0)],
            high: rounds[rounds.len() - 1],
            is_linear: false,
        }
    }

    /// A linear axis from 0 to the first tenth that is not below `most`.
    pub(crate) fn tenths(most: f64) -> Axis {
        Axis {
            low: 0.0,
            high: ((10.0 * most).ceil() / 10.0).max(0.1),
            is_linear: true,
        }
    }

    /// The place of a value: 0 at the low end, 1 at the high one.
    pub(crate) fn part(&self, value: f64) -> f64 {
        if self.is_linear {
            return value / self.high;
        }
        (value.max(self.low * 1e-3) / self.low).log10() / (self.high / self.low).log10()
    }

    /// Both ends.
    pub(crate) fn ends(&self) -> [f64; 2] {
        [self.low, self.high]
    }

    /// Where lines are drawn, and whether a number is written there: at all round numbers of a short
    /// axis, at powers of ten of a long one.
    pub(crate) fn ticks(&self) -> Vec<(f64, bool)> {
        if self.is_linear {
            let tenths = (10.0 * self.high).round() as u32;
            return (0..=tenths)
                .map(|tenth| (f64::from(tenth) / 10.0, true))
                .collect();
        }
        let short = self.high / self.low < 2000.0;
        let all = rounds(self.low * 0.999, self.high * 1.001).into_iter();
        all.map(|value| (value, short || is_power_of_ten(value)))
            .collect()
    }
}

/// 1, 2 and 5 times the powers of ten from `low` to `high`.
fn rounds(low: f64, high: f64) -> Vec<f64> {
    let powers = low.log10().floor() as i32..=high.log10().ceil() as i32;
    let all = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(power)));
    all.filter(|value| (low..=high).contains(value)).collect()
}

fn is_power_of_ten(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-9
}

/// A round number in few characters: `0.5`, `20`, `5 k`, `1 M`.
pub(crate) fn short(value: f64) -> String {
    match value {
        value if value >= 1e12 => format!("{} T", value / 1e12),
        value if value >= 1e9 => format!("{} G", value / 1e9),
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_round_numbers_around_its_values() {
        for (values, ends) in [
            (vec![30.0, 700.0], [20.0, 1000.0]),
            (vec![1.0, 1.0], [0.5, 2.0]),
            (vec![0.0, f64::INFINITY], [1.0, 10.0]),
        ] {
            let axis = Axis::over(values.into_iter());
            for (end, expected) in axis.ends().iter().zip(ends) {
                assert!((end / expected - 1.0).abs() < 1e-9, "{end} {expected}");
            }
            assert_eq!((axis.part(axis.low), axis.part(axis.high)), (0.0, 1.0));
        }
    }

    #[test]
    fn numbers_are_short() {
        let cases = [(0.5, "0.5"), (20.0, "20"), (5000.0, "5 k"), (1e6, "1 M")];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
