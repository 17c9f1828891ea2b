//! Levels as codes.

use super::chain::{self, MAX_LEVELS};
use super::value::Levels;
use tincy_network::Code;

/// Codes of levels: how many steps a level is, and what they stand for.
pub(super) struct Coding {
    pub(super) code: Code,
    pub(super) steps: usize,
    pub(super) levels: Levels,
}

/// How levels are written as codes. Zero is a code where maps are padded.
pub(super) fn coding(lists: &[Vec<f32>], is_padded: bool) -> Option<Coding> {
    let count = lists[0].len();
    if count.saturating_mul(lists.len()) > chain::MAX_WORK {
        return None;
    }
    let lines = chain::lines(lists).filter(|_| (1..=MAX_LEVELS).contains(&count))?;
    let mut levels = Levels {
        scale: lines.iter().map(|[scale, _]| *scale).collect(),
        offset: lines.iter().map(|[_, offset]| *offset).collect(),
    };
    let (mut steps, mut zero) = (1, 0);
    if let Some([scale, offset]) = levels.single().filter(|_| is_padded) {
        // The place of zero among the levels, in halves of a step.
        let place = -2.0 * offset / scale;
        let halves = place.round();
        let is_code = (0.0..=2.0 * (count - 1) as f64).contains(&halves);
        let is_whole = halves % 2.0 == 0.0;
        if is_code && (place - halves).abs() < 1e-5 && (is_whole || 2 * count <= MAX_LEVELS) {
            steps = if is_whole { 1 } else { 2 };
            zero = halves as usize * steps / 2;
            levels = Levels {
                scale: vec![scale / steps as f64],
                offset: vec![0.0],
            };
        }
    }
    let largest = (steps * (count - 1)).max(1);
    let bits = (largest.ilog2() + 1) as u8;
    let code = Code {
        bits,
        signed: false,
        scale: levels.scale[0],
        zero: zero as i32,
    };
    Some(Coding {
        code,
        steps,
        levels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(levels: &[f32], is_padded: bool) -> (u8, i32, usize, Levels) {
        let coding = coding(&[levels.to_vec()], is_padded).unwrap();
        (
            coding.code.bits,
            coding.code.zero,
            coding.steps,
            coding.levels,
        )
    }

    fn levels(scale: f64, offset: f64) -> Levels {
        Levels {
            scale: vec![scale],
            offset: vec![offset],
        }
    }

    #[test]
    fn zero_is_a_code_where_maps_are_padded() {
        let three = [-0.5, 0.0, 0.5];
        assert_eq!(codes(&three, false), (2, 0, 1, levels(0.5, -0.5)));
        assert_eq!(codes(&three, true), (2, 1, 1, levels(0.5, 0.0)));
        // Between two levels, zero is a code that no element has.
        assert_eq!(codes(&[-1.0, 1.0], false), (1, 0, 1, levels(2.0, -1.0)));
        assert_eq!(codes(&[-1.0, 1.0], true), (2, 1, 2, levels(1.0, 0.0)));
        assert_eq!(codes(&[1.0, 2.0], true), (1, 0, 1, levels(1.0, 1.0)));
        assert_eq!(
            codes(&[0.0, 1.0, 2.0, 3.0], true),
            (2, 0, 1, levels(1.0, 0.0))
        );
    }

    #[test]
    fn levels_that_are_on_no_line_are_no_codes() {
        assert!(coding(&[vec![0.0, 1.0, 3.0]], false).is_none());
        let many: Vec<f32> = (0..257).map(|n| n as f32).collect();
        assert!(coding(std::slice::from_ref(&many), false).is_none());
        assert!(coding(&[many[1..].to_vec()], false).is_some());
    }
}
