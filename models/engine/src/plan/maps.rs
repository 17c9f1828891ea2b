//! Where every map of a plan lies.

use super::draft::Drafts;
use super::memory::{self, Life};
use super::{MAX_BYTES, Place};
use crate::Error;
use tincy_network::{Network, Source};

/// The last step of a map that is read after the run.
const END: usize = usize::MAX;

/// The maps of a plan by number, 0 the input and `1 + step` the output of a step, and their places.
pub(super) struct Maps {
    /// For each layer the map that holds its output; none inside a fused step.
    of_layer: Vec<Option<usize>>,
    places: Vec<Place>,
    lives: Vec<Life>,
    /// Bytes of each slot.
    pub(super) slots: Vec<usize>,
}

impl Maps {
    pub(super) fn new(network: &Network, drafts: &Drafts, keep_all: bool) -> Result<Maps, Error> {
        let of_layer = maps_of_layers(drafts);
        let last = last_steps(network, drafts, &of_layer, keep_all);
        let outputs = drafts
            .steps
            .iter()
            .map(|draft| Source::Layer(draft.layers.end - 1));
        let sources: Vec<Source> = std::iter::once(Source::Input).chain(outputs).collect();
        let life = |(map, source): (usize, &Source)| {
            let (shape, number) = network.tensor(*source);
            Life {
                steps: map..=last[map],
                bytes: shape.elements() * number.bytes(),
            }
        };
        let lives: Vec<Life> = sources.iter().enumerate().map(life).collect();
        let layout = memory::assign(&lives);
        let needed = layout.bytes.iter().sum();
        if needed > MAX_BYTES {
            return Err(Error::Memory {
                needed,
                most: MAX_BYTES,
            });
        }
        let place = |(source, slot): (&Source, &usize)| {
            let (shape, number) = network.tensor(*source);
            Place {
                slot: *slot,
                shape,
                number,
            }
        };
        Ok(Maps {
            places: sources.iter().zip(&layout.slots).map(place).collect(),
            of_layer,
            lives,
            slots: layout.bytes,
        })
    }

    /// Where a step finds the map of a source; of the input where there is none, which no step
    /// reads.
    pub(super) fn place(&self, source: Source) -> Place {
        self.places[number(&self.of_layer, source).unwrap_or(0)]
    }

    /// Where a layer's output lies after a run, if it still does.
    pub(super) fn kept(&self, layer: usize) -> Option<Place> {
        let map = self.of_layer[layer]?;
        (*self.lives[map].steps.end() == END).then(|| self.places[map])
    }
}

fn number(of_layer: &[Option<usize>], source: Source) -> Option<usize> {
    match source {
        Source::Input => Some(0),
        Source::Layer(index) => of_layer[index],
    }
}

fn maps_of_layers(drafts: &Drafts) -> Vec<Option<usize>> {
    let written = |layer: usize| drafts.steps.iter().position(|d| d.layers.end == layer + 1);
    let map = |origin: &Source| match origin {
        Source::Input => Some(0),
        Source::Layer(layer) => written(*layer).map(|step| step + 1),
    };
    drafts.origin.iter().map(map).collect()
}

/// For each map the last step that reads it (or writes it), steps counted from 1.
fn last_steps(
    network: &Network,
    drafts: &Drafts,
    of_layer: &[Option<usize>],
    keep_all: bool,
) -> Vec<usize> {
    let mut last: Vec<usize> = (0..=drafts.steps.len()).collect();
    for (step, draft) in drafts.steps.iter().enumerate() {
        for map in draft.inputs.iter().filter_map(|s| number(of_layer, *s)) {
            last[map] = last[map].max(step + 1);
        }
    }
    for map in network
        .outputs()
        .iter()
        .filter_map(|s| number(of_layer, *s))
    {
        last[map] = END;
    }
    // The input is never written over, so that a session can run again.
    last[0] = END;
    if keep_all {
        last.fill(END);
    }
    last
}
