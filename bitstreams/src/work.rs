//! What a layer asks of an engine: its loop bounds and bit widths, and nothing else.

use crate::Error;
use tincy_network::{Convolution, Finish, Network, Number, Op, Pool, Shape, Source, WeightKind};

/// One matrix layer. Sizes of a grouped layer are those of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Name of the layer.
    pub name: String,
    /// Kernel side K; 1 for a fully connected layer.
    pub kernel: u64,
    /// Stride S.
    pub stride: u64,
    /// Input channels C.
    pub inputs: u64,
    /// Output channels C'.
    pub outputs: u64,
    /// Padded input height and width.
    pub in_size: [u64; 2],
    /// Output height and width, before pooling.
    pub out_size: [u64; 2],
    /// Independent halves (or more) of the layer.
    pub groups: u64,
    /// Weight bits W.
    pub weight_bits: u64,
    /// Activation bits A of the input.
    pub input_bits: u64,
    /// Activation bits of the output.
    pub output_bits: u64,
    /// Whether thresholds follow: one that ends in raw sums has none.
    pub thresholds: bool,
    /// The pool that follows, with its output's size.
    pub pool: Option<(Pool, Shape)>,
}

impl Work {
    /// Products a frame, all groups together.
    pub fn products(&self) -> u64 {
        let [height, width] = self.out_size;
        self.window() * self.outputs * height * width * self.groups
    }

    /// Operations a frame: two for each product.
    pub fn operations(&self) -> u64 {
        2 * self.products()
    }

    /// Inputs of one sum: K * K * C.
    pub fn window(&self) -> u64 {
        self.kernel * self.kernel * self.inputs
    }

    /// Whether a window unit stands before the matrix unit.
    pub fn has_window_unit(&self) -> bool {
        self.kernel > 1
    }

    /// Bytes of weights and thresholds, packed (papers.md 2.4; 16 bits a threshold).
    pub fn parameter_bytes(&self) -> u64 {
        let weights = self.window() * self.outputs * self.weight_bits;
        let thresholds = if self.thresholds {
            self.outputs * self.steps() * 16
        } else {
            0
        };
        (weights + thresholds) * self.groups / 8
    }

    /// Bytes of the input map, packed.
    pub fn input_bytes(&self) -> u64 {
        let [height, width] = self.in_size;
        (height * width * self.inputs * self.groups * self.input_bits).div_ceil(8)
    }

    /// Bytes of the output map after pooling, packed.
    pub fn output_bytes(&self) -> u64 {
        let pixels = self.out_size[0] * self.out_size[1];
        let pixels = self.pool.map_or(pixels, |(_, shape)| shape.pixels() as u64);
        (pixels * self.outputs * self.groups * self.output_bits).div_ceil(8)
    }

    /// Thresholds a channel.
    pub fn steps(&self) -> u64 {
        (1 << self.output_bits) - 1
    }
}

/// Which layers of a network are planned for the logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Every convolution; float ones count as 8-bit weights on 8-bit inputs, as they would be built.
    Whole,
    /// Only those with weights of at most 4 bits on codes of at most 4 bits; the rest stays on the CPU.
    LowBit,
}

/// The bit widths to plan with instead of the network's own: `W1A3` is (1, 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Weight bits.
    pub weights: u8,
    /// Activation bits.
    pub activations: u8,
}

impl std::str::FromStr for Precision {
    type Err = Error;

    fn from_str(text: &str) -> Result<Precision, Error> {
        let lower = text.to_lowercase();
        let parse = || {
            let (weights, activations) = lower.strip_prefix('w')?.split_once('a')?;
            let bits = |digits: &str| digits.parse().ok().filter(|bits| (1..=8).contains(bits));
            Some(Precision {
                weights: bits(weights)?,
                activations: bits(activations)?,
            })
        };
        parse().ok_or_else(|| {
            Error::Argument(format!(
                "precision {text}: write W1A3 for 1-bit weights and 3-bit activations, 1 to 8 each"
            ))
        })
    }
}

/// The matrix layers of a network, in order.
///
/// # Errors
/// If a convolution is one that no engine here has: its name, and why.
pub fn of(network: &Network, part: Part, precision: Option<Precision>) -> Result<Vec<Work>, Error> {
    let mut works = Vec::new();
    for index in 0..network.layers().len() {
        if let Some(work) = of_layer(network, index, part, precision)? {
            works.push(work);
        }
    }
    if works.is_empty() {
        let text =
            "the network has no layer of at most 4 bits; plan the whole network with --all-layers";
        return Err(Error::Argument(text.into()));
    }
    Ok(works)
}

fn of_layer(
    network: &Network,
    index: usize,
    part: Part,
    precision: Option<Precision>,
) -> Result<Option<Work>, Error> {
    let layer = &network.layers()[index];
    let Op::Convolution(convolution) = layer.op() else {
        return Ok(None);
    };
    let (input, number) = network.tensor(layer.inputs()[0]);
    let low_bit = convolution.weights.kind().bits() <= 4 && number.bits() <= 4;
    if part == Part::LowBit && !low_bit {
        return Ok(None);
    }
    let window = Window::of(convolution, input).map_err(|what| Error::Unsupported {
        layer: format!("{index} ({})", layer.name()),
        what: what.into(),
    })?;
    let bits = |own: u32, planned: Option<u8>| u64::from(planned.map_or(own.min(8), u32::from));
    let inner = low_bit.then_some(precision).flatten();
    let (groups, shape) = (convolution.groups, layer.shape());
    let weights = weight_bits(convolution.weights.kind());
    let finish = matches!(convolution.finish, Finish::Thresholds(_));
    Ok(Some(Work {
        name: layer.name().to_string(),
        kernel: window.kernel as u64,
        stride: convolution.stride[0] as u64,
        inputs: (window.inputs / groups) as u64,
        outputs: (convolution.out_channels / groups) as u64,
        in_size: window.in_size.map(|side| side as u64),
        out_size: [shape.height as u64, shape.width as u64],
        groups: groups as u64,
        weight_bits: bits(weights, inner.map(|p| p.weights)),
        input_bits: bits(number.bits(), inner.map(|p| p.activations)),
        output_bits: bits(layer.number().bits(), codes(layer.number(), inner)),
        thresholds: finish || layer.number() != Number::F32,
        pool: pool_after(network, index),
    }))
}

/// What a layer's window unit would see, all groups together.
struct Window {
    kernel: usize,
    inputs: usize,
    in_size: [usize; 2],
}

impl Window {
    /// A kernel as large as the map is a fully connected layer: every input is a channel.
    ///
    /// # Errors
    /// If no engine here has such windows: what it has.
    fn of(convolution: &Convolution, input: Shape) -> Result<Window, &'static str> {
        let Convolution {
            kernel,
            stride,
            padding,
            ..
        } = convolution;
        let in_size = [
            input.height + padding.top + padding.bottom,
            input.width + padding.left + padding.right,
        ];
        if !convolution.weights.multipliers().is_empty() {
            return Err("engines have no multipliers by position; train with one scale a layer");
        }
        if convolution.dilation != [1, 1] {
            return Err("engines have no dilation; train or import it with dilation 1");
        }
        if *kernel == in_size {
            return Ok(Window {
                kernel: 1,
                inputs: input.elements(),
                in_size: [1, 1],
            });
        }
        if kernel[0] != kernel[1] {
            return Err("engines have square kernels; this one is not");
        }
        if stride[0] != stride[1] {
            return Err("engines have one stride for both axes; this layer has two");
        }
        Ok(Window {
            kernel: kernel[0],
            inputs: input.channels,
            in_size,
        })
    }
}

fn weight_bits(kind: WeightKind) -> u32 {
    u32::from(kind.bits())
}

fn codes(number: Number, precision: Option<Precision>) -> Option<u8> {
    number.code().and(precision).map(|p| p.activations)
}

/// The max pool that is the only reader of a layer, with its output's shape.
fn pool_after(network: &Network, index: usize) -> Option<(Pool, Shape)> {
    let mut readers = network
        .layers()
        .iter()
        .filter(|l| l.inputs().contains(&Source::Layer(index)));
    let (first, others) = (readers.next()?, readers.next());
    match first.op() {
        Op::MaxPool(pool) if others.is_none() => Some((*pool, first.shape())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_are_read_strictly() {
        assert_eq!(
            "W1A3".parse::<Precision>().unwrap(),
            Precision {
                weights: 1,
                activations: 3
            }
        );
        assert_eq!(
            "w8a8".parse::<Precision>().unwrap(),
            Precision {
                weights: 8,
                activations: 8
            }
        );
        for text in ["", "1A3", "W0A3", "W1A9", "W1", "W1A", "WxAy"] {
            assert!(text.parse::<Precision>().is_err(), "{text}");
        }
    }
}
