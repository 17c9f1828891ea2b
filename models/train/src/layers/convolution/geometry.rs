//! Where the windows of a convolution lie.

use crate::Error;
use std::ops::Range;
use tincy_network::shape::window_positions;
use tincy_network::{Padding, Shape};

/// A convolution's form: all but its weights.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) padding: Padding,
    pub(crate) groups: usize,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

impl Geometry {
    /// Input channels of a group.
    pub(crate) fn group_inputs(&self) -> usize {
        self.inputs / self.groups
    }

    /// Output channels of a group.
    pub(crate) fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Weights of one output channel.
    pub(crate) fn window(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.group_inputs()
    }

    /// Whether each output channel reads the input channel of its number only.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.groups == self.inputs && self.groups == self.outputs
    }

    /// Whether it reads each pixel once, as it lies.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1]
            && self.stride == [1, 1]
            && self.padding == Padding::default()
            && self.groups == 1
    }

    pub(crate) fn output(&self, input: Shape) -> Result<Shape, Error> {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        let sides = [input.height + top + bottom, input.width + left + right];
        let along =
            |i: usize| window_positions(sides[i], self.kernel[i], self.dilation[i], self.stride[i]);
        match (along(0), along(1), input.channels == self.inputs) {
            (Some(height), Some(width), true) => Ok(Shape::new(height, width, self.outputs)),
            _ => Err(Error::Shape(format!(
                "a convolution of {}x{} on {} channels does not fit a map of {input}; take a larger size",
                self.kernel[0], self.kernel[1], self.inputs
            ))),
        }
    }

    /// The kernel rows (`axis` 0) or columns (1) of the window at `position` that lie inside a map
    /// of `length`, and the pixel of the first of them.
    pub(crate) fn inside(
        &self,
        axis: usize,
        position: usize,
        length: usize,
    ) -> (Range<usize>, usize) {
        let (before, step) = match axis {
            0 => (self.padding.top, self.dilation[0]),
            _ => (self.padding.left, self.dilation[1]),
        };
        let start = position * self.stride[axis];
        let first = before.saturating_sub(start).div_ceil(step);
        let end = (length + before).saturating_sub(start).div_ceil(step);
        let end = end.min(self.kernel[axis]);
        if first >= end {
            return (0..0, 0);
        }
        (first..end, start + first * step - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_cut_at_the_edges() {
        let geometry = Geometry {
            kernel: [3, 3],
            stride: [2, 1],
            dilation: [1, 2],
            padding: Padding::same(2),
            groups: 1,
            inputs: 4,
            outputs: 8,
        };
        // Rows: window 0 reads rows -2, -1, 0; window 1 rows 0 to 2.
        assert_eq!(geometry.inside(0, 0, 5), (2..3, 0));
        assert_eq!(geometry.inside(0, 1, 5), (0..3, 0));
        assert_eq!(geometry.inside(0, 3, 5), (0..1, 4));
        // Columns, two apart: window 0 reads -2, 0, 2; window 4 reads 2, 4, 6 of 5.
        assert_eq!(geometry.inside(1, 0, 5), (1..3, 0));
        assert_eq!(geometry.inside(1, 1, 5), (1..3, 1));
        assert_eq!(geometry.inside(1, 4, 5), (0..2, 2));
        assert_eq!(geometry.inside(1, 1, 1), (0..0, 0));
        let output = geometry.output(Shape::new(5, 5, 4)).unwrap();
        assert_eq!(output, Shape::new(4, 5, 8));
        assert!(geometry.output(Shape::new(5, 5, 3)).is_err());
    }
}
