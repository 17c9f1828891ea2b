//! The convolution as [`tincy_network::Convolution`] defines it, one output at a time.

use crate::kernel::{Kernel, Task};
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{Convolution, Finish, Number, Pool, Shape, WeightKind};

/// The definition of a convolution, and of the pool after it. It allocates nothing: an element that
/// several windows of a pool see is computed for each.
pub fn convolution(task: &Task<'_>) -> Box<dyn Kernel> {
    Box::new(Plain::new(task))
}

/// The integer sums of a convolution, NHWC, before its finish; its pool is left out.
///
/// # Panics
/// If the weights are floats, or the input is none of the task's.
pub fn accumulate(task: &Task<'_>, input: Tensor<'_>) -> Vec<i32> {
    let plain = Plain::new(task);
    let Weights::Integers(weights) = &plain.weights else {
        panic!("float sums are not integers");
    };
    let shape = task.sums();
    let mut sums = Vec::with_capacity(shape.elements());
    for pixel in 0..shape.pixels() {
        let (y, x) = (pixel / shape.width, pixel % shape.width);
        sums.extend((0..shape.channels).map(|o| plain.integer(weights, input, y, x, o)));
    }
    sums
}

/// Weights, one an element.
enum Weights {
    Integers(Vec<i8>),
    Floats(Vec<f32>),
}

struct Plain {
    convolution: Convolution,
    weights: Weights,
    input: Shape,
    number: Number,
    sums: Shape,
    pool: Option<Pool>,
    output: Shape,
}

impl Plain {
    fn new(task: &Task<'_>) -> Plain {
        let weights = &task.convolution.weights;
        Plain {
            convolution: task.convolution.clone(),
            weights: match weights.kind() {
                WeightKind::F32 => Weights::Floats(weights.as_floats().to_vec()),
                _ => Weights::Integers(weights.unpack()),
            },
            input: task.input,
            number: task.number,
            sums: task.sums(),
            pool: task.pool,
            output: task.output(),
        }
    }

    /// The parts of the window that lie in the map: where its weights and its pixels start.
    fn window(&self, y: usize, x: usize, o: usize) -> impl Iterator<Item = (usize, usize)> {
        let c = &self.convolution;
        let (input, kernel) = (self.input, c.kernel);
        let per_group = input.channels / c.groups;
        let group = o / (c.out_channels / c.groups);
        let (top, left) = (c.padding.top, c.padding.left);
        let (stride, dilation) = (c.stride, c.dilation);
        (0..kernel[0] * kernel[1]).filter_map(move |k| {
            let row = (y * stride[0] + k / kernel[1] * dilation[0]).checked_sub(top)?;
            let column = (x * stride[1] + k % kernel[1] * dilation[1]).checked_sub(left)?;
            let inside = row < input.height && column < input.width;
            let pixel = (row * input.width + column) * input.channels + group * per_group;
            inside.then_some(((o * kernel[0] * kernel[1] + k) * per_group, pixel))
        })
    }

    fn integer(&self, weights: &[i8], input: Tensor<'_>, y: usize, x: usize, o: usize) -> i32 {
        let count = self.input.channels / self.convolution.groups;
        let zero = self.number.code().map_or(0, |code| code.zero);
        let mut sum = 0i32;
        for (w, i) in self.window(y, x, o) {
            let weights = weights[w..][..count].iter().map(|w| i32::from(*w));
            sum += match input {
                Tensor::U8(codes) => dot(weights, &codes[i..][..count], zero),
                Tensor::I8(codes) => dot(weights, &codes[i..][..count], zero),
                Tensor::F32(_) => panic!("integer weights on floats"),
            };
        }
        sum
    }

    fn float(&self, weights: &[f32], input: Tensor<'_>, y: usize, x: usize, o: usize) -> f32 {
        let count = self.input.channels / self.convolution.groups;
        let zero = self.number.code().map_or(0, |code| code.zero) as f32;
        let mut sum = 0.0;
        for (w, i) in self.window(y, x, o) {
            for (j, weight) in weights[w..][..count].iter().enumerate() {
                sum += weight * (input.get(i + j) - zero);
            }
        }
        sum
    }

    /// The finished element, a code as an exact f32.
    fn element(&self, input: Tensor<'_>, y: usize, x: usize, o: usize) -> f32 {
        let finish = &self.convolution.finish;
        match &self.weights {
            Weights::Floats(weights) => affine(finish, self.float(weights, input, y, x, o), o),
            Weights::Integers(weights) => {
                let sum = self.integer(weights, input, y, x, o);
                match finish {
                    Finish::Thresholds(thresholds) => {
                        let reached = thresholds.channel(o).iter().filter(|t| sum >= **t);
                        reached.count() as f32
                    }
                    Finish::Requantize(requantize) => requantize.apply(sum, o) as f32,
                    Finish::Affine(_) => affine(finish, sum as f32, o),
                }
            }
        }
    }

    fn pooled(&self, pool: &Pool, input: Tensor<'_>, y: usize, x: usize, o: usize) -> f32 {
        super::layer::pool_window(pool, self.sums, y, x)
            .map(|(y, x)| self.element(input, y, x, o))
            .fold(f32::NEG_INFINITY, f32::max)
    }
}

fn dot<T: Copy + Into<i32>>(weights: impl Iterator<Item = i32>, codes: &[T], zero: i32) -> i32 {
    weights
        .zip(codes)
        .map(|(w, c)| w * ((*c).into() - zero))
        .sum()
}

/// `activation(sum * scale + bias)`, quantized if the output is a code.
fn affine(finish: &Finish, sum: f32, o: usize) -> f32 {
    let Finish::Affine(affine) = finish else {
        panic!("{} on float sums", finish.name());
    };
    let scaled = match affine.scale.get(o) {
        Some(scale) => sum * scale,
        None => sum,
    };
    let value = affine.activation.apply(scaled + affine.bias[o]);
    match affine.output {
        Number::F32 => value,
        Number::Code(code) => code.quantize(value) as f32,
    }
}

impl Kernel for Plain {
    fn name(&self) -> &'static str {
        "reference-convolution"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let Shape {
            width, channels, ..
        } = self.output;
        team.split_map(output, channels, &|pixels, mut part| {
            for (i, pixel) in pixels.enumerate() {
                let (y, x) = (pixel / width, pixel % width);
                for o in 0..channels {
                    let value = match &self.pool {
                        Some(pool) => self.pooled(pool, inputs[0], y, x, o),
                        None => self.element(inputs[0], y, x, o),
                    };
                    part.set(i * channels + o, value);
                }
            }
        });
    }
}
