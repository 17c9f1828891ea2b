//! A run: steps from batches to better parameters.

use crate::augment::Batch;
use crate::losses::{HeadMap, Loss, Terms};
use crate::optimizer::{Average, Optimizer, Schedule, clip};
use crate::teacher::Lesson;
use crate::{Error, Model, Tape};
use tincy_network::Shape;

/// Steps in a row without a usable gradient, after which a run is given up.
const MOST_SKIPPED: u32 = 20;

/// What is fixed in a run.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The rate over the run.
    pub schedule: Schedule,
    /// The longest gradient.
    pub clip: f32,
    /// The average's decay.
    pub average: f32,
}

/// A model in training, with all that a step changes.
pub struct Training {
    /// The model; its parameters are the ones that move, not their average.
    pub model: Model,
    pub(crate) optimizer: Optimizer,
    pub(crate) average: Average,
    settings: Settings,
    tape: Tape,
    gradient: Vec<f32>,
    skipped: u32,
}

/// What a step gave.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// The loss's parts, divided.
    pub terms: Terms,
    /// Length of the gradient before it was clipped.
    pub length: f64,
    /// The rate.
    pub rate: f32,
    /// Whether the parameters moved; not where the gradient was no number.
    pub moved: bool,
}

impl Training {
    /// A run that starts at the model's parameters.
    pub fn new(model: Model, optimizer: Optimizer, settings: Settings, tape: Tape) -> Training {
        Training {
            average: Average::new(model.parameters(), settings.average),
            model,
            optimizer,
            settings,
            tape,
            gradient: Vec::new(),
            skipped: 0,
        }
    }

    /// Steps that were taken.
    pub fn steps(&self) -> u64 {
        self.optimizer.steps()
    }

    /// One step, when `progress` of the run, 0 to 1, is over; a lesson's gradient is divided as the
    /// labels' is.
    ///
    /// # Errors
    /// If the batch's size does not suit the model, or the loss has been no number for long.
    pub fn step(
        &mut self,
        batch: &Batch,
        loss: &dyn Loss,
        lesson: Option<&Lesson<'_>>,
        progress: f64,
    ) -> Result<Step, Error> {
        self.tape.load(&self.model, batch)?;
        self.tape.forward(&mut self.model, true);
        let terms = self.losses(batch, loss, lesson);
        let divisor = loss.divisor(&terms, batch.truths.len());
        let factor = (1.0 / divisor) as f32;
        self.tape
            .backward(&mut self.model, factor, &mut self.gradient);
        let length = clip(
            self.model.parameters(),
            &mut self.gradient,
            self.settings.clip,
        );
        let rate = self.settings.schedule.at(self.steps(), progress);
        let moved = length.is_finite();
        if moved {
            self.optimizer
                .step(self.model.parameters_mut(), &self.gradient, rate);
            self.model.settle_parameters();
            self.average.update(self.model.parameters());
            self.skipped = 0;
        } else {
            self.optimizer.skip();
            self.skipped += 1;
        }
        if self.skipped >= MOST_SKIPPED {
            return Err(Error::Diverged(self.steps()));
        }
        Ok(Step {
            terms: divided(terms, divisor),
            length,
            rate,
            moved,
        })
    }

    /// The loss's sums over the batch; gradients are left at the results.
    fn losses(&mut self, batch: &Batch, loss: &dyn Loss, lesson: Option<&Lesson<'_>>) -> Terms {
        let heads = heads(&self.model);
        let shapes: Vec<Shape> = self.tape.output_shapes();
        let all = self.tape.losses(|picture, maps, gradients| {
            let views: Vec<HeadMap<'_>> = heads
                .iter()
                .map(|head| HeadMap {
                    rows: shapes[*head].height,
                    columns: shapes[*head].width,
                    values: maps[*head],
                })
                .collect();
            let mut own: Vec<Vec<f32>> = heads
                .iter()
                .map(|head| vec![0.0; maps[*head].len()])
                .collect();
            let terms = loss.picture(&views, &batch.truths[picture], &mut own);
            if let Some(lesson) = lesson {
                lesson.teach(picture, &views, &mut own);
            }
            for (head, own) in heads.iter().zip(&own) {
                gradients[*head].copy_from_slice(own);
            }
            terms
        });
        let mut sum = Terms::default();
        all.into_iter().for_each(|terms| sum += terms);
        sum
    }

    /// Does something with the model as its average is.
    pub fn with_average<T>(&mut self, work: impl FnOnce(&mut Model, &mut Tape) -> T) -> T {
        self.average.exchange(self.model.parameters_mut());
        let result = work(&mut self.model, &mut self.tape);
        self.average.exchange(self.model.parameters_mut());
        result
    }
}

/// The number of each head's result.
pub(crate) fn heads(model: &Model) -> Vec<usize> {
    let network = model.template();
    let place = |source| {
        network
            .outputs()
            .iter()
            .position(|output| *output == source)
    };
    let heads = network.heads().iter();
    heads
        .map(|head| place(head.source).expect("a head reads a result"))
        .collect()
}

fn divided(terms: Terms, divisor: f64) -> Terms {
    Terms {
        boxes: terms.boxes / divisor,
        objectness: terms.objectness / divisor,
        classes: terms.classes / divisor,
        ..terms
    }
}
