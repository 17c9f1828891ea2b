//! What `tincy-train detect` is told.

use super::range::Sizes;
use super::sets::HoldOut;
use super::start::Kind;
use clap::Args;
use std::path::PathBuf;
use tincy_train::Model;
use tincy_train::augment::{Augment, Plan};
use tincy_train::integer::Level;
use tincy_train::optimizer::{Group, Method, Optimizer, Schedule};
use tincy_train::parameters::Role;
use tincy_train::training::Settings;

/// What a run is made of.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The network to start from: a float model of any kind that `tincy import` reads.
    #[arg(long, value_name = "FILE")]
    pub(super) start: PathBuf,
    /// What is made of the start: the network itself, or one that has a name of its own.
    #[arg(long, value_enum, default_value_t = Kind::Start)]
    pub(super) network: Kind,
    /// The last layer, by its name, of those of a low-bit start that stay as they are.
    #[arg(long, value_name = "LAYER")]
    pub(super) frozen: Option<String>,
    /// Bits of weights and activations in the loop and in the trained network, w8a8 for example; in
    /// floats without.
    #[arg(long)]
    pub(super) level: Option<Level>,
    /// A network whose view of every input is learned from too: anchor-free heads, the same classes.
    #[arg(long, value_name = "FILE")]
    pub(super) teacher: Option<PathBuf>,
    /// How much the teacher's word counts beside a label's.
    #[arg(long, default_value_t = 0.5)]
    pub(super) teacher_weight: f32,
    /// The rate of binary weights, which are -1 to 1, times the highest rate.
    #[arg(long, default_value_t = 5.0)]
    pub(super) sign_rate: f32,
    /// Likeness in size from which anchors other than the best one match an object too, for heads with
    /// anchors; 1 for the best alone.
    #[arg(long, value_name = "OVERLAP", default_value_t = 1.0)]
    pub(super) likeness: f32,
    /// Class names of a Darknet or ONNX network, one a line.
    #[arg(long, value_name = "FILE")]
    pub(super) names: Option<PathBuf>,
    /// The only classes to keep, in this order, or `voc` for those of PASCAL VOC.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(super) keep: Vec<String>,
    /// A set of pictures to learn from; may be given more than once.
    #[arg(long, value_name = "DIR", required = true)]
    pub(super) data: Vec<PathBuf>,
    /// Objects below this share of their picture are ignored in training.
    #[arg(long, value_name = "SHARE", default_value_t = 0.001)]
    pub(super) ignore_below: f64,
    /// Pictures of the first set that are kept apart to validate with.
    #[arg(long, value_enum, default_value_t = HoldOut::None)]
    pub(super) hold_out: HoldOut,
    /// A set to validate with; may be given more than once.
    #[arg(long, value_name = "DIR")]
    pub(super) validate: Vec<PathBuf>,
    /// Objects below this share of their picture do not count in validation.
    #[arg(long, value_name = "SHARE", default_value_t = 0.005)]
    pub(super) validate_ignore_below: f64,
    /// Length of the run in minutes of training; such a run depends on the machine's speed.
    #[arg(long, group = "length")]
    pub(super) minutes: Option<f64>,
    /// Length of the run in passes over the pictures.
    #[arg(long, group = "length")]
    pub(super) epochs: Option<f64>,
    /// Length of the run in steps.
    #[arg(long, group = "length")]
    pub(super) steps: Option<u64>,
    /// Pictures a step.
    #[arg(long, default_value_t = 8)]
    pub(super) batch: usize,
    /// Sides of the input, one of which is taken for each step: 416, or 320..416.
    #[arg(long, value_name = "SIZES")]
    pub(super) size: Option<Sizes>,
    /// The highest rate.
    #[arg(long, default_value_t = 1.5e-5)]
    pub(super) rate: f32,
    /// Rates in proportion to the size of what they move: the root of the mean square of each tensor at
    /// the start, times the rate.
    #[arg(long)]
    pub(super) relative: bool,
    /// Steps until the rate is reached.
    #[arg(long, default_value_t = 50)]
    pub(super) warm_up: u64,
    /// Share of the rate that is left at the end.
    #[arg(long, default_value_t = 0.02)]
    pub(super) floor: f32,
    /// Decay of weights.
    #[arg(long, default_value_t = 1e-4)]
    pub(super) decay: f32,
    /// The longest gradient.
    #[arg(long, default_value_t = 20.0)]
    pub(super) clip: f32,
    /// Decay of the parameters' average, which is what the run gives.
    #[arg(long, default_value_t = 0.998)]
    pub(super) average: f32,
    /// Zoom, aspect, place and colours by chance: 0 for none, 1 for much.
    #[arg(long, default_value_t = 0.7)]
    pub(super) strength: f64,
    /// How often an input is made of four pictures.
    #[arg(long, default_value_t = 0.0)]
    pub(super) mosaic: f64,
    /// Batch normalisation behind convolutions: its momentum, or nothing.
    #[arg(long, value_name = "MOMENTUM")]
    pub(super) normalise: Option<f32>,
    /// Decides everything that is by chance.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Threads; 0 for one a core.
    #[arg(long, default_value_t = 0)]
    pub(super) threads: usize,
    /// Validations over the run, beside those at its start and end.
    #[arg(long, default_value_t = 1)]
    pub(super) validations: u32,
    /// Gives the state that scored best in a validation, by the mean over the sets, not the last
    #[arg(long)]
    pub(super) best: bool,
    /// Minutes between checkpoints.
    #[arg(long, default_value_t = 5.0)]
    pub(super) save_every: f64,
    /// Where checkpoints and the journal lie.
    #[arg(long, value_name = "DIR")]
    pub(super) checkpoint: PathBuf,
    /// Go on from the checkpoint.
    #[arg(long)]
    pub(super) resume: bool,
    /// The trained network.
    #[arg(long, value_name = "FILE.tincy")]
    pub(super) out: PathBuf,
}

impl Arguments {
    /// Every parameter at the same rate, but binary weights, of which none shrink.
    pub(super) fn optimizer(&self, model: &Model) -> Optimizer {
        Optimizer::new(Method::ADAMW, model.parameters(), |parameter| {
            let is_binary = model.has_signs(&parameter.name);
            Group {
                factor: match is_binary {
                    true => self.sign_rate,
                    false if self.relative => model.parameters().size(parameter),
                    false => 1.0,
                },
                decay: match parameter.role {
                    Role::Weight if !is_binary => self.decay,
                    _ => 0.0,
                },
            }
        })
    }

    /// What is fixed in the run.
    pub(super) fn settings(&self) -> Settings {
        Settings {
            schedule: Schedule {
                rate: self.rate,
                warm_up: self.warm_up,
                floor: self.floor,
            },
            clip: self.clip,
            average: self.average,
        }
    }

    /// The row of batches, by number.
    pub(super) fn plan(&self) -> Plan {
        Plan {
            seed: self.seed,
            batch: self.batch,
            sizes: self.size.clone().map_or(Vec::new(), |sizes| sizes.0),
            augment: self.augment(self.mosaic),
        }
    }

    /// Pictures that ranges and statistics are found on.
    pub(super) fn sample(&self, pictures: usize) -> Plan {
        Plan {
            seed: self.seed,
            batch: pictures,
            sizes: Vec::new(),
            augment: self.augment(0.0),
        }
    }

    fn augment(&self, mosaic: f64) -> Augment {
        Augment {
            strength: self.strength,
            flip: 0.5,
            mosaic,
        }
    }
}
