//! Darknet files that are wrong: each is refused by name, none panics or asks for much memory.

mod shared;

use proptest::prelude::*;
use shared::shared;
use std::path::PathBuf;
use tincy_import::darknet::{self, Options};
use tincy_network::{Finish, Network, Op};

/// A cfg and its weights in a folder of their own.
struct Pair {
    folder: tempfile::TempDir,
}

impl Pair {
    fn new(cfg: &str, weights: &[u8]) -> Pair {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("net.cfg"), cfg).unwrap();
        std::fs::write(folder.path().join("net.weights"), weights).unwrap();
        Pair { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn import(&self) -> Result<Network, String> {
        let (cfg, weights) = (self.path("net.cfg"), self.path("net.weights"));
        let network = darknet::import(&cfg, &weights, None, Options::default());
        let folder = format!("{}/", self.folder.path().display());
        network.map_err(|e| e.to_string().replace(&folder, ""))
    }
}

/// Weights of the later version whose floats are 0, 1, 2, ...
fn weights(count: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = [0i32, 2, 5, 0, 0]
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect();
    bytes.extend((0..count).flat_map(|i| (i as f32).to_le_bytes()));
    bytes
}

const NET: &str = "[net]\nwidth=8\nheight=6\nchannels=3\n";

fn refused(layers: &str, expected: &str) {
    let error = Pair::new(&format!("{NET}{layers}"), &weights(0))
        .import()
        .unwrap_err();
    assert!(
        error.starts_with(expected),
        "{layers:?}\n  gives    {error}\n  expected {expected}"
    );
}

#[test]
fn what_is_not_supported_is_named_with_its_line() {
    let cases = [
        ("[lstm]\n", "net.cfg:5: [lstm] is not supported"),
        (
            "[convolutional]\nactivation=gelu\n",
            "net.cfg:6: activation=gelu is not supported; supported are linear",
        ),
        (
            "[convolutional]\nfliters=3\n",
            "net.cfg:6: fliters= is not supported in [convolutional]",
        ),
        (
            "[convolutional]\nbinary=1\n",
            "net.cfg:6: binary=1 is not supported, only binary=0",
        ),
        (
            "[convolutional]\nsize=-3\n",
            "net.cfg:6: size=-3: not a number in range",
        ),
        (
            "[convolutional]\ngroups=2\nfilters=4\n",
            "net.cfg:5: groups=2 must divide the 3 input channels",
        ),
        (
            "[convolutional]\nsize=3\ndilation=2\n",
            "net.cfg:5: dilation=2 needs an odd size",
        ),
        (
            "[maxpool]\nsize=9\nstride=1\npadding=0\n",
            "net.cfg:5: layer 0 (maxpool0): window: expected one that fits 6x8",
        ),
        ("[maxpool]\nstride=0\n", "net.cfg:5: layer 0 (maxpool0): "),
        (
            "[maxpool]\n\n[route]\nlayers=-2\n",
            "net.cfg:7: layer -2: not one of the 1 before this",
        ),
        (
            "[maxpool]\n\n[route]\nlayers=1\n",
            "net.cfg:7: layer 1: not one of the 1 before this",
        ),
        (
            "[maxpool]\n[route]\nlayers=0\ngroups=2\n",
            "net.cfg:6: [route] needs group_id=",
        ),
        (
            "[maxpool]\n[route]\nlayers=0\ngroups=3\ngroup_id=3\n",
            "net.cfg:6: group_id=3 is not one of groups=3",
        ),
        ("[route]\n", "net.cfg:5: [route] needs layers="),
        (
            "[maxpool]\n[shortcut]\nfrom=-9223372036854775808\n",
            "net.cfg:6: layer -9223372036854775808: not one",
        ),
        (
            "[upsample]\nstride=9999999999\n",
            "net.cfg:5: layer 0 (upsample0): factor: expected 1 to 64",
        ),
        (
            "[upsample]\nscale=.5\n",
            "net.cfg:6: scale=.5 is not supported, only scale=1",
        ),
        (
            "[reorg]\nstride=2\n",
            "net.cfg:5: layer 0 (reorg0): stride: expected one that divides 6x8x3",
        ),
        (
            "[softmax]\ntemperature=2\n",
            "net.cfg:6: temperature=2 is not supported, only temperature=1",
        ),
        (
            "[maxpool]\n[region]\ntree=words\n",
            "net.cfg:7: tree= in [region] is not supported",
        ),
        (
            "[maxpool]\n[region]\nanchors=1,2,3\n",
            "net.cfg:6: anchors= needs pairs of numbers, found 3",
        ),
        (
            "[maxpool]\n[yolo]\nanchors=1,2\nmask=1\n",
            "net.cfg:6: mask: anchor 1 of 1",
        ),
        (
            "[maxpool]\n[yolo]\nanchors=1,2\n[maxpool]\n",
            "net.cfg:8: layer 1 is a head, which no layer can read",
        ),
        (
            "[maxpool]\n[yolo]\nanchors=1,2\n",
            "net.cfg: network: a head of 1 anchors and 20 classes reads",
        ),
    ];
    for (layers, expected) in cases {
        refused(layers, expected);
    }
    let no_net = Pair::new("[maxpool]\n", &weights(0)).import().unwrap_err();
    assert_eq!(no_net, "net.cfg:1: [net] must come first, not [maxpool]");
    let no_width = Pair::new("[net]\nheight=3\n", &weights(0))
        .import()
        .unwrap_err();
    assert_eq!(no_width, "net.cfg:1: [net] needs width=");
    let no_layer = Pair::new(NET, &weights(0)).import().unwrap_err();
    assert_eq!(no_layer, "net.cfg: network: there is no layer");
}

#[test]
fn absurd_numbers_ask_for_no_memory() {
    let huge = usize::MAX;
    refused(
        &format!("[convolutional]\nfilters={huge}\nsize={huge}\n"),
        "net.weights: layer conv0: 18446744073709551615 bytes expected, 20 found",
    );
    refused(
        "[connected]\noutput=99999999999\n",
        "net.weights: layer connected0: ",
    );
    let net = format!("[net]\nwidth={huge}\nheight={huge}\n[maxpool]\n");
    let error = Pair::new(&net, &weights(0)).import().unwrap_err();
    assert!(error.contains("cannot be"), "{error}");
}

#[test]
fn a_normalised_layer_in_the_order_of_the_file() {
    let cfg = "[net]\nwidth=4\nheight=4\nchannels=1\n[convolutional]\nbatch_normalize=1\nfilters=1\nsize=2\nactivation=linear\n";
    // bias 0, scale 1, mean 2, variance 3, weights 4 to 7
    let network = Pair::new(cfg, &weights(8)).import().unwrap();
    let Op::Convolution(convolution) = network.layers()[0].op() else {
        panic!("a convolution")
    };
    let factor = 1.0 / (3.0f64 + 1e-5).sqrt();
    let expected = [4.0, 5.0, 6.0, 7.0].map(|w| (w * factor) as f32);
    assert_eq!(convolution.weights.as_floats(), expected);
    let Finish::Affine(affine) = &convolution.finish else {
        panic!("affine")
    };
    assert_eq!(affine.bias[..], [(-2.0 * factor) as f32]);
}

#[test]
fn weights_of_another_length_are_refused() {
    let cfg = format!(
        "{NET}[convolutional]\nfilters=2\nsize=1\nactivation=linear\n[convolutional]\nfilters=1\nsize=1\nactivation=linear\n"
    );
    // 2 + 6, then 1 + 2.
    assert!(Pair::new(&cfg, &weights(11)).import().is_ok());
    let whole = weights(11);
    for length in 0..whole.len() {
        let error = Pair::new(&cfg, &whole[..length]).import().unwrap_err();
        let expected = match length {
            0..20 => format!("net.weights: a header of 16 or 20 bytes expected, {length} found"),
            20..52 => format!("net.weights: layer conv0: 52 bytes expected, {length} found"),
            _ => format!("net.weights: layer conv1: 64 bytes expected, {length} found"),
        };
        assert_eq!(error, expected);
    }
    let error = Pair::new(&cfg, &weights(12)).import().unwrap_err();
    assert!(
        error.starts_with("net.weights: after the last layer: 64 bytes expected, 68 found"),
        "{error}"
    );
}

#[test]
fn numbers_that_are_none_are_named_with_their_layer() {
    let cfg = format!("{NET}[convolutional]\nfilters=2\nsize=1\nactivation=linear\n");
    let mut bytes = weights(8);
    let last = bytes.len() - 4;
    bytes[last..].copy_from_slice(&f32::NAN.to_le_bytes());
    let error = Pair::new(&cfg, &bytes).import().unwrap_err();
    assert!(
        error.starts_with("net.weights: layer conv0: weight 5 is NaN"),
        "{error}"
    );
}

#[test]
fn a_published_cfg_cut_anywhere_is_no_panic() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let cfg = std::fs::read_to_string(folder.join("synth-csp-newcoords.cfg")).unwrap();
    let weights = std::fs::read(folder.join("synth-csp-newcoords.weights")).unwrap();
    for length in (0..cfg.len()).step_by(7) {
        let _ = Pair::new(&cfg[..length], &weights).import();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_no_panic(cfg in ".{0,200}", weights in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Pair::new(&cfg, &weights).import();
    }

    /// Sections and keys that exist, with any numbers.
    #[test]
    fn wrong_numbers_are_no_panic(
        lines in prop::collection::vec((0usize..26, prop_oneof![-4i64..10, any::<i64>()]), 0..30),
    ) {
        const LINES: [&str; 26] = [
            "[convolutional]", "[maxpool]", "[route]", "[shortcut]", "[yolo]", "[region]", "[upsample]",
            "[reorg]", "[avgpool]", "[connected]", "[scale_channels]", "[softmax]", "size=", "stride=",
            "filters=", "groups=", "padding=", "layers=", "from=", "group_id=", "anchors=1,", "classes=",
            "output=", "num=", "mask=", "dilation=",
        ];
        let mut cfg = NET.to_string();
        for (line, number) in lines {
            let line = LINES[line];
            let number = if line.ends_with(['=', ',']) { number.to_string() } else { String::new() };
            cfg.push_str(&format!("{line}{number}\n"));
        }
        let _ = Pair::new(&cfg, &weights(64)).import();
    }
}
