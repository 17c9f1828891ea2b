//! Every instruction set of this machine held to the reference.

use super::{Lanes, kernel};
use crate::isa::Isa;
use crate::kernels::tester::{
    Case, Random, Wanted, all_codes, check, check_extremes, check_random,
};
use tincy_network::{WeightKind, Weights};

/// QEMU is some forty times slower.
const CASES: usize = if cfg!(target_arch = "aarch64") {
    40
} else {
    250
};

const LANES: [Lanes; 2] = [Lanes::Positions, Lanes::Channels];

fn wanted() -> Wanted {
    Wanted {
        weights: vec![
            WeightKind::Ternary,
            WeightKind::Ternary,
            WeightKind::Int { bits: 2 },
            WeightKind::Int { bits: 3 },
        ],
        inputs: all_codes(),
        pools: vec![None],
        multiplied: vec![false],
        largest: 17,
        ..Wanted::default()
    }
}

fn for_all(mut check: impl FnMut(Isa, Lanes)) {
    for isa in Isa::all() {
        for lanes in LANES {
            check(isa, lanes);
        }
    }
}

/// Leaves `percent` of the weights that are not zero, and none in some channels.
fn thin(case: &mut Case, random: &mut Random, percent: u64) {
    let c = &mut case.convolution;
    let mut weights = c.weights.unpack();
    let window = c.window(case.input.channels);
    for channel in weights.chunks_exact_mut(window) {
        let none = random.one_in(8);
        for weight in channel {
            if none || random.next() % 100 >= percent {
                *weight = 0;
            }
        }
    }
    c.weights = Weights::integers(c.weights.kind(), &weights).expect("the same kind");
}

#[test]
fn any_shape() {
    for_all(|isa, lanes| {
        check_random(&wanted(), 1, CASES, &|task| kernel(task, isa, lanes));
    });
}

#[test]
fn any_sparsity() {
    for_all(|isa, lanes| {
        let mut random = Random::new(2);
        for i in 0..CASES {
            let mut case = wanted().case(&mut random);
            let percent = [0, 1, 2, 5, 10, 25, 50, 100][i % 8];
            thin(&mut case, &mut random, percent);
            assert!(check(&case, &|task| kernel(task, isa, lanes)));
        }
    });
}

#[test]
fn sums_at_their_bounds() {
    let deep = Wanted {
        weights: vec![WeightKind::Ternary],
        channels: vec![16, 144, 300, 700],
        kernels: vec![[1, 1], [3, 3]],
        ..wanted()
    };
    for_all(|isa, lanes| {
        check_extremes(&wanted(), 3, CASES / 4, &|task| kernel(task, isa, lanes));
        check_extremes(&deep, 4, CASES / 8, &|task| kernel(task, isa, lanes));
    });
}
