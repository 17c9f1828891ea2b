//! What a run starts from: the network, what is made of it, and its teacher.

use super::arguments::Arguments;
use super::threads;
use anyhow::{Result, bail};
use std::sync::Arc;
use tincy_network::{Input, Network, classes};
use tincy_train::augment::{Batch, Loader, Pictures};
use tincy_train::model::{Normalisation, Options};
use tincy_train::networks::tincy_yolo;
use tincy_train::teacher::Teacher;
use tincy_train::trunk::Trunk;
use tincy_train::{Model, Tape, integer, low_bit};

/// What is made of the start.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum Kind {
    /// The start as it is, in floats.
    Start,
    /// A low-bit detector with two heads, from a low-bit chain.
    TincyYolo,
}

/// The network that was given.
pub(super) fn network(arguments: &Arguments) -> Result<Network> {
    let options = tincy_import::Options {
        names: arguments.names.clone(),
        keep: classes::chosen(&arguments.keep),
        ..Default::default()
    };
    Ok(tincy_import::import(&arguments.start, &options)?)
}

/// How the trained network is written.
pub(super) enum Export {
    /// In floats.
    Floats,
    /// Thresholds between maps of few bits.
    Thresholds(low_bit::export::Maps),
    /// Codes by factors and tables.
    Codes(Box<integer::prepare::Plan>),
}

/// What is trained, what runs before it, and how it is written in the end.
pub(super) struct Learner {
    pub(super) model: Model,
    pub(super) trunk: Option<Trunk>,
    pub(super) export: Export,
}

impl Learner {
    pub(super) fn new(
        arguments: &Arguments,
        start: &Network,
        pictures: &Arc<Pictures>,
        mut tape: Tape,
    ) -> Result<Learner> {
        if arguments.frozen.is_some() && arguments.network != Kind::TincyYolo {
            bail!("--frozen is for --network tincy-yolo");
        }
        let (model, export) = match (arguments.network, arguments.level) {
            (Kind::Start, None) => (floats(arguments, start)?, Export::Floats),
            (Kind::Start, Some(level)) => {
                let batch = batch(arguments, start.input(), pictures)?;
                let prepared = integer::prepare(start, level, &batch, &mut tape)?;
                (prepared.model, Export::Codes(Box::new(prepared.plan)))
            }
            (Kind::TincyYolo, None) => return tincy_yolo(arguments, start, pictures, &mut tape),
            (Kind::TincyYolo, Some(level)) => {
                bail!("tincy-yolo has a level of its own, not {level}")
            }
        };
        Ok(Learner {
            model,
            trunk: None,
            export,
        })
    }

    /// What batches are made for.
    pub(super) fn input(&self) -> Input {
        match &self.trunk {
            Some(trunk) => trunk.input(),
            None => self.model.template().input().clone(),
        }
    }
}

/// Pictures that ranges and statistics are found on.
fn batch(arguments: &Arguments, input: &Input, pictures: &Arc<Pictures>) -> Result<Batch> {
    const PICTURES: usize = 32;
    let plan = arguments.sample(PICTURES);
    Ok(Loader::start(pictures, input, &plan, 0, 1)?.next_batch()?)
}

/// The teacher, if one is wanted.
pub(super) fn teacher(arguments: &Arguments, student: &Network) -> Result<Option<Teacher>> {
    let Some(file) = &arguments.teacher else {
        return Ok(None);
    };
    let teacher = tincy_import::import(file, &Default::default())?;
    let weight = arguments.teacher_weight;
    let pool = threads::pool(arguments.threads)?;
    Ok(Some(Teacher::new(&teacher, student, weight, pool)?))
}

/// The start in floats.
fn floats(arguments: &Arguments, start: &Network) -> Result<Model> {
    let normalisation = match arguments.normalise {
        Some(momentum) => Normalisation::Batch { momentum },
        None => Normalisation::None,
    };
    Ok(Model::new(start, Options { normalisation })?)
}

/// `tincy-yolo` from a low-bit chain, its statistics those of some of the pictures.
fn tincy_yolo(
    arguments: &Arguments,
    start: &Network,
    pictures: &Arc<Pictures>,
    tape: &mut Tape,
) -> Result<Learner> {
    const ROUND: usize = 4;
    let momentum = arguments.normalise.unwrap_or(0.02);
    let pruned = low_bit::prune::dead_channels(start, ROUND)?;
    let start = tincy_yolo::start(&pruned, arguments.frozen.as_deref(), arguments.seed)?;
    let pool = threads::pool(arguments.threads)?;
    let trunk = start.trunk.clone().map(|trunk| Trunk::new(trunk, pool));
    let mut learner = Learner {
        model: tincy_yolo::model(&start, momentum)?,
        trunk,
        export: Export::Thresholds(start.integers.clone()),
    };
    // All that statistics would give comes from the checkpoint, if there is one.
    if !arguments.resume {
        let mut batch = batch(arguments, &learner.input(), pictures)?;
        if let Some(trunk) = &mut learner.trunk {
            batch = trunk.look(&batch)?;
        }
        tape.load(&learner.model, &batch)?;
        low_bit::calibrate::calibrate(&mut learner.model, tape, momentum, &start.wanted)?;
    }
    Ok(learner)
}
