//! A window that slides over a map and keeps the largest value.

use crate::rules::windows;
use crate::{Error, Padding, Shape};
use serde::{Deserialize, Serialize};

/// A window that slides over a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// Window height and width.
    pub size: [usize; 2],
    /// Step in y and x.
    pub stride: [usize; 2],
    /// Pixels around the map that never win.
    pub padding: Padding,
}

impl Pool {
    pub(crate) fn output(&self, input: Shape) -> Result<Shape, Error> {
        let (height, width) = windows(input, self.size, [1, 1], self.stride, self.padding)?;
        // A window that sees nothing but padding has no largest value.
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        if top.max(bottom) >= self.size[0] || left.max(right) >= self.size[1] {
            return Err(Error::layer(
                "padding",
                "less than the window",
                format!("{top} {left} {bottom} {right}"),
            ));
        }
        Ok(Shape::new(height, width, input.channels))
    }
}
