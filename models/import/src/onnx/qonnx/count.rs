//! Layers whose results are counted: codes by thresholds.

use super::chain;
use super::coding::{Coding, coding};
use super::layout::Layout;
use super::lower::Lowering;
use super::step::Step;
use super::sums::{IntegerSum, packed};
use super::value::{Base, Chain, Levels, Map, Sum, Value};
use crate::Result;
use crate::onnx::node::NodeAt;
use std::rc::Rc;
use tincy_network::{Finish, Op, Steps, Thresholds, order};

impl<'a> Lowering<'a> {
    /// A convolution of integers whose sums become codes by thresholds.
    pub(super) fn count(
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
    pub(super) fn count_reals(
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
        let ends = [f32::MIN, f32::MAX].map(order::number_of);
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
                chain::apply(&steps, order::float_of(number))
            });
            for threshold in reached {
                let threshold = order::float_of(threshold);
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
        match (coding(&lists, self.is_padded), domain) {
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
}
