//! What follows the maps of a detector in the file, and what it says about them.
//!
//! Exported detectors end in reshapes, joins, transpositions and arithmetic that put all boxes into
//! one list, some of them in the suppression of boxes too. None of that is run here: the maps before
//! it become the results, and heads say how they are read.
//!
//! | module | subject |
//! | --- | --- |
//! | `yolox` | YOLOX |
//! | `yolov5` | YOLOv5: anchors |
//! | `yolov8` | YOLOv8 and YOLO11: distances |
//! | `fastest` | Yolo-FastestV2 and FastestDet |
//! | `nanodet` | NanoDet |
//! | `ssd` | UltraFace and others with priors in the file |
//! | `walk` | from a result back to the convolutions |

mod fastest;
mod nanodet;
mod ssd;
mod walk;
mod yolov5;
mod yolov8;
mod yolox;

use super::graph::Graph;
use super::lower::Lowering;
use crate::{Error, Result};
use tincy_network::{Head, HeadKind, Shape, Source};

/// A detector that is known by its end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Detector<'a> {
    pub(super) family: Family,
    /// For each grid the tensors that hold its numbers, in the order of a head's channels.
    pub(super) scales: Vec<Vec<&'a str>>,
}

/// Which arithmetic its boxes have.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Family {
    Yolox,
    /// Anchors of each grid, in pixels.
    Yolov5(Vec<Vec<[f32; 2]>>),
    Yolov8,
    FastestV2,
    FastestDet,
    /// Numbers that a distance is made of.
    Nanodet(u32),
    Ssd(ssd::Priors),
}

/// The detector that a file ends in, if it is one of those that are known.
pub(super) fn find(graph: &Graph) -> Result<Option<Detector<'_>>> {
    let known = [
        yolox::yolox,
        nanodet::nanodet,
        fastest::fastest_det,
        fastest::fastest_v2,
        ssd::ssd,
        yolov8::yolov8,
        yolov5::yolov5,
    ];
    for find in known {
        if let Some(detector) = find(graph)? {
            return Ok(Some(detector));
        }
    }
    Ok(None)
}

/// The heads of a detector on the maps that its tensors have become.
pub(super) fn heads<'a>(lowering: &mut Lowering<'a>, detector: &Detector<'a>) -> Result<Vec<Head>> {
    let (input, _) = lowering.tensor(Source::Input);
    let mut heads = Vec::new();
    let mut first = 0;
    for (index, parts) in detector.scales.iter().enumerate() {
        let source = lowering.end(parts)?;
        let (shape, _) = lowering.tensor(source);
        let widths = parts.iter().map(|part| lowering.dims(part));
        let widths: Option<Vec<usize>> = widths.map(|dims| dims?.get(1).copied()).collect();
        let found = widths.and_then(|widths| {
            let map = Map {
                shape,
                input,
                widths,
                first,
            };
            map.kind(&detector.family, index)
        });
        let Some((kind, classes)) = found else {
            let what = format!(
                "a map of {shape} for an input of {input} is none of the heads that are known; cut \
                 the network off before it"
            );
            return Err(Error::file(&lowering.graph.path, what));
        };
        first += shape.pixels() * kind.boxes();
        heads.push(Head {
            source,
            classes,
            kind,
        });
    }
    Ok(heads)
}

/// A map of a detector.
struct Map {
    shape: Shape,
    input: Shape,
    /// Channels of each part.
    widths: Vec<usize>,
    /// The number of its first box in the detector's list.
    first: usize,
}

impl Map {
    /// How it is read, and its number of classes.
    fn kind(&self, family: &Family, index: usize) -> Option<(HeadKind, usize)> {
        let channels = self.shape.channels;
        Some(match (family, &self.widths[..]) {
            (Family::Yolox, [4, 1, classes]) => {
                let stride = self.stride()?;
                (HeadKind::Yolox { stride }, *classes)
            }
            (Family::Yolov5(anchors), _) => {
                let anchors = anchors.get(index)?.clone();
                let classes = (channels / anchors.len()).checked_sub(5)?;
                (HeadKind::Yolov5 { anchors }, classes)
            }
            (Family::Yolov8, [boxes, classes]) => {
                let (stride, bins) = (self.stride()?, boxes / 4);
                let bins = u32::try_from(bins).ok()?;
                (HeadKind::Yolov8 { stride, bins }, *classes)
            }
            (Family::FastestV2, [_, _, classes]) => {
                let anchors = fastest::ANCHORS.get(index)?.to_vec();
                (HeadKind::FastestV2 { anchors }, *classes)
            }
            (Family::FastestDet, [4, 1, classes]) => (HeadKind::FastestDet, *classes),
            (Family::Nanodet(bins), [classes, _]) => {
                let (stride, bins) = (self.stride()?, *bins);
                (HeadKind::Nanodet { stride, bins }, *classes)
            }
            (Family::Ssd(priors), _) => {
                let anchors = priors.of(self.shape, self.input, self.first, channels)?;
                let classes = (channels / anchors.len()).checked_sub(5)?;
                (HeadKind::Ssd { anchors }, classes)
            }
            _ => return None,
        })
    }

    /// Pixels of the input from cell to cell, if they are a whole number.
    fn stride(&self) -> Option<u32> {
        let stride = self.input.width / self.shape.width;
        let fits = (self.shape.width * stride, self.shape.height * stride)
            == (self.input.width, self.input.height);
        fits.then(|| u32::try_from(stride).ok()).flatten()
    }
}
