//! Layers that something else computes: programmable logic, above all.

use crate::plan::{Place, Plan};
use crate::tensor::{Buffer, Tensor, TensorMut};
use crate::{Error, Session};
use std::fmt;
use std::ops::Range;
use tincy_network::Source;

/// Computes a row of layers in the CPU's place, to the very same codes.
pub trait Offload: Send {
    /// Name, for reports.
    fn name(&self) -> &str;

    /// The layers of the network, by number. They read one map from outside, and only the last one's
    /// is read outside.
    fn layers(&self) -> Range<usize>;

    /// Computes the map of the last layer from the one that the first reads. False where it did not:
    /// the CPU computes this frame then, and what was written does not count.
    fn run(&mut self, input: Tensor<'_>, output: TensorMut<'_>) -> bool;
}

/// An offload in a session.
pub(crate) struct Offloaded {
    offload: Box<dyn Offload>,
    /// Steps that it stands for.
    steps: Range<usize>,
    input: Place,
    output: Place,
    /// What it writes: its place in the session may be that of the input.
    buffer: Buffer,
}

impl Offloaded {
    fn new(plan: &Plan, offload: Box<dyn Offload>) -> Result<Offloaded, Error> {
        let layers = offload.layers();
        let steps = steps(plan, &layers).map_err(|what| Error::Offload {
            name: offload.name().to_string(),
            layers: format!("{} to {}", layers.start, layers.end.saturating_sub(1)),
            what,
        })?;
        let (first, last) = (&plan.steps()[steps.start], &plan.steps()[steps.end - 1]);
        let output = last.output();
        Ok(Offloaded {
            input: first.inputs()[0],
            buffer: Buffer::new(output.shape.elements() * output.number.bytes()),
            output,
            offload,
            steps,
        })
    }

    /// The step after those that are done, if it did them.
    fn run(&mut self, slots: &mut [Buffer]) -> Option<usize> {
        let Place { shape, number, .. } = self.output;
        let input = slots[self.input.slot].tensor(self.input.shape, self.input.number);
        let output = self.buffer.tensor_mut(shape, number);
        self.offload.run(input, output).then(|| {
            let written = self.buffer.tensor(shape, number).bytes();
            let place = slots[self.output.slot].tensor_mut(shape, number);
            place.bytes().copy_from_slice(written);
            self.steps.end
        })
    }
}

impl fmt::Debug for Offloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "steps {:?} by {}", self.steps, self.offload.name())
    }
}

/// The steps of a row of layers, if they can be left out.
fn steps(plan: &Plan, layers: &Range<usize>) -> Result<Range<usize>, String> {
    let at = |layer: usize| {
        plan.steps()
            .iter()
            .position(|step| step.layers().start == layer)
    };
    let start = at(layers.start).ok_or("no step begins with the first")?;
    let inside = &plan.steps()[start..];
    let count = inside
        .iter()
        .take_while(|step| step.layers().end <= layers.end)
        .count();
    let steps = start..start + count;
    let is_whole = count > 0 && plan.steps()[steps.end - 1].layers().end == layers.end;
    if !is_whole {
        return Err("no step ends with the last".into());
    }
    let first = &plan.steps()[start];
    if first.sources().len() != 1 {
        return Err("the first reads several maps".into());
    }
    for (index, step) in plan.steps().iter().enumerate() {
        let is_read_wrongly = |source: &&Source| {
            let is_within = matches!(source, Source::Layer(layer) if layers.contains(layer));
            let is_last = **source == Source::Layer(layers.end - 1);
            match steps.contains(&index) {
                true => index > steps.start && !is_within,
                false => is_within && !is_last,
            }
        };
        if step.sources().iter().any(|source| is_read_wrongly(&source)) {
            let way = if steps.contains(&index) {
                "outside"
            } else {
                "within"
            };
            return Err(format!("{} reads another map from {way}", step.name()));
        }
    }
    let kept =
        (layers.start..layers.end - 1).find(|layer| plan.place(Source::Layer(*layer)).is_some());
    match kept {
        Some(layer) => Err(format!("the map of layer {layer} is asked for")),
        None => Ok(steps),
    }
}

impl Session {
    /// Lets something else compute some layers from now on. Their own maps are not there after a run.
    ///
    /// # Errors
    /// If the layers cannot be left out: another one reads a map from within, the plan keeps all
    /// maps, or a step does one of them together with a layer outside.
    pub fn set_offload(&mut self, offload: Box<dyn Offload>) -> Result<(), Error> {
        self.offloaded = Some(Offloaded::new(self.plan(), offload)?);
        Ok(())
    }

    /// The step to go on with, where the offload did the one of this number and those after it.
    pub(crate) fn offload(&mut self, index: usize) -> Option<usize> {
        let offloaded = self.offloaded.as_mut()?;
        (offloaded.steps.start == index).then_some(())?;
        offloaded.run(&mut self.slots)
    }
}
