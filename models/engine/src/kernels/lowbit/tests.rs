//! Every instruction set of this machine held to the reference.

use super::kernel;
use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use crate::kernels::tester::{Finishing, Groups, Wanted, check_extremes, check_random};
use tincy_network::{Code, Number, Padding, Pool, WeightKind};

/// QEMU is some forty times slower.
const CASES: usize = if cfg!(target_arch = "aarch64") {
    40
} else {
    400
};

fn wanted(bits: std::ops::RangeInclusive<u8>) -> Wanted {
    let pool = |stride, padding| {
        Some(Pool {
            size: [2, 2],
            stride: [stride; 2],
            padding,
        })
    };
    Wanted {
        weights: vec![WeightKind::Binary, WeightKind::Ternary],
        multiplied: vec![false],
        inputs: bits
            .map(|bits| Number::Code(Code::unsigned(bits, 0.5)))
            .collect(),
        pools: vec![
            None,
            pool(2, Padding::default()),
            pool(1, Padding::split(1)),
        ],
        finishes: vec![
            Finishing::Thresholds,
            Finishing::Thresholds,
            Finishing::Affine,
        ],
        ..Wanted::default()
    }
}

fn check_all(wanted: &Wanted, seed: u64, count: usize) {
    for isa in Isa::all() {
        let make = |task: &Task<'_>| -> Option<Box<dyn Kernel>> { kernel(task, isa) };
        check_random(wanted, seed, count, &make);
    }
}

#[test]
fn any_shape() {
    check_all(&wanted(1..=4), 1, CASES);
}

#[test]
fn the_common_layer() {
    let common = Wanted {
        kernels: vec![[3, 3]],
        strides: vec![[1, 1]],
        dilations: vec![[1, 1]],
        groups: vec![Groups::One],
        channels: vec![16, 32, 64, 70, 128, 144],
        largest: 15,
        ..wanted(1..=4)
    };
    check_all(&common, 2, CASES / 8);
}

/// Layers with a multiplier a kernel position.
fn multiplied() -> Wanted {
    Wanted {
        multiplied: vec![true],
        kernels: vec![[1, 1], [3, 3], [3, 3], [5, 5], [2, 3]],
        strides: vec![[1, 1], [1, 1], [2, 2], [1, 2]],
        ..wanted(1..=4)
    }
}

#[test]
fn any_shape_with_multipliers() {
    check_all(&multiplied(), 6, CASES);
}

#[test]
fn the_common_layer_with_multipliers() {
    let common = Wanted {
        kernels: vec![[3, 3]],
        strides: vec![[1, 1]],
        dilations: vec![[1, 1]],
        groups: vec![Groups::One],
        channels: vec![16, 64, 70, 144, 260],
        largest: 15,
        ..multiplied()
    };
    check_all(&common, 7, CASES / 8);
}

#[test]
fn multiplied_sums_at_their_bounds() {
    let deep = Wanted {
        channels: vec![16, 300, 1040],
        kernels: vec![[1, 1], [3, 3]],
        ..multiplied()
    };
    for isa in Isa::all() {
        let make = |task: &Task<'_>| -> Option<Box<dyn Kernel>> { kernel(task, isa) };
        check_extremes(&multiplied(), 8, CASES / 4, &make);
        check_extremes(&deep, 9, CASES / 20, &make);
    }
}

#[test]
fn names_tell_of_multipliers() {
    use crate::kernels::tester::Random;
    let mut random = Random::new(10);
    let syq = Wanted {
        pools: vec![None],
        ..multiplied()
    };
    for (wanted, ending) in [(syq, "-syq"), (wanted(1..=4), "")] {
        let case = wanted.case(&mut random);
        let name = kernel(&case.task(), Isa::Portable).unwrap().name();
        let bits = (case.convolution.weights.kind().bits(), case.number.bits());
        assert_eq!(
            name,
            format!("portable-w{}a{}-mask{ending}", bits.0, bits.1)
        );
    }
}

#[test]
fn sums_at_their_bounds() {
    let deep = Wanted {
        channels: vec![16, 144, 300, 520],
        kernels: vec![[1, 1], [3, 3]],
        ..wanted(1..=4)
    };
    for isa in Isa::all() {
        let make = |task: &Task<'_>| -> Option<Box<dyn Kernel>> { kernel(task, isa) };
        check_extremes(&wanted(1..=4), 3, CASES / 4, &make);
        check_extremes(&deep, 4, CASES / 20, &make);
    }
}

#[test]
fn what_the_method_cannot_serve() {
    use crate::kernels::tester::Random;
    let mut random = Random::new(5);
    let none = |wanted: &Wanted, random: &mut Random| {
        for _ in 0..20 {
            let case = wanted.case(random);
            assert!(kernel(&case.task(), Isa::best()).is_none(), "{case:?}");
        }
    };
    none(&wanted(5..=8), &mut random);
    let floats = Wanted {
        weights: vec![WeightKind::F32, WeightKind::Int { bits: 3 }],
        ..wanted(1..=4)
    };
    none(&floats, &mut random);
    let code = Code::unsigned(3, 0.5);
    let signed = Wanted {
        inputs: vec![
            Number::Code(Code {
                signed: true,
                ..code
            }),
            Number::Code(Code { zero: 2, ..code }),
        ],
        ..wanted(1..=4)
    };
    none(&signed, &mut random);
    let large_pool = Wanted {
        pools: vec![Some(Pool {
            size: [3, 3],
            stride: [2, 2],
            padding: Padding::same(1),
        })],
        ..wanted(1..=4)
    };
    none(&large_pool, &mut random);
}
