//! Runs frames on request, so that a benchmark can take turns between engines that stay loaded.
//!
//! `peer THREADS NETWORK`, where NETWORK is a model file `NAME.tincy` or a topology, for instance
//! `"relu 416x416x3 c16k3s2 b64k3 p2 c125k1"`, which is given random weights:
//!
//! | word | meaning |
//! | --- | --- |
//! | `relu`, `relu6`, `leaky` | the activation of float convolutions; first word |
//! | `416x416x3` | height, width, channels of the input; second word |
//! | `c16k3s2` | float convolution to 16 channels, kernel 3x3, stride 2 (1 if absent) |
//! | `dk3s2` | the same, depthwise |
//! | `b64k3` | binary weights on 3-bit codes, 3-bit codes out (W1A3) |
//! | `p2`, `p1` | max pool 2x2 with stride 2 or 1; the latter keeps the size |
//!
//! It prints its plan and `ready`; then for each line `N` on stdin it runs N frames and answers with
//! the wall time of one in nanoseconds.

use std::io::{BufRead, Write};
use std::time::Instant;
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Options, Plan, Session};
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding,
    Pool, Shape, Source, Thresholds, WeightKind, Weights, file,
};

type Error = Box<dyn std::error::Error>;

/// The activations between binary layers: the published network's 3-bit codes.
const CODE: Code = Code::unsigned(3, 4.0 / 7.0);

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, network] = arguments.as_slice() else {
        return Err("usage: peer THREADS TOPOLOGY|FILE.tincy".into());
    };
    let network = if network.ends_with(".tincy") {
        file::open(network.as_ref())?
    } else {
        random_network(network)?
    };
    let options = Options {
        threads: threads.parse()?,
        ..Options::default()
    };
    let plan = Plan::new(&network, &options)?;
    println!("{plan:?}");
    let mut session = Session::new(&plan);
    fill(session.input_mut());
    serve(&mut session)
}

/// A picture of noise, or maps of noise.
fn fill(input: TensorMut<'_>) {
    let mut random = Random(0x6a09_e667_f3bc_c909);
    match input {
        TensorMut::F32(values) => values.fill_with(|| 0.5 + 0.5 * random.real()),
        TensorMut::U8(codes) => codes.fill_with(|| (random.next() & 7) as u8),
        TensorMut::I8(codes) => codes.fill_with(|| (random.next() & 7) as i8),
    }
}

fn serve(session: &mut Session) -> Result<(), Error> {
    let mut answers = std::io::stdout().lock();
    writeln!(answers, "ready")?;
    for line in std::io::stdin().lock().lines() {
        let frames: u32 = line?.trim().parse()?;
        let start = Instant::now();
        for _ in 0..frames {
            session.run();
        }
        writeln!(
            answers,
            "{}",
            start.elapsed().as_nanos() / u128::from(frames.max(1))
        )?;
        answers.flush()?;
    }
    Ok(())
}

/// A small generator (xorshift64*): the same network every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) as u32
    }

    /// Evenly from -1 to 1.
    fn real(&mut self) -> f32 {
        self.next() as f32 / (1u32 << 31) as f32 - 1.0
    }
}

fn random_network(topology: &str) -> Result<Network, Error> {
    let words: Vec<&str> = topology.split_whitespace().collect();
    let [activation, shape, layers @ ..] = words.as_slice() else {
        return Err("a topology begins with an activation and a shape".into());
    };
    let activation = match *activation {
        "relu" => Activation::Relu,
        "relu6" => Activation::Relu6,
        "leaky" => Activation::LEAKY,
        other => return Err(format!("unknown activation {other}").into()),
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut builder = Builder::new("random", input(shape, layers)?)?;
    let mut source = Source::Input;
    for (i, word) in layers.iter().enumerate() {
        let rest = &layers[i + 1..];
        let op = if let Some(stride) = word.strip_prefix('p') {
            pool(stride.parse()?)
        } else {
            let (shape, _) = builder.tensor(source);
            let window = Window::parse(word, shape)?;
            Op::Convolution(window.convolution(activation, rest, &mut random)?)
        };
        source = builder.layer(format!("{i}-{word}"), op, &[source])?;
    }
    Ok(builder.build()?)
}

fn input(shape: &str, layers: &[&str]) -> Result<Input, Error> {
    let sides: Vec<usize> = shape.split('x').map(str::parse).collect::<Result<_, _>>()?;
    let [height, width, channels] = sides[..] else {
        return Err(format!("{shape} is not HEIGHTxWIDTHxCHANNELS").into());
    };
    Ok(Input {
        shape: Shape::new(height, width, channels),
        number: number_before(layers),
        picture: None,
    })
}

/// What the next convolution reads: codes if it is binary.
fn number_before(layers: &[&str]) -> Number {
    match layers.iter().find(|word| !word.starts_with('p')) {
        Some(word) if word.starts_with('b') => Number::Code(CODE),
        _ => Number::F32,
    }
}

fn pool(stride: usize) -> Op {
    let after = 2 - stride;
    Op::MaxPool(Pool {
        size: [2, 2],
        stride: [stride, stride],
        padding: Padding {
            bottom: after,
            right: after,
            ..Padding::default()
        },
    })
}

/// A convolution's word, read.
struct Window {
    binary: bool,
    inputs: usize,
    outputs: usize,
    groups: usize,
    kernel: usize,
    stride: usize,
}

impl Window {
    fn parse(word: &str, input: Shape) -> Result<Window, Error> {
        let (outputs, rest) = word.split_once('k').ok_or(format!("{word} is no layer"))?;
        let (kernel, stride) = rest.split_once('s').unwrap_or((rest, "1"));
        let binary = outputs.strip_prefix('b');
        let (outputs, groups) = match binary.or(outputs.strip_prefix('c')) {
            Some(outputs) => (outputs.parse()?, 1),
            None if outputs == "d" => (input.channels, input.channels),
            None => return Err(format!("{word} is no layer").into()),
        };
        Ok(Window {
            binary: binary.is_some(),
            inputs: input.channels / groups,
            outputs,
            groups,
            kernel: kernel.parse()?,
            stride: stride.parse()?,
        })
    }

    /// Products in one sum.
    fn reach(&self) -> usize {
        self.kernel * self.kernel * self.inputs
    }

    fn convolution(
        &self,
        activation: Activation,
        rest: &[&str],
        random: &mut Random,
    ) -> Result<Convolution, Error> {
        let count = self.outputs * self.reach();
        let (weights, finish) = if self.binary {
            let signs: Vec<i8> = (0..count)
                .map(|_| 1 - 2 * (random.next() & 1) as i8)
                .collect();
            let weights = Weights::integers(WeightKind::Binary, &signs)?;
            (weights, Finish::Thresholds(self.thresholds(random)))
        } else {
            // Keeps the variance from layer to layer (He et al. 2015, arXiv:1502.01852).
            let size = (6.0 / self.reach() as f32).sqrt();
            let weights = (0..count).map(|_| size * random.real()).collect();
            let last = rest.is_empty();
            let affine = Affine {
                scale: Default::default(),
                bias: vec![0.01; self.outputs].into(),
                activation: if last { Activation::Linear } else { activation },
                output: number_before(rest),
            };
            (Weights::floats(weights), Finish::Affine(affine))
        };
        Ok(Convolution {
            out_channels: self.outputs,
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            dilation: [1, 1],
            padding: Padding::same(self.kernel / 2),
            groups: self.groups,
            weights,
            finish,
        })
    }

    /// Thresholds that spread the codes: steps of a third of the sums' standard deviation.
    fn thresholds(&self, random: &mut Random) -> Thresholds {
        let deviation = (12.0 * self.reach() as f32).sqrt();
        let channel = |_| {
            let first = deviation * (0.5 * random.real() - 0.7);
            (0..7).map(move |step| (first + deviation * step as f32 / 3.0) as i32)
        };
        Thresholds {
            code: CODE,
            values: (0..self.outputs)
                .flat_map(channel)
                .collect::<Vec<i32>>()
                .into(),
        }
    }
}
