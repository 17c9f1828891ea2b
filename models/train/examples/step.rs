//! Times of whole training steps: forward, a loss, backward, SGD with momentum.
//!
//! `step tincy|FILE [SIZE] [BATCH] [THREADS] [STEPS]`; `tincy` is the project's own topology with
//! batch normalisation, FILE any float network that the importers read.

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

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("tincy", String::as_str);
    let number = |i: usize, default: usize| {
        arguments
            .get(i)
            .map_or(default, |text| text.parse().expect("a number"))
    };
    let (size, batch) = (number(1, 320), number(2, 8));
    let (threads, steps) = (number(3, 2), number(4, 6));
    let (network, normalisation) = match name {
        "tincy" => (tincy(size), Normalisation::Batch { momentum: 0.1 }),
        file => {
            let network = tincy_import::import(file.as_ref(), &Default::default()).unwrap();
            (network, Normalisation::None)
        }
    };
    let mut model = Model::new(&network, Options { normalisation }).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    let mut tape = Tape::new(Arc::new(pool));
    let (mut gradient, mut velocity) = (Vec::new(), vec![0.0; model.parameters().values().len()]);
    let mut times = Vec::new();
    for _ in 0..steps {
        let start = Instant::now();
        tape.begin(&model, batch, size, size).unwrap();
        for picture in 0..batch {
            for (i, value) in tape.input_mut(picture).iter_mut().enumerate() {
                *value = ((i * 7 + picture) % 255) as f32 / 255.0;
            }
        }
        tape.forward(&mut model, true);
        let forward = start.elapsed();
        let losses = tape.losses(|_, maps, gradients| {
            let mut loss = 0.0;
            for (map, gradient) in maps.iter().zip(gradients) {
                let count = (map.len() * batch) as f32;
                for (d, value) in gradient.iter_mut().zip(*map) {
                    *d = 2.0 * value / count;
                    loss += f64::from(value * value / count);
                }
            }
            loss
        });
        tape.backward(&mut model, 1.0, &mut gradient);
        let values = model.parameters_mut().values_mut();
        for ((value, v), g) in values.iter_mut().zip(&mut velocity).zip(&gradient) {
            *v = 0.9 * *v + g;
            *value -= 1e-4 * *v;
        }
        times.push(start.elapsed().as_secs_f64());
        let loss: f64 = losses.iter().sum();
        println!(
            "step {:.3} s, forward {:.3} s, loss {loss:.6}",
            times[times.len() - 1],
            forward.as_secs_f64()
        );
    }
    times.sort_by(f64::total_cmp);
    println!(
        "{name} {size} batch {batch} threads {threads}: best {:.3} s, {:.2} pictures/s; median {:.3} s",
        times[0],
        batch as f64 / times[0],
        times[times.len() / 2]
    );
}
