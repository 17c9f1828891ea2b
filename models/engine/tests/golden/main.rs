//! Published networks on published inputs, layer by layer, by every backend.
//!
//! Emulated, where plain loops would take minutes, only the fastest backend runs the large ones.

mod darknet;
mod dorefanet;
mod files;
mod tinier_yolo;
mod tiny_yolo;

use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{Builder, Input, Network, Shape, Source};

/// Ways to run a network that must not differ: backends, threads, with and without fusing.
fn ways() -> Vec<Options> {
    let way = |backend, threads, keep_all| Options {
        backend,
        threads,
        keep_all,
        ..Options::default()
    };
    let mut ways = vec![way(Backend::Auto, 1, false), way(Backend::Auto, 2, true)];
    if cfg!(target_arch = "aarch64") {
        return ways;
    }
    ways.push(way(Backend::Auto, 3, false));
    for backend in Backend::available().filter(|backend| *backend != Backend::Auto) {
        ways.push(way(backend, 1, false));
        ways.push(way(backend, 2, true));
    }
    ways
}

/// A session that has run on an input of unsigned codes.
fn run(network: &Network, options: &Options, codes: &[u8]) -> Session {
    let plan = Plan::new(network, options).expect("the network can be planned");
    let mut session = Session::new(&plan);
    match session.input_mut() {
        TensorMut::U8(input) => input.copy_from_slice(codes),
        other => panic!("the network reads {other:?}"),
    }
    session.run();
    session
}

/// The layers of `network` from number `first` on, reading a map of `shape`; all that comes before
/// must be read by the first of them alone. Every map that no pool follows is a result, so pools
/// can still be fused.
fn from_layer(network: &Network, first: usize, shape: Shape) -> Network {
    let layers = &network.layers()[first..];
    let start = layers[0].inputs()[0];
    let input = Input {
        shape,
        number: network.tensor(start).1,
        picture: None,
    };
    let moved = |source: &Source| match *source {
        Source::Layer(index) if index >= first => Source::Layer(index - first),
        source => {
            assert_eq!(source, start);
            Source::Input
        }
    };
    let mut rest = Builder::new("rest", input).unwrap();
    for (i, layer) in layers.iter().enumerate() {
        let inputs: Vec<_> = layer.inputs().iter().map(moved).collect();
        let map = rest
            .layer(layer.name(), layer.op().clone(), &inputs)
            .unwrap();
        if layers
            .get(i + 1)
            .is_none_or(|next| next.op().name() != "maxpool")
        {
            rest.output_tensor(map);
        }
    }
    rest.build().unwrap()
}

/// Panics at the first code that differs; a map that was not kept is passed over, unless it is a
/// result.
fn assert_codes(session: &Session, network: &Network, layer: usize, expected: &[u8]) {
    let source = Source::Layer(layer);
    let name = network.layers()[layer].name();
    let Some(found) = session.output(source) else {
        assert!(!network.outputs().contains(&source), "{name} was not kept");
        return;
    };
    let Tensor::U8(found) = found else {
        panic!("{name} has codes");
    };
    assert_eq!(found.len(), expected.len(), "{name}");
    let wrong = found.iter().zip(expected).filter(|(a, b)| a != b).count();
    assert_eq!(
        wrong,
        0,
        "{name}: codes that differ, by {:?}",
        session.plan().options()
    );
}

/// Panics where a float differs by more than `tolerance` of the larger of it and 1.
fn assert_floats(session: &Session, source: Source, expected: &[f32], tolerance: f32) {
    let found = session.output(source).expect("a result").floats();
    assert_eq!(found.len(), expected.len());
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!(
            (a - b).abs() <= tolerance * b.abs().max(1.0),
            "element {i} is {a}, not {b}"
        );
    }
}
