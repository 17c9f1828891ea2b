//! What a network's outputs mean: how a map of numbers becomes boxes.

use crate::{Error, Number, Shape, Source};
use serde::{Deserialize, Serialize};

/// A map that holds boxes: `boxes * (5 + classes)` channels, box-major, each box with x, y, w, h,
/// objectness and the classes. There is a box for each anchor, or one without anchors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The map it reads.
    pub source: Source,
    /// Number of classes.
    pub classes: usize,
    /// How the numbers are read.
    pub kind: HeadKind,
}

/// The arithmetic of a head. Cell (col, row) of a grid of W x H; `s` is the logistic function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum HeadKind {
    /// YOLOv2's region layer: centre `(col + s(x)) / W`, size `e^w * anchor / W`, score of a class
    /// `s(objectness) * softmax(classes)`.
    Region {
        /// Width and height in cells.
        anchors: Vec<[f32; 2]>,
        /// Softmax over the classes, else the logistic function of each.
        softmax: bool,
    },
    /// YOLOv3's layer: centre `(col + s(x) * scale_xy - (scale_xy - 1) / 2) / W`, size
    /// `e^w * anchor / network width`, score `s(objectness) * s(class)`.
    Yolo {
        /// Width and height in pixels of the network's input; those of this head's mask.
        anchors: Vec<[f32; 2]>,
        /// 1 where the cfg has no `scale_x_y`.
        scale_xy: f32,
        /// Scaled-YOLOv4's form: the map is logistic already, and the size is
        /// `(2 w)^2 * anchor / network width`.
        new_coords: bool,
    },
    /// YOLOX's layer, one box a cell and no anchors: centre `(col + x) * stride`, size `e^w *
    /// stride`, in pixels of the network's input; score `s(objectness) * s(class)`.
    Yolox {
        /// Pixels of the network's input from cell to cell.
        stride: u32,
    },
}

/// The most classes of a head: maps can claim more channels than names would have room.
const MAX_CLASSES: usize = 1 << 16;

/// The largest stride of a head without anchors, in pixels.
const MAX_STRIDE: u32 = 1 << 16;

impl HeadKind {
    /// The anchors, in the unit of the kind; empty for kinds without.
    pub fn anchors(&self) -> &[[f32; 2]] {
        match self {
            HeadKind::Region { anchors, .. } | HeadKind::Yolo { anchors, .. } => anchors,
            HeadKind::Yolox { .. } => &[],
        }
    }

    /// Boxes a cell.
    pub fn boxes(&self) -> usize {
        match self {
            HeadKind::Yolox { .. } => 1,
            _ => self.anchors().len(),
        }
    }

    /// A short name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            HeadKind::Region { .. } => "region",
            HeadKind::Yolo { .. } => "yolo",
            HeadKind::Yolox { .. } => "yolox",
        }
    }
}

impl Head {
    pub(crate) fn check(&self, shape: Shape, number: Number) -> Result<(), Error> {
        let boxes = self.kind.boxes();
        let channels = self
            .classes
            .checked_add(5)
            .and_then(|n| n.checked_mul(boxes));
        if boxes == 0 || channels != Some(shape.channels) {
            let (of, times) = match self.kind {
                HeadKind::Yolox { .. } => ("one box a cell".into(), ""),
                _ => (format!("{boxes} anchors"), "anchors * "),
            };
            return Err(Error::Network(format!(
                "a head of {of} and {} classes reads {times}(5 + classes) channels, its map has {}",
                self.classes, shape.channels
            )));
        }
        if self.classes > MAX_CLASSES {
            let found = self.classes;
            return Err(Error::Network(format!(
                "a head has at most {MAX_CLASSES} classes, not {found}"
            )));
        }
        if let HeadKind::Yolox { stride } = self.kind
            && !(1..=MAX_STRIDE).contains(&stride)
        {
            return Err(Error::Network(format!(
                "a head's stride must be 1 to {MAX_STRIDE}, not {stride}"
            )));
        }
        if self
            .kind
            .anchors()
            .iter()
            .flatten()
            .any(|side| !side.is_finite() || *side <= 0.0)
        {
            return Err(Error::Network(
                "a head's anchors must be positive numbers".into(),
            ));
        }
        if number != Number::F32 {
            return Err(Error::Network(format!(
                "a head reads f32, its map is {number}"
            )));
        }
        Ok(())
    }
}
