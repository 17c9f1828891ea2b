//! The published CNV W1A1 classifier.

mod shared;

use serde_json::Value;
use shared::{copy, shared};
use tincy_engine::{Options, Plan, Session};
use tincy_import::finn;
use tincy_network::Network;

/// The codes of a CIFAR-10 record: a label, then planes of red, green and blue.
fn codes(record: &[u8]) -> Vec<f32> {
    let code = |i: usize| {
        let sample = f64::from(record[1 + i % 3 * 1024 + i / 3]);
        ((sample * 2.0 / 255.0 - 1.0) * 128.0)
            .round()
            .clamp(-128.0, 127.0) as f32
    };
    (0..3072).map(code).collect()
}

fn run(network: &Network, codes: &[f32]) -> Session {
    let options = Options {
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(network, &options).unwrap());
    let mut input = session.input_mut();
    codes
        .iter()
        .enumerate()
        .for_each(|(i, code)| input.set(i, *code));
    session.run();
    session
}

#[test]
fn a_deer_is_a_deer() {
    let Some(folder) = shared("quant-classifiers/cnv-w1a1-cifar10") else {
        return;
    };
    let network = finn::import(&folder).unwrap();
    let codes = codes(&std::fs::read(folder.join("deer.bin")).unwrap());
    let session = run(&network, &codes);
    let expected = std::fs::read(folder.join("deer.expected.json")).unwrap();
    let expected: Value = serde_json::from_slice(&expected).unwrap();
    for stage in &expected["stages"].as_array().unwrap()[1..9] {
        let number = stage["stage"].as_u64().unwrap();
        // The publisher's figure is of what is pooled, where a pool follows.
        let names = [format!("pool{number}"), format!("conv{number}")];
        let layer = names.iter().find_map(|name| network.find(name)).unwrap();
        let map = session.output(tincy_network::Source::Layer(layer)).unwrap();
        let ones = (0..map.len()).filter(|i| map.get(*i) == 1.0).count();
        assert_eq!(
            ones as u64,
            stage["ones_out"].as_u64().unwrap(),
            "stage {number}"
        );
    }
    let scores = session.output(network.outputs()[0]).unwrap().floats();
    let wanted = expected["stages"][9]["scores"].as_array().unwrap();
    let wanted: Vec<f32> = wanted
        .iter()
        .map(|score| score.as_f64().unwrap() as f32)
        .collect();
    assert_eq!(scores, wanted);
    let best = (0..10)
        .max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
        .unwrap();
    assert_eq!(network.classes()[best], expected["class"]);
}

#[test]
fn pictures_become_signed_codes() {
    let Some(folder) = shared("quant-classifiers/cnv-w1a1-cifar10") else {
        return;
    };
    let input = finn::import(&folder).unwrap().input().clone();
    let (picture, code) = (input.picture.unwrap(), input.number.code().unwrap());
    for sample in 0..=255u8 {
        let real = (f32::from(sample) / 255.0 - picture.mean[0]) / picture.std[0];
        let expected = (f64::from(sample) * 2.0 / 255.0 - 1.0) * 128.0 + 0.5;
        assert_eq!(
            code.quantize(real),
            (expected.floor() as i32).min(127),
            "{sample}"
        );
    }
}

#[test]
fn damage_is_named() {
    let Some(folder) = shared("quant-classifiers/cnv-w1a1-cifar10") else {
        return;
    };
    let copy = copy(&folder);
    let weights = copy.path().join("cnvW1A1/8-3-weights.bin");
    std::fs::write(&weights, [0; 8]).unwrap();
    let said = finn::import(copy.path()).unwrap_err().to_string();
    assert!(
        said.contains("8-3-weights.bin") && said.contains("65536 bytes expected"),
        "{said}"
    );
    std::fs::write(copy.path().join("cnvW1A1/classes.txt"), "").unwrap();
    std::fs::write(&weights, vec![0; 65536]).unwrap();
    let said = finn::import(copy.path()).unwrap_err().to_string();
    assert!(
        said.contains("1 to 64 classes are expected, found 0"),
        "{said}"
    );
}
