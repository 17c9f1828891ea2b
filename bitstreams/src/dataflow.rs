//! One engine a layer, joined by streams: the search for foldings that reach a rate or fill a device.

use crate::Error;
use crate::budget::Budget;
use crate::cheapest::{self, Found, MOST_NODES};
use crate::cycles;
use crate::device::Device;
use crate::greedy;
use crate::options::{self, Choice};
use crate::resources::Resources;
use crate::work::Work;
use serde::Serialize;

/// A folding for every layer on a device.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dataflow {
    /// One choice a layer.
    pub choices: Vec<Choice>,
    /// Cycles between frames: those of the slowest layer.
    pub interval: u64,
    /// All layers together, whole design.
    pub resources: Resources,
    /// Frames a second at the clock that was planned for.
    pub fps: f64,
    /// Whether no combination is cheaper at this interval: all were tried, or ruled out by a bound.
    /// Else it is the cheapest that was met before the search was cut off.
    pub exhaustive: bool,
}

/// The search over all foldings of a network on a device.
///
/// For every interval it is at least as good as the published greedy search: whenever that has a
/// candidate that fits, there is a plan of no more cycles, and it costs no more.
#[derive(Debug)]
pub struct Search<'a> {
    works: &'a [Work],
    device: &'a Device,
    clock_mhz: f64,
    budget: Budget,
    choices: Vec<Vec<Choice>>,
    greedy: Vec<Dataflow>,
}

/// Intervals that a front is looked up at, between the slowest and the fastest plan.
const FRONT_STEPS: usize = 24;

impl<'a> Search<'a> {
    /// Lists the choices of every layer.
    pub fn new(works: &'a [Work], device: &'a Device, clock_mhz: f64) -> Search<'a> {
        let choices = works.iter().map(|work| options::choices(work, device));
        let mut search = Search {
            works,
            device,
            clock_mhz,
            budget: Budget::of(device),
            choices: choices.collect(),
            greedy: Vec::new(),
        };
        let candidates = greedy::candidates(works).into_iter();
        let fitting = candidates.filter(|choices| search.budget.places(choices));
        let plans = fitting.map(|choices| search.plan(choices, false));
        search.greedy = plans.collect();
        search
    }

    /// The cheapest plan of at least `fps` frames a second.
    ///
    /// # Errors
    /// If none fits: the rate that can be had, and what it is limited by.
    pub fn reach(&self, fps: f64) -> Result<Dataflow, Error> {
        let cycles = self.clock_mhz * 1e6 / fps;
        // A whole number of cycles that a rate was computed from may come back a hair too small.
        if let Some(plan) = self.within((cycles * (1.0 + 1e-12)) as u64) {
            return Ok(plan);
        }
        let best = self.fastest()?;
        Err(Error::Unreachable {
            wanted: fps,
            device: self.device.name.clone(),
            limit: format!(
                "at most {:.1} fps at {} MHz, limited by {}",
                best.fps,
                self.clock_mhz,
                self.limit(&best)
            ),
        })
    }

    /// The fastest plan that fits; never slower than the published greedy search.
    ///
    /// # Errors
    /// If not even the slowest folding fits: the resource that is missing.
    pub fn fastest(&self) -> Result<Dataflow, Error> {
        let ladder = self.ladder();
        let plan = self.first_within(&ladder).map(|(_, plan)| plan);
        plan.ok_or_else(|| {
            Error::Argument(format!(
                "the network does not fit {} as a stream of engines: {}; plan it layer by layer (--architecture overlay), with fewer bits, or for a larger device",
                self.device.name,
                self.shortage()
            ))
        })
    }

    /// What there is too little of even for the cheapest choice of every layer.
    fn shortage(&self) -> String {
        if let Some(layer) = self.choices.iter().position(Vec::is_empty) {
            return format!("no folding of {} fits a die", self.works[layer].name);
        }
        let cost = |choice: &&Choice| self.budget.cost(&choice.resources);
        let cheapest = |choices: &Vec<Choice>| {
            let choice = choices.iter().min_by(|a, b| cost(a).total_cmp(&cost(b)));
            choice.copied()
        };
        let needs = self.plan(self.choices.iter().filter_map(cheapest).collect(), false);
        let scarce = self.budget.tightest(&needs.resources);
        format!("even its cheapest foldings need more {scarce} than there is")
    }

    /// The fastest candidate of the published search that fits.
    pub fn greedy(&self) -> Option<&Dataflow> {
        self.greedy.iter().min_by_key(|plan| plan.interval)
    }

    /// The front of cost against frames a second, slowest first: at most `most` plans, the first and
    /// the fastest among them, of which none is both slower and dearer than another.
    pub fn front(&self, most: usize) -> Vec<Dataflow> {
        let ladder = self.ladder();
        let Some((first, fastest)) = self.first_within(&ladder) else {
            return Vec::new();
        };
        let steps = thinned((first + 1..ladder.len()).rev().collect(), FRONT_STEPS);
        let slower = steps
            .into_iter()
            .filter_map(|step| self.within(ladder[step]));
        let mut plans: Vec<Dataflow> = Vec::new();
        for plan in slower.chain([fastest]) {
            let cost = |plan: &Dataflow| self.budget.cost(&plan.resources);
            plans.retain(|kept| kept.interval > plan.interval && cost(kept) < cost(&plan));
            plans.push(plan);
        }
        thinned(plans, most)
    }

    /// What keeps a plan from being faster.
    pub fn limit(&self, plan: &Dataflow) -> String {
        let slowest = (0..self.works.len()).max_by_key(|i| plan.choices[*i].cycles);
        let slowest = slowest.unwrap_or(0);
        let name = &self.works[slowest].name;
        let choice = &plan.choices[slowest];
        let mut all = self.choices[slowest].iter();
        if !all.any(|other| other.cycles < choice.cycles) {
            let window = cycles::window(&self.works[slowest], choice.folding, 1);
            let unit = if window >= choice.cycles {
                "its window unit"
            } else {
                "its largest folding"
            };
            return format!("{name}: {unit}");
        }
        let needs = self.plan(self.faster(plan), false);
        format!(
            "{name}: a faster folding needs more {}",
            self.budget.tightest(&needs.resources)
        )
    }

    /// A plan with the slowest layers' cheapest faster choices.
    fn faster(&self, plan: &Dataflow) -> Vec<Choice> {
        let mut next = plan.choices.clone();
        for (layer, choices) in self.choices.iter().enumerate() {
            if next[layer].cycles == plan.interval {
                let cost = |choice: &Choice| self.budget.cost(&choice.resources);
                let better = choices.iter().filter(|other| other.cycles < plan.interval);
                let cheapest = better.min_by(|a, b| cost(a).total_cmp(&cost(b)));
                next[layer] = cheapest.copied().unwrap_or(next[layer]);
            }
        }
        next
    }

    /// All intervals that a plan can have, rising, from the slowest layer's best on.
    fn ladder(&self) -> Vec<u64> {
        let fastest = |choices: &Vec<Choice>| choices.iter().map(|c| c.cycles).min();
        let floor = self.choices.iter().filter_map(fastest).max().unwrap_or(1);
        let all = self.choices.iter().flatten().map(|choice| choice.cycles);
        let greedy = self.greedy.iter().map(|plan| plan.interval);
        let mut ladder: Vec<u64> = all
            .chain(greedy)
            .filter(|cycles| *cycles >= floor)
            .collect();
        ladder.sort_unstable();
        ladder.dedup();
        ladder
    }

    /// The shortest interval of the ladder with a plan, and its place. What fits an interval fits any
    /// longer one, so halving finds it; a search that was cut off may hide a shorter one, though none
    /// that the greedy search has.
    fn first_within(&self, ladder: &[u64]) -> Option<(usize, Dataflow)> {
        let (mut low, mut high) = (0, ladder.len());
        let mut found = None;
        if let Some(plan) = self.greedy() {
            high = ladder.iter().position(|cycles| *cycles == plan.interval)?;
            found = Some((high, self.within(plan.interval)?));
        }
        while low < high {
            let middle = (low + high) / 2;
            match self.within(ladder[middle]) {
                Some(plan) => (high, found) = (middle, Some((middle, plan))),
                None => low = middle + 1,
            }
        }
        found
    }

    /// The cheapest plan with every layer within `cycles`, if one fits.
    fn within(&self, cycles: u64) -> Option<Dataflow> {
        let fast = self.choices.iter().map(|layer| {
            let fast = layer.iter().filter(|choice| choice.cycles <= cycles);
            fast.copied().collect::<Vec<_>>()
        });
        let cost = |plan: &Dataflow| self.budget.cost(&plan.resources);
        let greedy = self.greedy.iter().filter(|plan| plan.interval <= cycles);
        let known = greedy.min_by(|a, b| cost(a).total_cmp(&cost(b)));
        let known = known.map(|plan| plan.choices.clone());
        let Found { choices, complete } = cheapest::cheapest(&self.budget, fast, known, MOST_NODES);
        choices.map(|choices| self.plan(choices, complete))
    }

    fn plan(&self, choices: Vec<Choice>, exhaustive: bool) -> Dataflow {
        let cycles = choices.iter().map(|choice| choice.cycles);
        let interval = cycles.max().unwrap_or(1);
        let resources = choices.iter().map(|choice| choice.resources);
        Dataflow {
            interval,
            resources: resources.fold(Resources::default(), |sum, r| sum + r),
            fps: self.clock_mhz * 1e6 / interval as f64,
            choices,
            exhaustive,
        }
    }
}

/// At most `most` of a list, evenly, with its first and last.
fn thinned<T: Clone>(list: Vec<T>, most: usize) -> Vec<T> {
    let last = list.len().saturating_sub(1);
    if last < most || most < 2 {
        return list;
    }
    (0..most)
        .map(|i| list[i * last / (most - 1)].clone())
        .collect()
}
