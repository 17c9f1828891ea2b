//! Float kernels against plain loops in double precision, on random shapes.

use crate::isa::Isa;
use crate::kernel::{Kernel, Task};
use crate::team::Team;
use crate::tensor::{Buffer, Tensor};
use proptest::prelude::*;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Padding, Pool, Shape, WeightKind,
    Weights,
};

/// Largest difference of a sum, relative to the sum of its products' sizes.
const TOLERANCE: f64 = 1e-5;

const SIGNED: Code = Code {
    bits: 8,
    signed: true,
    scale: 0.05,
    zero: -3,
};

/// A layer and its input, made from a seed.
#[derive(Clone, Debug)]
struct Case {
    convolution: Convolution,
    input: Shape,
    number: Number,
    map: Buffer,
}

impl Case {
    fn task(&self) -> Task<'_> {
        Task {
            convolution: &self.convolution,
            input: self.input,
            number: self.number,
            pool: None,
        }
    }

    fn affine(&self) -> &Affine {
        match &self.convolution.finish {
            Finish::Affine(affine) => affine,
            Finish::Thresholds(_) => unreachable!("float layers are affine"),
        }
    }

    fn output_shape(&self) -> Shape {
        let c = &self.convolution;
        let steps = |length, axis| {
            tincy_network::shape::window_positions(
                length,
                c.kernel[axis],
                c.dilation[axis],
                c.stride[axis],
            )
        };
        let height = steps(self.input.height + c.padding.top + c.padding.bottom, 0);
        let width = steps(self.input.width + c.padding.left + c.padding.right, 1);
        Shape::new(height.unwrap(), width.unwrap(), c.out_channels)
    }

    fn input_value(&self, y: usize, x: usize, c: usize) -> f64 {
        let index = (y * self.input.width + x) * self.input.channels + c;
        let zero = self.number.code().map_or(0, |code| code.zero);
        match self.map.tensor(self.input, self.number) {
            Tensor::F32(values) => f64::from(values[index]),
            Tensor::U8(codes) => f64::from(i32::from(codes[index]) - zero),
            Tensor::I8(codes) => f64::from(i32::from(codes[index]) - zero),
        }
    }

    /// The sum at an output element, and the sum of its products' sizes.
    fn sum(&self, y: usize, x: usize, o: usize) -> (f64, f64) {
        let c = &self.convolution;
        let inputs = self.input.channels / c.groups;
        let group = o / (c.out_channels / c.groups);
        let (mut sum, mut size) = (0.0, 0.0);
        for (ky, kx) in (0..c.kernel[0]).flat_map(|ky| (0..c.kernel[1]).map(move |kx| (ky, kx))) {
            let iy = (y * c.stride[0] + ky * c.dilation[0]).wrapping_sub(c.padding.top);
            let ix = (x * c.stride[1] + kx * c.dilation[1]).wrapping_sub(c.padding.left);
            if iy >= self.input.height || ix >= self.input.width {
                continue;
            }
            for i in 0..inputs {
                let w = ((o * c.kernel[0] + ky) * c.kernel[1] + kx) * inputs + i;
                let weight = f64::from(c.weights.as_floats()[w]);
                let product = weight * self.input_value(iy, ix, group * inputs + i);
                sum += product;
                size += product.abs();
            }
        }
        (sum, size)
    }

    fn run(&self, kernel: &dyn Kernel, threads: usize) -> Buffer {
        let team = Team::new(threads);
        let (shape, number) = (self.output_shape(), self.affine().output);
        let mut output = Buffer::new(shape.elements() * number.bytes());
        let mut scratch = Buffer::new(kernel.scratch_bytes(threads));
        let bytes = scratch.bytes();
        // What scratch memory holds must not matter.
        scratch.slice_mut::<u8>(bytes).fill(0xff);
        kernel.run(
            &[self.map.tensor(self.input, self.number)],
            output.tensor_mut(shape, number),
            scratch.slice_mut(bytes),
            &team,
        );
        output
    }

    /// Every element within the tolerance, whatever the activation and number type.
    fn check(&self, output: &Buffer, name: &str) {
        let shape = self.output_shape();
        let affine = self.affine();
        for index in 0..shape.elements() {
            let o = index % shape.channels;
            let pixel = index / shape.channels;
            let (sum, size) = self.sum(pixel / shape.width, pixel % shape.width, o);
            let scale = affine.scale.get(o).map_or(1.0, |s| f64::from(*s));
            let bias = f64::from(affine.bias[o]);
            // No activation is steeper than 1.1.
            let slack = 1.1 * TOLERANCE * (size * scale.abs() + bias.abs() + 0.1);
            let want = affine.activation.apply((sum * scale + bias) as f32);
            let (got, want, slack) = match output.tensor(shape, affine.output) {
                Tensor::F32(values) => (f64::from(values[index]), f64::from(want), slack),
                Tensor::U8(codes) => in_steps(affine.output, i32::from(codes[index]), want, slack),
                Tensor::I8(codes) => in_steps(affine.output, i32::from(codes[index]), want, slack),
            };
            let at = format!("{name} at pixel {pixel}, channel {o}");
            assert!(
                (got - want).abs() <= slack,
                "{at}: {got}, not {want}; {self:?}"
            );
        }
    }
}

/// A code, the exact place on the code's scale that it was rounded from, and how far they may lie
/// apart.
fn in_steps(number: Number, got: i32, want: f32, slack: f64) -> (f64, f64, f64) {
    let code = number.code().unwrap();
    let inverse = f64::from(code.inverse_scale());
    let exact = f64::from(want) * inverse + f64::from(code.zero);
    let exact = exact.clamp(f64::from(code.min()), f64::from(code.max()));
    (f64::from(got), exact, 0.5 + slack * inverse)
}

/// Numbers from a seed, -1 to 1.
fn floats(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn input_map(shape: Shape, number: Number, seed: u64) -> Buffer {
    let values = floats(seed, shape.elements());
    match number {
        Number::F32 => Buffer::from_slice(&values),
        Number::Code(code) => {
            let span = (code.max() - code.min() + 1) as f32;
            let byte =
                |v: &f32| (code.min() + ((v + 1.0) / 2.0 * span) as i32).min(code.max()) as u8;
            Buffer::from_slice(&values.iter().map(byte).collect::<Vec<u8>>())
        }
    }
}

fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        3 => Just(Number::F32),
        1 => Just(Number::Code(Code::unsigned(3, 4.0 / 7.0))),
        1 => Just(Number::Code(Code { zero: 128, ..Code::unsigned(8, 0.1) })),
        1 => Just(Number::Code(SIGNED)),
    ]
}

fn activations() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::Linear),
        Just(Activation::Relu),
        Just(Activation::Relu6),
        Just(Activation::LEAKY),
        Just(Activation::Logistic),
        Just(Activation::Mish),
        Just(Activation::Swish),
        Just(Activation::Tanh),
        Just(Activation::Elu),
        Just(Activation::HardSwish),
        Just(Activation::HardSigmoid),
    ]
}

/// Channels of a group, in and out: one each (depthwise if there are several groups), or any.
fn channels() -> impl Strategy<Value = (usize, usize, usize)> {
    prop_oneof![
        (1usize..40, Just(1usize), Just(1usize)),
        (1usize..4, 1usize..20, 1usize..20),
        (Just(1usize), 1usize..70, 1usize..70),
        (Just(1usize), 250usize..530, 1usize..20),
    ]
}

fn pair(range: std::ops::Range<usize>) -> impl Strategy<Value = [usize; 2]> {
    [range.clone(), range]
}

prop_compose! {
    fn cases()(
        (groups, inputs, outputs) in channels(),
        kernel in prop_oneof![Just([1, 1]), Just([3, 3]), Just([5, 5]), pair(1..5)],
        stride in pair(1..3),
        dilation in prop_oneof![4 => Just([1, 1]), 1 => pair(1..4)],
        sides in [0usize..3, 0usize..3, 0usize..3, 0usize..3],
        extra in pair(0..14),
        numbers in (numbers(), numbers()),
        activation in activations(),
        scaled in any::<bool>(),
        seed in any::<u64>(),
    ) -> Case {
        let [top, left, bottom, right] = sides;
        let padding = Padding { top, left, bottom, right };
        let reach = |axis: usize| (kernel[axis] - 1) * dilation[axis] + 1;
        let input = Shape::new(reach(0) + extra[0], reach(1) + extra[1], groups * inputs);
        let out_channels = groups * outputs;
        let window = kernel[0] * kernel[1] * inputs;
        let spread = 2.0 / (window as f32).sqrt();
        let weights = floats(seed, out_channels * window).iter().map(|w| w * spread).collect();
        let scale = if scaled { floats(seed ^ 7, out_channels) } else { Vec::new() };
        Case {
            convolution: Convolution {
                out_channels,
                kernel,
                stride,
                dilation,
                padding,
                groups,
                weights: Weights::floats(weights),
                finish: Finish::Affine(Affine {
                    scale: scale.into(),
                    bias: floats(seed ^ 5, out_channels).into(),
                    activation,
                    output: numbers.1,
                }),
            },
            input,
            number: numbers.0,
            map: input_map(input, numbers.0, seed ^ 3),
        }
    }
}

fn isas() -> Vec<Isa> {
    let mut isas = vec![Isa::Portable];
    if !matches!(Isa::best(), Isa::Portable) {
        isas.push(Isa::best());
    }
    isas
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(target_arch = "x86_64") { 256 } else { 48 }))]

    #[test]
    fn every_shape_is_within_the_tolerance(case in cases()) {
        for isa in isas() {
            let kernel = super::kernel(&case.task(), isa).unwrap();
            let output = case.run(&*kernel, 1);
            case.check(&output, kernel.name());
            let bytes = case.output_shape().elements() * case.affine().output.bytes();
            for threads in 2..5 {
                let again = case.run(&*kernel, threads);
                prop_assert_eq!(output.slice::<u8>(bytes), again.slice::<u8>(bytes), "{} threads", threads);
            }
        }
    }
}

fn plain(kernel: [usize; 2], input: Shape, out_channels: usize, groups: usize) -> Case {
    let window = kernel[0] * kernel[1] * input.channels / groups;
    Case {
        convolution: Convolution {
            out_channels,
            kernel,
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::same(kernel[0] / 2),
            groups,
            weights: Weights::floats(floats(1, out_channels * window)),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: floats(2, out_channels).into(),
                activation: Activation::LEAKY,
                output: Number::F32,
            }),
        },
        input,
        number: Number::F32,
        map: input_map(input, Number::F32, 3),
    }
}

/// Shapes whose input does not fit the cache, so that it is taken in bands and blocks.
#[test]
fn large_layers_are_cut_and_joined() {
    let cases = [
        plain([3, 3], Shape::new(40, 60, 40), 18, 1),
        plain([3, 3], Shape::new(13, 13, 520), 33, 1),
        plain([1, 1], Shape::new(30, 30, 300), 20, 1),
        plain([1, 1], Shape::new(61, 61, 24), 40, 1),
        plain([3, 3], Shape::new(90, 90, 40), 40, 40),
    ];
    for case in cases {
        for isa in isas() {
            let kernel = super::kernel(&case.task(), isa).unwrap();
            let output = case.run(&*kernel, 1);
            case.check(&output, kernel.name());
            let floats = case.output_shape().elements();
            assert_eq!(
                output.slice::<f32>(floats),
                case.run(&*kernel, 3).slice::<f32>(floats)
            );
        }
    }
}

#[test]
fn names_tell_the_method() {
    let name = |case: Case| super::kernel(&case.task(), Isa::Portable).unwrap().name();
    let map = Shape::new(5, 5, 32);
    assert_eq!(name(plain([3, 3], map, 8, 1)), "portable-f32-gemm");
    assert_eq!(name(plain([1, 1], map, 8, 1)), "portable-f32-pointwise");
    assert_eq!(name(plain([3, 3], map, 32, 32)), "portable-f32-depthwise");
}

#[test]
fn other_layers_are_left_to_other_kernels() {
    let mut case = plain([1, 1], Shape::new(4, 4, 2), 1, 1);
    let pool = Pool {
        size: [2, 2],
        stride: [2, 2],
        padding: Padding::default(),
    };
    let pooled = Task {
        pool: Some(pool),
        ..case.task()
    };
    assert!(super::kernel(&pooled, Isa::best()).is_none());
    case.convolution.weights = Weights::integers(WeightKind::Binary, &[1, -1]).unwrap();
    assert!(super::kernel(&case.task(), Isa::best()).is_none());
}
