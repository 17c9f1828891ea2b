//! How good a model is on pictures with known objects: by its own float forward pass, and by the
//! integers that it is written as.

use crate::training::heads;
use crate::{Error, Model, Tape};
use rayon::prelude::*;
use std::path::Path;
use tincy_dataset::picture::{self, Limit};
use tincy_dataset::score::{self, Found, Report};
use tincy_dataset::{Dataset, Picture};
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Plan, Session};
use tincy_network::classes::match_classes;
use tincy_network::{Input, Network, Number};
use tincy_vision::{Filter, Fitting, Frame, Map, detections};

/// Pictures of a pass.
const BATCH: usize = 8;

/// What counts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Objects below this share of their picture are neither to be found nor wrong to find.
    pub ignore_below: f64,
    /// Which boxes are wanted.
    pub filter: Filter,
}

impl Default for Options {
    /// Every box that a curve can need.
    fn default() -> Options {
        Options {
            ignore_below: 0.0,
            filter: Filter {
                threshold: 0.005,
                ..Filter::default()
            },
        }
    }
}

/// Runs the model over a set at the network's own size and scores what it finds.
///
/// # Errors
/// If a picture cannot be read or the network reads no pictures.
pub fn validate(
    model: &mut Model,
    tape: &mut Tape,
    dataset: &Dataset,
    options: &Options,
) -> Result<Report, Error> {
    let network = model.template().clone();
    let known = match_classes(network.classes(), &dataset.classes);
    let input = Input {
        number: Number::F32,
        ..network.input().clone()
    };
    let heads = heads(model);
    let shape = input.shape;
    let mut found: Vec<Found> = Vec::new();
    for (index, pictures) in dataset.pictures.chunks(BATCH).enumerate() {
        tape.begin(model, pictures.len(), shape.height, shape.width)?;
        let fitted: Result<Vec<_>, Error> = tape.install(|| {
            let fit = |picture| fitted(picture, &input);
            pictures.par_iter().map(fit).collect()
        });
        let fitted = fitted?;
        for (number, (_, values)) in fitted.iter().enumerate() {
            tape.set_input(model, number, values);
        }
        tape.forward(model, false);
        let shapes = tape.output_shapes();
        let boxes = |number: usize| {
            let maps = network
                .heads()
                .iter()
                .zip(&heads)
                .map(|(head, output)| Map {
                    head,
                    shape: shapes[*output],
                    values: tape.output(*output, number),
                });
            let maps: Vec<_> = maps.collect();
            detections(&maps, &fitted[number].0, &options.filter)
        };
        let all: Result<Vec<_>, _> =
            tape.install(|| (0..pictures.len()).into_par_iter().map(boxes).collect());
        for (number, detections) in all?.iter().enumerate() {
            found.extend(score::found(index * BATCH + number, detections, &known));
        }
    }
    Ok(scored(dataset, &found, &known, options))
}

/// Runs a trained network's integers over a set, on the engine that `tincy` has, and scores what it
/// finds: the same boxes.
///
/// # Errors
/// If a picture cannot be read, or the engine cannot run the network.
pub fn validate_exported(
    network: &Network,
    tape: &Tape,
    dataset: &Dataset,
    options: &Options,
) -> Result<Report, Error> {
    let known = match_classes(network.classes(), &dataset.classes);
    let plan = Plan::new(network, &Default::default())?;
    let boxes = |session: &mut Session, (index, picture): (usize, &Picture)| -> Result<_, Error> {
        let (mut fitting, frame) = framed(picture, network.input())?;
        match session.input_mut() {
            TensorMut::F32(values) => fitting.apply(&frame, values)?,
            TensorMut::U8(codes) => fitting.apply(&frame, codes)?,
            TensorMut::I8(codes) => fitting.apply(&frame, codes)?,
        }
        session.run();
        let maps = network.heads().iter().map(|head| {
            let values = session.output(head.source);
            Map {
                head,
                shape: network.tensor(head.source).0,
                values: values.expect("heads read results").floats(),
            }
        });
        let detections = detections(&maps.collect::<Vec<_>>(), &fitting, &options.filter)?;
        Ok(score::found(index, &detections, &known))
    };
    let found: Result<Vec<Vec<Found>>, Error> = tape.install(|| {
        let pictures = dataset.pictures.par_iter().enumerate();
        pictures.map_init(|| Session::new(&plan), boxes).collect()
    });
    Ok(scored(dataset, &found?.concat(), &known, options))
}

fn scored(
    dataset: &Dataset,
    found: &[Found],
    known: &[Option<usize>],
    options: &Options,
) -> Report {
    let classes = 0..dataset.classes.len();
    let left_out = classes
        .filter(|class| !known.contains(&Some(*class)))
        .collect();
    let counted = score::Options {
        ignore_below: options.ignore_below,
        left_out,
    };
    score::score(dataset, found, &counted)
}

fn framed(picture: &Picture, input: &Input) -> Result<(Fitting, Frame), Error> {
    let name = Path::new(&picture.name);
    let frame = picture::decode(&picture.read()?, name, Limit::default(), &mut |_| {})?;
    Ok((Fitting::new(input, frame.width, frame.height)?, frame))
}

fn fitted(picture: &Picture, input: &Input) -> Result<(Fitting, Vec<f32>), Error> {
    let (mut fitting, frame) = framed(picture, input)?;
    let mut values = vec![0.0f32; input.shape.elements()];
    fitting.apply(&frame, &mut values)?;
    Ok((fitting, values))
}
