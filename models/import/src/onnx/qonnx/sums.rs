//! Linear layers of codes as sums of integers.

use super::integers;
use super::lower::Lowering;
use super::value::Sum;
use tincy_network::Weights;

/// Sums of integers: `scale * sum + offset` by channel, within bounds.
pub(super) struct IntegerSum {
    pub(super) integers: Vec<i32>,
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
    pub(super) bounds: Vec<[i64; 2]>,
}

impl IntegerSum {
    /// What a sum of a channel stands for.
    pub(super) fn value(&self, channel: usize, sum: i64) -> f32 {
        (self.scale[channel] * sum as f64 + self.offset[channel]) as f32
    }
}

impl Lowering<'_> {
    /// The sums of a layer, if they are of codes by weights of 8 bits.
    pub(super) fn integer_sum(&self, sum: &Sum) -> Option<IntegerSum> {
        let (_, number) = self.tensor(sum.input.source);
        let code = number.code()?;
        let [scale, offset] = readable(sum)?;
        let window = sum.window();
        let (integers, steps) = integers::of_weights(&sum.weights, window)?;
        let ends = [code.min() - code.zero, code.max() - code.zero].map(i64::from);
        let mut bounds = Vec::with_capacity(steps.len());
        let mut offsets = Vec::with_capacity(steps.len());
        for (weights, step) in integers.chunks_exact(window).zip(&steps) {
            let [mut low, mut high, mut total] = [0i64; 3];
            for weight in weights.iter().map(|weight| i64::from(*weight)) {
                let products = ends.map(|end| weight * end);
                low += products[0].min(products[1]).min(0);
                high += products[0].max(products[1]).max(0);
                total += weight;
            }
            let fits = |end: i64| i32::try_from(end).is_ok_and(|end| end != i32::MAX);
            if !fits(low) || !fits(high) {
                return None;
            }
            bounds.push([low, high]);
            offsets.push(offset * step * total as f64);
        }
        Some(IntegerSum {
            integers,
            scale: steps.iter().map(|step| step * scale).collect(),
            offset: offsets,
            bounds,
        })
    }
}

/// Scale and offset of the codes that a linear layer reads, if the layer can read them: outside the map
/// is zero.
pub(super) fn readable(sum: &Sum) -> Option<[f64; 2]> {
    let levels = sum.input.levels.as_ref()?.single()?;
    (levels[1] == 0.0 || !sum.windows.is_padded()).then_some(levels)
}

/// Integers in the fewest bits, if 8 are enough.
pub(super) fn packed(integers: &[i32]) -> Option<Weights> {
    let integers: Result<Vec<i8>, _> = integers.iter().map(|n| i8::try_from(*n)).collect();
    integers::packed(&integers.ok()?).ok()
}
