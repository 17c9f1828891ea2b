//! Values to layers of the network: codes where a chain rounds to few levels, numbers else.

use super::chain;
use super::coding::coding;
use super::layout::Layout;
use super::lower::Lowering;
use super::step::Step;
use super::sums::IntegerSum;
use super::value::{Base, Chain, Map, Sum, Value};
use crate::onnx::node::NodeAt;
use crate::{Error, Result};
use std::rc::Rc;

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
    pub(super) fn settled(&mut self, mut value: Value<'a>) -> Result<Value<'a>> {
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
            let coding = lists.and_then(|lists| Some((coding(&lists, self.is_padded)?, lists)));
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
    pub(super) fn domain(&self, value: &Value<'a>) -> Result<(Rc<Sum>, Option<IntegerSum>)> {
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

    /// An error at a node, or at the input.
    fn wrong(&self, node: Option<NodeAt<'a>>, what: &str) -> Error {
        match node {
            Some(node) => node.wrong(what),
            None => Error::file(&self.graph.path, format!("input: {what}")),
        }
    }
}
