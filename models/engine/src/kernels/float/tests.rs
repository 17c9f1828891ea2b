//! Float kernels against the reference, on random shapes and on large ones.

use crate::isa::Isa;
use crate::kernels::tester::{self, Case, Groups, Random, Wanted};
use crate::tensor::Buffer;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Number, Padding, Pool, Shape, WeightKind, Weights,
};

/// Random cases for each instruction set; few under emulation.
const CASES: usize = if cfg!(target_arch = "x86_64") {
    150
} else {
    40
};

const SQUARES: Pool = Pool {
    size: [2, 2],
    stride: [2, 2],
    padding: Padding {
        top: 0,
        left: 0,
        bottom: 0,
        right: 0,
    },
};

fn wanted() -> Wanted {
    Wanted {
        weights: vec![WeightKind::F32],
        pools: vec![None],
        ..Wanted::default()
    }
}

fn isas() -> Vec<Isa> {
    let mut isas = vec![Isa::Portable];
    if !matches!(Isa::best(), Isa::Portable) {
        isas.push(Isa::best());
    }
    isas
}

#[test]
fn random_layers_agree_with_the_reference() {
    for (seed, isa) in isas().into_iter().enumerate() {
        tester::check_random(&wanted(), seed as u64, CASES, &|task| {
            super::kernel(task, isa)
        });
    }
}

/// Pools of 2x2 are done in the same pass, where no sum is left over.
#[test]
fn random_pooled_layers_agree_with_the_reference() {
    let wanted = Wanted {
        pools: vec![Some(SQUARES)],
        groups: vec![Groups::One, Groups::Several],
        largest: 30,
        ..wanted()
    };
    for isa in isas() {
        tester::check_random(&wanted, 4, CASES, &|task| super::kernel(task, isa));
    }
}

#[test]
fn random_pointwise_and_depthwise_layers_agree_with_the_reference() {
    let pointwise = Wanted {
        kernels: vec![[1, 1]],
        strides: vec![[1, 1]],
        groups: vec![Groups::One, Groups::Several],
        channels: vec![1, 3, 8, 16, 40, 250, 260, 530],
        ..wanted()
    };
    let depthwise = Wanted {
        groups: vec![Groups::Depthwise],
        ..wanted()
    };
    for isa in isas() {
        for wanted in [&pointwise, &depthwise] {
            tester::check_random(wanted, 9, CASES / 2, &|task| super::kernel(task, isa));
        }
    }
}

fn plain(kernel: usize, input: Shape, out_channels: usize, groups: usize) -> Case {
    let mut random = Random::new(17);
    let mut floats = |count| (0..count).map(|_| random.float()).collect::<Vec<f32>>();
    let window = kernel * kernel * input.channels / groups;
    Case {
        convolution: Convolution {
            out_channels,
            kernel: [kernel; 2],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::same(kernel / 2),
            groups,
            weights: Weights::floats(floats(out_channels * window)),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: floats(out_channels).into(),
                activation: Activation::LEAKY,
                output: Number::F32,
            }),
        },
        input,
        number: Number::F32,
        pool: None,
        values: Buffer::from_slice(&floats(input.elements())),
    }
}

/// Shapes whose input does not fit the cache, so that it is taken in bands and blocks.
#[test]
fn large_layers_are_cut_and_joined() {
    let cases = [
        plain(3, Shape::new(24, 60, 40), 9, 1),
        plain(3, Shape::new(7, 6, 520), 18, 1),
        plain(1, Shape::new(14, 16, 300), 20, 1),
        plain(1, Shape::new(61, 41, 24), 9, 1),
        plain(3, Shape::new(70, 60, 20), 20, 20),
        Case {
            pool: Some(SQUARES),
            ..plain(3, Shape::new(60, 62, 24), 40, 1)
        },
    ];
    for case in cases {
        for isa in isas() {
            assert!(tester::check(&case, &|task| super::kernel(task, isa)));
        }
    }
}

#[test]
fn names_tell_the_method() {
    let name = |case: Case| super::kernel(&case.task(), Isa::Portable).map(|k| k.name());
    let map = Shape::new(5, 5, 32);
    assert_eq!(name(plain(3, map, 8, 1)), Some("portable-f32-gemm"));
    assert_eq!(name(plain(1, map, 8, 1)), Some("portable-f32-pointwise"));
    assert_eq!(name(plain(3, map, 32, 32)), Some("portable-f32-depthwise"));
}

#[test]
fn other_layers_are_left_to_other_kernels() {
    let mut case = plain(1, Shape::new(4, 4, 2), 1, 1);
    let served = |case: &Case| super::kernel(&case.task(), Isa::best()).is_some();
    case.pool = Some(SQUARES);
    assert!(served(&case));
    case.input.height = 5;
    assert!(!served(&case), "a row of sums is left over");
    case.input.height = 4;
    case.pool = Some(Pool {
        stride: [1, 1],
        ..SQUARES
    });
    assert!(!served(&case), "squares that overlap");
    case.pool = None;
    case.convolution.weights = Weights::integers(WeightKind::Binary, &[1, -1]).unwrap();
    assert!(super::kernel(&case.task(), Isa::best()).is_none());
}
