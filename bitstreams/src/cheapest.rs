//! The cheapest choice of an engine for every layer that fits a device, by branch and bound.

use crate::budget::Budget;
use crate::options::Choice;
use crate::resources::Resources;

/// Nodes after which a search is given up; what it has found by then is its answer.
pub(crate) const MOST_NODES: usize = 100_000;

/// The answer of a search.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// The cheapest that was found, one choice a layer.
    pub(crate) choices: Option<Vec<Choice>>,
    /// Whether every combination was tried or ruled out by a bound.
    pub(crate) complete: bool,
}

/// What the layers from one on need at least, each resource by itself.
#[derive(Clone, Copy, Default)]
struct Rest {
    resources: Resources,
    cost: f64,
}

struct Search<'a> {
    budget: &'a Budget,
    /// Each layer's choices with their cost, cheapest first.
    layers: Vec<Vec<(f64, Choice)>>,
    rest: Vec<Rest>,
    nodes: usize,
    most_nodes: usize,
    picked: Vec<Choice>,
    best: Option<(f64, Vec<Choice>)>,
}

/// The cheapest combination of one choice a layer that fits: exact, unless it takes `most_nodes` or
/// more. A plan that is `known` to fit bounds the search, and is the answer if none is cheaper.
pub(crate) fn cheapest(
    budget: &Budget,
    layers: impl Iterator<Item = Vec<Choice>>,
    known: Option<Vec<Choice>>,
    most_nodes: usize,
) -> Found {
    let priced = |choices: Vec<Choice>| {
        let priced = choices.into_iter().map(|c| (budget.cost(&c.resources), c));
        let mut priced: Vec<(f64, Choice)> = priced.collect();
        priced.sort_by(|a, b| a.0.total_cmp(&b.0));
        priced
    };
    let layers: Vec<_> = layers.map(priced).collect();
    let known = known.map(|choices| {
        let cost = choices.iter().map(|c| budget.cost(&c.resources)).sum();
        (cost, choices)
    });
    let mut search = Search {
        budget,
        rest: rests(&layers),
        layers,
        nodes: 0,
        most_nodes,
        picked: Vec::new(),
        best: known,
    };
    search.descend(Resources::default(), 0.0);
    Found {
        choices: search.best.map(|(_, choices)| choices),
        complete: search.nodes < most_nodes,
    }
}

impl Search<'_> {
    fn descend(&mut self, used: Resources, cost: f64) {
        let layer = self.picked.len();
        if layer == self.layers.len() {
            if self.budget.places(&self.picked) {
                self.best = Some((cost, self.picked.clone()));
            }
            return;
        }
        let rest = self.rest[layer + 1];
        for i in 0..self.layers[layer].len() {
            let (price, choice) = self.layers[layer][i];
            let bound = self.best.as_ref().map_or(f64::INFINITY, |best| best.0);
            // Later choices are dearer still.
            if self.nodes == self.most_nodes || cost + price + rest.cost >= bound {
                return;
            }
            self.nodes += 1;
            let used = used + choice.resources;
            if self.budget.holds(&(used + rest.resources)) {
                self.picked.push(choice);
                self.descend(used, cost + price);
                self.picked.pop();
            }
        }
    }
}

/// For each layer and the end: the least that it and all after it need.
fn rests(layers: &[Vec<(f64, Choice)>]) -> Vec<Rest> {
    let mut rests = vec![Rest::default(); layers.len() + 1];
    for (i, layer) in layers.iter().enumerate().rev() {
        let least = |part: fn(&Resources) -> f64| {
            let parts = layer.iter().map(|(_, choice)| part(&choice.resources));
            parts.fold(f64::INFINITY, f64::min)
        };
        let resources = Resources {
            lut: least(|r| r.lut),
            bram36: least(|r| r.bram36),
            uram: least(|r| r.uram),
            dsp: least(|r| r.dsp),
        };
        rests[i] = Rest {
            resources: rests[i + 1].resources + resources,
            cost: rests[i + 1].cost + layer.first().map_or(f64::INFINITY, |(price, _)| *price),
        };
    }
    rests
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device, options, published};

    /// The bounds cut most of it off, and a search that is stopped has the plan that it began with.
    #[test]
    fn a_search_that_is_cut_off_keeps_what_it_has() {
        let devices = device::known();
        let device = device::find(&devices, "XCZU9EG").unwrap();
        let budget = Budget::of(device);
        let works = published::tinier_yolo_hidden();
        let layers = || works.iter().map(|work| options::choices(work, device));
        let known: Vec<Choice> = layers().map(|choices| choices[0]).collect();
        assert!(budget.places(&known));
        let stopped = cheapest(&budget, layers(), Some(known.clone()), 0);
        assert!(!stopped.complete && stopped.choices == Some(known.clone()));
        let whole = cheapest(&budget, layers(), Some(known.clone()), MOST_NODES);
        let cost = |choices: &[Choice]| -> f64 {
            let costs = choices.iter().map(|choice| budget.cost(&choice.resources));
            costs.sum()
        };
        assert!(whole.complete && cost(&whole.choices.unwrap()) < cost(&known));
        let nothing = cheapest(&budget, layers().map(|_| Vec::new()), None, MOST_NODES);
        assert!(nothing.complete && nothing.choices.is_none());
    }
}
