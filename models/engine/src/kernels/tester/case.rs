//! Random convolutions with an input.

use super::Random;
use crate::kernel::Task;
use crate::kernels::reference;
use crate::tensor::{Buffer, Tensor, TensorMut};
use tincy_network::multipliers::MAX_MULTIPLIER;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Padding, Pool, Requantize, Shape, Table,
    Thresholds, WeightKind, Weights, requantize,
};

/// How channels are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Groups {
    One,
    Several,
    Depthwise,
}

/// The kinds of finish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finishing {
    Affine,
    Thresholds,
    Requantize,
}

/// What cases are drawn from; the default is everything that a network may have.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) weights: Vec<WeightKind>,
    /// Whether binary and ternary weights have multipliers.
    pub(crate) multiplied: Vec<bool>,
    pub(crate) inputs: Vec<Number>,
    /// Input and output channels.
    pub(crate) channels: Vec<usize>,
    pub(crate) kernels: Vec<[usize; 2]>,
    pub(crate) strides: Vec<[usize; 2]>,
    pub(crate) dilations: Vec<[usize; 2]>,
    pub(crate) groups: Vec<Groups>,
    pub(crate) pools: Vec<Option<Pool>>,
    /// Largest height and width of the map of sums.
    pub(crate) largest: usize,
    /// How integer sums are finished.
    pub(crate) finishes: Vec<Finishing>,
    pub(crate) activations: Vec<Activation>,
}

/// Every code: 1 to 8 bits, unsigned and signed, with and without a zero point.
pub(crate) fn all_codes() -> Vec<Number> {
    let mut codes = Vec::new();
    for bits in 1..=8 {
        let unsigned = Code::unsigned(bits, 0.25);
        let signed = Code {
            signed: true,
            ..unsigned
        };
        for code in [unsigned, signed] {
            codes.push(Number::Code(code));
            let zero = code.min() + (code.max() - code.min()) / 2 + 1;
            codes.push(Number::Code(Code { zero, ..code }));
        }
    }
    codes
}

fn pool(size: usize, stride: usize, padding: Padding) -> Option<Pool> {
    Some(Pool {
        size: [size; 2],
        stride: [stride; 2],
        padding,
    })
}

impl Default for Wanted {
    fn default() -> Wanted {
        let mut weights = vec![WeightKind::F32, WeightKind::Binary, WeightKind::Ternary];
        weights.extend((2..=8).map(|bits| WeightKind::Int { bits }));
        let mut inputs = all_codes();
        inputs.extend([Number::F32; 8]);
        Wanted {
            weights,
            multiplied: vec![false, false, true],
            inputs,
            channels: vec![1, 2, 3, 5, 7, 8, 12, 16, 17, 24, 31, 32, 33, 48, 64, 70],
            kernels: vec![
                [1, 1],
                [3, 3],
                [3, 3],
                [5, 5],
                [12, 12],
                [2, 2],
                [1, 3],
                [3, 1],
            ],
            strides: vec![[1, 1], [1, 1], [2, 2], [4, 4], [1, 2]],
            dilations: vec![[1, 1], [1, 1], [1, 1], [2, 2], [1, 3]],
            groups: vec![Groups::One, Groups::One, Groups::Several, Groups::Depthwise],
            pools: vec![
                None,
                None,
                pool(2, 2, Padding::default()),
                pool(2, 2, Padding::split(1)),
                pool(2, 1, Padding::split(1)),
                pool(3, 2, Padding::same(1)),
            ],
            largest: 11,
            finishes: vec![
                Finishing::Affine,
                Finishing::Thresholds,
                Finishing::Requantize,
            ],
            activations: vec![
                Activation::Linear,
                Activation::Relu,
                Activation::Relu6,
                Activation::LEAKY,
                Activation::Logistic,
                Activation::Mish,
                Activation::Swish,
                Activation::Tanh,
                Activation::Elu,
                Activation::HardSwish,
                Activation::HardSigmoid,
            ],
        }
    }
}

impl Wanted {
    /// A random case.
    pub(crate) fn case(&self, random: &mut Random) -> Case {
        let mut case = loop {
            let case = self.draw(random);
            let task = case.task();
            let fits = case.pool.is_none_or(|pool| {
                let (sums, p) = (task.sums(), pool.padding);
                sums.height + p.top + p.bottom >= pool.size[0]
                    && sums.width + p.left + p.right >= pool.size[1]
            });
            let sums = task.sums().elements() * case.convolution.window(case.input.channels);
            if fits && sums < 3_000_000 {
                break case;
            }
        };
        case.fill(random);
        self.finish(&mut case, random);
        case
    }

    /// A case with one window, where channel 0 reaches the largest or the smallest sum that the
    /// weights allow any channel.
    pub(crate) fn extreme(&self, random: &mut Random, largest: bool) -> Case {
        let integers = |case: &Case| case.convolution.weights.kind() != WeightKind::F32;
        let mut case = loop {
            let case = self.draw(random);
            if integers(&case) {
                break case;
            }
        };
        let c = &mut case.convolution;
        (c.padding, case.pool) = (Padding::default(), None);
        let reach = |i: usize| (c.kernel[i] - 1) * c.dilation[i] + 1;
        (case.input.height, case.input.width) = (reach(0), reach(1));
        case.reach(random, largest);
        self.finish(&mut case, random);
        case
    }

    fn draw(&self, random: &mut Random) -> Case {
        let kernel = random.pick(&self.kernels);
        let stride = random.pick(&self.strides);
        let dilation = random.pick(&self.dilations);
        let (groups, inputs, outputs) = self.channels(random);
        let reach = [0, 1].map(|i| (kernel[i] - 1) * dilation[i] + 1);
        let mut side = |i: usize| {
            let (before, after) = (
                random.between(0, reach[i] as i64 - 1) as usize,
                random.between(0, reach[i] as i64 - 1) as usize,
            );
            let positions = random.between(1, self.largest as i64) as usize;
            let padded = (positions - 1) * stride[i] + reach[i] + random.between(0, 1) as usize;
            // All padding is allowed, but not nothing else.
            let length = padded.saturating_sub(before + after).max(1);
            (length, before, after)
        };
        let ((height, top, bottom), (width, left, right)) = (side(0), side(1));
        let kind = random.pick(&self.weights);
        let number = self.number(random, kind);
        let count = outputs * kernel[0] * kernel[1] * (inputs / groups);
        let weights = weights(random, kind, count);
        let weights = self.multiplied(random, weights, inputs / groups, kernel);
        let padding = Padding {
            top,
            left,
            bottom,
            right,
        };
        let convolution = Convolution {
            out_channels: outputs,
            kernel,
            stride,
            dilation,
            padding,
            groups,
            weights,
            finish: raw(outputs),
        };
        Case {
            convolution,
            input: Shape::new(height, width, inputs),
            number,
            pool: random.pick(&self.pools),
            values: Buffer::default(),
        }
    }

    /// Weights of `channels` a kernel position with multipliers, if they can have some and it falls out so; a
    /// third of the multipliers are the smallest or the largest.
    fn multiplied(
        &self,
        random: &mut Random,
        weights: Weights,
        channels: usize,
        kernel: [usize; 2],
    ) -> Weights {
        let signs = matches!(weights.kind(), WeightKind::Binary | WeightKind::Ternary);
        if !signs || !random.pick(&self.multiplied) {
            return weights;
        }
        let mut multiplier = || match random.one_in(3) {
            true => random.pick(&[1, MAX_MULTIPLIER]),
            false => random.between(1, MAX_MULTIPLIER.into()) as u8,
        };
        let multipliers = (0..kernel[0] * kernel[1]).map(|_| multiplier());
        let multiplied = weights.with_multipliers(channels, multipliers.collect());
        multiplied.expect("multipliers of a kernel")
    }

    fn channels(&self, random: &mut Random) -> (usize, usize, usize) {
        let (inputs, outputs) = (random.pick(&self.channels), random.pick(&self.channels));
        match random.pick(&self.groups) {
            Groups::One => (1, inputs, outputs),
            Groups::Several => {
                let groups = random.between(2, 4) as usize;
                (
                    groups,
                    groups * inputs.div_ceil(groups),
                    groups * outputs.div_ceil(groups),
                )
            }
            Groups::Depthwise => (inputs, inputs, inputs),
        }
    }

    fn number(&self, random: &mut Random, kind: WeightKind) -> Number {
        loop {
            let number = random.pick(&self.inputs);
            if number != Number::F32 || kind == WeightKind::F32 {
                return number;
            }
        }
    }

    /// Gives a case a finish that its sums exercise.
    fn finish(&self, case: &mut Case, random: &mut Random) {
        let integers = case.convolution.weights.kind() != WeightKind::F32;
        let outputs = case.convolution.out_channels;
        let kind = match integers {
            true => random.pick(&self.finishes),
            false => Finishing::Affine,
        };
        let sums = || reference::accumulate(&case.task(), case.input());
        case.convolution.finish = match kind {
            Finishing::Thresholds => Finish::Thresholds(thresholds(random, outputs, &sums())),
            Finishing::Requantize => {
                Finish::Requantize(Box::new(requantize(random, outputs, &sums())))
            }
            Finishing::Affine => {
                let window = case.convolution.window(case.input.channels) as f32;
                let size = if integers { 40.0 * window.sqrt() } else { 1.0 };
                self.affine(random, outputs, integers, size)
            }
        };
    }

    fn affine(&self, random: &mut Random, outputs: usize, integers: bool, size: f32) -> Finish {
        let mut list =
            |size: f32| -> Vec<f32> { (0..outputs).map(|_| random.float() * size).collect() };
        let (scale, bias) = (list(4.0 / size), list(2.0));
        let scale = if integers || random.one_in(2) {
            scale
        } else {
            Vec::new()
        };
        let output = if random.one_in(2) {
            random.pick(&all_codes())
        } else {
            Number::F32
        };
        Finish::Affine(Affine {
            scale: scale.into(),
            bias: bias.into(),
            activation: random.pick(&self.activations),
            output,
        })
    }
}

fn weights(random: &mut Random, kind: WeightKind, count: usize) -> Weights {
    let Some((low, high)) = kind.range() else {
        return Weights::floats((0..count).map(|_| random.float()).collect());
    };
    let mut draw = || match kind {
        WeightKind::Binary => random.pick(&[-1, 1]),
        _ => random.between(i64::from(low), i64::from(high)) as i8,
    };
    let weights: Vec<i8> = (0..count).map(|_| draw()).collect();
    Weights::integers(kind, &weights).expect("weights of their kind")
}

/// The sum itself, as f32.
fn raw(outputs: usize) -> Finish {
    Finish::Affine(Affine {
        scale: Default::default(),
        bias: vec![0.0; outputs].into(),
        activation: Activation::Linear,
        output: Number::F32,
    })
}

/// Thresholds at, just above and just below sums that occur, and some that are never or always
/// reached.
fn thresholds(random: &mut Random, outputs: usize, sums: &[i32]) -> Thresholds {
    let code = Code::unsigned(random.between(1, 8) as u8, 0.5);
    let steps = code.max() as usize;
    let mut values = Vec::with_capacity(outputs * steps);
    for o in 0..outputs {
        let mut channel: Vec<i32> = (0..steps)
            .map(|_| {
                let pixel = random.next() as usize % (sums.len() / outputs);
                sums[pixel * outputs + o] + random.between(-1, 2) as i32
            })
            .collect();
        if random.one_in(4) {
            channel[0] = i32::MIN;
            channel[steps - 1] = i32::MAX;
        }
        channel.sort_unstable();
        values.extend(channel);
    }
    Thresholds {
        code,
        values: values.into(),
    }
}

/// Factors that spread the sums over the code, or a little more, and some at the ends of what is
/// allowed; the biases are within the sums.
fn requantize(random: &mut Random, outputs: usize, sums: &[i32]) -> Requantize {
    let Number::Code(code) = random.pick(&all_codes()) else {
        unreachable!("all of them are codes");
    };
    let largest = sums.iter().map(|sum| sum.unsigned_abs()).max().unwrap_or(0);
    let steps = f64::from(code.max() - code.min()) / f64::from(largest.max(1));
    let mut factors = Vec::with_capacity(outputs);
    let mut biases = Vec::with_capacity(outputs);
    for _ in 0..outputs {
        let size = 0.3 + 1.5 * f64::from(random.float().abs());
        factors.push(match random.next() % 8 {
            0 => requantize::Factor {
                multiplier: random.between(0, i64::from(requantize::MAX_MULTIPLIER)) as i32,
                shift: random.between(0, i64::from(requantize::MAX_SHIFT)) as u8,
            },
            _ => requantize::Factor::nearest(steps * size).expect("a positive factor"),
        });
        let most = i64::from(largest).min(1 << 20);
        biases.push(random.between(-most, most) as i32);
    }
    let tables = if random.one_in(4) { outputs } else { 1 };
    let table = random.one_in(2).then(|| table(random, code, tables));
    let negative_shift = match table.is_some() && random.one_in(2) {
        true => random.between(1, requantize::MAX_NEGATIVE_SHIFT.into()) as u8,
        false => 0,
    };
    Requantize {
        negative_shift,
        bias: biases.into(),
        multiplier: factors
            .iter()
            .map(|f| f.multiplier)
            .collect::<Vec<_>>()
            .into(),
        shift: factors.iter().map(|f| f.shift).collect::<Vec<_>>().into(),
        code,
        table,
    }
}

/// Any functions of a code.
fn table(random: &mut Random, input: Code, tables: usize) -> Table {
    let Number::Code(output) = random.pick(&all_codes()) else {
        unreachable!("all of them are codes");
    };
    let codes = (0..input.count() * tables)
        .map(|_| random.between(i64::from(output.min()), i64::from(output.max())) as u8);
    Table {
        output,
        codes: codes.collect::<Vec<_>>().into(),
    }
}

/// A convolution and an input for it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) convolution: Convolution,
    pub(crate) input: Shape,
    pub(crate) number: Number,
    pub(crate) pool: Option<Pool>,
    pub(crate) values: Buffer,
}

impl Case {
    /// What a kernel is made for.
    pub(crate) fn task(&self) -> Task<'_> {
        Task {
            convolution: &self.convolution,
            input: self.input,
            number: self.number,
            pool: self.pool,
        }
    }

    /// The input map.
    pub(crate) fn input(&self) -> Tensor<'_> {
        self.values.tensor(self.input, self.number)
    }

    fn empty(&mut self) -> TensorMut<'_> {
        self.values = Buffer::new(self.input.elements() * self.number.bytes());
        self.values.tensor_mut(self.input, self.number)
    }

    /// Random values; a quarter of the codes are the smallest or the largest.
    fn fill(&mut self, random: &mut Random) {
        let (count, number) = (self.input.elements(), self.number);
        let mut map = self.empty();
        for i in 0..count {
            let value = match number {
                Number::F32 => random.float(),
                Number::Code(code) if random.one_in(4) => {
                    random.pick(&[code.min(), code.max()]) as f32
                }
                Number::Code(code) => {
                    random.between(i64::from(code.min()), i64::from(code.max())) as f32
                }
            };
            map.set(i, value);
        }
    }

    /// Weights of channel 0 that are the extremes of their kind, and codes that make its sum the
    /// largest (or the smallest) that any channel can have.
    fn reach(&mut self, random: &mut Random, largest: bool) {
        let code = self.number.code().expect("integer weights work on codes");
        let c = &mut self.convolution;
        let (low, high) = c.weights.kind().range().expect("integer weights");
        let mut weights = vec![0; c.weights.count()];
        c.weights.unpack_signs(0, &mut weights);
        let window = c.window(self.input.channels);
        let (down, up) = (code.min() - code.zero, code.max() - code.zero);
        // The end of the weights' range that gives the largest product, and its code.
        let products = [(low, down), (low, up), (high, down), (high, up)];
        let size = |&(w, v): &(i8, i32)| i32::from(w) * v * if largest { 1 } else { -1 };
        let (weight, value) = products.into_iter().max_by_key(size).unwrap_or_default();
        weights[..window].fill(weight);
        let multipliers = c.weights.multipliers().to_vec();
        c.weights = Weights::integers(c.weights.kind(), &weights).expect("the same kind");
        if !multipliers.is_empty() {
            let channels = window / multipliers.len();
            let multiplied = c.weights.clone().with_multipliers(channels, multipliers);
            c.weights = multiplied.expect("the same multipliers");
        }
        self.fill(random);
        let (kernel, dilation) = (self.convolution.kernel, self.convolution.dilation);
        let shape = self.input;
        let per_group = shape.channels / self.convolution.groups;
        let number = self.number;
        let mut map = self.values.tensor_mut(shape, number);
        for k in 0..kernel[0] * kernel[1] {
            let (y, x) = (k / kernel[1] * dilation[0], k % kernel[1] * dilation[1]);
            for i in 0..per_group {
                let index = (y * shape.width + x) * shape.channels + i;
                map.set(index, (value + code.zero) as f32);
            }
        }
    }
}
