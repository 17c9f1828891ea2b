//! Values that an independent implementation in f64 gave, for tests.

use super::Layout;
use serde_json::Value;
use std::path::Path;

/// A part of a file of golden values.
#[derive(Clone, Debug)]
pub(super) struct Golden(pub(super) Value);

/// Opens a file, if the golden values are there.
pub(super) fn open(name: &str) -> Option<Golden> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden");
    let path = root.join(name);
    if !path.exists() {
        println!("skipped: needs ../shared/golden/{name}");
        return None;
    }
    Some(Golden(
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(),
    ))
}

impl Golden {
    pub(super) fn inside(&self, key: &str) -> Golden {
        Golden(self.0[key].clone())
    }

    pub(super) fn list(&self, key: &str) -> Vec<Golden> {
        let list = self.0[key].as_array().unwrap();
        list.iter().cloned().map(Golden).collect()
    }

    pub(super) fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap()
    }

    pub(super) fn number(&self, key: &str) -> f64 {
        self.0[key].as_f64().unwrap()
    }

    pub(super) fn numbers(&self, key: &str) -> Vec<f64> {
        let list = self.0[key].as_array().unwrap();
        list.iter().map(|number| number.as_f64().unwrap()).collect()
    }

    /// The numbers as f32, which the golden inputs are without loss.
    pub(super) fn floats(&self, key: &str) -> Vec<f32> {
        self.numbers(key)
            .iter()
            .map(|number| *number as f32)
            .collect()
    }

    /// A tensor `[ky][kx][in][out]` brought to `[out][ky][kx][in]`; one of two sides is
    /// `[in][out]`.
    pub(super) fn weights(&self, key: &str, shape: &str) -> (Layout, Vec<f32>) {
        let shape: Vec<usize> = self.numbers(shape).iter().map(|n| *n as usize).collect();
        let [rows, columns, inputs, outputs] = match shape[..] {
            [a, b, c, d] => [a, b, c, d],
            [c, d] => [1, 1, c, d],
            _ => panic!("{shape:?}"),
        };
        let values = self.floats(key);
        let layout = Layout {
            outputs,
            rows,
            columns,
            inputs,
        };
        let turned = (0..layout.count()).map(|i| {
            let (output, rest) = (i / layout.window(), i % layout.window());
            values[rest * outputs + output]
        });
        (layout, turned.collect())
    }
}

/// That floats are the expected numbers, but for their own precision.
pub(super) fn close<T: Copy + Into<f64>>(found: &[f32], expected: &[T]) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected) = (f64::from(*found), (*expected).into());
        let tolerance = 2e-6 * (1.0 + f64::abs(expected));
        assert!(
            (found - expected).abs() <= tolerance,
            "{i}: {found}, not {expected}"
        );
    }
}
