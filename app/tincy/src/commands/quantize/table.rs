//! What became of each layer, as people read it.

use super::Told;
use crate::columns::{Align, Columns, grouped, shorten};
use std::fmt;
use tincy_quantize::report::Layer;

/// Bits of a sum that the narrowest hardware holds.
const NARROW: u32 = 24;

impl fmt::Display for Told {
    /// A line a layer, then the file and the accuracy; without a line feed at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Columns::new(&[
            ("name", Align::Left),
            ("type", Align::Left),
            ("weights", Align::Left),
            ("out", Align::Left),
            ("least", Align::Right),
            ("largest", Align::Right),
            ("beyond", Align::Right),
            ("SQNR", Align::Right),
            ("acc", Align::Right),
        ]);
        self.report
            .layers
            .iter()
            .for_each(|layer| table.row(row(layer)));
        let (level, method, inputs) = (&self.level, self.method, self.report.inputs);
        writeln!(
            f,
            "{table}\n\n{}: {level} by {method} from {inputs} inputs",
            self.model
        )?;
        write!(f, "{} bytes", grouped(self.bytes))?;
        if self.accumulator_bits > NARROW {
            write!(f, "; sums need up to {} bits", self.accumulator_bits)?;
        }
        if let Some(accuracy) = &self.accuracy {
            let (before, after) = (accuracy.before, accuracy.after);
            write!(
                f,
                "\nmean average precision on {} pictures: {before:.4} before, {after:.4} after",
                accuracy.pictures
            )?;
        }
        Ok(())
    }
}

fn row(layer: &Layer) -> [String; 9] {
    let number = |value: f64| format!("{value:.3}");
    let weights = layer.weight_bits.map(|bits| match bits {
        32 => "f32".into(),
        bits => format!("int{bits}"),
    });
    let ends = layer.range.map(|range| range.map(number));
    let [low, high] = ends.unwrap_or_default();
    [
        shorten(&layer.name, 24),
        layer.op.into(),
        weights.unwrap_or_default(),
        match layer.bits {
            32 => "f32".into(),
            bits => format!("u{bits}"),
        },
        low,
        high,
        layer.range.map_or(String::new(), |_| {
            format!("{:.2} %", 100.0 * layer.saturated)
        }),
        layer
            .sqnr_db
            .map_or("-".into(), |ratio| format!("{ratio:.1} dB")),
        layer
            .accumulator_bits
            .map_or(String::new(), |bits| bits.to_string()),
    ]
}
