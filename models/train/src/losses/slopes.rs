//! Gradients of losses against differences of the losses themselves, for tests.

use super::HeadMap;

/// A grid and its numbers.
pub(super) struct Grid {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) values: Vec<f32>,
}

/// Numbers between -1 and 1, the same each time.
pub(super) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The maps of grids.
pub(super) fn maps(grids: &[Grid]) -> Vec<HeadMap<'_>> {
    let maps = grids.iter().map(|grid| HeadMap {
        rows: grid.rows,
        columns: grid.columns,
        values: &grid.values,
    });
    maps.collect()
}

/// Room for the gradients of grids.
pub(super) fn room(grids: &[Grid]) -> Vec<Vec<f32>> {
    grids
        .iter()
        .map(|grid| vec![0.0; grid.values.len()])
        .collect()
}

/// That `gradients` are the slopes of `loss`.
pub(super) fn check(
    grids: &mut [Grid],
    gradients: &[Vec<f32>],
    loss: impl Fn(&[HeadMap<'_>]) -> f64,
) {
    const STEP: f32 = 1.0 / 128.0;
    for head in 0..grids.len() {
        for i in 0..grids[head].values.len() {
            let before = grids[head].values[i];
            let mut at = |value: f32| {
                grids[head].values[i] = value;
                loss(&maps(grids))
            };
            let slope = (at(before + STEP) - at(before - STEP)) / (2.0 * f64::from(STEP));
            grids[head].values[i] = before;
            let found = f64::from(gradients[head][i]);
            let tolerance = 1e-3 * (1.0 + slope.abs());
            assert!(
                (found - slope).abs() < tolerance,
                "head {head}, number {i}: {found}, not {slope}"
            );
        }
    }
}
