//! The levels of a chain that rounds, and where it goes from one to the next.

use super::step::Step;
use super::value::Chain;
use tincy_network::order;

/// The most levels: those of a code of 8 bits.
pub(super) const MAX_LEVELS: usize = 256;

/// The most whole numbers that a chain may round to before it cuts them down.
const MAX_CANDIDATES: f32 = 65_536.0;

/// The most levels of all channels together; a damaged file must not ask for unbounded work.
pub(super) const MAX_WORK: usize = 1 << 22;

/// How far levels may be from a line, as a share of the largest.
const TOLERANCE: f64 = 4e-7;

/// A chain's functions of one channel.
pub(super) fn of_channel(chain: &[Step<Vec<f32>>], channel: usize) -> Vec<Step<f32>> {
    chain.iter().map(|step| step.of_channel(channel)).collect()
}

/// One function after the other.
pub(super) fn apply(steps: &[Step<f32>], x: f32) -> f32 {
    steps.iter().fold(x, |x, step| step.apply(x))
}

/// For each channel 1 where the chain rises with its argument, -1 where it falls.
pub(super) fn signs(chain: &Chain, channels: usize) -> Vec<f32> {
    let rises = |channel| {
        let mut steps = chain.iter().map(|step| step.rises(channel) != Some(false));
        // An even number of falls is a rise.
        steps.by_ref().fold(true, |up, rises| up == rises)
    };
    (0..channels)
        .map(|c| if rises(c) { 1.0 } else { -1.0 })
        .collect()
}

/// Whether channels have constants of their own.
fn is_by_channel(chain: &[Step<Vec<f32>>]) -> bool {
    chain.iter().any(|step| match step {
        Step::Add(c) | Step::Multiply(c) | Step::Divide(c) => c.len() > 1,
        Step::Count { lists, .. } => *lists > 1,
        _ => false,
    })
}

/// The levels of each channel, rising; one list if all have the same. `ends` are the smallest and largest
/// arguments of a channel, for chains that do not limit themselves. `None` if there is no rounding, or
/// no end of levels.
pub(super) fn levels(
    chain: &Chain,
    channels: usize,
    ends: impl Fn(usize) -> [f32; 2],
) -> Option<Vec<Vec<f32>>> {
    let last = chain.iter().rposition(Step::is_discrete)?;
    let all = channels;
    let channels = if is_by_channel(chain) { all } else { 1 };
    let heads: Vec<_> = (0..channels)
        .map(|c| of_channel(&chain[..=last], c))
        .collect();
    let range = |ends: &dyn Fn(usize) -> [f32; 2]| {
        // Arguments differ by channel where functions do not.
        let values = (0..all).flat_map(|c| ends(c).map(|x| apply(&heads[c % channels], x)));
        let [low, high] = values.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], value| {
            [low.min(value), high.max(value)]
        });
        (high - low < MAX_CANDIDATES && low.is_finite()).then_some([low, high])
    };
    let [low, high] = range(&|_| [f32::MIN, f32::MAX]).or_else(|| range(&ends))?;
    let step = if chain[last] == Step::Sign { 2 } else { 1 };
    let candidates = (low as i64..=high as i64).step_by(step);
    if candidates.clone().count().saturating_mul(channels) > MAX_WORK {
        return None;
    }
    let mut lists = Vec::with_capacity(channels);
    for channel in 0..channels {
        let tail = of_channel(&chain[last + 1..], channel);
        let values = candidates.clone().map(|n| apply(&tail, n as f32));
        let mut list: Vec<f32> = values.collect();
        if list.iter().any(|level| !level.is_finite()) {
            return None;
        }
        // Zeros of both signs are one level.
        list.iter_mut().for_each(|level| *level += 0.0);
        list.sort_by(f32::total_cmp);
        list.dedup();
        lists.push(list);
    }
    if lists.iter().all(|list| *list == lists[0]) {
        lists.truncate(1);
    }
    Some(lists)
}

/// `[scale, offset]` of each list, if levels lie on a line and all lists have as many.
pub(super) fn lines(lists: &[Vec<f32>]) -> Option<Vec<[f64; 2]>> {
    lists
        .iter()
        .map(|list| line(list).filter(|_| list.len() == lists[0].len()))
        .collect()
}

fn line(levels: &[f32]) -> Option<[f64; 2]> {
    let [first, last] = [*levels.first()?, *levels.last()?].map(f64::from);
    if levels.len() == 1 {
        return Some([1.0, first]);
    }
    let scale = (last - first) / (levels.len() - 1) as f64;
    let room = TOLERANCE * first.abs().max(last.abs());
    let off = |(k, level): (usize, &f32)| (f64::from(*level) - first - scale * k as f64).abs();
    let is_line = levels.iter().enumerate().all(|level| off(level) <= room);
    is_line.then_some([scale, first])
}

/// For each level but the first, the least number from `low` to `high` at which a rising function reaches
/// it, or the one after.
pub(super) fn reached(
    levels: &[f32],
    [low, high]: [i64; 2],
    value: impl Fn(i64) -> f32,
) -> Vec<i64> {
    let mut least = low;
    let next = |level: &f32| {
        least = order::first(least, high, |number| value(number) >= *level);
        least
    };
    levels.iter().skip(1).map(next).collect()
}

#[cfg(test)]
mod tests {
    use super::super::step::Rounding;
    use super::*;

    fn two_bits() -> Chain {
        vec![
            Step::Divide(vec![0.5]),
            Step::Clip(-1.0, 1.0),
            Step::Round(Rounding::HalfEven),
            Step::Multiply(vec![0.5]),
        ]
    }

    #[test]
    fn levels_are_those_of_the_last_rounding() {
        let mut chain = two_bits();
        let open = |_| [0.0, 0.0];
        assert_eq!(levels(&chain, 3, open), Some(vec![vec![-0.5, 0.0, 0.5]]));
        chain.push(Step::Function(tincy_network::Activation::Relu));
        assert_eq!(levels(&chain, 3, open), Some(vec![vec![0.0, 0.5]]));
        chain.push(Step::Multiply(vec![1.0, -1.0]));
        let lists = levels(&chain, 2, open).unwrap();
        assert_eq!(lists, [[0.0, 0.5], [-0.5, 0.0]]);
        assert_eq!(lines(&lists), Some(vec![[0.5, 0.0], [0.5, -0.5]]));
        assert_eq!(signs(&chain, 2), [1.0, -1.0]);
        assert_eq!(
            levels(&vec![Step::Sign], 1, open),
            Some(vec![vec![-1.0, 1.0]])
        );
    }

    #[test]
    fn open_chains_are_limited_by_their_arguments() {
        let chain: Chain = vec![Step::Divide(vec![4.0]), Step::Round(Rounding::Floor)];
        let lists = levels(&chain, 1, |_| [-5.0, 9.0]).unwrap();
        assert_eq!(lists, [[-2.0, -1.0, 0.0, 1.0, 2.0]]);
        assert_eq!(levels(&chain, 1, |_| [f32::MIN, f32::MAX]), None);
        assert_eq!(levels(&Vec::new(), 1, |_| [0.0, 1.0]), None);
    }

    #[test]
    fn thresholds_are_where_levels_begin() {
        let steps = of_channel(&two_bits(), 0);
        let value = |number: i64| apply(&steps, order::float_of(number));
        let ends = [f32::MIN, f32::MAX].map(order::number_of);
        let found = reached(&[-0.5, 0.0, 0.5], ends, value);
        // Halves go to the even level: to 0 from -0.25 and 0.25.
        let found: Vec<f32> = found.into_iter().map(order::float_of).collect();
        assert_eq!(found, [-0.25, 0.25_f32.next_up()]);
        let sums = reached(&[0.0, 1.0, 2.0], [-8, 8], |n| {
            (n as f32 / 8.0).floor().max(0.0)
        });
        assert_eq!(sums, [8, 9]);
    }
}
