//! What a run starts from: the network, what is made of it, and its teacher.

use super::arguments::Arguments;
use anyhow::{Result, bail};
use std::sync::Arc;
use tincy_network::{Code, Input, Network, classes};
use tincy_train::augment::{Batch, Loader, Pictures};
use tincy_train::model::{Normalisation, Options};
use tincy_train::networks::tincy_yolo;
use tincy_train::teacher::Teacher;
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

/// What is trained, and how it is written in the end.
pub(super) fn model(
    arguments: &Arguments,
    start: &Network,
    pictures: &Arc<Pictures>,
    mut tape: Tape,
) -> Result<(Model, Export)> {
    Ok(match (arguments.network, arguments.level) {
        (Kind::Start, None) => (floats(arguments, start)?, Export::Floats),
        (Kind::Start, Some(level)) => {
            let batch = batch(arguments, start.input(), pictures)?;
            let prepared = integer::prepare(start, level, &batch, &mut tape)?;
            (prepared.model, Export::Codes(Box::new(prepared.plan)))
        }
        (Kind::TincyYolo, None) => {
            let model = tincy_yolo(arguments, start, pictures, &mut tape)?;
            // Layers are trained on codes as they are.
            let maps = low_bit::export::Maps {
                input: start.input().clone(),
                input_step: 1.0,
                code: Code::unsigned(tincy_yolo::BITS, 1.0),
                step: 1.0,
            };
            (model, Export::Thresholds(maps))
        }
        (Kind::TincyYolo, Some(level)) => bail!("tincy-yolo has a level of its own, not {level}"),
    })
}

/// Pictures that ranges and statistics are found on.
fn batch(arguments: &Arguments, input: &Input, pictures: &Arc<Pictures>) -> Result<Batch> {
    const PICTURES: usize = 32;
    let plan = arguments.sample(PICTURES);
    Ok(Loader::start(pictures, input, &plan, 0, 1)?.next_batch()?)
}

/// The teacher, if one is wanted.
pub(super) fn teacher(
    arguments: &Arguments,
    student: &Network,
    tape: Tape,
) -> Result<Option<Teacher>> {
    let Some(file) = &arguments.teacher else {
        return Ok(None);
    };
    let teacher = tincy_import::import(file, &Default::default())?;
    let weight = arguments.teacher_weight;
    Ok(Some(Teacher::new(&teacher, student, weight, tape)?))
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
) -> Result<Model> {
    const ROUND: usize = 4;
    let momentum = arguments.normalise.unwrap_or(0.02);
    let pruned = low_bit::prune::dead_channels(start, ROUND)?;
    let start = tincy_yolo::start(&pruned, arguments.seed)?;
    let mut model = tincy_yolo::model(&start, momentum)?;
    if arguments.resume {
        // All that statistics would give comes from the checkpoint.
        return Ok(model);
    }
    let batch = batch(arguments, start.template.input(), pictures)?;
    tape.load(&model, &batch)?;
    low_bit::calibrate::calibrate(&mut model, tape, momentum, &start.wanted)?;
    Ok(model)
}
