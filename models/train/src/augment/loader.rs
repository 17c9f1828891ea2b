//! Batches, made ahead by other threads.
//!
//! A batch is fixed by the seed and its number alone: the pictures of all epochs stand in one long
//! row, and batch `n` is the `n`-th piece of it. So a run can be taken up at any step.

use super::{Augment, Chance, Error, Pictures, Workshop};
use crate::losses::Truth;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use tincy_network::Input;

/// What batches are made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Decides everything that is by chance.
    pub seed: u64,
    /// Pictures a batch.
    pub batch: usize,
    /// Sides of the input in pixels, one of which is taken for each batch. Empty for the network's
    /// own.
    pub sizes: Vec<usize>,
    /// What is done to the pictures.
    pub augment: Augment,
}

/// Inputs and what is in them.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Its number.
    pub step: u64,
    /// Columns and rows of the inputs.
    pub size: [usize; 2],
    /// The inputs, NHWC.
    pub inputs: Vec<f32>,
    /// The objects of each.
    pub truths: Vec<Vec<Truth>>,
}

/// Gives one batch after the other.
#[derive(Debug)]
pub struct Loader {
    /// Of each thread; thread `i` of `n` makes the batches `i`, `i + n`, ... from the first.
    queues: Vec<Receiver<Result<Batch, Error>>>,
    given: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Starts to make batches from number `first` on.
    ///
    /// # Errors
    /// If the input is no picture.
    pub fn start(
        pictures: &Arc<Pictures>,
        input: &Input,
        plan: &Plan,
        first: u64,
        threads: usize,
    ) -> Result<Loader, Error> {
        // Asked here, so that the threads need not be asked.
        Workshop::new(pictures, input, plan.augment)?;
        let mut loader = Loader {
            queues: Vec::new(),
            given: 0,
            threads: Vec::new(),
        };
        let threads = threads.max(1);
        for thread in 0..threads {
            let (sender, queue) = sync_channel(1);
            let (pictures, input, plan) = (Arc::clone(pictures), input.clone(), plan.clone());
            let steps = (first + thread as u64..).step_by(threads);
            let run = move || make_batches(&pictures, &input, &plan, steps, &sender);
            let named = std::thread::Builder::new().name(format!("pictures-{thread}"));
            loader
                .threads
                .push(named.spawn(run).map_err(|_| Error::Ended)?);
            loader.queues.push(queue);
        }
        Ok(loader)
    }

    /// The next batch; waits for it if need be.
    ///
    /// # Errors
    /// If a picture of it cannot be decoded.
    pub fn next_batch(&mut self) -> Result<Batch, Error> {
        let queue = &self.queues[self.given % self.queues.len()];
        self.given += 1;
        queue.recv().unwrap_or(Err(Error::Ended))
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // Closed queues end the threads.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn make_batches(
    pictures: &Pictures,
    input: &Input,
    plan: &Plan,
    steps: impl Iterator<Item = u64>,
    sender: &SyncSender<Result<Batch, Error>>,
) {
    let Ok(mut workshop) = Workshop::new(pictures, input, plan.augment) else {
        return;
    };
    let mut row = Row {
        plan,
        count: pictures.pictures.len(),
        epoch: u64::MAX,
        order: Vec::new(),
    };
    for step in steps {
        let batch = make_batch(&mut workshop, input, &mut row, step);
        if sender.send(batch).is_err() {
            return;
        }
    }
}

/// The pictures of all epochs, one after the other.
struct Row<'a> {
    plan: &'a Plan,
    count: usize,
    /// The epoch whose order is at hand.
    epoch: u64,
    order: Vec<usize>,
}

/// Streams of random numbers for other things than pictures.
const ORDER: u64 = u64::MAX;
const SIZE: u64 = u64::MAX - 1;

impl Row<'_> {
    /// The picture at a place, and the chance for what is done to it.
    fn at(&mut self, place: u64) -> (usize, Chance) {
        let (epoch, within) = (place / self.count as u64, place % self.count as u64);
        if epoch != self.epoch {
            self.order = Chance::new(self.plan.seed, epoch, ORDER).order(self.count);
            self.epoch = epoch;
        }
        (
            self.order[within as usize],
            Chance::new(self.plan.seed, epoch, within),
        )
    }
}

fn make_batch(
    workshop: &mut Workshop<'_>,
    input: &Input,
    row: &mut Row<'_>,
    step: u64,
) -> Result<Batch, Error> {
    let plan = row.plan;
    let size = match plan.sizes.len() {
        0 => [input.shape.width, input.shape.height],
        count => [plan.sizes[Chance::new(plan.seed, step, SIZE).below(count)]; 2],
    };
    let length = size[0] * size[1] * input.shape.channels;
    let mut inputs = vec![0.0; plan.batch * length];
    let mut truths = Vec::with_capacity(plan.batch);
    for (within, out) in inputs.chunks_exact_mut(length).enumerate() {
        let (number, mut chance) = row.at(step * plan.batch as u64 + within as u64);
        truths.push(workshop.make(number, size, &mut chance, out)?);
    }
    Ok(Batch {
        step,
        size,
        inputs,
        truths,
    })
}

#[cfg(test)]
mod tests {
    use super::super::pictures::tests::pictures;
    use super::*;

    fn batches(plan: &Plan, first: u64, threads: usize, count: usize) -> Vec<Batch> {
        let (_folder, pictures) = pictures();
        let input = Input::rgb(32, 32);
        let mut loader = Loader::start(&Arc::new(pictures), &input, plan, first, threads).unwrap();
        (0..count).map(|_| loader.next_batch().unwrap()).collect()
    }

    #[test]
    fn a_batch_depends_on_its_number_alone() {
        let plan = Plan {
            seed: 3,
            batch: 5,
            sizes: vec![32, 48],
            augment: Augment {
                strength: 0.5,
                flip: 0.5,
                mosaic: 0.3,
            },
        };
        let all = batches(&plan, 0, 1, 7);
        assert_eq!(batches(&plan, 0, 3, 7), all);
        assert_eq!(batches(&plan, 4, 2, 3), all[4..]);
        let sizes: Vec<_> = all.iter().map(|batch| batch.size[0]).collect();
        assert!(sizes.contains(&32) && sizes.contains(&48), "{sizes:?}");
        let other = Plan { seed: 4, ..plan };
        assert_ne!(batches(&other, 0, 1, 1)[0], all[0]);
    }

    #[test]
    fn an_epoch_has_each_picture_once() {
        let plan = Plan {
            seed: 1,
            batch: 4,
            sizes: Vec::new(),
            augment: Augment::NONE,
        };
        let inputs = |first| {
            let batches = batches(&plan, first, 2, 3);
            let inputs = batches
                .iter()
                .flat_map(|batch| batch.inputs.chunks(32 * 32 * 3));
            let mut inputs: Vec<Vec<f32>> = inputs.map(<[f32]>::to_vec).collect();
            inputs.sort_by(|a, b| a.partial_cmp(b).unwrap());
            inputs
        };
        // Twelve pictures, all different.
        let mut first = inputs(0);
        assert_eq!(first, inputs(3));
        first.dedup();
        assert_eq!(first.len(), 12);
    }

    #[test]
    fn a_picture_that_is_gone_is_named() {
        let (folder, pictures) = pictures();
        let plan = Plan {
            seed: 0,
            batch: 12,
            sizes: Vec::new(),
            augment: Augment::NONE,
        };
        std::fs::remove_file(folder.path().join("images/07.ppm")).unwrap();
        let input = Input::rgb(32, 32);
        let mut loader = Loader::start(&Arc::new(pictures), &input, &plan, 0, 1).unwrap();
        let error = loader.next_batch().unwrap_err();
        assert!(error.to_string().contains("07.ppm"), "{error}");
    }
}
