//! A plan with memory and threads of its own.

use crate::offload::Offloaded;
use crate::plan::{MAX_INPUTS, Plan, Step};
use crate::team::Team;
use crate::tensor::{Buffer, Tensor, TensorMut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tincy_network::Source;

/// Runs a [`Plan`], one input at a time. Its memory and threads are its own; the steady state
/// allocates nothing.
#[derive(Debug)]
pub struct Session {
    plan: Arc<Plan>,
    pub(crate) slots: Vec<Buffer>,
    scratch: Buffer,
    team: Team,
    pub(crate) offloaded: Option<Offloaded>,
}

impl Session {
    /// Takes the memory and starts the threads.
    pub fn new(plan: &Arc<Plan>) -> Session {
        Session {
            slots: plan
                .slots()
                .iter()
                .map(|bytes| Buffer::new(*bytes))
                .collect(),
            scratch: Buffer::new(plan.scratch_bytes()),
            team: Team::new(plan.options().threads),
            plan: plan.clone(),
            offloaded: None,
        }
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The input map, to be written before a run. A run leaves it as it is.
    pub fn input_mut(&mut self) -> TensorMut<'_> {
        let place = self.plan.input();
        self.slots[place.slot].tensor_mut(place.shape, place.number)
    }

    /// Runs all steps on the input map.
    pub fn run(&mut self) {
        self.run_timed(&mut []);
    }

    /// As [`run`](Session::run), and writes how long each step took; `times` beyond the steps stay,
    /// and steps beyond `times` are not measured. The time of an [offload](crate::Offload) is its first
    /// step's; the others of its steps take none.
    pub fn run_timed(&mut self, times: &mut [Duration]) {
        let plan = self.plan.clone();
        let (mut next, mut start) = (0, Instant::now());
        while let Some(step) = plan.steps().get(next) {
            let first = next;
            next = self.offload(first).unwrap_or_else(|| {
                self.step(step);
                first + 1
            });
            let end = Instant::now();
            let most = times.len();
            let done = &mut times[first.min(most)..next.min(most)];
            done.fill(Duration::ZERO);
            if let Some(time) = done.first_mut() {
                *time = end - start;
            }
            start = end;
        }
    }

    /// The map of a source after a run: the input, a result of the network, or any layer's output
    /// if the plan [keeps all](crate::Options::keep_all). `None` where it was not kept.
    pub fn output(&self, source: Source) -> Option<Tensor<'_>> {
        let place = self.plan.place(source)?;
        Some(self.slots[place.slot].tensor(place.shape, place.number))
    }

    fn step(&mut self, step: &Step) {
        let place = step.output();
        // Out of its slot, so that the maps in other slots can be read meanwhile.
        let mut output = std::mem::take(&mut self.slots[place.slot]);
        let mut inputs = [Tensor::U8(&[]); MAX_INPUTS];
        for (input, place) in inputs.iter_mut().zip(step.inputs()) {
            *input = self.slots[place.slot].tensor(place.shape, place.number);
        }
        let kernel = step.runner();
        let bytes = kernel.scratch_bytes(self.team.size());
        kernel.run(
            &inputs[..step.inputs().len()],
            output.tensor_mut(place.shape, place.number),
            self.scratch.slice_mut(bytes),
            &self.team,
        );
        self.slots[place.slot] = output;
    }
}
