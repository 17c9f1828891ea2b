//! The model computes what the engine computes, with any number of threads.

mod support;

use support::{Conv, Numbers, builder, pool, shared};
use tincy_engine::{Options as Run, Plan, Session};
use tincy_network::{Activation, Network, Number, Source};
use tincy_train::model::{Normalisation, Options};
use tincy_train::{Model, Tape};

/// Results of the engine.
fn engine(network: &Network, input: &[f32]) -> Vec<Vec<f32>> {
    let plan = Plan::new(network, &Run::default()).unwrap();
    let mut session = Session::new(&plan);
    match network.input().number {
        Number::F32 => session.input_mut().floats().copy_from_slice(input),
        Number::Code(code) => {
            let mut codes = session.input_mut();
            for (index, value) in input.iter().enumerate() {
                codes.set(index, code.quantize(*value) as f32);
            }
        }
    }
    session.run();
    let outputs = network.outputs().iter();
    outputs
        .map(|source| session.output(*source).unwrap().floats().to_vec())
        .collect()
}

fn trained(network: &Network, input: &[f32], options: Options) -> Vec<Vec<f32>> {
    let mut model = Model::new(network, options).unwrap();
    let shape = network.input().shape;
    let mut tape = Tape::new(pool(2));
    tape.begin(&model, 1, shape.height, shape.width).unwrap();
    tape.set_input(&model, 0, input);
    tape.forward(&mut model, false);
    (0..network.outputs().len())
        .map(|output| tape.output(output, 0).to_vec())
        .collect()
}

fn assert_same(found: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len(), "{what}");
        let squares: f32 = expected.iter().map(|v| v * v).sum();
        let size = (squares / expected.len() as f32).sqrt();
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let near = (found - expected).abs() <= 1e-4 * expected.abs().max(size);
            assert!(near, "{what}: [{index}] is {found}, not {expected}");
        }
    }
}

#[test]
fn an_onnx_network_gives_the_engines_numbers() {
    let Some(folder) = shared("onnx-detectors") else {
        return;
    };
    let network = tincy_import::import(&folder.join("yolox-nano.onnx"), &Default::default());
    let network = network.unwrap();
    let count = network.input().shape.elements();
    let input: Vec<f32> = Numbers::new(9)
        .take(count)
        .iter()
        .map(|v| (v + 1.0) / 2.0)
        .collect();
    let expected = engine(&network, &input);
    assert_same(
        &trained(&network, &input, Options::default()),
        &expected,
        "yolox-nano",
    );
}

#[test]
fn published_networks_give_the_engines_numbers() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    for name in [
        "mobilenetv2-yolo-fastest-voc-v2",
        "yolo-fastest-1.1",
        "synth-yolov4tiny",
        "synth-tincy",
    ] {
        let path = folder.join(name).with_extension("cfg");
        let path = if path.exists() {
            path
        } else {
            folder.join(format!("{name}.cfg"))
        };
        let network = tincy_import::import(&path, &Default::default()).unwrap();
        let input: Vec<f32> = Numbers::new(9)
            .take(network.input().shape.elements())
            .iter()
            .map(|v| (v + 1.0) / 2.0)
            .collect();
        let expected = engine(&network, &input);
        assert_same(
            &trained(&network, &input, Options::default()),
            &expected,
            name,
        );
        // Nothing is lost on the way to a model and back, with normalisation in between.
        let normalisation = Normalisation::Frozen;
        let model = Model::new(&network, Options { normalisation }).unwrap();
        assert_same(
            &engine(&model.to_network().unwrap(), &input),
            &expected,
            name,
        );
    }
}

fn small() -> Network {
    let (mut builder, mut numbers) = (builder(16, 12, 3), Numbers::new(11));
    let conv = |out, groups, activation| Conv {
        out,
        groups,
        activation,
        ..Conv::default()
    };
    let a = conv(24, 1, Activation::Swish).add(&mut builder, "a", Source::Input, &mut numbers);
    let b = conv(24, 24, Activation::Relu).add(&mut builder, "b", a, &mut numbers);
    conv(7, 1, Activation::Linear).add(&mut builder, "c", b, &mut numbers);
    builder.build().unwrap()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let network = small();
    for normalisation in [Normalisation::None, Normalisation::Batch { momentum: 0.1 }] {
        let run = |threads: usize| {
            let mut model = Model::new(&network, Options { normalisation }).unwrap();
            let mut tape = Tape::new(pool(threads));
            tape.begin(&model, 7, 16, 12).unwrap();
            let mut numbers = Numbers::new(5);
            for picture in 0..7 {
                let input = tape.input_mut(picture);
                input.copy_from_slice(&numbers.take(input.len()));
            }
            tape.forward(&mut model, true);
            let losses = tape.losses(|_, maps, gradients| {
                gradients[0].copy_from_slice(maps[0]);
                maps[0].iter().map(|v| f64::from(v * v) / 2.0).sum::<f64>()
            });
            let mut gradient = Vec::new();
            tape.backward(&mut model, 1.0, &mut gradient);
            let bits: Vec<u32> = gradient.iter().map(|g| g.to_bits()).collect();
            (losses, bits, model.parameters().values().to_vec())
        };
        assert!(run(1) == run(3), "{normalisation:?}");
    }
}

#[test]
fn what_cannot_be_trained_is_refused_by_name() {
    let (mut builder, mut numbers) = (builder(4, 4, 3), Numbers::new(1));
    let a = Conv::default().add(&mut builder, "a", Source::Input, &mut numbers);
    builder
        .layer("soft", tincy_network::Op::Softmax, &[a])
        .unwrap();
    let error = Model::new(&builder.build().unwrap(), Options::default())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "layer soft: softmax has no gradient here; end the network before it"
    );
    let network = small();
    let model = Model::new(&network, Options::default()).unwrap();
    assert!(Tape::new(pool(1)).begin(&model, 1, 32, 32).is_ok());
}
