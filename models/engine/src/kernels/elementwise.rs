//! Sums of maps; products, activations and codes of float maps.

use super::activate::activate;
use crate::kernel::Kernel;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use tincy_network::{Activation, Code, Shape, Steps};

/// The kernel that adds a second map to the first by Darknet's rule for sizes
/// ([`Op::Add`](tincy_network::Op::Add)).
pub fn add(first: Shape, second: Shape, activation: Activation) -> Box<dyn Kernel> {
    Box::new(Add {
        first,
        second,
        activation,
    })
}

/// The kernel that adds two maps of the same codes, element by element.
pub fn add_codes(code: Code) -> Box<dyn Kernel> {
    Box::new(AddCodes { code })
}

/// The kernel that multiplies each channel of a map by a number of its own.
pub fn scale_channels(shape: Shape, activation: Activation) -> Box<dyn Kernel> {
    Box::new(ScaleChannels { shape, activation })
}

/// The kernel of an activation on its own.
pub fn activation(activation: Activation) -> Box<dyn Kernel> {
    Box::new(Alone { activation })
}

/// The kernel of real numbers to codes by thresholds.
pub fn steps(steps: &Steps, channels: usize) -> Box<dyn Kernel> {
    Box::new(Count {
        steps: steps.clone(),
        channels,
    })
}

struct Add {
    first: Shape,
    second: Shape,
    activation: Activation,
}

impl Add {
    /// The pixel of the second map that is added to (`y`, `x`), if one is.
    fn partner(&self, y: usize, x: usize) -> Option<usize> {
        if self.second.width >= self.first.width {
            let stride = self.second.width / self.first.width;
            return Some(y * stride * self.second.width + x * stride);
        }
        let spread = self.first.width / self.second.width;
        let hit = y.is_multiple_of(spread) && x.is_multiple_of(spread);
        hit.then(|| y / spread * self.second.width + x / spread)
    }
}

impl Kernel for Add {
    fn name(&self) -> &'static str {
        "add"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (first, second) = (inputs[0].floats(), inputs[1].floats());
        let (width, channels) = (self.first.width, self.first.channels);
        let others = self.second.channels;
        team.split(output.floats(), channels, &|pixels, part| {
            part.copy_from_slice(&first[pixels.start * channels..pixels.end * channels]);
            for (pixel, sums) in pixels.zip(part.chunks_exact_mut(channels)) {
                if let Some(partner) = self.partner(pixel / width, pixel % width) {
                    let values = &second[partner * others..][..others];
                    sums.iter_mut()
                        .zip(values)
                        .for_each(|(sum, value)| *sum += value);
                }
            }
            activate(self.activation, part);
        });
    }
}

struct AddCodes {
    code: Code,
}

impl AddCodes {
    /// `clamp(a + b - zero, min, max)`; codes and zero points have at most nine bits with sign.
    #[inline(always)]
    fn sum(&self) -> impl Fn(i16, i16) -> i16 + Copy {
        let [zero, min, max] =
            [self.code.zero, self.code.min(), self.code.max()].map(|code| code as i16);
        move |a, b| a.wrapping_add(b).wrapping_sub(zero).max(min).min(max)
    }
}

impl Kernel for AddCodes {
    fn name(&self) -> &'static str {
        "add-codes"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        match output {
            TensorMut::U8(output) => {
                let (first, second) = (inputs[0].unsigned(), inputs[1].unsigned());
                let add = self.sum();
                team.split(output, 1, &|elements, part| {
                    let pairs = first[elements.clone()].iter().zip(&second[elements]);
                    for (sum, (a, b)) in part.iter_mut().zip(pairs) {
                        *sum = add(i16::from(*a), i16::from(*b)) as u8;
                    }
                });
            }
            TensorMut::I8(output) => {
                let (first, second) = (inputs[0].signed(), inputs[1].signed());
                let add = self.sum();
                team.split(output, 1, &|elements, part| {
                    let pairs = first[elements.clone()].iter().zip(&second[elements]);
                    for (sum, (a, b)) in part.iter_mut().zip(pairs) {
                        *sum = add(i16::from(*a), i16::from(*b)) as i8;
                    }
                });
            }
            TensorMut::F32(_) => panic!("a sum of codes was written as floats"),
        }
    }
}

struct ScaleChannels {
    shape: Shape,
    activation: Activation,
}

impl Kernel for ScaleChannels {
    fn name(&self) -> &'static str {
        "scale-channels"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (map, scales) = (inputs[0].floats(), inputs[1].floats());
        let channels = self.shape.channels;
        team.split(output.floats(), channels, &|pixels, part| {
            let from = map[pixels.start * channels..].chunks_exact(channels);
            for (to, from) in part.chunks_exact_mut(channels).zip(from) {
                for ((to, from), scale) in to.iter_mut().zip(from).zip(scales) {
                    *to = from * scale;
                }
            }
            activate(self.activation, part);
        });
    }
}

struct Alone {
    activation: Activation,
}

impl Kernel for Alone {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let input = inputs[0].floats();
        team.split(output.floats(), 1, &|elements, part| {
            part.copy_from_slice(&input[elements]);
            activate(self.activation, part);
        });
    }
}

struct Count {
    steps: Steps,
    channels: usize,
}

impl Kernel for Count {
    fn name(&self) -> &'static str {
        "steps"
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (input, channels) = (inputs[0].floats(), self.channels);
        let TensorMut::U8(output) = output else {
            panic!("steps are counted into unsigned codes");
        };
        team.split(output, channels, &|pixels, part| {
            let from = input[pixels.start * channels..].chunks_exact(channels);
            for (to, from) in part.chunks_exact_mut(channels).zip(from) {
                for (channel, (to, from)) in to.iter_mut().zip(from).enumerate() {
                    // Thresholds rise, so those that are reached come first; NaN reaches none.
                    let reached = self.steps.channel(channel).partition_point(|t| from >= t);
                    *to = reached as u8;
                }
            }
        });
    }
}
