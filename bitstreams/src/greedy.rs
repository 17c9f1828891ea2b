//! The published search (papers.md 2.3): unroll the slowest layer step by step.

use crate::cycles::{self, Folding};
use crate::options::{self, Choice, Memory, Multiplier};
use crate::work::Work;

/// Every candidate on the way, from no unrolling until the slowest layer cannot be unrolled further.
/// Products are made in LUTs, weights and windows lie in block RAM, as in the published search.
pub fn candidates(works: &[Work]) -> Vec<Vec<Choice>> {
    let mut foldings = vec![Folding::NONE; works.len()];
    let mut candidates = Vec::new();
    loop {
        let layers = works.iter().zip(&foldings);
        let choice =
            |(w, f): (&Work, &Folding)| options::choice(w, *f, Multiplier::Lut, [Memory::Bram; 2]);
        candidates.push(layers.map(choice).collect());
        let slowest = (0..works.len()).max_by_key(|i| cycles::matrix(&works[*i], foldings[*i]));
        let next = slowest.and_then(|i| Some((i, unrolled(&works[i], foldings[i])?)));
        match next {
            Some((layer, folding)) => foldings[layer] = folding,
            None => return candidates,
        }
    }
}

/// The next step: Q to the next divisor of C, else P of C', else M of the width.
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
