//! SYQ's scales of rows and positions: the exported integers against sums computed here by definition.

mod support;

use support::{Conv, Numbers, builder, pool};
use tincy_engine::kernel::Task;
use tincy_engine::kernels::reference;
use tincy_engine::tensor::Tensor;
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{Activation, Code, Convolution, Input, Network, Number, Shape, Source};
use tincy_train::low_bit::export::{Maps, to_integers};
use tincy_train::model::{Normalisation, Options as ModelOptions};
use tincy_train::quantizers::Method;
use tincy_train::{Model, Tape};

const INPUT: Shape = Shape {
    height: 7,
    width: 9,
    channels: 6,
};

/// Codes of 3 bits in, of 2 bits between the layers.
fn maps() -> Maps {
    let code = Code::unsigned(3, 0.125);
    Maps {
        input: Input {
            shape: INPUT,
            number: Number::Code(code),
            picture: None,
        },
        input_step: 0.125,
        code: Code::unsigned(2, 1.0 / 3.0),
        step: 1.0 / 3.0,
    }
}

/// Two layers: ternary weights with these scales and normalisation, then binary ones with a scale a row.
fn model(first: &str) -> Model {
    let mut numbers = Numbers::new(3);
    let mut b = builder(INPUT.height, INPUT.width, INPUT.channels);
    let relu = Conv {
        out: 5,
        stride: 2,
        activation: Activation::Relu,
        ..Conv::default()
    };
    let inner = relu.add(&mut b, "inner", Source::Input, &mut numbers);
    Conv::default().add(&mut b, "result", inner, &mut numbers);
    let network = b.build().unwrap();
    let normalisation = Normalisation::Frozen;
    let mut model = Model::new(&network, ModelOptions { normalisation }).unwrap();
    // Some filters are turned.
    for (part, values) in [
        ("scale", [0.8, -0.7, 1.1, -0.9, 0.6]),
        ("shift", [0.4, 0.6, 0.1, 0.5, -0.1]),
        ("mean", [0.05, -0.1, 0.2, 0.0, 0.1]),
        ("variance", [0.9, 1.4, 0.3, 2.0, 0.7]),
    ] {
        let parameters = model.parameters_mut();
        let id = parameters.find(&format!("inner.{part}")).unwrap();
        parameters.get_mut(id).copy_from_slice(&values);
    }
    for (layer, method) in [("inner", first), ("result", "syq-binary-row")] {
        model
            .quantize_weights(layer, method.parse().unwrap())
            .unwrap();
    }
    let codes: Method = "uniform2".parse().unwrap();
    let quantizer = codes.of_activations(5, &[1.0]).unwrap();
    model.quantize_map("inner", quantizer).unwrap();
    // Scales as far apart as training may bring them.
    spread(&mut model, "inner");
    spread(&mut model, "result");
    model
}

fn values(model: &Model, name: &str) -> Vec<f32> {
    let parameters = model.parameters();
    parameters.get(parameters.find(name).unwrap()).to_vec()
}

fn spread(model: &mut Model, layer: &str) {
    let parameters = model.parameters_mut();
    let id = parameters.find(&format!("{layer}.step")).unwrap();
    for (i, scale) in parameters.get_mut(id).iter_mut().enumerate() {
        *scale *= 0.3 + 0.23 * (i * 5 % 7) as f32;
    }
}

/// The multipliers of a layer's nine positions, and the scale that they are parts of: by SYQ's paper and
/// the rounding that is promised.
fn multipliers(model: &Model, layer: &str) -> ([i64; 9], f64) {
    let scales = values(model, &format!("{layer}.step"));
    let largest = scales.iter().fold(0.0f32, |a, b| a.max(*b));
    let multiplier = |k: usize| {
        let scale = scales[k * scales.len() / 9];
        let part = f64::from(scale) / f64::from(largest) * 127.0;
        (part.round() as i64).max(1)
    };
    (std::array::from_fn(multiplier), f64::from(largest) / 127.0)
}

/// `sum over p of m[p] * S[p]` of every output, by the trained weights' signs; padding is 1.
fn sums(model: &Model, layer: &str, shape: Shape, codes: &[u8], stride: usize) -> Vec<i64> {
    let weights = values(model, &format!("{layer}.weight"));
    let (multipliers, _) = multipliers(model, layer);
    let outputs = weights.len() / 9 / shape.channels;
    let most = weights.iter().fold(0.0f32, |a, b| a.max(b.abs()));
    let threshold = if layer == "inner" { 0.05 * most } else { -1.0 };
    let sign = |w: f32| match (w.abs() > threshold, w < 0.0) {
        (false, _) => 0,
        (true, negative) => 1 - 2 * i64::from(negative),
    };
    let [rows, columns] = [shape.height, shape.width].map(|side| (side - 1) / stride + 1);
    let mut all = Vec::new();
    for place in 0..rows * columns * outputs {
        let (pixel, o) = (place / outputs, place % outputs);
        let (y, x) = (pixel / columns * stride, pixel % columns * stride);
        let mut sum = 0;
        for k in 0..9 {
            let (row, column) = ((y + k / 3).wrapping_sub(1), (x + k % 3).wrapping_sub(1));
            if row >= shape.height || column >= shape.width {
                continue;
            }
            let from = (row * shape.width + column) * shape.channels;
            let of_position: i64 = (0..shape.channels)
                .map(|c| {
                    let weight = weights[(o * 9 + k) * shape.channels + c];
                    sign(weight) * i64::from(codes[from + c])
                })
                .sum();
            sum += multipliers[k] * of_position;
        }
        all.push(sum);
    }
    all
}

fn input() -> Vec<u8> {
    let mut numbers = Numbers::new(11);
    let codes = (0..INPUT.elements()).map(|_| (numbers.next() * 4.0 + 4.0).min(7.0) as u8);
    codes.collect()
}

fn layer<'a>(network: &'a Network, name: &str) -> &'a Convolution {
    let index = network.find(name).unwrap();
    network.layers()[index].convolution().unwrap()
}

fn accumulate(convolution: &Convolution, input: Shape, bits: u8, codes: &[u8]) -> Vec<i64> {
    let task = Task {
        convolution,
        input,
        number: Number::Code(Code::unsigned(bits, 1.0)),
        pool: None,
    };
    let sums = reference::accumulate(&task, Tensor::U8(codes));
    sums.into_iter().map(i64::from).collect()
}

/// What the engine gives on each backend; all of it must be the same.
fn run(network: &Network, codes: &[u8]) -> Vec<f32> {
    let mut results = Backend::available().map(|backend| {
        let options = Options {
            backend,
            ..Options::default()
        };
        let mut session = Session::new(&Plan::new(network, &options).unwrap());
        session.input_mut().unsigned().copy_from_slice(codes);
        session.run();
        let result = session.output(network.outputs()[0]).unwrap();
        result.floats().to_vec()
    });
    let first = results.next().unwrap();
    assert!(results.all(|other| other == first), "backends differ");
    first
}

#[test]
fn exported_sums_are_those_of_rounded_scales() {
    for first in ["syq-ternary-position", "syq-ternary-row"] {
        let mut model = model(first);
        let network = to_integers(&mut model, &maps()).unwrap();
        let codes = input();
        let (inner, result) = (layer(&network, "inner"), layer(&network, "result"));
        let expected = multipliers(&model, "inner").0.map(|m| m as u8);
        assert_eq!(inner.weights.multipliers(), expected, "{first}");

        // Filters whose normalisation is negative are turned, and so are their sums.
        let factors = values(&model, "inner.scale");
        let by_hand = sums(&model, "inner", INPUT, &codes, 2);
        let turned = by_hand.iter().enumerate();
        let turned: Vec<i64> = turned
            .map(|(i, sum)| if factors[i % 5] < 0.0 { -sum } else { *sum })
            .collect();
        assert_eq!(
            accumulate(inner, INPUT, 3, &codes),
            turned,
            "{first}: inner"
        );

        // The activations between the layers, by normalisation and rounding in floats.
        let [shift, mean, variance] =
            ["shift", "mean", "variance"].map(|part| values(&model, &format!("inner.{part}")));
        let (_, scale) = multipliers(&model, "inner");
        let activations: Vec<u8> = by_hand
            .iter()
            .enumerate()
            .map(|(i, sum)| {
                let c = i % 5;
                let [factor, shift, mean, variance] =
                    [factors[c], shift[c], mean[c], variance[c]].map(f64::from);
                let real = *sum as f64 * scale * 0.125;
                let normal = (real - mean) / (variance + 1e-5).sqrt() * factor + shift;
                (normal * 3.0 + 0.5).floor().clamp(0.0, 3.0) as u8
            })
            .collect();
        let distinct = (0..4).all(|code| activations.contains(&code));
        assert!(distinct, "{first}: all codes occur");
        let middle = Shape::new(4, 5, 5);
        let by_hand = sums(&model, "result", middle, &activations, 1);
        assert_eq!(
            accumulate(result, middle, 2, &activations),
            by_hand,
            "{first}: result"
        );

        // The whole network, on every backend.
        let (_, scale) = multipliers(&model, "result");
        let bias = values(&model, "result.bias");
        let found = run(&network, &codes);
        for (i, (found, sum)) in found.iter().zip(&by_hand).enumerate() {
            let expected = *sum as f64 * scale / 3.0 + f64::from(bias[i % 4]);
            let error = (f64::from(*found) - expected).abs();
            assert!(
                error < 1e-5,
                "{first}: result {i} is {found}, not {expected}"
            );
        }
    }
}

#[test]
fn a_network_of_rounded_scales_computes_what_its_integers_do() {
    let mut model = model("syq-ternary-position");
    for layer in ["inner", "result"] {
        let (multipliers, scale) = multipliers(&model, layer);
        let parameters = model.parameters_mut();
        let id = parameters.find(&format!("{layer}.step")).unwrap();
        let scales = parameters.get_mut(id);
        let every = 9 / scales.len();
        for (i, value) in scales.iter_mut().enumerate() {
            *value = (multipliers[i * every] as f64 * scale) as f32;
        }
    }
    let codes = input();
    let network = to_integers(&mut model, &maps()).unwrap();
    let integers = run(&network, &codes);
    let mut tape = Tape::new(pool(1));
    tape.begin(&model, 1, INPUT.height, INPUT.width).unwrap();
    let reals: Vec<f32> = codes.iter().map(|code| f32::from(*code) * 0.125).collect();
    tape.set_input(&model, 0, &reals);
    tape.forward(&mut model, false);
    let trained = tape.output(0, 0);
    assert_eq!(trained.len(), integers.len());
    let worst = trained.iter().zip(&integers).map(|(a, b)| (a - b).abs());
    let worst = worst.fold(0.0, f32::max);
    assert!(worst < 1e-4, "off by {worst}");
}
