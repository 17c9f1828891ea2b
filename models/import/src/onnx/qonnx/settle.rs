//! Values to layers of the network: codes where a chain rounds to few levels, numbers else.

use super::chain::{self, MAX_LEVELS};
use super::integers;
use super::layout::Layout;
use super::lower::Lowering;
use super::step::Step;
use super::value::{Base, Chain, Levels, Map, Sum, Value};
use crate::onnx::node::NodeAt;
use crate::{Error, Result};
use std::rc::Rc;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Op, Steps, Thresholds, WeightKind,
    Weights,
};

/// Sums of integers: `scale * sum + offset` by channel, within bounds.
struct IntegerSum {
    integers: Vec<i32>,
    scale: Vec<f64>,
    offset: Vec<f64>,
    bounds: Vec<[i64; 2]>,
}

impl IntegerSum {
    /// What a sum of a channel stands for.
    fn value(&self, channel: usize, sum: i64) -> f32 {
        (self.scale[channel] * sum as f64 + self.offset[channel]) as f32
    }
}

/// Codes of levels: how many steps a level is, and what they stand for.
struct Coding {
    code: Code,
    steps: usize,
    levels: Levels,
}

impl<'a> Lowering<'a> {
    /// Input `i` of a node: a map, of codes where it can be.
    pub(super) fn map(&mut self, node: NodeAt<'a>, i: usize) -> Result<Map> {
        Ok(self.map_with_layout(node, i)?.0)
    }

    /// The same with its layout.
    pub(super) fn map_with_layout(&mut self, node: NodeAt<'a>, i: usize) -> Result<(Map, Layout)> {
        let value = self.settled(self.value(node, i)?)?;
        let map = match &value.base {
            Base::Map(map) if value.chain.is_empty() => map.clone(),
            _ => self.real(value.clone())?,
        };
        let layout = value.layout.clone();
        let base = Base::Map(map.clone());
        let chain = Chain::new();
        self.set(
            node,
            i,
            Value {
                base,
                chain,
                ..value
            },
        )?;
        Ok((map, layout))
    }

    /// Input `i` of a node: patches, or a map.
    pub(super) fn readable(&mut self, node: NodeAt<'a>, i: usize) -> Result<Value<'a>> {
        let value = self.value(node, i)?;
        if !(matches!(value.base, Base::Patches(_)) && value.chain.is_empty()) {
            self.map(node, i)?;
        }
        self.value(node, i)
    }

    /// The value with as much of its chain as possible in a map of codes.
    fn settled(&mut self, mut value: Value<'a>) -> Result<Value<'a>> {
        let Some(last) = value.chain.iter().rposition(Step::is_discrete) else {
            value.relevel();
            return Ok(value);
        };
        let channels = value.shape().channels;
        let turns = |step: &Step<_>| (0..channels).any(|channel| step.rises(channel).is_none());
        if let Some(turn) = value.chain[..last].iter().rposition(turns) {
            let rest = value.chain.split_off(turn + 1);
            let base = Base::Map(self.real(value.clone())?);
            let value = Value {
                base,
                chain: rest,
                ..value
            };
            return self.settled(value);
        }
        let turns = value.chain[last..].iter().position(turns);
        let mut rest = value
            .chain
            .split_off(turns.map_or(value.chain.len(), |at| last + at));
        let (sum, domain) = self.domain(&value)?;
        let ends = |channel: usize| match &domain {
            Some(domain) => domain.bounds[channel].map(|sum| domain.value(channel, sum)),
            None => [f32::MIN, f32::MAX],
        };
        let mut found = None;
        for end in [value.chain.len(), last + 1] {
            let head = value.chain[..end].to_vec();
            let lists = chain::levels(&head, channels, ends);
            let coding = lists.and_then(|lists| Some((self.coding(&lists)?, lists)));
            if let Some((coding, lists)) = coding {
                found = Some((end, coding, lists));
                break;
            }
        }
        let Some((end, coding, lists)) = found else {
            return Err(self.wrong(
                value.node,
                "it rounds to more than 256 levels; quantize activations to 8 bits at most",
            ));
        };
        let mut after = value.chain.split_off(end);
        after.append(&mut rest);
        let signs = chain::signs(&value.chain, channels);
        let map = match domain {
            Some(domain) => self.count(&value, &sum, domain, &signs, &coding, &lists)?,
            None => self.count_reals(&value, &signs, &coding, &lists)?,
        };
        Ok(Value {
            base: Base::Map(map),
            chain: after,
            ..value
        })
    }

    /// The value's linear layer (each element by itself, if there is none), and its sums if they are
    /// integers.
    fn domain(&self, value: &Value<'a>) -> Result<(Rc<Sum>, Option<IntegerSum>)> {
        let sum = match &value.base {
            Base::Sum(sum) => sum.clone(),
            Base::Map(map) => Rc::new(Sum::identity(map.clone())),
            Base::Patches(patches) => {
                let sum = patches.sum().map(Rc::new);
                sum.ok_or_else(|| {
                    self.wrong(value.node, "only a product can read so many patches")
                })?
            }
        };
        let integers = self.integer_sum(&sum);
        Ok((sum, integers))
    }

    /// A map of codes of which one stands for zero, as padding needs it; the map itself where no level is
    /// zero.
    pub(super) fn zeroed(&mut self, node: NodeAt<'a>, map: Map) -> Result<Map> {
        let number = self.tensor(map.source).1;
        let levels = map.levels.as_ref().and_then(Levels::single);
        let (Some(code), Some([scale, offset])) = (number.code(), levels) else {
            return Ok(map);
        };
        let codes = code.min()..=code.max();
        let level = |n| (scale * f64::from(n - code.zero) + offset) as f32;
        let lists = [codes.map(level).collect()];
        let sum = Rc::new(Sum::identity(map.clone()));
        let domain = self.integer_sum(&sum);
        match (self.coding(&lists), domain) {
            (Some(coding), Some(domain)) if offset != 0.0 && coding.levels.offset == [0.0] => {
                let signs = vec![1.0; map.shape.channels];
                let value = Value {
                    base: Base::Map(map),
                    chain: Chain::new(),
                    layout: Layout::channels_first(sum.shape),
                    node: Some(node),
                };
                self.count(&value, &sum, domain, &signs, &coding, &lists)
            }
            _ => Ok(map),
        }
    }

    fn integer_sum(&self, sum: &Sum) -> Option<IntegerSum> {
        let (_, number) = self.tensor(sum.input.source);
        let code = number.code()?;
        let [scale, offset] = readable(sum)?;
        let window = sum.window();
        let (integers, steps) = integers::of_weights(&sum.weights, window)?;
        let ends = [code.min() - code.zero, code.max() - code.zero].map(i64::from);
        let mut bounds = Vec::with_capacity(steps.len());
        let mut offsets = Vec::with_capacity(steps.len());
        for (weights, step) in integers.chunks_exact(window).zip(&steps) {
            let [mut low, mut high, mut total] = [0i64; 3];
            for weight in weights.iter().map(|weight| i64::from(*weight)) {
                let products = ends.map(|end| weight * end);
                low += products[0].min(products[1]).min(0);
                high += products[0].max(products[1]).max(0);
                total += weight;
            }
            let fits = |end: i64| i32::try_from(end).is_ok_and(|end| end != i32::MAX);
            if !fits(low) || !fits(high) {
                return None;
            }
            bounds.push([low, high]);
            offsets.push(offset * step * total as f64);
        }
        Some(IntegerSum {
            integers,
            scale: steps.iter().map(|step| step * scale).collect(),
            offset: offsets,
            bounds,
        })
    }

    /// How levels are written as codes. Zero is a code where maps are padded.
    fn coding(&self, lists: &[Vec<f32>]) -> Option<Coding> {
        let count = lists[0].len();
        let lines = chain::lines(lists).filter(|_| (1..=MAX_LEVELS).contains(&count))?;
        let mut levels = Levels {
            scale: lines.iter().map(|[scale, _]| *scale).collect(),
            offset: lines.iter().map(|[_, offset]| *offset).collect(),
        };
        let (mut steps, mut zero) = (1, 0);
        if let Some([scale, offset]) = levels.single().filter(|_| self.is_padded) {
            // The place of zero among the levels, in halves of a step.
            let place = -2.0 * offset / scale;
            let halves = place.round();
            let is_code = (0.0..=2.0 * (count - 1) as f64).contains(&halves);
            let is_whole = halves % 2.0 == 0.0;
            if is_code && (place - halves).abs() < 1e-5 && (is_whole || 2 * count <= MAX_LEVELS) {
                steps = if is_whole { 1 } else { 2 };
                zero = halves as usize * steps / 2;
                levels = Levels {
                    scale: vec![scale / steps as f64],
                    offset: vec![0.0],
                };
            }
        }
        let largest = (steps * (count - 1)).max(1);
        let bits = (largest.ilog2() + 1) as u8;
        let code = Code {
            bits,
            signed: false,
            scale: levels.scale[0],
            zero: zero as i32,
        };
        Some(Coding {
            code,
            steps,
            levels,
        })
    }

    /// A convolution of integers whose sums become codes by thresholds.
    fn count(
        &mut self,
        value: &Value<'a>,
        sum: &Sum,
        mut domain: IntegerSum,
        signs: &[f32],
        coding: &Coding,
        lists: &[Vec<f32>],
    ) -> Result<Map> {
        let window = sum.window();
        for (channel, sign) in signs.iter().enumerate().filter(|(_, sign)| **sign < 0.0) {
            domain.scale[channel] *= f64::from(*sign);
            let weights = &mut domain.integers[channel * window..][..window];
            weights.iter_mut().for_each(|weight| *weight = -*weight);
            let [low, high] = domain.bounds[channel];
            domain.bounds[channel] = [-high, -low];
        }
        let most = coding.code.max() as usize;
        let mut values = Vec::with_capacity(signs.len() * most);
        for channel in 0..signs.len() {
            let steps = chain::of_channel(&value.chain, channel);
            let list = &lists[channel % lists.len()];
            let bounds = domain.bounds[channel];
            let reached = chain::reached(list, bounds, |sum| {
                chain::apply(&steps, domain.value(channel, sum))
            });
            let end = values.len() + most;
            for threshold in reached {
                // Beyond the bound is never.
                let threshold = match threshold > bounds[1] {
                    true => i32::MAX,
                    false => threshold as i32,
                };
                values.extend(std::iter::repeat_n(threshold, coding.steps));
            }
            values.resize(end, i32::MAX);
        }
        let finish = Finish::Thresholds(Thresholds {
            code: coding.code,
            values: values.into(),
        });
        let Some(weights) = packed(&domain.integers) else {
            // 128 turned to -128 fits, but not the other way round.
            let sums = self.real(Value {
                base: Base::Sum(Rc::new(sum.clone())),
                chain: Chain::new(),
                ..value.clone()
            })?;
            let value = Value {
                base: Base::Map(sums),
                ..value.clone()
            };
            return self.count_reals(&value, signs, coding, lists);
        };
        self.convolution(value.node, sum, weights, finish, coding.levels.clone())
    }

    /// Numbers to codes by thresholds.
    fn count_reals(
        &mut self,
        value: &Value<'a>,
        signs: &[f32],
        coding: &Coding,
        lists: &[Vec<f32>],
    ) -> Result<Map> {
        let mut chain = value.chain.clone();
        let mut base = value.base.clone();
        if signs.contains(&-1.0) {
            let (sum, _) = self.domain(value)?;
            base = Base::Sum(Rc::new(sum.turned(signs)));
            chain.insert(0, Step::Multiply(signs.to_vec()));
        }
        let numbers = self.real(Value {
            base,
            chain: Chain::new(),
            ..value.clone()
        })?;
        let ends = [f32::MIN, f32::MAX].map(chain::order);
        let is_shared = lists.len() == 1
            && chain.iter().all(|step| match step {
                Step::Add(c) | Step::Multiply(c) | Step::Divide(c) => c.len() == 1,
                Step::Count { lists, .. } => *lists == 1,
                _ => true,
            });
        let channels = if is_shared { 1 } else { numbers.shape.channels };
        let mut values = Vec::new();
        for channel in 0..channels {
            let steps = chain::of_channel(&chain, channel);
            let list = &lists[channel % lists.len()];
            let reached = chain::reached(list, ends, |number| {
                chain::apply(&steps, chain::ordered(number))
            });
            for threshold in reached {
                let threshold = chain::ordered(threshold);
                values.extend(std::iter::repeat_n(threshold, coding.steps));
            }
            if list.len() == 1 {
                values.push(f32::INFINITY);
            }
        }
        let op = Op::Steps(Steps {
            code: coding.code,
            lists: channels,
            values: values.into(),
        });
        let source = self.emit(value.node, op, &[numbers.source])?;
        Ok(Map {
            source,
            levels: Some(coding.levels.clone()),
            ..numbers
        })
    }

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

    fn convolution(
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

    /// An error at a node, or at the input.
    fn wrong(&self, node: Option<NodeAt<'a>>, what: &str) -> Error {
        match node {
            Some(node) => node.wrong(what),
            None => Error::file(&self.graph.path, format!("input: {what}")),
        }
    }
}

/// Scale and offset of the codes that a linear layer reads, if the layer can read them: outside the map
/// is zero.
fn readable(sum: &Sum) -> Option<[f64; 2]> {
    let levels = sum.input.levels.as_ref()?.single()?;
    (levels[1] == 0.0 || !sum.windows.is_padded()).then_some(levels)
}

/// Integers in the fewest bits, if 8 are enough.
fn packed(integers: &[i32]) -> Option<Weights> {
    let integers: Result<Vec<i8>, _> = integers.iter().map(|n| i8::try_from(*n)).collect();
    integers::packed(&integers.ok()?).ok()
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
