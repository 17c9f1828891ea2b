//! A network made ready to run: its kernels, in order, and where its maps lie.

mod choose;
mod draft;
mod maps;
mod memory;

use crate::Error;
use crate::kernel::Kernel;
use crate::options::{Backend, MAX_THREADS, Options};
use choose::Choice;
use draft::Draft;
use maps::Maps;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use tincy_network::{Network, Number, Shape, Source, WeightKind, accumulator};

/// The most maps that a layer may read.
pub const MAX_INPUTS: usize = 64;

/// The most bytes that the maps of a session may take.
pub const MAX_BYTES: usize = 4 << 30;

/// A network with its kernels and its memory laid out. Immutable: any number of
/// [`Session`](crate::Session)s share one.
pub struct Plan {
    options: Options,
    steps: Vec<Step>,
    /// Bytes of each slot of memory.
    slots: Vec<usize>,
    scratch: usize,
    input: Place,
    /// Where each layer's output lies, if it does after a run.
    kept: Vec<Option<Place>>,
}

/// A map in a slot of memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) slot: usize,
    pub(crate) shape: Shape,
    pub(crate) number: Number,
}

/// One kernel and the maps that it works on.
pub struct Step {
    kernel: Box<dyn Kernel>,
    layers: Range<usize>,
    name: String,
    operations: u64,
    sources: Vec<Source>,
    inputs: Vec<Place>,
    output: Place,
}

impl Step {
    fn new(network: &Network, maps: &Maps, draft: Draft) -> Step {
        let names: Vec<_> = network.layers()[draft.layers.clone()]
            .iter()
            .map(|l| l.name())
            .collect();
        Step {
            name: names.join(" + "),
            operations: draft
                .layers
                .clone()
                .map(|index| network.operations(index))
                .sum(),
            inputs: draft
                .inputs
                .iter()
                .map(|source| maps.place(*source))
                .collect(),
            output: maps.place(Source::Layer(draft.layers.end - 1)),
            sources: draft.inputs,
            kernel: draft.kernel,
            layers: draft.layers,
        }
    }

    /// The layers it does: one, or a convolution and the pool after it.
    pub fn layers(&self) -> Range<usize> {
        self.layers.clone()
    }

    /// The names of its layers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Name of the kernel that runs it.
    pub fn kernel(&self) -> &'static str {
        self.kernel.name()
    }

    /// Shape of its output.
    pub fn shape(&self) -> Shape {
        self.output.shape
    }

    /// Number type of its output.
    pub fn number(&self) -> Number {
        self.output.number
    }

    /// Operations, counted as [`Network::operations`] does.
    pub fn operations(&self) -> u64 {
        self.operations
    }

    pub(crate) fn runner(&self) -> &dyn Kernel {
        self.kernel.as_ref()
    }

    /// What it reads.
    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// Where what it reads lies.
    pub(crate) fn inputs(&self) -> &[Place] {
        &self.inputs
    }

    pub(crate) fn output(&self) -> Place {
        self.output
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.name, self.kernel())
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.steps).finish()
    }
}

impl Plan {
    /// Chooses a kernel for each layer, packs the weights for it and lays out the memory.
    ///
    /// # Errors
    /// If the CPU lacks the backend, an integer sum could overflow 32 bits, or the maps need more
    /// than [`MAX_BYTES`].
    pub fn new(network: &Network, options: &Options) -> Result<Arc<Plan>, Error> {
        let isa = options.backend.require()?;
        if !(1..=MAX_THREADS).contains(&options.threads) {
            return Err(Error::Threads {
                asked: options.threads,
                most: MAX_THREADS,
            });
        }
        for index in 0..network.layers().len() {
            check(network, index)?;
        }
        let choice = Choice {
            isa: (options.backend != Backend::Reference).then_some(isa),
            first_layer16: options.first_layer16,
            fuse: !options.keep_all,
        };
        let drafts = draft::all(network, &choice);
        let maps = Maps::new(network, &drafts, options.keep_all)?;
        let steps: Vec<Step> = drafts
            .steps
            .into_iter()
            .map(|d| Step::new(network, &maps, d))
            .collect();
        let scratch = steps
            .iter()
            .map(|step| step.kernel.scratch_bytes(options.threads))
            .max();
        Ok(Arc::new(Plan {
            options: *options,
            input: maps.place(Source::Input),
            kept: (0..network.layers().len())
                .map(|index| maps.kept(index))
                .collect(),
            slots: maps.slots,
            scratch: scratch.unwrap_or(0),
            steps,
        }))
    }

    /// What it was made by.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The steps, in running order.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Bytes that a session takes for maps and scratch memory.
    pub fn memory_bytes(&self) -> usize {
        self.slots.iter().sum::<usize>() + self.scratch
    }

    pub(crate) fn slots(&self) -> &[usize] {
        &self.slots
    }

    pub(crate) fn scratch_bytes(&self) -> usize {
        self.scratch
    }

    pub(crate) fn input(&self) -> Place {
        self.input
    }

    /// Where a map lies after a run, if it still does.
    pub(crate) fn place(&self, source: Source) -> Option<Place> {
        match source {
            Source::Input => Some(self.input),
            Source::Layer(index) => *self.kept.get(index)?,
        }
    }
}

/// Whether a layer can be run: its number of inputs, and its sums.
fn check(network: &Network, index: usize) -> Result<(), Error> {
    let layer = &network.layers()[index];
    let name = || format!("{index} ({})", layer.name());
    if layer.inputs().len() > MAX_INPUTS {
        return Err(Error::Inputs {
            layer: name(),
            found: layer.inputs().len(),
            most: MAX_INPUTS,
        });
    }
    let (Some(convolution), (_, Number::Code(code))) =
        (layer.convolution(), network.tensor(layer.inputs()[0]))
    else {
        return Ok(());
    };
    if convolution.weights.kind() == WeightKind::F32 {
        return Ok(());
    }
    let bound = accumulator::bound_with_bias(convolution, code);
    if bound.fits(32) {
        return Ok(());
    }
    Err(Error::Accumulator {
        layer: name(),
        min: bound.min,
        max: bound.max,
    })
}
