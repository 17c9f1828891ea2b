//! Both accumulators against published patches and on random layers.

use super::Accumulator;
use crate::isa::Isa;
use crate::kernel::Task;
use crate::kernels::reference;
use crate::kernels::tester::{self, Groups, Random, Wanted};
use crate::team::Team;
use crate::tensor::{Buffer, Tensor};
use std::path::Path;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Padding, Shape, WeightKind, Weights,
};

/// Pixels whose middle grey is zero.
const PIXELS: Number = Number::Code(Code {
    bits: 8,
    signed: false,
    scale: 1.0 / 128.0,
    zero: 128,
});

const INT8: WeightKind = WeightKind::Int { bits: 8 };

fn isas() -> [Isa; 2] {
    [Isa::Portable, Isa::best()]
}

/// A layer whose output is its sums.
fn sums_only(outputs: usize, stride: usize, padding: usize, weights: &[i8]) -> Convolution {
    Convolution {
        out_channels: outputs,
        kernel: [3, 3],
        stride: [stride; 2],
        dilation: [1, 1],
        padding: Padding::same(padding),
        groups: 1,
        weights: Weights::integers(INT8, weights).unwrap(),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: vec![0.0; outputs].into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
    }
}

fn run(
    task: &Task<'_>,
    isa: Isa,
    accumulator: Accumulator,
    pixels: &[u8],
    threads: usize,
) -> Vec<i32> {
    let kernel = super::kernel(task, isa, accumulator).unwrap();
    let elements = task.output().elements();
    let mut output = Buffer::new(4 * elements);
    let mut scratch = Buffer::new(kernel.scratch_bytes(threads));
    let bytes = scratch.bytes();
    kernel.run(
        &[Tensor::U8(pixels)],
        output.tensor_mut(task.output(), Number::F32),
        scratch.slice_mut(bytes),
        &Team::new(threads),
    );
    output
        .slice::<f32>(elements)
        .iter()
        .map(|sum| *sum as i32)
        .collect()
}

/// Rows of integers under a key of the golden file.
fn rows(golden: &serde_json::Value, key: &str) -> Vec<Vec<i32>> {
    serde_json::from_value(golden[key].clone()).unwrap()
}

#[test]
fn the_published_patches() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/first-layer16.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: needs ../shared/golden/first-layer16.json");
        return;
    };
    let golden: serde_json::Value = serde_json::from_str(&text).unwrap();
    let patches = rows(&golden, "pixels");
    let weights: Vec<i8> = rows(&golden, "weights")
        .concat()
        .iter()
        .map(|w| *w as i8)
        .collect();
    // The patches side by side are a map that windows with a stride of three walk along.
    let mut pixels = Vec::new();
    for y in 0..3 {
        for patch in &patches {
            pixels.extend(patch[9 * y..9 * y + 9].iter().map(|p| *p as u8));
        }
    }
    let convolution = sums_only(16, 3, 0, &weights);
    let task = Task {
        convolution: &convolution,
        input: Shape::new(3, 3 * patches.len(), 3),
        number: PIXELS,
        pool: None,
    };
    let rounded = rows(&golden, "acc16").concat();
    let rounded: Vec<i32> = rounded.iter().map(|sum| 16 * sum).collect();
    for isa in isas() {
        let exact = run(&task, isa, Accumulator::Exact32, &pixels, 1);
        assert_eq!(exact, rows(&golden, "acc32").concat(), "{isa:?}");
        assert_eq!(
            run(&task, isa, Accumulator::Rounded16, &pixels, 1),
            rounded,
            "{isa:?}"
        );
    }
}

/// `16 * sum of (x * w + 8) >> 4`, by the definition.
fn definition(task: &Task<'_>, pixels: &[u8]) -> Vec<i32> {
    let weights = task.convolution.weights.unpack();
    let (input, output) = (task.input, task.output());
    let (stride, padding) = (task.convolution.stride[0], task.convolution.padding.top);
    let mut sums = Vec::new();
    for index in 0..output.elements() {
        let (pixel, o) = (index / output.channels, index % output.channels);
        let mut sum = 0;
        for i in 0..27 {
            let y = (pixel / output.width * stride + i / 9).wrapping_sub(padding);
            let x = (pixel % output.width * stride + i / 3 % 3).wrapping_sub(padding);
            if y < input.height && x < input.width {
                let value = i32::from(pixels[(y * input.width + x) * 3 + i % 3]) - 128;
                sum += (value * i32::from(weights[o * 27 + i]) + 8) >> 4;
            }
        }
        sums.push(16 * sum);
    }
    sums
}

#[test]
fn rounded_sums_are_as_defined_and_within_the_bound() {
    let mut random = Random::new(8);
    for round in 0..30 {
        let outputs = random.pick(&[16, 16, 32, 5]);
        let stride = random.between(1, 2) as usize;
        let input = Shape::new(
            random.between(3, 12) as usize,
            random.between(3, 20) as usize,
            3,
        );
        // Every third round has only the largest and the smallest numbers.
        let byte = |random: &mut Random| match round % 3 {
            0 => random.pick(&[0, 255]),
            _ => random.between(0, 255) as u8,
        };
        let weights: Vec<i8> = (0..27 * outputs)
            .map(|_| byte(&mut random) as i8 ^ -128)
            .collect();
        let pixels: Vec<u8> = (0..input.elements()).map(|_| byte(&mut random)).collect();
        let convolution = sums_only(outputs, stride, 1, &weights);
        let task = Task {
            convolution: &convolution,
            input,
            number: PIXELS,
            pool: None,
        };
        let expected = definition(&task, &pixels);
        let exact = reference::accumulate(&task, Tensor::U8(&pixels));
        for isa in isas() {
            for threads in 1..4 {
                let sums = run(&task, isa, Accumulator::Rounded16, &pixels, threads);
                assert_eq!(sums, expected, "{isa:?}, {threads} threads");
                let near = |(a, b): (&i32, &i32)| (a - b).abs() <= 27 * 8;
                assert!(sums.iter().zip(&exact).all(near));
            }
        }
    }
}

#[test]
fn exact_first_layers_equal_the_reference() {
    let wanted = Wanted {
        weights: vec![INT8],
        inputs: vec![PIXELS, Number::Code(Code::unsigned(8, 1.0 / 255.0))],
        channels: vec![1, 3, 4, 16, 32],
        groups: vec![Groups::One],
        pools: vec![None],
        ..Wanted::default()
    };
    for isa in isas() {
        let make = |task: &Task<'_>| super::kernel(task, isa, Accumulator::Exact32);
        tester::check_random(&wanted, 5, 40, &make);
        tester::check_extremes(&wanted, 6, 10, &make);
    }
}

#[test]
fn sums_that_could_pass_sixteen_bits_are_not_rounded() {
    let serves = |weights: &[i8], number: Number| {
        let convolution = sums_only(1, 1, 0, weights);
        let task = Task {
            convolution: &convolution,
            input: Shape::new(3, 3, weights.len() / 9),
            number,
            pool: None,
        };
        super::kernel(&task, Isa::best(), Accumulator::Rounded16).is_some()
    };
    assert!(serves(&[-128; 27], PIXELS));
    assert!(!serves(&[-128; 36], PIXELS));
    assert!(serves(&[-100; 36], PIXELS));
    // Pixels from 0 to 255 do not fit a signed byte.
    assert!(!serves(&[1; 27], Number::Code(Code::unsigned(8, 1.0))));
}
