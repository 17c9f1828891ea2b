//! Maps brought to another size by weighted means of neighbours.

use crate::{Error, Shape};

/// Where element `index` of a side of `to` lies on a side of `from`, pixels being squares: the first
/// of the two neighbours, the second, and the weight of the second. Edges go on for ever.
///
/// `source = (index + 1/2) * from / to - 1/2`, which is ONNX's `half_pixel`.
pub fn neighbours(index: usize, from: usize, to: usize) -> (usize, usize, f32) {
    let source = (index as f64 + 0.5) * from as f64 / to as f64 - 0.5;
    let source = source.clamp(0.0, (from - 1) as f64);
    let first = source as usize;
    let second = (first + 1).min(from - 1);
    (first, second, (source - first as f64) as f32)
}

/// The point between two numbers, `weight` of the way: two products and a sum in f32.
#[inline(always)]
pub fn between(first: f32, second: f32, weight: f32) -> f32 {
    first * (1.0 - weight) + second * weight
}

pub(crate) fn resized(shape: Shape, [height, width]: [usize; 2]) -> Result<Shape, Error> {
    let output = Shape::new(height, width, shape.channels);
    if !output.is_valid() {
        return Err(Error::layer("size", "1 to 2^30 elements", output));
    }
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_by_hand() {
        // Twice as large: a quarter of the way from each pixel's middle.
        let twice = [0, 1, 2, 3].map(|i| neighbours(i, 2, 4));
        assert_eq!(
            twice,
            [(0, 1, 0.0), (0, 1, 0.25), (0, 1, 0.75), (1, 1, 0.0)]
        );
        // Half as large: the mean of two.
        assert_eq!(neighbours(1, 4, 2), (2, 3, 0.5));
        assert_eq!(neighbours(0, 1, 3), (0, 0, 0.0));
    }
}
