//! The cost formulae against an independent implementation and the published figures under
//! `../shared/golden`.

use serde_json::Value;
use std::path::PathBuf;
use tincy_bitstreams::cycles::{self, Folding};
use tincy_bitstreams::resources as r;
use tincy_bitstreams::work::Work;

fn golden() -> Option<Value> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/golden/finn-cost.json"
    );
    let Ok(text) = std::fs::read_to_string(PathBuf::from(path)) else {
        println!("skipped: needs ../shared/golden/finn-cost.json");
        return None;
    };
    Some(serde_json::from_str(&text).expect("golden JSON"))
}

/// The layers of a point, from the notation of `finn-cost.json`.
fn layers(point: &Value) -> Vec<(Work, Folding)> {
    point["layers"]
        .as_array()
        .unwrap()
        .iter()
        .map(layer)
        .collect()
}

fn layer(json: &Value) -> (Work, Folding) {
    let n = |key: &str| json[key].as_u64().unwrap();
    let work = Work {
        name: String::new(),
        kernel: n("K"),
        stride: n("S"),
        inputs: n("C"),
        outputs: n("Cp"),
        in_size: [n("Nin"); 2],
        out_size: [n("N"); 2],
        groups: n("groups"),
        weight_bits: n("W"),
        input_bits: n("A"),
        output_bits: n("A"),
        thresholds: true,
        pool: None,
    };
    (
        work,
        Folding {
            pe: n("P"),
            simd: n("Q"),
            pixels: n("M"),
        },
    )
}

#[test]
fn every_layer_equals_the_independent_implementation() {
    let Some(points) = golden() else { return };
    let mut compared = 0;
    for (name, point) in points.as_object().unwrap() {
        for json in point["layers"].as_array().unwrap() {
            let (work, folding) = layer(json);
            let golden = |key: &str| json[key].as_u64().unwrap();
            assert_eq!(work.operations(), golden("ops"), "{name}");
            assert_eq!(
                cycles::matrix(&work, folding),
                golden("mvu_cycles"),
                "{name}"
            );
            assert_eq!(
                cycles::window(&work, folding, 1),
                golden("swu_cycles"),
                "{name}"
            );
            compared += 1;
            let Some(lut) = json["lut_finnr"].as_f64() else {
                continue;
            };
            assert!(
                (r::lut_finn_r(&work, folding) - lut).abs() < 1e-9 * lut,
                "{name}"
            );
            assert_eq!(
                r::window_bram18(&work, folding),
                golden("bram18_window"),
                "{name}"
            );
            assert_eq!(
                r::weight_bram18_finn_r(&work, folding),
                golden("bram18_weights"),
                "{name}"
            );
        }
    }
    assert!(compared > 60, "{compared} layers");
}

#[test]
fn every_total_equals_the_independent_implementation() {
    let Some(points) = golden() else { return };
    for (name, point) in points.as_object().unwrap() {
        let layers = layers(point);
        let cycles = layers
            .iter()
            .map(|(work, folding)| cycles::layer(work, *folding));
        let Some(clock) = point["clock_mhz"].as_f64() else {
            assert_eq!(cycles.sum::<u64>(), 1_654_848, "{name}");
            continue;
        };
        let interval = cycles.max().unwrap();
        assert_eq!(
            interval,
            point["bottleneck_cycles"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            clock * 1e6 / interval as f64,
            point["fps"].as_f64().unwrap(),
            "{name}"
        );
        let old: f64 = layers.iter().map(|(w, f)| r::lut_finn_2018(w, *f)).sum();
        assert!(
            (old - point["lut_finn2018"].as_f64().unwrap()).abs() < 1e-6 * old,
            "{name}"
        );
        let memory: u64 = layers.iter().map(|(w, f)| r::weight_bram18(w, *f)).sum();
        assert_eq!(
            memory,
            point["bram18_weights_now"].as_u64().unwrap(),
            "{name}"
        );
        assert_eq!(
            lut_now(&layers),
            point["lut_finn_now"].as_u64().unwrap(),
            "{name}"
        );
    }
}

/// Today's formula over a network: 16-bit accumulators, thresholds after every layer but the last.
fn lut_now(layers: &[(Work, Folding)]) -> u64 {
    let (bits, last) = (layers[1].0.input_bits, layers.len() - 1);
    let lut = |(i, (work, folding)): (usize, &(Work, Folding))| {
        r::lut_finn_now(work, *folding, if i < last { bits } else { 0 }, 16)
    };
    layers.iter().enumerate().map(lut).sum()
}

/// Frames a second that were measured on the public CNV bitstreams (finn-published-points.csv).
#[test]
fn the_rate_of_the_public_cnv_designs_is_within_two_percent() {
    let Some(points) = golden() else { return };
    for (name, measured) in [
        ("CNV W1A1", 9149.98),
        ("CNV W1A2", 9150.50),
        ("CNV W2A2", 2580.30),
    ] {
        let layers = layers(&points[&format!("{name} @ Ultra96 299 MHz")]);
        let interval = layers
            .iter()
            .map(|(w, f)| cycles::layer(w, *f))
            .max()
            .unwrap();
        let predicted = 299e6 / interval as f64;
        let error = predicted / measured - 1.0;
        println!(
            "{name}: predicted {predicted:.1}, measured {measured}, {:+.2} %",
            100.0 * error
        );
        assert!(error.abs() < 0.02, "{name}: {error}");
    }
}
