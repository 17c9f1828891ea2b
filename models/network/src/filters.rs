//! Convolutions with some of their filters, or on some of their input channels.

use crate::{Affine, Convolution, Error, Finish, Thresholds, Values, WeightKind, Weights};

impl Convolution {
    /// The same convolution with these filters only, in this order. Groups stay as they are, so of a
    /// grouped one as many must be kept of each.
    ///
    /// # Errors
    /// If the weights are not of their kind.
    ///
    /// # Panics
    /// If there is no filter of a number.
    pub fn with_filters(&self, kept: &[usize]) -> Result<Convolution, Error> {
        let window = self.weights.count() / self.out_channels;
        Ok(Convolution {
            out_channels: kept.len(),
            weights: self.weights.selected(window, kept, window)?,
            finish: self.finish.with_filters(kept),
            ..self.clone()
        })
    }

    /// The same convolution on these of its input channels, of which it has `channels` and no groups.
    ///
    /// # Errors
    /// If the weights are not of their kind.
    ///
    /// # Panics
    /// If there is no channel of a number.
    pub fn with_inputs(&self, channels: usize, left: &[usize]) -> Result<Convolution, Error> {
        let positions = self.weights.count() / channels;
        let runs = (0..positions).flat_map(|at| left.iter().map(move |c| at * channels + c));
        let window = self.kernel[0] * self.kernel[1] * left.len();
        Ok(Convolution {
            weights: self
                .weights
                .selected(1, &runs.collect::<Vec<_>>(), window)?,
            ..self.clone()
        })
    }
}

impl Weights {
    /// Some rows of so many weights, which make windows of `window`.
    fn selected(&self, row: usize, kept: &[usize], window: usize) -> Result<Weights, Error> {
        let selected = match self.kind() {
            WeightKind::F32 => return Ok(Weights::floats(rows(self.as_floats(), row, kept))),
            kind => Weights::integers(kind, &rows(&self.signs(), row, kept))?,
        };
        match self.multipliers() {
            [] => Ok(selected),
            values => selected.with_multipliers(window / values.len(), values.to_vec()),
        }
    }
}

impl Finish {
    fn with_filters(&self, kept: &[usize]) -> Finish {
        match self {
            Finish::Affine(affine) => Finish::Affine(Affine {
                scale: match affine.scale.is_empty() {
                    true => Values::default(),
                    false => rows(&affine.scale, 1, kept).into(),
                },
                bias: rows(&affine.bias, 1, kept).into(),
                ..affine.clone()
            }),
            Finish::Thresholds(thresholds) => Finish::Thresholds(Thresholds {
                values: rows(&thresholds.values, thresholds.steps(), kept).into(),
                ..thresholds.clone()
            }),
            Finish::Requantize(requantize) => {
                let mut some = requantize.clone();
                some.bias = rows(&requantize.bias, 1, kept).into();
                some.multiplier = rows(&requantize.multiplier, 1, kept).into();
                some.shift = rows(&requantize.shift, 1, kept).into();
                let entries = requantize.code.count();
                if let Some(table) = some.table.as_mut().filter(|t| t.is_by_channel(entries)) {
                    table.codes = rows(&table.codes, entries, kept).into();
                }
                Finish::Requantize(some)
            }
        }
    }
}

fn rows<T: Copy>(values: &[T], row: usize, kept: &[usize]) -> Vec<T> {
    kept.iter()
        .flat_map(|o| values[o * row..(o + 1) * row].iter().copied())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Padding};

    /// Three filters of one position on two channels, weights and thresholds by filter.
    fn convolution() -> Convolution {
        Convolution {
            out_channels: 3,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            weights: Weights::integers(WeightKind::Binary, &[1, -1, -1, -1, -1, 1]).unwrap(),
            finish: Finish::Thresholds(Thresholds {
                code: Code::unsigned(1, 1.0),
                values: vec![10, 20, 30].into(),
            }),
        }
    }

    #[test]
    fn filters_take_their_thresholds_along() {
        let some = convolution().with_filters(&[2, 0]).unwrap();
        assert_eq!(some.out_channels, 2);
        assert_eq!(some.weights.unpack(), [-1, 1, 1, -1]);
        let Finish::Thresholds(thresholds) = some.finish else {
            panic!("the finish stays what it is");
        };
        assert_eq!(*thresholds.values, [30, 10]);
    }

    #[test]
    fn multipliers_stay_with_their_positions() {
        let signs = [1, -1, -1, 1, -1, -1, 1, 1];
        let weights = Weights::integers(WeightKind::Binary, &signs).unwrap();
        let whole = Convolution {
            out_channels: 2,
            kernel: [1, 2],
            weights: weights.with_multipliers(2, vec![5, 7]).unwrap(),
            ..convolution()
        };
        let one = Convolution {
            finish: whole.finish.with_filters(&[0, 1]),
            ..whole
        };
        let filter = one.with_filters(&[1]).unwrap();
        assert_eq!(filter.weights.unpack(), [-5, -5, 7, 7]);
        let inputs = one.with_inputs(2, &[1]).unwrap();
        assert_eq!(inputs.weights.unpack(), [-5, 7, -5, 7]);
    }

    #[test]
    fn input_channels_are_taken_from_every_filter() {
        let some = convolution().with_inputs(2, &[1]).unwrap();
        assert_eq!(some.weights.unpack(), [-1, -1, 1]);
    }
}
