//! Where a rising function reaches a value, for integers and, by their numbers in order, for floats.

/// The least number from `low` to `high` that reaches, or the one after; once it is reached, all that
/// follow do.
pub fn first(mut low: i64, high: i64, reaches: impl Fn(i64) -> bool) -> i64 {
    let mut end = high + 1;
    while low < end {
        let middle = low + (end - low) / 2;
        match reaches(middle) {
            true => end = middle,
            false => low = middle + 1,
        }
    }
    low
}

/// The number of a float in their order; -0 comes before 0.
pub fn number_of(value: f32) -> i64 {
    let bits = value.to_bits() as i32;
    i64::from(bits ^ ((bits >> 31) & i32::MAX))
}

/// The float of a number; infinity comes after the largest one.
pub fn float_of(number: i64) -> f32 {
    let bits = number as i32;
    f32::from_bits((bits ^ ((bits >> 31) & i32::MAX)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_reaches() {
        for wanted in -3..=5 {
            assert_eq!(first(-3, 4, |number| number >= wanted), wanted);
        }
    }

    #[test]
    fn floats_are_numbered_in_their_order() {
        let rising = [
            f32::NEG_INFINITY,
            f32::MIN,
            -1.0,
            -0.0,
            0.0,
            1e-45,
            2.5,
            f32::MAX,
            f32::INFINITY,
        ];
        let numbers = rising.map(number_of);
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
        assert_eq!(
            numbers.map(|n| float_of(n).to_bits()),
            rising.map(f32::to_bits)
        );
        assert_eq!(number_of(f32::MAX) + 1, number_of(f32::INFINITY));
    }
}
