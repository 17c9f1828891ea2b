//! A run, and how many pictures a network gets right.

use super::digits::{Distortion, write, write_distorted};
use super::quantization::layers;
use crate::augment::Chance;
use crate::idx::Digits;
use crate::losses::softmax;
use crate::optimizer::{Group, Method, Optimizer, Schedule, clip};
use crate::parameters::{Parameter, Role};
use crate::quantizers::budget;
use crate::{Error, Model, Tape};

/// What a run is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Passes over the digits.
    pub epochs: usize,
    /// Digits a step.
    pub batch: usize,
    /// The highest rate; it falls to zero as a cosine.
    pub rate: f32,
    /// Share of the weights that a step takes away, times the rate.
    pub decay: f32,
    /// What happens to the digits.
    pub distortion: Distortion,
    /// Decides everything that is by chance.
    pub seed: u64,
    /// The part of all inner weights that are left in the end, for quantizers that thin. They are
    /// thinned over this run, and pruned at its end.
    pub density: Option<f64>,
}

/// A run under way.
pub struct Course<'a> {
    model: &'a mut Model,
    tape: &'a mut Tape,
    optimizer: Optimizer,
    settings: Settings,
    gradient: Vec<f32>,
}

impl<'a> Course<'a> {
    /// At its start.
    pub fn new(model: &'a mut Model, tape: &'a mut Tape, settings: Settings) -> Course<'a> {
        let parameters = model.parameters();
        let group = |parameter: &Parameter| Group {
            // Scales and steps move in proportion to their size. Normalisation takes a layer's scale
            // out again, so its gradient is noise, which AdamW would bring to steps of the full rate:
            // several percent of a small scale, faster than the running statistics follow.
            factor: match parameter.role {
                Role::Quantizer => parameters.size(parameter),
                _ => 1.0,
            },
            decay: if parameter.role == Role::Weight {
                settings.decay
            } else {
                0.0
            },
        };
        let optimizer = Optimizer::new(Method::ADAMW, parameters, group);
        Course {
            model,
            tape,
            optimizer,
            settings,
            gradient: Vec::new(),
        }
    }

    /// Runs to the end; `tell` hears the mean loss of each epoch, and may end the run.
    ///
    /// # Errors
    /// If the digits' size does not suit the model, or the loss is no number.
    pub fn run(
        mut self,
        digits: &Digits,
        mut tell: impl FnMut(usize, f64) -> bool,
    ) -> Result<(), Error> {
        let steps = digits.len() / self.settings.batch;
        let all = steps * self.settings.epochs;
        let densities = self.densities();
        for epoch in 0..self.settings.epochs {
            let order = Chance::new(self.settings.seed, epoch as u64, u64::MAX).order(digits.len());
            let mut sum = 0.0;
            for step in 0..steps {
                let number = epoch * steps + step;
                for (layer, density) in &densities {
                    if let Some(quantizer) = self.model.quantizer(layer) {
                        quantizer.set_density(budget::ramp(*density, number, all));
                    }
                }
                let batch = &order[step * self.settings.batch..][..self.settings.batch];
                let place = epoch * digits.len() + step * self.settings.batch;
                sum += self.step(digits, batch, place, number as f64 / all as f64)?;
            }
            if !tell(epoch, sum / steps as f64) {
                return Ok(());
            }
        }
        for (layer, _) in &densities {
            self.prune(layer);
        }
        Ok(())
    }

    /// The density of each layer in the end; none if nothing is to be thinned.
    fn densities(&mut self) -> Vec<(String, f64)> {
        let Some(wanted) = self.settings.density else {
            return Vec::new();
        };
        let mut names = Vec::new();
        let mut costs = Vec::new();
        for (name, layout, features) in layers(self.model) {
            if self.model.quantizer(&name).is_some_and(|q| q.thins()) {
                names.push(name);
                let weights = layout.count() as f64;
                let places = (features / layout.outputs) as f64;
                costs.push(budget::Layer {
                    operations: weights * places,
                    weights,
                });
            }
        }
        let densities = budget::densities(&costs, wanted, 0.5);
        names.into_iter().zip(densities).collect()
    }

    fn prune(&mut self, layer: &str) {
        let Some(id) = self.model.parameters().find(&format!("{layer}.weight")) else {
            return;
        };
        let weights = self.model.parameters().get(id).to_vec();
        if let Some(quantizer) = self.model.quantizer(layer) {
            quantizer.prune(&weights);
        }
    }

    /// One step; returns the mean loss.
    fn step(
        &mut self,
        digits: &Digits,
        batch: &[usize],
        place: usize,
        progress: f64,
    ) -> Result<f64, Error> {
        self.tape
            .begin(self.model, batch.len(), digits.rows, digits.columns)?;
        let (seed, distortion) = (self.settings.seed, &self.settings.distortion);
        for (within, number) in batch.iter().enumerate() {
            let mut chance = Chance::new(seed, u64::MAX, (place + within) as u64);
            let input = self.tape.input_mut(within);
            write_distorted(digits, *number, distortion, &mut chance, input);
        }
        self.tape.forward(self.model, true);
        let losses = self.tape.losses(|picture, maps, gradients| {
            let class = usize::from(digits.labels[batch[picture]]);
            softmax::cross_entropy(maps[0], class, gradients[0])
        });
        let loss = losses.iter().sum::<f64>() / batch.len() as f64;
        let factor = 1.0 / batch.len() as f32;
        self.tape.backward(self.model, factor, &mut self.gradient);
        let length = clip(self.model.parameters(), &mut self.gradient, 10.0);
        if !length.is_finite() {
            return Err(Error::Diverged(self.optimizer.steps()));
        }
        let schedule = Schedule {
            rate: self.settings.rate,
            warm_up: 20,
            floor: 0.0,
        };
        let rate = schedule.at(self.optimizer.steps(), progress);
        self.optimizer
            .step(self.model.parameters_mut(), &self.gradient, rate);
        self.model.settle_parameters();
        Ok(loss)
    }
}

/// Digits of one pass of an evaluation.
const PASS: usize = 250;

/// The part of digits that a model names rightly.
///
/// # Errors
/// If the digits' size does not suit the model.
pub fn accuracy(model: &mut Model, tape: &mut Tape, digits: &Digits) -> Result<f64, Error> {
    let mut right = 0;
    for start in (0..digits.len()).step_by(PASS) {
        let count = PASS.min(digits.len() - start);
        tape.begin(model, count, digits.rows, digits.columns)?;
        for within in 0..count {
            write(digits, start + within, tape.input_mut(within));
        }
        tape.forward(model, false);
        for within in 0..count {
            let label = digits.labels[start + within];
            right += usize::from(is_named(tape.output(0, within), label));
        }
    }
    Ok(right as f64 / digits.len().max(1) as f64)
}

/// Whether the label's class scores best; of equal scores the first counts.
pub(super) fn is_named(scores: &[f32], label: u8) -> bool {
    let scores = scores.iter().enumerate();
    let best = scores.max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)));
    best.is_some_and(|(class, _)| class == usize::from(label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Kind, Quantization, export, quantize};
    use crate::low_bit::prune::dead_channels;
    use crate::model::{Normalisation, Options};
    use std::sync::Arc;
    use tincy_network::{WeightKind, file};

    /// Ten pictures a class; a class is a bright bar in its own place.
    fn bars() -> Digits {
        let labels: Vec<u8> = (0..100).map(|number| number % 10).collect();
        let mut pixels = vec![0; 100 * 28 * 28];
        for (number, picture) in pixels.chunks_exact_mut(28 * 28).enumerate() {
            for x in 4..24 {
                picture[(4 + 2 * (number % 10)) * 28 + x] = 120 + number as u8;
            }
        }
        Digits {
            rows: 28,
            columns: 28,
            pixels,
            labels,
        }
    }

    fn settings(density: Option<f64>) -> Settings {
        Settings {
            epochs: 12,
            batch: 20,
            rate: 5e-3,
            decay: 1e-4,
            distortion: Distortion::default(),
            seed: 1,
            density,
        }
    }

    /// Runs of the same seed with one and with two threads; accuracy and parameters.
    fn learn(weights: &str, density: Option<f64>, threads: usize) -> (f64, Vec<f32>, f64) {
        let (mut model, mut tape) = taught(weights, density, threads);
        let right = accuracy(&mut model, &mut tape, &bars()).unwrap();
        let weights = model
            .parameters()
            .get(model.parameters().find("full1.weight").unwrap());
        let weights = weights.to_vec();
        let sparsity = model.quantizer("full0").unwrap().codes(&weights).sparsity();
        (right, model.parameters().values().to_vec(), sparsity)
    }

    /// A network that has learned the bars, and its tape.
    fn taught(weights: &str, density: Option<f64>, threads: usize) -> (Model, Tape) {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut tape = Tape::new(Arc::new(pool)).with_shard(4);
        let network = "mlp-32-32".parse::<Kind>().unwrap().build(3).unwrap();
        let normalisation = Normalisation::Batch { momentum: 0.3 };
        let mut model = Model::new(&network, Options { normalisation }).unwrap();
        let quantization = Quantization {
            weights: Some(weights.parse().unwrap()),
            activations: Some("uniform4".parse().unwrap()),
            first: true,
            last: Some("lsq8-channel".parse().unwrap()),
        };
        quantize(&mut model, &quantization).unwrap();
        let digits = bars();
        let course = Course::new(&mut model, &mut tape, settings(density));
        let mut losses = Vec::new();
        let keep = |_, loss| {
            losses.push(loss);
            true
        };
        course.run(&digits, keep).unwrap();
        assert!(losses[11] < losses[0] / 4.0, "{losses:?}");
        (model, tape)
    }

    #[test]
    fn integers_name_what_the_trained_network_names() {
        let (mut model, mut tape) = taught("sparse", Some(0.3), 2);
        let digits = bars();
        // Pictures that it has not seen: one bar more or less bright, and noise on all of them.
        let mut other = bars();
        let mut chance = Chance::new(7, 0, 0);
        for pixel in &mut other.pixels {
            *pixel = pixel.saturating_add(chance.below(140) as u8);
        }
        let whole = export::to_integers(&mut model, 4).unwrap();
        let pruned = dead_channels(&whole, 1).unwrap();
        for digits in [&digits, &other] {
            let trained = accuracy(&mut model, &mut tape, digits).unwrap();
            for integers in [&whole, &pruned] {
                let exported = export::accuracy_of_integers(integers, &tape, digits).unwrap();
                assert_eq!(exported, trained);
            }
        }
        let [sparse, binary, ternary] = [
            file::to_bytes(&whole).len(),
            export::dense_twin(&whole, WeightKind::Binary).unwrap(),
            export::dense_twin(&whole, WeightKind::Ternary).unwrap(),
        ];
        // Of 26,112 inner weights; the rest is alike.
        assert!(sparse < ternary, "{sparse} {ternary}");
        assert_eq!(ternary - binary, 26_112 / 8, "{binary} {ternary}");
    }

    #[test]
    fn integers_of_rows_are_what_rounded_scales_name() {
        let (mut model, mut tape) = taught("syq-ternary-row", None, 2);
        let integers = export::to_integers(&mut model, 4).unwrap();
        let first = integers.layers()[0].convolution().unwrap();
        assert_eq!(first.weights.multipliers().len(), 28 * 28);
        let pruned = dead_channels(&integers, 1).unwrap();
        let parameters = model.parameters_mut();
        let scales = parameters.get_mut(parameters.find("full0.step").unwrap());
        let largest = scales.iter().fold(0.0f32, |a, b| a.max(*b));
        for scale in scales {
            *scale = (*scale / largest * 127.0).round().max(1.0) / 127.0 * largest;
        }
        let rounded = accuracy(&mut model, &mut tape, &bars()).unwrap();
        assert!(rounded > 0.8, "{rounded}");
        for integers in [&integers, &pruned] {
            let exported = export::accuracy_of_integers(integers, &tape, &bars()).unwrap();
            assert_eq!(exported, rounded);
        }
    }

    #[test]
    fn bars_are_learned_and_threads_do_not_matter() {
        let (right, values, _) = learn("syq-binary-layer", None, 1);
        assert!(right > 0.95, "{right}");
        assert_eq!(learn("syq-binary-layer", None, 2).1, values);
    }

    #[test]
    fn thinned_weights_stay_pruned() {
        let (right, _, sparsity) = learn("sparse", Some(0.3), 2);
        assert!(right > 0.9, "{right}");
        // The layer that costs most is thinned most.
        assert!(sparsity > 0.7, "{sparsity}");
    }
}
