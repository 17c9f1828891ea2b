//! Height, width and channels of a tensor; padding around one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest number of elements a tensor may have: enough for any detector, and small enough
/// that a damaged file cannot ask for unbounded memory.
pub const MAX_ELEMENTS: usize = 1 << 30;

/// A tensor's size, batch of one: element (y, x, c) lies at `(y * width + x) * channels + c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "[usize; 3]", into = "[usize; 3]")]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, the fastest index.
    pub channels: usize,
}

impl Shape {
    /// A shape of `height` x `width` x `channels`.
    pub const fn new(height: usize, width: usize, channels: usize) -> Shape {
        Shape {
            height,
            width,
            channels,
        }
    }

    /// Number of pixels.
    pub const fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Number of elements.
    pub const fn elements(&self) -> usize {
        self.pixels() * self.channels
    }

    /// Whether no side is zero and the elements can be counted within [`MAX_ELEMENTS`].
    pub fn is_valid(&self) -> bool {
        let elements = self
            .height
            .checked_mul(self.width)
            .and_then(|pixels| pixels.checked_mul(self.channels));
        matches!(elements, Some(1..=MAX_ELEMENTS))
    }
}

impl From<[usize; 3]> for Shape {
    fn from([height, width, channels]: [usize; 3]) -> Shape {
        Shape {
            height,
            width,
            channels,
        }
    }
}

impl From<Shape> for [usize; 3] {
    fn from(shape: Shape) -> [usize; 3] {
        [shape.height, shape.width, shape.channels]
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}

/// Pixels added around a map before a window slides over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns before.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns after.
    pub right: usize,
}

impl Padding {
    /// The same padding on all four sides.
    pub const fn same(n: usize) -> Padding {
        Padding {
            top: n,
            left: n,
            bottom: n,
            right: n,
        }
    }

    /// `total` rows and columns, half of them (rounded down) before, the rest after: Darknet's
    /// rule for max pools.
    pub const fn split(total: usize) -> Padding {
        let before = total / 2;
        let after = total - before;
        Padding {
            top: before,
            left: before,
            bottom: after,
            right: after,
        }
    }
}

/// Positions a window of `size` with `dilation` takes along `length` padded pixels, or `None` if
/// it does not fit once.
pub fn window_positions(
    length: usize,
    size: usize,
    dilation: usize,
    stride: usize,
) -> Option<usize> {
    let reach = size.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    length
        .checked_sub(reach)?
        .checked_div(stride)?
        .checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_count_their_positions() {
        assert_eq!(window_positions(418, 3, 1, 2), Some(208));
        assert_eq!(window_positions(14, 2, 1, 1), Some(13));
        assert_eq!(window_positions(224, 12, 1, 4), Some(54));
        assert_eq!(window_positions(9, 3, 4, 1), Some(1));
        assert_eq!(window_positions(8, 3, 4, 1), None);
        assert_eq!(window_positions(8, 0, 1, 1), None);
        assert_eq!(window_positions(8, 3, 1, 0), None);
    }

    #[test]
    fn absurd_shapes_are_not_valid() {
        assert!(Shape::new(416, 416, 3).is_valid());
        assert!(!Shape::new(0, 416, 3).is_valid());
        assert!(!Shape::new(usize::MAX, usize::MAX, 3).is_valid());
    }
}
