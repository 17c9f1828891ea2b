//! Values to maps of numbers: products, sums and activations.

use super::lower::Lowering;
use super::step::Step;
use super::sums::{packed, readable};
use super::value::{Base, Chain, Levels, Map, Sum, Value};
use crate::onnx::node::NodeAt;
use crate::{Error, Result};
use std::rc::Rc;
use tincy_network::{Activation, Affine, Convolution, Finish, Number, Op, WeightKind, Weights};

impl<'a> Lowering<'a> {
    /// The value as a map of numbers.
    pub(super) fn real(&mut self, value: Value<'a>) -> Result<Map> {
        let value = self.settled(value)?;
        let (mut base, mut chain, node) = (value.base.clone(), value.chain.clone(), value.node);
        relus(&mut chain);
        loop {
            base = match base {
                Base::Map(map) if chain.is_empty() => match map.levels {
                    None => return Ok(map),
                    Some(_) => return self.decoded(node, map),
                },
                Base::Map(map) => match (&map.levels, &chain[0]) {
                    (None, Step::Function(activation)) => {
                        let activation = *activation;
                        let op = Op::Activation { activation };
                        let source = self.emit(node, op, &[map.source])?;
                        chain.remove(0);
                        Base::Map(Map { source, ..map })
                    }
                    (Some(levels), _) if levels.single().is_none() => {
                        Base::Map(self.decoded(node, map)?)
                    }
                    _ => Base::Sum(Rc::new(Sum::identity(map))),
                },
                Base::Sum(sum) => {
                    let affine = Line::take(&mut chain, sum.shape.channels);
                    Base::Map(self.affine(node, &sum, affine)?)
                }
                Base::Patches(_) => {
                    let value = Value {
                        base,
                        ..value.clone()
                    };
                    Base::Sum(self.domain(&value)?.0)
                }
            };
        }
    }

    /// A map of codes as the numbers that they stand for.
    fn decoded(&mut self, node: Option<NodeAt<'a>>, map: Map) -> Result<Map> {
        let channels = map.shape.channels;
        let levels = map.levels.clone().unwrap_or_else(Levels::plain);
        let list = |values: &[f64]| -> Vec<f32> {
            (0..channels)
                .map(|c| values[c % values.len()] as f32)
                .collect()
        };
        let finish = Finish::Affine(Affine {
            scale: list(&levels.scale).into(),
            bias: list(&levels.offset).into(),
            activation: Activation::Linear,
            output: Number::F32,
        });
        let ones = vec![1; channels];
        let weights = Weights::integers(WeightKind::Binary, &ones);
        let weights = weights.map_err(Error::network(&self.graph.path))?;
        let map = self.convolution(node, &Sum::identity(map), weights, finish, Levels::plain())?;
        Ok(Map {
            levels: None,
            ..map
        })
    }

    /// A convolution whose sums become numbers: a product, a sum, a function.
    fn affine(&mut self, node: Option<NodeAt<'a>>, sum: &Sum, line: Line) -> Result<Map> {
        if sum.input.levels.is_some() && readable(sum).is_none() {
            let input = self.decoded(node, sum.input.clone())?;
            let sum = Sum {
                input,
                ..sum.clone()
            };
            return self.affine(node, &sum, line);
        }
        let channels = sum.shape.channels;
        let integers = self.integer_sum(sum);
        let weights = integers.as_ref().and_then(|sum| packed(&sum.integers));
        let (weights, scale, offset) = match (integers, weights) {
            (Some(sum), Some(weights)) => (Some(weights), sum.scale, sum.offset),
            _ => {
                let [scale, offset] = readable(sum).unwrap_or([1.0, 0.0]);
                let totals = sum.weights.chunks_exact(sum.window());
                let total = |weights: &[f32]| weights.iter().map(|w| f64::from(*w)).sum::<f64>();
                let offsets = totals.map(|weights| offset * total(weights)).collect();
                (None, vec![scale; channels], offsets)
            }
        };
        let scale: Vec<f64> = (0..channels).map(|c| scale[c] * line.scale[c]).collect();
        let bias = (0..channels).map(|c| (offset[c] * line.scale[c] + line.offset[c]) as f32);
        let bias = bias.collect::<Vec<f32>>().into();
        let (weights, scale) = match weights {
            Some(weights) => (weights, scale.iter().map(|scale| *scale as f32).collect()),
            None => {
                let window = sum.window();
                let scaled = sum.weights.iter().enumerate();
                let scaled = scaled.map(|(i, w)| (f64::from(*w) * scale[i / window]) as f32);
                (Weights::floats(scaled.collect()), Vec::new())
            }
        };
        let finish = Finish::Affine(Affine {
            scale: scale.into(),
            bias,
            activation: line.activation,
            output: Number::F32,
        });
        let map = self.convolution(node, sum, weights, finish, Levels::plain())?;
        Ok(Map {
            levels: None,
            ..map
        })
    }

    /// A convolution; its codes stand for `levels`.
    pub(super) fn convolution(
        &mut self,
        node: Option<NodeAt<'a>>,
        sum: &Sum,
        weights: Weights,
        finish: Finish,
        levels: Levels,
    ) -> Result<Map> {
        let windows = sum.windows;
        let op = Op::Convolution(Convolution {
            out_channels: sum.shape.channels,
            kernel: windows.kernel,
            stride: windows.stride,
            dilation: windows.dilation,
            padding: windows.padding,
            groups: sum.groups,
            weights,
            finish,
        });
        let source = self.emit(node, op, &[sum.input.source])?;
        Ok(Map {
            source,
            shape: sum.shape,
            levels: Some(levels),
        })
    }
}

/// `activation(x * scale + offset)` by channel.
struct Line {
    scale: Vec<f64>,
    offset: Vec<f64>,
    activation: Activation,
}

impl Line {
    /// Takes what a layer can do from the beginning of a chain.
    fn take(chain: &mut Chain, channels: usize) -> Line {
        let mut line = Line {
            scale: vec![1.0; channels],
            offset: vec![0.0; channels],
            activation: Activation::Linear,
        };
        let mut taken = 0;
        for step in chain.iter() {
            let [scale, offset] = [&mut line.scale, &mut line.offset];
            let each = |list: &Vec<f32>, c: usize| f64::from(list[c % list.len()]);
            let all = 0..channels;
            match step {
                Step::Add(list) => all.for_each(|c| offset[c] += each(list, c)),
                Step::Multiply(list) => all.for_each(|c| {
                    scale[c] *= each(list, c);
                    offset[c] *= each(list, c);
                }),
                Step::Divide(list) => all.for_each(|c| {
                    scale[c] /= each(list, c);
                    offset[c] /= each(list, c);
                }),
                Step::Function(activation) => {
                    line.activation = *activation;
                    taken += 1;
                    break;
                }
                _ => break,
            }
            taken += 1;
        }
        chain.drain(..taken);
        line
    }
}

/// Writes limits as activations, for maps of numbers.
fn relus(chain: &mut Chain) {
    let relu = || Step::Function(Activation::Relu);
    let turn = || Step::Multiply(vec![-1.0]);
    let add = |c: f32| Step::Add(vec![c]);
    let limits = |low: f32, high: f32| -> Chain {
        if [low, high] == [0.0, 6.0] {
            return vec![Step::Function(Activation::Relu6)];
        }
        let mut steps = Chain::new();
        // Whatever is beyond any number is no limit.
        if low > f32::MIN {
            steps.extend([add(-low), relu(), add(low)]);
        }
        if high < f32::MAX {
            steps.extend([turn(), add(high), relu(), turn(), add(high)]);
        }
        steps
    };
    let steps = std::mem::take(chain)
        .into_iter()
        .flat_map(|step| match step {
            Step::Clip(low, high) => limits(low, high),
            step => vec![step],
        });
    *chain = steps.collect();
}
