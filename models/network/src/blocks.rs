//! ONNX's depth-to-space: channels become blocks of pixels.

use crate::rules::expect;
use crate::{Error, Shape};
use serde::{Deserialize, Serialize};

/// Which index of `block` x `block` x channels is the slowest among the channels of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlockOrder {
    /// Row, column, channel of the output: ONNX's `DCR`.
    PixelFirst,
    /// Channel, row, column: `CRD`, PyTorch's pixel shuffle.
    ChannelFirst,
}

/// The place (y, x, c) of the input that element (`y`, `x`, `c`) of the output comes from. The output has
/// `channels`.
pub fn source(
    block: usize,
    order: BlockOrder,
    channels: usize,
    [y, x, c]: [usize; 3],
) -> [usize; 3] {
    let pixel = y % block * block + x % block;
    let channel = match order {
        BlockOrder::PixelFirst => pixel * channels + c,
        BlockOrder::ChannelFirst => c * block * block + pixel,
    };
    [y / block, x / block, channel]
}

/// The shape of the output.
pub(crate) fn spread(input: Shape, block: usize) -> Result<Shape, Error> {
    if !(1..=64).contains(&block) {
        return Err(Error::layer("block", "1 to 64", block));
    }
    let area = block * block;
    let what = "channels that make no whole blocks";
    expect(what, 0, input.channels % area)?;
    Ok(Shape::new(
        input.height * block,
        input.width * block,
        input.channels / area,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_moves_once() {
        for order in [BlockOrder::PixelFirst, BlockOrder::ChannelFirst] {
            let input = Shape::new(2, 3, 8);
            let output = spread(input, 2).unwrap();
            assert_eq!(output, Shape::new(4, 6, 2));
            let mut seen = vec![false; input.elements()];
            for i in 0..output.elements() {
                let place = [i / 12, i / 2 % 6, i % 2];
                let [y, x, c] = source(2, order, 2, place);
                let index = (y * 3 + x) * 8 + c;
                assert!(!std::mem::replace(&mut seen[index], true));
            }
        }
        assert!(spread(Shape::new(2, 3, 6), 2).is_err());
    }
}
