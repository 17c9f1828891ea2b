//! Which two pixels of a row or column each new pixel is made of.

/// A number type that resampling is defined in: f32 or f64.
pub trait Real: Copy + Default + Send + Sync + 'static {
    /// One.
    const ONE: Self;
    /// A sample of 0 to 255 in the unit of the definition.
    fn sample(level: i32) -> Self;
    /// `self * a + other * b`, rounded after each operation.
    fn blend(self, a: Self, other: Self, b: Self) -> Self;
    /// `1 - self`.
    fn rest(self) -> Self;
}

impl Real for f32 {
    const ONE: f32 = 1.0;

    /// `level / 255`, correctly rounded without a division: 1/255 is cut into a high part whose
    /// product with 8 bits is exact, and the rest.
    #[inline(always)]
    fn sample(level: i32) -> f32 {
        const HIGH: f32 = f32::from_bits(0x3b80_8000); // the first 16 bits of 1/255
        const LOW: f32 = (1.0 / 255.0 - HIGH as f64) as f32;
        let level = level as f32;
        level * HIGH + level * LOW
    }

    #[inline(always)]
    fn blend(self, a: f32, other: f32, b: f32) -> f32 {
        self * a + other * b
    }

    #[inline(always)]
    fn rest(self) -> f32 {
        1.0 - self
    }
}

impl Real for f64 {
    const ONE: f64 = 1.0;

    #[inline(always)]
    fn sample(level: i32) -> f64 {
        f64::from(level)
    }

    #[inline(always)]
    fn blend(self, a: f64, other: f64, b: f64) -> f64 {
        self * a + other * b
    }

    #[inline(always)]
    fn rest(self) -> f64 {
        1.0 - self
    }
}

/// The pixels and weights of one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis<T> {
    /// First pixel of each new one.
    pub first: Vec<usize>,
    /// Second pixel.
    pub second: Vec<usize>,
    /// Weights of the two.
    pub weights: Vec<[T; 2]>,
}

impl<T: Real> Axis<T> {
    fn with_capacity(count: usize) -> Axis<T> {
        Axis {
            first: Vec::with_capacity(count),
            second: Vec::with_capacity(count),
            weights: Vec::with_capacity(count),
        }
    }

    fn push(&mut self, first: usize, old: usize, weights: [T; 2]) {
        self.first.push(first.min(old - 1));
        self.second.push((first + 1).min(old - 1));
        self.weights.push(weights);
    }
}

/// Which rule an axis follows where Darknet's rows and columns differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Along a row.
    Columns,
    /// Along a column.
    Rows,
}

impl Axis<f32> {
    /// [`tincy_network::Resample::AlignedCorners`]: Darknet's `resize_image`, from `old` pixels to `new`.
    ///
    /// As there, the last new column is the last old one, and the last new row has no second row:
    /// where rounding puts it just above the last old row it is dark, for some pairs of sizes.
    /// A single new column or row is the last old one, where Darknet's rows divide zero by zero.
    pub fn aligned(old: usize, new: usize, direction: Direction) -> Axis<f32> {
        let scale = (old - 1) as f32 / (new - 1) as f32;
        let mut axis = Axis::with_capacity(new);
        for index in 0..new {
            let last = index + 1 == new;
            if last && (new == 1 || direction == Direction::Columns) {
                axis.push(old - 1, old, [1.0, 0.0]);
                continue;
            }
            let source = index as f32 * scale;
            let first = source as usize;
            let weight = source - first as f32;
            axis.push(first, old, [1.0 - weight, if last { 0.0 } else { weight }]);
        }
        axis
    }
}

impl Axis<f64> {
    /// [`tincy_network::Resample::HalfPixel`], from `old` pixels to `new`.
    pub fn half_pixel(old: usize, new: usize) -> Axis<f64> {
        let scale = old as f64 / new as f64;
        let mut axis = Axis::with_capacity(new);
        for index in 0..new {
            let source = ((index as f64 + 0.5) * scale - 0.5).clamp(0.0, (old - 1) as f64);
            let first = source as usize;
            let weight = source - first as f64;
            axis.push(first, old, [1.0 - weight, weight]);
        }
        axis
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_divided_by_255() {
        for byte in 0..=255u8 {
            let expected = f32::from(byte) / 255.0;
            assert_eq!(
                f32::sample(i32::from(byte)).to_bits(),
                expected.to_bits(),
                "{byte}"
            );
        }
    }

    #[test]
    fn corners_stay() {
        let axis = Axis::aligned(576, 312, Direction::Columns);
        assert_eq!((axis.first[0], axis.weights[0]), (0, [1.0, 0.0]));
        assert_eq!((axis.first[311], axis.weights[311]), (575, [1.0, 0.0]));
        // 100 * 575 / 311 = 184.887
        assert_eq!((axis.first[100], axis.second[100]), (184, 185));
        assert!((axis.weights[100][1] - 0.887).abs() < 1e-3);
    }

    #[test]
    fn single_pixels() {
        for direction in [Direction::Columns, Direction::Rows] {
            let axis = Axis::aligned(9, 1, direction);
            assert_eq!((axis.first[0], axis.weights[0]), (8, [1.0, 0.0]));
            let axis = Axis::aligned(1, 3, direction);
            assert_eq!(
                (&axis.first[..], &axis.second[..]),
                (&[0; 3][..], &[0; 3][..])
            );
        }
        let axis = Axis::half_pixel(9, 1);
        assert_eq!((axis.first[0], axis.weights[0]), (4, [1.0, 0.0]));
    }
}
