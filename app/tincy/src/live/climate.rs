//! Temperature, power and clocks while a run goes on: read about once a second by a thread of its own.

use crossbeam_channel::{Receiver, RecvTimeoutError};
use serde::Serialize;
use std::time::Duration;
use tincy_drivers::Roots;
use tincy_drivers::sensor::{self, Reading, Unit};

/// Between two looks.
const PERIOD: Duration = Duration::from_secs(1);

/// What a sensor showed over a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Span {
    /// Name of the chip; `cpu` for clocks.
    pub chip: String,
    /// What it measures there, if it says; the cores of a clock.
    pub label: String,
    /// Unit of the values.
    pub unit: &'static str,
    /// The least.
    pub least: f64,
    /// The greatest.
    pub greatest: f64,
    /// The last.
    pub last: f64,
}

/// What all sensors showed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Climate {
    spans: Vec<Span>,
}

impl Climate {
    /// What was shown so far.
    pub fn into_spans(self) -> Vec<Span> {
        self.spans
    }

    /// Adds what is shown now.
    pub fn look(&mut self, roots: &Roots) {
        let readings = sensor::read(roots).unwrap_or_default();
        let told = |one: &Reading| matches!(one.unit, Unit::Celsius | Unit::Watt);
        let clocks = sensor::clocks(roots).unwrap_or_default();
        self.add(readings.into_iter().filter(told).chain(clocks));
    }

    /// Adds readings. Those of one name are told apart by their order.
    fn add(&mut self, readings: impl IntoIterator<Item = Reading>) {
        let mut seen: Vec<(String, String, &str)> = Vec::new();
        for Reading {
            chip,
            label,
            value,
            unit,
        } in readings
        {
            let name = (chip, label, unit.sign());
            let before = seen.iter().filter(|other| **other == name).count();
            seen.push(name.clone());
            let (chip, label, unit) = name;
            let same =
                |span: &&mut Span| (&span.chip, &span.label, span.unit) == (&chip, &label, unit);
            match self.spans.iter_mut().filter(same).nth(before) {
                Some(span) => span.add(value),
                None => self.spans.push(Span {
                    chip,
                    label,
                    unit,
                    least: value,
                    greatest: value,
                    last: value,
                }),
            }
        }
    }

    /// Looks until the other end of `ended` is dropped, and once more then.
    pub fn watch(roots: &Roots, ended: &Receiver<()>) -> Climate {
        let mut climate = Climate::default();
        loop {
            climate.look(roots);
            match ended.recv_timeout(PERIOD) {
                Err(RecvTimeoutError::Timeout) => {}
                _ => break,
            }
        }
        climate.look(roots);
        climate
    }
}

impl Span {
    fn add(&mut self, value: f64) {
        self.least = self.least.min(value);
        self.greatest = self.greatest.max(value);
        self.last = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(chip: &str, value: f64) -> Reading {
        Reading {
            chip: chip.into(),
            label: String::new(),
            value,
            unit: Unit::Watt,
        }
    }

    #[test]
    fn sensors_of_one_name_are_told_apart() {
        let mut climate = Climate::default();
        climate.add([reading("ina", 3.0), reading("ina", 0.5), reading("x", 1.0)]);
        climate.add([reading("ina", 2.0), reading("ina", 0.75)]);
        climate.add([reading("ina", 2.5), reading("ina", 0.25), reading("x", 4.0)]);
        let spans = climate.into_spans();
        let values: Vec<_> = spans
            .iter()
            .map(|span| (span.chip.as_str(), span.least, span.greatest, span.last))
            .collect();
        assert_eq!(
            values,
            [
                ("ina", 2.0, 3.0, 2.5),
                ("ina", 0.25, 0.75, 0.25),
                ("x", 1.0, 4.0, 4.0)
            ]
        );
    }
}
