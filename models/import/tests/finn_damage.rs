//! FINN folders that are wrong: each is refused by name, none panics or asks for much memory.

mod shared;

use shared::{copy, shared};
use std::path::Path;
use tempfile::TempDir;
use tincy_import::finn;

fn error(folder: &Path) -> String {
    let error = finn::import(folder).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.display()), "")
}

/// A copy of a published folder, with text replaced in one of its files.
struct Damaged {
    folder: TempDir,
    name: &'static str,
    text: String,
}

impl Damaged {
    fn new(folder: &str, name: &'static str) -> Option<Damaged> {
        let folder = copy(&shared(folder)?);
        let text = std::fs::read_to_string(folder.path().join(name)).unwrap();
        Some(Damaged { folder, name, text })
    }

    fn write(&self, text: &str) {
        std::fs::write(self.folder.path().join(self.name), text).unwrap();
    }

    fn refused(&self, from: &str, to: &str, expected: &str) {
        assert!(self.text.contains(from), "{from} is in {}", self.name);
        self.write(&self.text.replacen(from, to, 1));
        let error = error(self.folder.path());
        assert!(
            error.contains(expected),
            "{from} -> {to}\n  {error}\n  {expected}"
        );
    }
}

#[test]
fn a_list_of_layers_that_does_not_fit_is_refused_by_layer() {
    let name = "tinier-yolo-layers.json";
    let Some(layers) = Damaged::new("tinier-yolo", name) else {
        return;
    };
    let huge = "18446744073709551615";
    let cases = [
        (
            "\"network\": \"tinier-yolo\"",
            "\"network\": \"other\"",
            "network \"other\" is unknown; known are tinier-yolo, dorefanet",
        ),
        ("conv_layer", "lstm_layer", "tinier-yolo-layers.json:"),
        (
            "\"binparam-tinier-yolo-nopool\"",
            "\"../elsewhere\"",
            "binparam must name a folder",
        ),
        (
            "\"binparam_skip\": 1",
            "\"binparam_skip\": 2",
            "2-0-weights.bin",
        ),
        (
            "\"binparam_skip\": 1",
            "\"binparam_skip\": -1",
            "tinier-yolo-layers.json:",
        ),
        (
            "\"kernel_shape\": 3",
            "\"kernel_shape\": 4",
            "layer conv1: MAX_K is 3, found 4",
        ),
        (
            "\"kernel_shape\": 3",
            "\"kernel_shape\": 0",
            "layer conv1: 0 weights",
        ),
        (
            "\"kernel_stride\": 1",
            "\"kernel_stride\": 0",
            "layer conv1: a stride of 0",
        ),
        (
            "\"input\": [16, 208, 208]",
            "\"input\": [900, 208, 208]",
            "layer conv1: MAX_IFM_CH is 512, found 900",
        ),
        (
            "\"input\": [16, 208, 208]",
            "\"input\": [16, 209, 209]",
            "layer conv1: MAX_IFM_DIM is 210, found 211",
        ),
        (
            "\"input\": [16, 208, 208]",
            "\"input\": [32, 208, 208]",
            "conv1",
        ),
        (
            "\"output\": [64, 208, 208]",
            "\"output\": [64, 207, 207]",
            "layer conv1: output 207x207x64 expected, 208x208x64 computed",
        ),
        (
            "\"output\": [64, 208, 208]",
            "\"output\": [0, 208, 208]",
            "layer conv1: 0 output channels",
        ),
        (
            "\"padding\": 1",
            &format!("\"padding\": {huge}"),
            "layer conv1: MAX_IFM_DIM is 210",
        ),
        ("maxpool_layer", "split_layer", "tinier-yolo-layers.json:"),
    ];
    for (from, to, expected) in cases {
        layers.refused(from, to, expected);
    }
}

#[test]
fn an_overlay_that_cannot_be_is_refused() {
    let Some(overlay) = Damaged::new("tinier-yolo", "W1A3-overlay.json") else {
        return;
    };
    let huge = "18446744073709551615";
    let cases = [
        (
            "\"ACTIVATION_BITS\": 3",
            "\"ACTIVATION_BITS\": 9",
            "W1A3-overlay.json: needs 1 weight bit",
        ),
        (
            "\"ACTIVATION_BITS\": 3",
            "\"ACTIVATION_BITS\": 2",
            "1-0-thres.bin: layer conv1: 16 bytes expected, 32 found",
        ),
        (
            "\"WEIGHTS_BITS\": 1",
            "\"WEIGHTS_BITS\": 2",
            "needs 1 weight bit",
        ),
        (
            "\"MAX_PE_CONV\": 32",
            "\"MAX_PE_CONV\": 0",
            "needs 1 weight bit",
        ),
        (
            "\"MAX_PE_CONV\": 32",
            "\"MAX_PE_CONV\": 16",
            "1-0-weights.bin: layer conv1: 288 bytes expected, 144 found",
        ),
        ("\"MAX_SIMD\": 64", "\"MAX_SIMD\": 65", "needs 1 weight bit"),
        (
            "\"MAX_SIMD\": 64",
            "\"MAX_SIMD\": 8",
            "layer conv1: 288 bytes expected, 144 found",
        ),
        (
            "\"MAX_OFM_CH\": 256",
            "\"MAX_OFM_CH\": 0",
            "needs 1 weight bit",
        ),
        (
            "\"MAX_OFM_CH\": 256",
            &format!("\"MAX_OFM_CH\": {huge}"),
            "layer conv5: ",
        ),
        ("\"MAX_K\"", "\"MOST_K\"", "MAX_K"),
    ];
    for (from, to, expected) in cases {
        overlay.refused(from, to, expected);
    }
}

#[test]
fn a_list_of_layers_cut_anywhere_is_refused() {
    for (folder, name) in [
        ("tinier-yolo", "tinier-yolo-layers.json"),
        ("dorefanet", "dorefanet-layers.json"),
    ] {
        let Some(layers) = Damaged::new(folder, name) else {
            return;
        };
        let whole = layers.text.trim_end();
        for length in (0..whole.len()).step_by(61) {
            layers.write(&whole[..length]);
            assert!(error(layers.folder.path()).starts_with(name));
        }
    }
}

#[test]
fn float_layers_that_do_not_fit_are_refused() {
    let Some(folder) = shared("tinier-yolo") else {
        return;
    };
    let folder = copy(&folder);
    let path = folder.path().join("tinier-yolo-conv8-W.npy");
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let cut = error(folder.path());
    assert_eq!(
        cut,
        "tinier-yolo-conv8-W.npy: 256000 bytes of data expected, 255999 found"
    );
    let other = folder.path().join("tinier-yolo-conv0-W.npy");
    std::fs::copy(other, &path).unwrap();
    let swapped = error(folder.path());
    assert!(
        swapped.starts_with("tinier-yolo-conv8-bias.npy: 16 biases expected"),
        "{swapped}"
    );
    std::fs::remove_file(&path).unwrap();
    let missing = error(folder.path());
    assert!(
        missing.ends_with("one file NAME-conv8-W.npy expected, 0 found"),
        "{missing}"
    );
}

#[test]
fn a_split_that_cannot_be_is_refused() {
    let Some(layers) = Damaged::new("dorefanet", "dorefanet-layers.json") else {
        return;
    };
    let cases = [
        (
            "\"split\": 2",
            "\"split\": 0",
            "input shape 54x54x0 cannot be",
        ),
        (
            "\"split\": 2",
            "\"split\": 3",
            "3-0-weights.bin: layer conv1: ",
        ),
        ("merge_layer", "none", "the list ends inside a split"),
        (
            "split_layer",
            "none",
            "the list does not begin with a convolution",
        ),
    ];
    for (from, to, expected) in cases {
        layers.refused(from, to, expected);
    }
}

#[test]
fn scales_that_do_not_fit_are_refused() {
    let Some(scales) = Damaged::new("tinyyolo-w1a4", "scales.json") else {
        return;
    };
    scales.refused(
        "0.033435356,",
        "",
        "scales.json: out_scale: 125 numbers expected, 124 found",
    );
    scales.refused("\"out_scale\"", "\"in_scale\"", "scales.json:");
    scales.refused("0.033435356,", "true,", "scales.json:");
}
