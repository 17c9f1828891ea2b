//! Two maps of one layer: equal or not, where first, and how much noise the second has.

use tincy_engine::tensor::Tensor;
use tincy_network::{Number, Shape};

/// A layer's map, and what its elements mean.
#[derive(Clone, Copy, Debug)]
pub struct Map<'a> {
    /// Height, width, channels.
    pub shape: Shape,
    /// Codes or floats.
    pub number: Number,
    /// The elements.
    pub values: Tensor<'a>,
}

impl Map<'_> {
    /// The real value of element `index`.
    fn real(&self, index: usize) -> f64 {
        let value = f64::from(self.values.get(index));
        match self.number.code() {
            Some(code) => code.scale * (value - f64::from(code.zero)),
            None => value,
        }
    }

    /// Element `index` as it is stored.
    fn stored(&self, index: usize) -> f32 {
        self.values.get(index)
    }
}

/// How the maps of a layer differ, over all frames.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Elements of all frames.
    pub elements: u64,
    /// Those that differ: codes of one format as stored, else real values.
    pub differing: u64,
    /// The first that differs.
    pub first: Option<First>,
    /// The largest difference of real values.
    pub largest: f64,
    signal: f64,
    error: f64,
}

/// The first element that differs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct First {
    /// Frame, from 0.
    pub frame: usize,
    /// Row.
    pub y: usize,
    /// Column.
    pub x: usize,
    /// Channel.
    pub channel: usize,
    /// The first network's value, real.
    pub one: f64,
    /// The second network's.
    pub other: f64,
}

impl Difference {
    /// Adds the maps of a frame, which have the same shape.
    pub fn add(&mut self, frame: usize, one: Map<'_>, other: Map<'_>) {
        let is_one_format = one.number == other.number;
        for index in 0..one.shape.elements() {
            let (a, b) = (one.real(index), other.real(index));
            let differs = match is_one_format {
                true => one.stored(index).to_bits() != other.stored(index).to_bits(),
                false => a != b,
            };
            self.signal += a * a;
            self.elements += 1;
            if differs {
                self.differing += 1;
                self.error += (a - b) * (a - b);
                self.largest = self.largest.max((a - b).abs());
                self.first
                    .get_or_insert_with(|| first(frame, one.shape, index, a, b));
            }
        }
    }

    /// Squared error as a share of the squared signal.
    pub fn noise(&self) -> f64 {
        match self.error == 0.0 {
            true => 0.0,
            false => self.error / self.signal.max(f64::MIN_POSITIVE),
        }
    }

    /// Signal to noise in decibels; infinite where there is none.
    pub fn decibels(&self) -> f64 {
        -10.0 * self.noise().log10()
    }
}

fn first(frame: usize, shape: Shape, index: usize, one: f64, other: f64) -> First {
    let pixel = index / shape.channels;
    First {
        frame,
        y: pixel / shape.width,
        x: pixel % shape.width,
        channel: index % shape.channels,
        one,
        other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::Code;

    fn map(number: Number, values: Tensor<'_>) -> Map<'_> {
        let shape = Shape::new(1, 2, 2);
        Map {
            shape,
            number,
            values,
        }
    }

    #[test]
    fn codes_are_compared_as_they_are_stored() {
        let number = Number::Code(Code::unsigned(3, 0.5));
        let mut difference = Difference::default();
        difference.add(
            0,
            map(number, Tensor::U8(&[1, 2, 3, 4])),
            map(number, Tensor::U8(&[1, 2, 3, 4])),
        );
        assert_eq!(
            (difference.differing, difference.decibels()),
            (0, f64::INFINITY)
        );
        difference.add(
            1,
            map(number, Tensor::U8(&[1, 2, 3, 4])),
            map(number, Tensor::U8(&[1, 2, 5, 4])),
        );
        let first = difference.first.unwrap();
        assert_eq!((first.frame, first.y, first.x, first.channel), (1, 0, 1, 0));
        assert_eq!((first.one, first.other), (1.5, 2.5));
        // Signal 2 * (1 + 4 + 9 + 16) / 4, error 1.
        assert_eq!(difference.noise(), 1.0 / 15.0);
        assert_eq!(
            (
                difference.elements,
                difference.differing,
                difference.largest
            ),
            (8, 1, 1.0)
        );
    }

    #[test]
    fn other_formats_are_compared_by_value() {
        let code = Number::Code(Code {
            zero: 1,
            ..Code::unsigned(8, 2.0)
        });
        let mut difference = Difference::default();
        let floats = [0.0, 2.0, 4.0, 7.0];
        difference.add(
            0,
            map(Number::F32, Tensor::F32(&floats)),
            map(code, Tensor::U8(&[1, 2, 3, 4])),
        );
        assert_eq!((difference.differing, difference.largest), (1, 1.0));
        assert!((difference.decibels() - 10.0 * 69f64.log10()).abs() < 1e-9);
    }
}
