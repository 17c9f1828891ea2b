//! Low-bit networks made trainable: what they computed, they compute.

mod support;

use tincy_engine::{Options, Plan, Session};
use tincy_import::import;
use tincy_network::{Network, Source};
use tincy_train::low_bit::prune;

/// What a network finds in codes that follow from their place.
fn output(network: &Network) -> Vec<f32> {
    let plan = Plan::new(network, &Options::default()).unwrap();
    let mut session = Session::new(&plan);
    for (place, code) in session.input_mut().unsigned().iter_mut().enumerate() {
        *code = ((place * 37 + place / 1251 * 11) % 128) as u8;
    }
    session.run();
    let result = session.output(network.outputs()[0]);
    result.unwrap().floats().to_vec()
}

#[test]
fn dead_channels_change_nothing() {
    let Some(folder) = support::shared("tinyyolo-w1a4") else {
        return;
    };
    let published = import(&folder, &Default::default()).unwrap();
    let pruned = prune::dead_channels(&published, 4).unwrap();
    let channels = |network: &Network, layer: &str| {
        let layer = network.find(layer).unwrap();
        network.tensor(Source::Layer(layer)).0.channels
    };
    // 111 of its channels never fire (1, 2, 0, 6, 28, 74, 0, 0 by layer); fours of channels stay whole.
    let counts = ["conv0", "conv1", "conv3", "conv4", "conv5", "conv6"];
    let counts = counts.map(|layer| [channels(&published, layer), channels(&pruned, layer)]);
    let expected = [
        [16, 16],
        [64, 64],
        [128, 124],
        [256, 228],
        [512, 440],
        [512, 512],
    ];
    assert_eq!(counts, expected);
    assert!(pruned.total_operations() < published.total_operations() / 20 * 19);
    assert_eq!(output(&pruned), output(&published));
}
