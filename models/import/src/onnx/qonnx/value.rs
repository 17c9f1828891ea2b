//! What a tensor of the file has become: a map or a linear layer, and functions that wait.

use super::layout::Layout;
use super::step::Step;
use crate::onnx::node::NodeAt;
use std::rc::Rc;
use tincy_network::shape::window_positions;
use tincy_network::{Padding, Shape, Source};

/// Functions, one after the other; their constants are one for all channels, or one for each.
pub(super) type Chain = Vec<Step<Vec<f32>>>;

/// A tensor of the file.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    pub(super) base: Base,
    /// What is still to be done to each number of the base.
    pub(super) chain: Chain,
    pub(super) layout: Layout,
    /// The node that made it last; `None` for the input.
    pub(super) node: Option<NodeAt<'a>>,
}

/// What a chain begins with.
#[derive(Clone, Debug)]
pub(super) enum Base {
    /// A map of the network.
    Map(Map),
    /// A linear layer that is not yet one of the network's.
    Sum(Rc<Sum>),
    /// The windows of a map, side by side, for a product to read.
    Patches(Rc<Patches>),
}

/// A map of the network, and what its elements stand for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Map {
    pub(super) source: Source,
    pub(super) shape: Shape,
    /// `None` if they are numbers.
    pub(super) levels: Option<Levels>,
}

/// A code stands for `scale * (code - zero) + offset`. One for all channels, or one for each.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Levels {
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
}

impl Levels {
    /// Codes that stand for themselves.
    pub(super) fn plain() -> Levels {
        Levels {
            scale: vec![1.0],
            offset: vec![0.0],
        }
    }

    /// The scale and offset, if all channels have the same.
    pub(super) fn single(&self) -> Option<[f64; 2]> {
        match (&self.scale[..], &self.offset[..]) {
            ([scale], [offset]) => Some([*scale, *offset]),
            _ => None,
        }
    }
}

/// Where windows lie on a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Windows {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) padding: Padding,
}

impl Windows {
    /// Single pixels.
    pub(super) const PIXELS: Windows = Windows::whole([1, 1]);

    /// One window, over a map of this size.
    pub(super) const fn whole(kernel: [usize; 2]) -> Windows {
        Windows {
            kernel,
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::same(0),
        }
    }

    /// The map of so many numbers a window, or `None` where no window fits.
    pub(super) fn shape(&self, input: Shape, channels: usize) -> Option<Shape> {
        let Padding {
            top,
            left,
            bottom,
            right,
        } = self.padding;
        let height = input.height.checked_add(top)?.checked_add(bottom)?;
        let width = input.width.checked_add(left)?.checked_add(right)?;
        let [rows, columns] = [(0, height), (1, width)].map(|(i, length)| {
            window_positions(length, self.kernel[i], self.dilation[i], self.stride[i])
        });
        Some(Shape::new(rows?, columns?, channels)).filter(Shape::is_valid)
    }

    /// Whether a window can reach beyond the map.
    pub(super) fn is_padded(&self) -> bool {
        self.padding != Padding::default()
    }
}

/// Sums of products: a convolution without a finish.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    pub(super) input: Map,
    pub(super) windows: Windows,
    pub(super) groups: usize,
    /// `[out][ky][kx][in / groups]`, for what the input stands for.
    pub(super) weights: Vec<f32>,
    pub(super) shape: Shape,
}

impl Sum {
    /// Each element of a map by itself.
    pub(super) fn identity(input: Map) -> Sum {
        let shape = input.shape;
        Sum {
            input,
            windows: Windows::PIXELS,
            groups: shape.channels,
            weights: vec![1.0; shape.channels],
            shape,
        }
    }

    /// Weights of one output channel.
    pub(super) fn window(&self) -> usize {
        self.weights.len() / self.shape.channels
    }

    /// The same with sums turned where a sign is -1.
    pub(super) fn turned(&self, signs: &[f32]) -> Sum {
        let window = self.window();
        let mut turned = self.clone();
        for (weights, sign) in turned.weights.chunks_exact_mut(window).zip(signs) {
            weights.iter_mut().for_each(|weight| *weight *= sign);
        }
        turned
    }
}

/// FINN's `Im2Col`: the pixels of each window as channels, row by row.
#[derive(Clone, Debug)]
pub(super) struct Patches {
    pub(super) input: Map,
    pub(super) windows: Windows,
    pub(super) shape: Shape,
}

/// The most weights that patches by themselves can take.
const MAX_WEIGHTS: usize = 1 << 24;

impl Patches {
    /// The patches as sums: one weight of each is 1. `None` if they were too many.
    pub(super) fn sum(&self) -> Option<Sum> {
        let window = self.shape.channels;
        let count = window.checked_mul(window).filter(|n| *n <= MAX_WEIGHTS)?;
        let mut weights = vec![0.0; count];
        for channel in 0..window {
            weights[channel * window + channel] = 1.0;
        }
        Some(Sum {
            input: self.input.clone(),
            windows: self.windows,
            groups: 1,
            weights,
            shape: self.shape,
        })
    }
}

impl Value<'_> {
    /// Takes products and sums that follow a map of codes into what these stand for.
    pub(super) fn relevel(&mut self) {
        let Base::Map(Map {
            levels: Some(levels),
            ..
        }) = &mut self.base
        else {
            return;
        };
        let number = |list: &[f32]| match *list {
            [number] => Some(f64::from(number)),
            _ => None,
        };
        let mut taken = 0;
        for step in &self.chain {
            let factor = match step {
                Step::Add(list) => {
                    let Some(number) = number(list) else { break };
                    levels
                        .offset
                        .iter_mut()
                        .for_each(|offset| *offset += number);
                    taken += 1;
                    continue;
                }
                Step::Multiply(list) => number(list),
                Step::Divide(list) => number(list).map(|number| 1.0 / number),
                _ => None,
            };
            // Levels rise.
            let Some(factor) = factor.filter(|factor| *factor > 0.0) else {
                break;
            };
            let values = levels.scale.iter_mut().chain(&mut levels.offset);
            values.for_each(|value| *value *= factor);
            taken += 1;
        }
        self.chain.drain(..taken);
    }

    /// Its shape as a map.
    pub(super) fn shape(&self) -> Shape {
        match &self.base {
            Base::Map(map) => map.shape,
            Base::Sum(sum) => sum.shape,
            Base::Patches(patches) => patches.shape,
        }
    }
}
