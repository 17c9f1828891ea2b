//! The threshold that most magnitudes do not exceed.

/// The magnitude of nearest rank: of `n` ascending ones, number `ceil(n * share / whole)`. They are given
/// with how often each occurs.
pub fn threshold(
    ascending: impl Iterator<Item = (f64, u64)> + Clone,
    share: u64,
    whole: u64,
) -> f64 {
    let all: u64 = ascending.clone().map(|(_, count)| count).sum();
    let rank = (u128::from(all) * u128::from(share))
        .div_ceil(u128::from(whole))
        .max(1);
    let mut seen = 0u128;
    let mut reached = ascending.filter(|(_, count)| {
        seen += u128::from(*count);
        seen >= rank
    });
    reached.next().map_or(0.0, |(magnitude, _)| magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        let counted = [(1.0, 5), (2.0, 4), (9.0, 1)];
        let at = |share| threshold(counted.into_iter(), share, 10);
        assert_eq!([0, 5, 6, 9, 10].map(at), [1.0, 1.0, 2.0, 2.0, 9.0]);
        assert_eq!(threshold([].into_iter(), 1, 2), 0.0);
    }
}
