//! Rounding to whole numbers, in operations that every CPU does several at a time.

/// Adding and taking away 1.5 * 2^23 leaves no room for fractions: rounds to a whole number, ties
/// to even, for numbers below 2^22.
const SHIFT: f32 = 12_582_912.0;

/// The nearest whole number, ties to even, as the engine rounds to codes. Below 2^22.
#[inline(always)]
pub(super) fn nearest(value: f32) -> f32 {
    (value + SHIFT) - SHIFT
}

/// The value, cut to a range; NaN stays NaN, so that a run that has gone wrong shows it.
#[inline(always)]
pub(super) fn cut(value: f32, low: f32, high: f32) -> f32 {
    let value = if value < low { low } else { value };
    if value > high { high } else { value }
}

/// `floor(value + 1/2)`, as the papers round. Below 2^22.
#[inline(always)]
pub(super) fn half_up(value: f32) -> f32 {
    let raised = value + 0.5;
    let rounded = (raised + SHIFT) - SHIFT;
    if rounded > raised {
        rounded - 1.0
    } else {
        rounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_as_the_definitions() {
        for step in -40_000..40_000 {
            let value = step as f32 / 64.0;
            assert_eq!(nearest(value), value.round_ties_even(), "{value}");
            assert_eq!(half_up(value), (value + 0.5).floor(), "{value}");
        }
    }
}
