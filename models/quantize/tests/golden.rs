//! Values of the golden files: thresholds of all methods, factors, rounding rules, folded normalisation.

use serde_json::Value;
use std::path::Path;
use tincy_network::Factor;
use tincy_quantize::normalisation::{Count, Normalisation};
use tincy_quantize::rule::{Rule, Scaling};
use tincy_quantize::threshold::{Best, divergence, entropy, mse, percentile};

/// Values are multiples of this.
const UNIT: f64 = 1.0 / 65536.0;

fn golden(name: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let text = std::fs::read_to_string(folder.join(name)).ok();
    if text.is_none() {
        println!("skipped: needs ../shared/golden/{name}");
    }
    text
}

/// xorshift64, as the golden files' script has it.
struct Numbers(u64);

impl Numbers {
    fn u32(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    fn u16(&mut self) -> i64 {
        i64::from(self.u32() >> 16)
    }

    fn bell(&mut self) -> i64 {
        (0..12).map(|_| self.u16()).sum::<i64>() - 6 * 65535
    }

    fn value(&mut self, kind: &str, index: usize) -> i64 {
        match kind {
            "uniform" => 2 * self.u16() - 65535,
            "gauss12" => self.bell(),
            "relu12" => self.bell().max(0),
            "heavy" => {
                let (a, b) = (self.u32(), self.u32());
                let size = i64::from((a & 0xff) | 0x100) << (b | 1 << 10).trailing_zeros();
                if a & 0x8000_0000 != 0 { -size } else { size }
            }
            "outlier" => self.bell() * if index % 997 == 996 { 40 } else { 1 },
            "spike" => {
                let is_zero = self.u32() & 7 != 0;
                let value = self.bell();
                if is_zero { 0 } else { value }
            }
            "bimodal" => {
                let is_high = self.u32() & 1 == 1;
                let noise = (self.u16() - self.u16()) >> 2;
                noise + if is_high { 131_072 } else { -131_072 }
            }
            _ => panic!("{kind}"),
        }
    }
}

/// Counts of magnitudes in equal bins up to the largest.
fn histogram(values: &[i64], bins: usize) -> Vec<u64> {
    let largest = values.iter().map(|v| v.unsigned_abs()).max().unwrap();
    let mut counts = vec![0; bins];
    for value in values {
        let bin = value.unsigned_abs() * bins as u64 / largest;
        counts[(bin as usize).min(bins - 1)] += 1;
    }
    counts
}

#[track_caller]
fn assert_near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = expected.as_f64().unwrap();
    let error = (found - expected).abs();
    assert!(
        error <= tolerance * expected.abs().max(1.0),
        "{what}: {found}, not {expected}"
    );
}

/// A divergence's choice against the golden one; where the curve is flat, the least alone counts.
fn check_best(best: Option<Best>, row: &Value, bins: usize, largest: f64, what: &str) {
    let Some(index) = row["index"].as_u64() else {
        assert!(best.is_none(), "{what}");
        assert_near(largest * UNIT, &row["threshold"], 1e-12, what);
        return;
    };
    let best = best.unwrap();
    assert_near(best.divergence, &row["d"], 1e-9, what);
    if row["margin"].as_f64().is_none_or(|margin| margin >= 1e-9) {
        assert_eq!(best.bins, index as usize, "{what}");
        let threshold = (best.bins as f64 + 0.5) * largest / bins as f64 * UNIT;
        assert_near(threshold, &row["threshold"], 1e-12, what);
    }
}

#[test]
fn thresholds_of_all_methods_arrays_and_bits() {
    let Some(text) = golden("ptq-kl.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    for case in file["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let mut numbers = Numbers(case["seed"].as_u64().unwrap());
        let count = case["n"].as_u64().unwrap() as usize;
        let kind = case["kind"].as_str().unwrap();
        let values: Vec<i64> = (0..count).map(|i| numbers.value(kind, i)).collect();
        assert_eq!(values.iter().sum::<i64>(), case["sum"].as_i64().unwrap());
        let largest = case["max_abs"].as_f64().unwrap();
        let is_signed = case["signed"].as_bool().unwrap();

        let mut sizes: Vec<u64> = values.iter().map(|v| v.unsigned_abs()).collect();
        sizes.sort_unstable();
        let sizes = sizes.iter().map(|size| (*size as f64, 1));
        for (share, key) in [
            (999, "percentile_999_of_1000"),
            (9999, "percentile_9999_of_10000"),
        ] {
            let found = percentile::threshold(sizes.clone(), share, share + 1);
            assert_eq!(found, case[key].as_f64().unwrap(), "{name} {key}");
        }

        let bins = case["bins_sqrt"].as_u64().unwrap() as usize;
        let counts = histogram(&values, bins);
        let points: Vec<_> = values.iter().map(|v| (*v as f64, 1.0)).collect();
        for (bits, row) in case["by_bits"].as_object().unwrap() {
            let what = format!("{name}, {bits} bits");
            let levels = row["levels"].as_u64().unwrap() as usize;
            let least = mse::best(&points, largest, bits.parse().unwrap(), is_signed);
            assert_eq!(
                least.part as u64,
                row["mse"]["k"].as_u64().unwrap(),
                "{what}"
            );
            let error = row["mse"]["err"].as_f64().unwrap();
            assert!((least.error - error).abs() <= 1e-9 * error, "{what}");
            assert_near(
                least.threshold * UNIT,
                &row["mse"]["threshold"],
                1e-12,
                &what,
            );
            let best = divergence::best(&counts, levels);
            check_best(best, &row["kl_j_sqrt"], bins, largest, &what);
            if let Some(fine) = row.get("kl_j_512") {
                let best = divergence::best(&histogram(&values, 512), levels);
                check_best(best, fine, 512, largest, &what);
                let best = entropy::best(&histogram(&values, 2048), levels);
                check_best(best, &row["entropy_2048"], 2048, largest, &what);
                checked += 2;
            }
            checked += 2;
        }
    }
    assert_eq!(checked, 9 * (7 * 2 + 2 * 2));
}

#[test]
fn factors_of_all_rows() {
    let Some(text) = golden("ptq-kl.json") else {
        return;
    };
    let file: Value = serde_json::from_str(&text).unwrap();
    let rows = file["multiplier_decomposition"]["rows"].as_array().unwrap();
    for row in rows {
        let factor = Factor::nearest(row["m"].as_f64().unwrap()).unwrap();
        let found = (i64::from(factor.multiplier), u64::from(factor.shift));
        let expected = (
            row["scale"].as_i64().unwrap(),
            row["shift"].as_u64().unwrap(),
        );
        assert_eq!(found, expected, "{row}");
    }
    assert_eq!(rows.len(), 214);
}

#[test]
fn every_rule_on_every_row() {
    let Some(text) = golden("requantize.csv") else {
        return;
    };
    let rows = text.lines().skip(1);
    let count = rows.clone().count();
    for row in rows {
        let (mode, numbers) = row.split_once(',').unwrap();
        let rule = match mode {
            "half_up" => Rule::HalfUp,
            "half_even" => Rule::HalfEven,
            "half_away" => Rule::HalfAway,
            "floor" => Rule::Floor,
            "xdnn24" => Rule::Xdnn24,
            "gemmlowp" => Rule::Gemmlowp,
            _ => panic!("{row}"),
        };
        let numbers: Vec<i32> = numbers.split(',').map(|n| n.parse().unwrap()).collect();
        let [sum, multiplier, shift, zero, bits, signed, result] = numbers[..] else {
            panic!("{row}");
        };
        let scaling = Scaling {
            multiplier,
            shift: shift as u32,
            zero,
            bits: bits as u32,
            signed: signed == 1,
        };
        assert_eq!(rule.code(sum, &scaling), result, "{row}");
    }
    assert_eq!(count, 1874);
}

#[test]
fn normalisation_folds_to_the_very_thresholds() {
    let Some(text) = golden("bn-thresholds.csv") else {
        return;
    };
    let list = |text: &str| -> Vec<i64> { text.split(';').map(|n| n.parse().unwrap()).collect() };
    let rows = text.lines().skip(1);
    let count = rows.clone().count();
    for row in rows {
        let cells: Vec<&str> = row.split(',').collect();
        let number = |cell: usize| cells[cell].parse::<f64>().unwrap();
        let normalisation = Normalisation {
            gamma: number(0) / 1024.0,
            beta: number(1) / 1024.0,
            mean: number(2) / 1024.0,
            sigma: number(3) / 1024.0,
            scale: number(4) / 65536.0,
            step: number(5) / 1024.0,
        };
        let thresholds = list(cells[8]);
        let expected = match cells[7] {
            "ge" => Count::Reached(thresholds),
            "le" => Count::NotExceeded(thresholds),
            _ => Count::Always(thresholds.iter().sum()),
        };
        let found = normalisation.thresholds(number(6) as u8).unwrap();
        assert_eq!(found, expected, "{row}");
        let codes = [-300, -30, -1, 0, 1, 30, 300].map(|sum| found.code(sum));
        assert_eq!(codes[..], list(cells[9]), "{row}");
    }
    assert_eq!(count, 240);
}
