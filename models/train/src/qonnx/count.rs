//! Steps as nodes: thresholds that are counted.

use super::graph::{Attribute, Graph, Kind, Node, Tensor};
use super::steps::Steps;

/// The codes of a map: the rises that are reached, less the falls.
pub(super) fn count(graph: &mut Graph, map: &Tensor, steps: &Steps, code: Kind) {
    let start = i64::from(steps.start);
    let rises = Reached {
        part: "codes",
        values: &steps.rises,
        start,
        kind: code,
    };
    if steps.falls.is_empty() {
        rises.node(graph, map, steps);
        return;
    }
    let each = |all: &[f32]| (all.len() / steps.channels) as i64;
    let rises = Reached {
        part: "rises",
        kind: Kind::Range(start, start + each(&steps.rises)),
        ..rises
    };
    let falls = Reached {
        part: "falls",
        values: &steps.falls,
        start: 0,
        kind: Kind::Range(0, each(&steps.falls)),
    };
    let [rises, falls] = [rises, falls].map(|side| side.node(graph, map, steps));
    let node = Node::new("Sub", &[&rises.name, &falls.name]);
    graph.node("codes", node, &map.dims, code);
}

/// `start` and the number of a channel's thresholds that are reached.
struct Reached<'a> {
    part: &'static str,
    values: &'a [f32],
    start: i64,
    kind: Kind,
}

impl Reached<'_> {
    fn node(&self, graph: &mut Graph, map: &Tensor, steps: &Steps) -> Tensor {
        // A constant function has a threshold all the same: one that nothing reaches.
        let never = vec![steps.never; steps.channels];
        let values = if self.values.is_empty() {
            &never
        } else {
            self.values
        };
        let kind = match map.kind {
            Kind::Range(low, high) => Kind::Range(low, high + 1),
            kind => kind,
        };
        let dims = [steps.channels, values.len() / steps.channels];
        let name = format!("{}.thresholds", self.part);
        let thresholds = graph.floats(&name, &dims, values, kind);
        let node = Node::new("MultiThreshold", &[&map.name, &thresholds])
            .with("out_dtype", Attribute::Text(self.kind.name()))
            .with("out_scale", Attribute::Float(1.0))
            .with("out_bias", Attribute::Float(self.start as f32))
            .with("data_layout", Attribute::Text("NCHW".into()));
        graph.node(self.part, node, &map.dims, self.kind)
    }
}
