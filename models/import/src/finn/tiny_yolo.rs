//! Tiny-YOLO W1A4: a detector whose layers are low-bit from the first to the last.
//!
//! Format: `../shared/tinyyolo-w1a4/FORMAT.md`. The topology stands in no file of the folder, so it
//! stands here, with the folding (PE and SIMD) that the parameter files were made for.

use super::folding::{self, Row, row};
use super::layers_json;
use super::parameters::ParameterFolder;
use crate::{Error, Result};
use serde::Deserialize;
use std::path::Path;
use tincy_network::classes::VOC;
use tincy_network::{Activation, Affine, Builder, Code, Convolution, Finish, Fit, Head, HeadKind};
use tincy_network::{Input, Network, Number, Op, Padding, Picture, Resample, Shape, Source};

/// The publisher's name of the parameter folder.
pub(super) const FOLDER: &str = "cnvW1A1";

/// The file of the last layer's scales, beside the parameter folder.
pub(super) const SCALES: &str = "scales.json";

const LAYERS: [Row; 9] = [
    row(3, [3, 16], [3, 16], true),
    row(3, [16, 64], [16, 16], true),
    row(3, [64, 64], [32, 16], true),
    row(3, [64, 128], [32, 16], true),
    row(3, [128, 256], [32, 16], true),
    row(3, [256, 512], [32, 16], false),
    row(3, [512, 512], [32, 16], false),
    row(3, [512, 512], [32, 16], false),
    row(1, [512, 125], [32, 5], false),
];

const ANCHORS: [[f32; 2]; 5] = [
    [1.08, 1.19],
    [3.42, 4.41],
    [6.63, 11.38],
    [9.42, 5.11],
    [16.62, 10.52],
];

/// Largest code of the hidden layers, which the scales of the last layer refer to.
const TOP: u8 = 15;

/// `scales.json`.
#[derive(Deserialize)]
struct Scales {
    out_scale: Vec<f64>,
}

/// Imports the folder that holds [`FOLDER`] and [`SCALES`].
pub(super) fn import(folder: &Path) -> Result<Network> {
    let misfit = Error::network(folder);
    let mut parameters = ParameterFolder::new(folder.join(FOLDER));
    let mut builder = Builder::new("tinyyolo-w1a4", input()).map_err(&misfit)?;
    let [hidden @ .., last] = &LAYERS;
    let mut source = Source::Input;
    for (index, row) in hidden.iter().enumerate() {
        let name = format!("conv{index}");
        // The first layer's thresholds are in 1/256, its accumulator in 1/128.
        let fraction = u32::from(index == 0);
        let size = row.size(&name, usize::from(TOP));
        let code = Code::unsigned(4, 1.0 / f64::from(TOP));
        let convolution = parameters
            .set(&row.layout(fraction), index, size)?
            .convolution(size, row.kernel / 2, code)
            .map_err(&misfit)?;
        let op = Op::Convolution(convolution);
        source = builder.layer(&name, op, &[source]).map_err(&misfit)?;
        if row.pool {
            let name = format!("pool{index}");
            source = builder
                .layer(name, folding::pool(), &[source])
                .map_err(&misfit)?;
        }
    }
    let output = output(folder, &mut parameters, last, hidden.len())?;
    let name = format!("conv{}", hidden.len());
    source = builder
        .layer(name, Op::Convolution(output), &[source])
        .map_err(&misfit)?;
    builder.head(head(source));
    // The folder's `classes.txt` is another network's.
    builder.classes(VOC.map(String::from).to_vec());
    builder.provenance("format", "Tiny-YOLO W1A4 parameter folder (BNN-PYNQ)");
    let text = format!(
        "SHA-256 {} of all files in the order of use",
        parameters.sum()
    );
    builder.provenance(FOLDER, text);
    builder.build().map_err(misfit)
}

/// The last layer: its sums are numbers, each channel with its scale. Its thresholds are not used,
/// and its bias was not published.
fn output(
    folder: &Path,
    parameters: &mut ParameterFolder,
    row: &Row,
    index: usize,
) -> Result<Convolution> {
    let path = folder.join(SCALES);
    let scales = layers_json::read::<Scales>(&path)?.0.out_scale;
    if scales.len() != row.outputs {
        let (expected, found) = (row.outputs, scales.len());
        let what = format!("out_scale: {expected} numbers expected, {found} found");
        return Err(Error::file(&path, what));
    }
    let name = format!("conv{index}");
    let set = parameters.set(&row.layout(0), index, row.size(&name, 1))?;
    let scale = scales.iter().map(|scale| (scale / f64::from(TOP)) as f32);
    Ok(Convolution {
        out_channels: row.outputs,
        kernel: [row.kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(row.kernel / 2),
        groups: 1,
        weights: set.binary().map_err(Error::network(folder))?,
        finish: Finish::Affine(Affine {
            scale: scale.collect::<Vec<f32>>().into(),
            bias: vec![0.0; row.outputs].into(),
            activation: Activation::Linear,
            output: Number::F32,
        }),
    })
}

/// RGB as codes of 1/128, letterboxed with grey 127.
fn input() -> Input {
    Input {
        shape: Shape::new(416, 416, 3),
        number: Number::Code(Code::unsigned(7, 1.0 / 128.0)),
        picture: Some(Picture {
            fit: Fit::Letterbox {
                fill: 127.0 / 255.0,
            },
            resample: Resample::HalfPixel,
            ..Picture::default()
        }),
    }
}

fn head(source: Source) -> Head {
    Head {
        source,
        classes: VOC.len(),
        kind: HeadKind::Region {
            anchors: ANCHORS.to_vec(),
            softmax: true,
        },
    }
}
