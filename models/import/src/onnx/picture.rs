//! The input, and how pictures become one, which the file does not say: as the authors of the
//! detector's family have it.

use super::graph::Graph;
use super::message::ValueInfo;
use super::tail::Family;
use super::{quantized, tensor};
use crate::{Error, Result};
use tincy_network::{ChannelOrder, Code, Fit, Input, Number, Picture, Resample, Shape};

/// The grey around pictures that keep their form.
const FILL: f32 = 114.0 / 255.0;

/// The input, and what a step of its code counts in the file where it is a code. `size` is taken
/// where the file leaves rows and columns open, else the usual one.
pub(super) fn input(
    graph: &Graph,
    family: Option<&Family>,
    size: Option<[usize; 2]>,
) -> Result<(Input, f64)> {
    let shape = shape(graph, family, size)?;
    let is_picture = matches!(shape.channels, 1 | 3);
    let picture = is_picture.then(|| picture(family));
    let (number, step) = match (family, quantized::input_code(graph)?) {
        // Layers read the code itself: samples of 0 to 255.
        (Some(Family::Yolox), _) => (Number::Code(Code::unsigned(8, 1.0 / 255.0)), 1.0),
        (_, Some(code)) => (Number::Code(code), code.scale),
        (_, None) => (Number::F32, 1.0),
    };
    let input = Input {
        shape,
        number,
        picture,
    };
    Ok((input, step))
}

/// Rows and columns of networks of a family, where their files leave them open.
fn usual(family: Option<&Family>) -> [usize; 2] {
    match family {
        Some(Family::FastestV2 | Family::FastestDet) => [352; 2],
        Some(Family::Nanodet(_) | Family::Yolox) => [416; 2],
        Some(Family::Ssd(_)) => [240, 320],
        Some(Family::Yolov5(_) | Family::Yolov8) | None => [640; 2],
    }
}

fn shape(graph: &Graph, family: Option<&Family>, size: Option<[usize; 2]>) -> Result<Shape> {
    let ValueInfo { name, kind, dims } = graph.input()?;
    let wrong = |what: String| Error::file(&graph.path, format!("input `{name}`: {what}"));
    if *kind != 1 {
        let found = tensor::name(*kind);
        return Err(wrong(format!("float32 is expected, found {found}")));
    }
    let [Some(1) | None, Some(channels), height, width] = dims[..] else {
        let known = |dim: &Option<usize>| dim.map_or("?".to_string(), |dim| dim.to_string());
        let dims = dims.iter().map(known).collect::<Vec<_>>().join("x");
        let what = format!("1 x channels x height x width is expected, found {dims}");
        return Err(wrong(what));
    };
    let asked = size.unwrap_or_else(|| usual(family));
    let sides = [height.unwrap_or(asked[0]), width.unwrap_or(asked[1])];
    if let Some(size) = size
        && sides != size
    {
        let ([height, width], [asked_height, asked_width]) = (sides, size);
        let what = format!(
            "the file fixes {width}x{height}, so {asked_width}x{asked_height} cannot be; leave the \
             size out"
        );
        return Err(wrong(what));
    }
    Ok(Shape::new(sides[0], sides[1], channels))
}

fn picture(family: Option<&Family>) -> Picture {
    let plain = Picture {
        resample: Resample::HalfPixel,
        ..Picture::default()
    };
    let blue_first = Picture {
        order: ChannelOrder::Bgr,
        ..plain
    };
    match family {
        Some(Family::Yolox) => Picture {
            fit: Fit::Corner { fill: FILL },
            ..blue_first
        },
        Some(Family::Yolov5(_) | Family::Yolov8) => Picture {
            fit: Fit::Letterbox { fill: FILL },
            ..plain
        },
        Some(Family::FastestV2 | Family::FastestDet) => blue_first,
        Some(Family::Nanodet(_)) => Picture {
            mean: [103.53, 116.28, 123.675].map(|x| x / 255.0),
            std: [57.375, 57.12, 58.395].map(|x| x / 255.0),
            ..blue_first
        },
        Some(Family::Ssd(_)) => Picture {
            mean: [127.0 / 255.0; 3],
            std: [128.0 / 255.0; 3],
            ..plain
        },
        None => plain,
    }
}
