//! CNV W1A1: BNN-PYNQ's classifier of pictures of 32 x 32, one bit from the second layer on.
//!
//! The files are those of `tiny_yolo`. Convolutions have no padding; from the second layer on, thresholds
//! are for the number of bits that are equal, and the last layer's numbers are the scores.

use super::folding::{self, Row, row};
use super::parameters::{ParameterFolder, Parameters};
use super::tiny_yolo::FOLDER;
use crate::{Error, Result, files};
use std::path::{Path, PathBuf};
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Fit, Input, Network, Number, Op,
    Padding, Picture, Resample, Shape, Source,
};

const LAYERS: [Row; 9] = [
    row(3, [3, 64], [3, 16], false),
    row(3, [64, 64], [32, 32], true),
    row(3, [64, 128], [32, 16], false),
    row(3, [128, 128], [32, 16], true),
    row(3, [128, 256], [32, 4], false),
    row(3, [256, 256], [32, 1], false),
    row(1, [256, 512], [4, 1], false),
    row(1, [512, 512], [8, 1], false),
    row(1, [512, 64], [1, 4], false),
];

/// The list of class names among the parameters.
const CLASSES: &str = "classes.txt";

/// Where the parameters lie.
pub(super) fn parameters(folder: &Path) -> PathBuf {
    folder.join(FOLDER)
}

/// Imports the folder that holds the parameters and their class names.
pub(super) fn import(folder: &Path) -> Result<Network> {
    let misfit = Error::network(folder);
    let mut parameters = ParameterFolder::new(self::parameters(folder));
    let classes = files::names(&self::parameters(folder).join(CLASSES))?;
    let mut builder = Builder::new("cnv-w1a1", input()).map_err(&misfit)?;
    let [hidden @ .., last] = &LAYERS;
    let mut source = Source::Input;
    for (index, row) in hidden.iter().enumerate() {
        let name = format!("conv{index}");
        let size = row.size(&name, 1);
        // The first layer's thresholds are in 1/256, its sums in 1/128.
        let mut set = parameters.set(&row.layout(u32::from(index == 0)), index, size)?;
        if index > 0 {
            let negative = negative(&set, row.outputs);
            let thresholds = set.thresholds.iter_mut().zip(negative);
            thresholds.for_each(|(threshold, count)| *threshold = threshold.saturating_sub(count));
        }
        let convolution = set.convolution(size, 0, Code::unsigned(1, 1.0));
        let op = Op::Convolution(convolution.map_err(&misfit)?);
        source = builder.layer(&name, op, &[source]).map_err(&misfit)?;
        if row.pool {
            let name = format!("pool{index}");
            source = builder
                .layer(name, folding::pool(), &[source])
                .map_err(&misfit)?;
        }
    }
    let output = output(folder, &mut parameters, last, classes.len())?;
    let name = format!("conv{}", hidden.len());
    let op = Op::Convolution(output);
    builder.layer(name, op, &[source]).map_err(&misfit)?;
    builder.classes(classes);
    builder.provenance("format", "CNV W1A1 parameter folder (BNN-PYNQ)");
    let text = format!(
        "SHA-256 {} of all files in the order of use",
        parameters.sum()
    );
    builder.provenance(FOLDER, text);
    builder.build().map_err(misfit)
}

/// Weights of -1 of each channel. The number of bits that are equal is that many more than the sum of
/// weights where a bit is set.
fn negative(set: &Parameters, outputs: usize) -> Vec<i32> {
    let windows = set.weights.chunks_exact(set.weights.len() / outputs);
    let count = |window: &[i8]| window.iter().filter(|weight| **weight < 0).count() as i32;
    windows.map(count).collect()
}

/// The last layer, of which the first channels are classes: how many bits are equal.
fn output(
    folder: &Path,
    parameters: &mut ParameterFolder,
    row: &Row,
    classes: usize,
) -> Result<Convolution> {
    if !(1..=row.outputs).contains(&classes) {
        let path = self::parameters(folder).join(CLASSES);
        let what = format!("1 to {} classes are expected, found {classes}", row.outputs);
        return Err(Error::file(&path, what));
    }
    let index = LAYERS.len() - 1;
    let set = parameters.set(&row.layout(0), index, row.size("scores", 0))?;
    let bias = negative(&set, row.outputs).into_iter();
    let convolution = Convolution {
        out_channels: row.outputs,
        kernel: [row.kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::default(),
        groups: 1,
        weights: set.binary().map_err(Error::network(folder))?,
        finish: Finish::Affine(Affine {
            scale: Default::default(),
            bias: bias.map(|count| count as f32).collect::<Vec<_>>().into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
    };
    let kept: Vec<usize> = (0..classes).collect();
    convolution
        .with_filters(&kept)
        .map_err(Error::network(folder))
}

/// RGB from -1 to 1, as signed codes of 1/128.
fn input() -> Input {
    Input {
        shape: Shape::new(32, 32, 3),
        number: Number::Code(Code {
            bits: 8,
            signed: true,
            scale: 1.0 / 128.0,
            zero: 0,
        }),
        picture: Some(Picture {
            fit: Fit::Stretch,
            resample: Resample::HalfPixel,
            mean: [0.5; 3],
            std: [0.5; 3],
            ..Picture::default()
        }),
    }
}
