//! Darknet's space-to-depth.

use crate::Shape;

/// The channel and pixel of the input that element (`y`, `x`, `c`) of a reorg's output comes from.
///
/// Darknet writes the *input* shape's layout through the *output* index arithmetic (`reorg_cpu` with
/// `forward = 0`), so this is not the usual space-to-depth; published networks depend on it.
/// Returns (y, x, c) of the input.
pub fn source(input: Shape, stride: usize, y: usize, x: usize, c: usize) -> [usize; 3] {
    // In CHW order, output element `i` of the flat buffer takes the element that these loops read.
    let (width, height, channels) = (input.width, input.height, input.channels);
    let (out_width, out_height) = (width / stride, height / stride);
    let flat = (c * out_height + y) * out_width + x;
    let (i, j, k) = (flat % width, flat / width % height, flat / (width * height));
    let out_channels = channels / (stride * stride);
    let (c2, offset) = (k % out_channels, k / out_channels);
    let (w2, h2) = (i * stride + offset % stride, j * stride + offset / stride);
    let source = w2 + width * stride * (h2 + height * stride * c2);
    [
        source / width % height,
        source % width,
        source / (width * height),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_moves_once() {
        let input = Shape::new(4, 6, 8);
        let mut seen = vec![false; input.elements()];
        for c in 0..32 {
            for y in 0..2 {
                for x in 0..3 {
                    let [iy, ix, ic] = source(input, 2, y, x, c);
                    let index = (ic * input.height + iy) * input.width + ix;
                    assert!(!std::mem::replace(&mut seen[index], true));
                }
            }
        }
        assert!(seen.iter().all(|s| *s));
    }
}
