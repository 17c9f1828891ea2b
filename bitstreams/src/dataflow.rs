//! One engine a layer, joined by streams: the search for foldings that reach a rate or fill a device.

use crate::Error;
use crate::cycles::{self, Folding};
use crate::device::Device;
use crate::options::{self, Choice, Memory, Multiplier};
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
}

/// What a plan is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    lut: f64,
    bram36: f64,
    uram: f64,
    dsp: f64,
}

impl Budget {
    /// What a design may use of a device.
    pub fn of(device: &Device) -> Budget {
        Budget {
            lut: device.lut as f64 * device.usable_lut,
            bram36: device.bram36 as f64,
            uram: device.uram as f64,
            dsp: device.dsp as f64,
        }
    }

    /// Whether resources fit.
    pub fn holds(&self, r: &Resources) -> bool {
        self.shares(r).iter().all(|share| *share <= 1.0)
    }

    /// LUT, BRAM, URAM and DSP as shares of the budget.
    fn shares(&self, r: &Resources) -> [f64; 4] {
        let share = |used: f64, budget: f64| if used <= 0.0 { 0.0 } else { used / budget };
        [
            share(r.lut, self.lut),
            share(r.bram36, self.bram36),
            share(r.uram, self.uram),
            share(r.dsp, self.dsp),
        ]
    }

    /// The resource that is nearest to its end, or furthest past it.
    pub fn tightest(&self, r: &Resources) -> &'static str {
        let names = ["LUT", "BRAM", "URAM", "DSP"];
        let shares = self.shares(r);
        let worst = (0..4)
            .max_by(|a, b| shares[*a].total_cmp(&shares[*b]))
            .unwrap_or(0);
        names[worst]
    }
}

/// The search over all foldings of a network on a device.
#[derive(Debug)]
pub struct Search<'a> {
    works: &'a [Work],
    device: &'a Device,
    clock_mhz: f64,
    budget: Budget,
    choices: Vec<Vec<Choice>>,
}

/// Up to this many combinations are all tried; beyond it, weights between the resources are.
const EXHAUSTIVE: usize = 100_000;

/// Weights of LUT, BRAM, URAM and DSP with which the cheapest choice of a layer is picked. The first
/// is the plain sum of shares; the others spare what may have run out.
const WEIGHTS: [[f64; 4]; 9] = [
    [1.0, 1.0, 1.0, 1.0],
    [1.0, 0.0, 0.0, 0.0],
    [1.0, 0.2, 0.2, 0.2],
    [0.2, 1.0, 0.2, 0.2],
    [0.2, 0.2, 1.0, 0.2],
    [0.2, 0.2, 0.2, 1.0],
    [1.0, 1.0, 0.2, 0.2],
    [1.0, 0.2, 0.2, 1.0],
    [0.5, 1.0, 0.5, 0.5],
];

impl<'a> Search<'a> {
    /// Lists the choices of every layer.
    pub fn new(works: &'a [Work], device: &'a Device, clock_mhz: f64) -> Search<'a> {
        let choices = works
            .iter()
            .map(|work| options::choices(work, device))
            .collect();
        Search {
            works,
            device,
            clock_mhz,
            budget: Budget::of(device),
            choices,
        }
    }

    /// The cheapest plan of at least `fps` frames a second.
    ///
    /// # Errors
    /// If none fits: the rate that can be had, and what it is limited by.
    pub fn reach(&self, fps: f64) -> Result<Dataflow, Error> {
        let cycles = self.clock_mhz * 1e6 / fps;
        let plan = if cycles >= 1.0 {
            self.within(cycles as u64)
        } else {
            None
        };
        plan.ok_or_else(|| match self.fastest() {
            Ok(best) => Error::Unreachable {
                wanted: fps,
                device: self.device.name.clone(),
                limit: format!(
                    "at most {:.1} fps at {} MHz, limited by {}",
                    best.fps,
                    self.clock_mhz,
                    self.limit(&best)
                ),
            },
            Err(error) => error,
        })
    }

    /// The fastest plan that fits; never slower than the published greedy search.
    ///
    /// # Errors
    /// If not even the slowest folding fits: the resource that is missing.
    pub fn fastest(&self) -> Result<Dataflow, Error> {
        let ladder = self.ladder();
        // Feasibility is monotone in the interval up to the weights tried, so bisect.
        let (mut low, mut high) = (0, ladder.len());
        while low < high {
            let middle = (low + high) / 2;
            if self.within(ladder[middle]).is_some() {
                high = middle
            } else {
                low = middle + 1
            }
        }
        let found = ladder.get(low).and_then(|cycles| self.within(*cycles));
        let best = [found, self.greedy()]
            .into_iter()
            .flatten()
            .min_by_key(|plan| plan.interval);
        best.ok_or_else(|| {
            let smallest: Vec<_> = self.choices.iter().map(|c| c[0]).collect();
            let needs = self.plan(smallest);
            Error::Argument(format!(
                "the network does not fit {} as a stream of engines: even one product at a time needs more {} than there is; plan it layer by layer (--architecture overlay) or with fewer bits",
                self.device.name,
                self.budget.tightest(&needs.resources)
            ))
        })
    }

    /// The cheapest plan for each rate that differs, slowest first: the front of resources against
    /// frames a second.
    pub fn front(&self, most: usize) -> Vec<Dataflow> {
        let mut plans: Vec<Dataflow> = Vec::new();
        for cycles in self.ladder().into_iter().rev() {
            let Some(plan) = self.within(cycles) else {
                break;
            };
            if plans
                .last()
                .is_none_or(|last| plan.interval < last.interval)
            {
                plans.push(plan);
            }
        }
        thinned(plans, most)
    }

    /// What keeps a plan from being faster.
    pub fn limit(&self, plan: &Dataflow) -> String {
        let slowest = (0..self.works.len())
            .max_by_key(|i| plan.choices[*i].cycles)
            .unwrap_or(0);
        let name = &self.works[slowest].name;
        let choice = &plan.choices[slowest];
        let faster = self.choices[slowest]
            .iter()
            .any(|other| other.cycles < choice.cycles);
        if !faster {
            let window = cycles::window(&self.works[slowest], choice.folding, 1);
            let unit = if window >= choice.cycles {
                "its window unit"
            } else {
                "its largest folding"
            };
            return format!("{name}: {unit}");
        }
        let mut next = plan.choices.clone();
        for (layer, choices) in self.choices.iter().enumerate() {
            if next[layer].cycles == plan.interval {
                let better = choices.iter().filter(|other| other.cycles < plan.interval);
                let cheapest = better.min_by(|a, b| a.resources.lut.total_cmp(&b.resources.lut));
                next[layer] = cheapest.copied().unwrap_or(next[layer]);
            }
        }
        format!(
            "{name}: a faster folding needs more {}",
            self.budget.tightest(&self.plan(next).resources)
        )
    }

    /// All cycle counts that a layer can have, rising, from the slowest layer's best on.
    fn ladder(&self) -> Vec<u64> {
        let fastest = |choices: &Vec<Choice>| choices.iter().map(|c| c.cycles).min();
        let floor = self.choices.iter().filter_map(fastest).max().unwrap_or(1);
        let all = self.choices.iter().flatten().map(|choice| choice.cycles);
        let mut ladder: Vec<u64> = all.filter(|cycles| *cycles >= floor).collect();
        ladder.sort_unstable();
        ladder.dedup();
        ladder
    }

    /// A plan with every layer within `cycles`, if one fits.
    fn within(&self, cycles: u64) -> Option<Dataflow> {
        let fast: Vec<Vec<Choice>> = self
            .choices
            .iter()
            .map(|layer| {
                layer
                    .iter()
                    .filter(|c| c.cycles <= cycles)
                    .copied()
                    .collect()
            })
            .collect();
        if fast.iter().any(Vec::is_empty) {
            return None;
        }
        let combinations = fast
            .iter()
            .try_fold(1usize, |n, layer| n.checked_mul(layer.len()));
        match combinations {
            Some(n) if n <= EXHAUSTIVE => self.exhaustive(&fast),
            _ => WEIGHTS
                .iter()
                .map(|weights| self.cheapest(&fast, weights))
                .find(|plan| self.fits(plan)),
        }
    }

    fn fits(&self, plan: &Dataflow) -> bool {
        self.budget.holds(&plan.resources)
    }

    fn cheapest(&self, layers: &[Vec<Choice>], weights: &[f64; 4]) -> Dataflow {
        let cost = |choice: &Choice| {
            let shares = self.budget.shares(&choice.resources);
            // A resource that the device lacks costs more than any other.
            shares
                .iter()
                .zip(weights)
                .map(|(s, w)| if s.is_finite() { s * w } else { 1e9 })
                .sum::<f64>()
        };
        let pick = |layer: &Vec<Choice>| {
            layer
                .iter()
                .min_by(|a, b| cost(a).total_cmp(&cost(b)))
                .copied()
        };
        self.plan(layers.iter().filter_map(pick).collect())
    }

    /// The fitting combination with the fewest LUTs, by trying all.
    fn exhaustive(&self, layers: &[Vec<Choice>]) -> Option<Dataflow> {
        let mut best: Option<Dataflow> = None;
        let mut indices = vec![0; layers.len()];
        loop {
            let plan = self.plan(
                layers
                    .iter()
                    .zip(&indices)
                    .map(|(layer, i)| layer[*i])
                    .collect(),
            );
            if self.fits(&plan)
                && best
                    .as_ref()
                    .is_none_or(|b| plan.resources.lut < b.resources.lut)
            {
                best = Some(plan);
            }
            let Some(digit) = (0..layers.len()).find(|d| indices[*d] + 1 < layers[*d].len()) else {
                return best;
            };
            indices[..digit].fill(0);
            indices[digit] += 1;
        }
    }

    fn plan(&self, choices: Vec<Choice>) -> Dataflow {
        let interval = choices
            .iter()
            .map(|choice| choice.cycles)
            .max()
            .unwrap_or(1);
        let resources = choices
            .iter()
            .fold(Resources::default(), |sum, choice| sum + choice.resources);
        Dataflow {
            interval,
            resources,
            fps: self.clock_mhz * 1e6 / interval as f64,
            choices,
        }
    }

    /// The published search (papers.md 2.3): unroll the slowest layer step by step, remember the
    /// fastest candidate that fits.
    pub fn greedy(&self) -> Option<Dataflow> {
        let mut foldings = vec![Folding::NONE; self.works.len()];
        let mut best: Option<Dataflow> = None;
        loop {
            let choices = self.works.iter().zip(&foldings);
            let plan = self.plan(
                choices
                    .map(|(w, f)| options::choice(w, *f, Multiplier::Lut, Memory::Bram))
                    .collect(),
            );
            if self.fits(&plan) && best.as_ref().is_none_or(|b| plan.interval < b.interval) {
                best = Some(plan);
            }
            let slowest = (0..foldings.len())
                .max_by_key(|i| cycles::matrix(&self.works[*i], foldings[*i]))?;
            match unrolled(&self.works[slowest], foldings[slowest]) {
                Some(folding) => foldings[slowest] = folding,
                None => return best,
            }
        }
    }
}

/// The next step of the published search: Q to the next divisor of C, else P of C', else M of the width.
fn unrolled(work: &Work, folding: Folding) -> Option<Folding> {
    let next = |n: u64, now: u64| options::divisors(n).into_iter().find(|d| *d > now);
    if let Some(simd) = next(work.inputs, folding.simd) {
        return Some(Folding { simd, ..folding });
    }
    if let Some(pe) = next(work.outputs, folding.pe) {
        return Some(Folding { pe, ..folding });
    }
    next(work.out_size[1], folding.pixels).map(|pixels| Folding { pixels, ..folding })
}

/// At most `most` of a list, evenly, with its first and last.
fn thinned(plans: Vec<Dataflow>, most: usize) -> Vec<Dataflow> {
    let last = plans.len().saturating_sub(1);
    if last < most || most < 2 {
        return plans;
    }
    (0..most)
        .map(|i| plans[i * last / (most - 1)].clone())
        .collect()
}
