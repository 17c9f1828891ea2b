//! Times whole training steps: forward, the mean of squares, backward, SGD with momentum.
//!
//! `step tincy|FILE SIZE BATCH THREADS STEPS` prints a JSON line a step, `{"wall": s, "cpu": s}`;
//! `step tincy|FILE --describe` the layers, for other programs to build. `tincy` is the project's
//! own topology with batch normalisation, FILE any float network that the importers read.

use nix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Input, Network, Number, Op, Padding, Pool, Source,
    Weights,
};
use tincy_train::model::{Normalisation, Options};
use tincy_train::{Model, Tape};

fn convolution(inputs: usize, outputs: usize, kernel: usize, stride: usize, last: bool) -> Op {
    let count = inputs * outputs * kernel * kernel;
    let size = (6.0 / (inputs * kernel * kernel) as f32).sqrt();
    let mut state = 12345u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * size
    };
    let activation = if last {
        Activation::Linear
    } else {
        Activation::Relu
    };
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [kernel; 2],
        stride: [stride; 2],
        dilation: [1; 2],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights: Weights::floats((0..count).map(|_| next()).collect()),
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: vec![0.0; outputs].into(),
            activation,
            output: Number::F32,
        }),
    })
}

/// 3x3 convolutions of 16 to 512 channels with max pools between, and 125 channels at the end.
fn tincy(size: usize) -> Network {
    let mut builder = Builder::new("tincy", Input::rgb(size, size)).unwrap();
    let channels = [3, 16, 64, 64, 128, 256, 512, 512, 512];
    let strides = [0, 2, 2, 2, 2, 1, 0, 0];
    let mut at = Source::Input;
    for i in 0..8 {
        let stride = if i == 0 { 2 } else { 1 };
        let op = convolution(channels[i], channels[i + 1], 3, stride, false);
        at = builder.layer(format!("conv{i}"), op, &[at]).unwrap();
        if i > 0 && strides[i] > 0 {
            let padding = Padding::split(if strides[i] == 1 { 1 } else { 0 });
            let pool = Pool {
                size: [2; 2],
                stride: [strides[i]; 2],
                padding,
            };
            at = builder
                .layer(format!("pool{i}"), Op::MaxPool(pool), &[at])
                .unwrap();
        }
    }
    builder
        .layer("conv8", convolution(512, 125, 1, 1, true), &[at])
        .unwrap();
    builder.build().unwrap()
}

/// The layers in words that other programs understand.
fn describe(network: &Network, normalised: bool) -> Value {
    let outputs = network.outputs();
    let number = |source: &Source| match source {
        Source::Input => -1,
        Source::Layer(index) => *index as i64,
    };
    let sides = |p: Padding| [p.top, p.left, p.bottom, p.right];
    let mut layers: Vec<Value> = Vec::new();
    for (index, layer) in network.layers().iter().enumerate() {
        let (inputs, _) = network.tensor(layer.inputs()[0]);
        let mut words = match layer.op() {
            Op::Convolution(c) => {
                let Finish::Affine(affine) = &c.finish else {
                    panic!("{} is not float", layer.name());
                };
                let result = outputs.contains(&Source::Layer(index));
                json!({
                    "in": inputs.channels, "out": c.out_channels, "kernel": c.kernel,
                    "stride": c.stride, "dilation": c.dilation, "padding": sides(c.padding),
                    "groups": c.groups, "norm": normalised && !result,
                    "activation": name(affine.activation),
                })
            }
            Op::MaxPool(p) => {
                json!({"kernel": p.size, "stride": p.stride, "padding": sides(p.padding)})
            }
            Op::Upsample { factor } => json!({"factor": factor}),
            Op::Slice { start, count } => json!({"start": start, "count": count}),
            Op::Add { activation } | Op::Activation { activation } => {
                json!({"activation": name(*activation)})
            }
            _ => json!({}),
        };
        words["op"] = layer.op().name().into();
        words["inputs"] = layer.inputs().iter().map(number).collect();
        if words["activation"].is_null() {
            words["activation"] = "linear".into();
        }
        layers.push(words);
    }
    if let Some(last) = layers.last_mut() {
        last["outputs"] = outputs.iter().map(number).collect();
    }
    layers.into()
}

fn name(activation: Activation) -> Value {
    match activation {
        Activation::Leaky { .. } => "leaky".into(),
        other => serde_json::to_value(other).unwrap(),
    }
}

/// Seconds of all threads of this process.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("tincy", String::as_str);
    let number = |i: usize, default: usize| {
        arguments
            .get(i)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (network, normalisation) = match name {
        "tincy" => (tincy(416), Normalisation::Batch { momentum: 0.1 }),
        file => {
            let network = tincy_import::import(file.as_ref(), &Default::default()).unwrap();
            (network, Normalisation::None)
        }
    };
    if arguments.get(1).is_some_and(|word| word == "--describe") {
        println!(
            "{}",
            describe(&network, normalisation != Normalisation::None)
        );
        return;
    }
    let (size, batch) = (number(1, 320), number(2, 8));
    let (threads, steps) = (number(3, 2), number(4, 6));
    let model = Model::new(&network, Options { normalisation }).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let mut run = Run {
        velocity: vec![0.0; model.parameters().values().len()],
        model,
        tape: Tape::new(Arc::new(pool)),
        gradient: Vec::new(),
    };
    for _ in 0..steps {
        let (start, before) = (Instant::now(), cpu());
        run.step(size, batch);
        let wall = start.elapsed().as_secs_f64();
        println!("{}", json!({"wall": wall, "cpu": cpu() - before}));
    }
}

struct Run {
    model: Model,
    tape: Tape,
    gradient: Vec<f32>,
    velocity: Vec<f32>,
}

impl Run {
    fn step(&mut self, size: usize, batch: usize) {
        self.tape.begin(&self.model, batch, size, size).unwrap();
        for picture in 0..batch {
            for (i, value) in self.tape.input_mut(picture).iter_mut().enumerate() {
                *value = ((i * 7 + picture) % 255) as f32 / 255.0;
            }
        }
        self.tape.forward(&mut self.model, true);
        self.tape.losses(|_, maps, gradients| {
            for (map, gradient) in maps.iter().zip(gradients) {
                let count = (map.len() * batch) as f32;
                for (d, value) in gradient.iter_mut().zip(*map) {
                    *d = 2.0 * value / count;
                }
            }
        });
        self.tape.backward(&mut self.model, 1.0, &mut self.gradient);
        let values = self.model.parameters_mut().values_mut();
        for ((value, v), g) in values
            .iter_mut()
            .zip(&mut self.velocity)
            .zip(&self.gradient)
        {
            *v = 0.9 * *v + g;
            *value -= 1e-6 * *v;
        }
    }
}
