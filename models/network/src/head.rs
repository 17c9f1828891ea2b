//! What a network's outputs mean: how a map of numbers becomes boxes.

use crate::{Error, Number, Shape, Source};
use serde::{Deserialize, Serialize};

/// A map that holds boxes. What its channels are depends on the [`Layout`] of its kind.
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
    /// YOLOv5's layer: centre `(col + 2 s(x) - 1/2) / W`, size `(2 s(w))^2 * anchor / network
    /// width`, score `s(objectness) * s(class)`.
    Yolov5 {
        /// Width and height in pixels of the network's input.
        anchors: Vec<[f32; 2]>,
    },
    /// Yolo-FastestV2's layer: boxes as YOLOv5's, with classes that all boxes of a cell share; score
    /// `s(objectness) * softmax(classes)`.
    FastestV2 {
        /// Width and height in pixels of the network's input.
        anchors: Vec<[f32; 2]>,
    },
    /// FastestDet's layer, one box a cell: centre `(col + tanh(x)) / W`, size `s(w)` of the input;
    /// score of the best class, the only one, `s(objectness)^0.6 * softmax(classes)^0.4`.
    FastestDet,
    /// YOLOv8's layer, which YOLO11 has too: from the point `(col + 1/2) * stride` to the box's left,
    /// top, right and bottom, each `stride * sum(i * softmax(bins)[i])`; score `s(class)`.
    Yolov8 {
        /// Pixels of the network's input from cell to cell.
        stride: u32,
        /// Numbers that a distance is made of.
        bins: u32,
    },
    /// NanoDet's layer: as YOLOv8's, from the point `col * stride + (stride - 1) / 2`, and boxes are
    /// cut at the edges of the input.
    Nanodet {
        /// Pixels of the network's input from cell to cell.
        stride: u32,
        /// Numbers that a distance is made of.
        bins: u32,
    },
    /// The layer of single-shot detectors, UltraFace among them: centre `(col + 1/2) / W + x * anchor
    /// / 10`, size `anchor * e^(w / 5)`, with anchors in fractions of the input; score of a class its softmax,
    /// in which "nothing", which stands before the classes, takes part.
    Ssd {
        /// Width and height in pixels of the network's input.
        anchors: Vec<[f32; 2]>,
    },
}

/// What the channels of a head's map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Each box with x, y, w, h, objectness and the classes.
    Boxes,
    /// x, y, w, h of each box, the objectness of each, the classes.
    SharedClasses,
    /// x, y, w, h of each box, then "nothing" and the classes of each.
    Background,
    /// Four distances of some bins each, the classes.
    Distances {
        /// Numbers that a distance is made of.
        bins: usize,
    },
    /// The classes, four distances of some bins each.
    ClassesFirst {
        /// Numbers that a distance is made of.
        bins: usize,
    },
}

/// The most classes of a head: maps can claim more channels than names would have room.
const MAX_CLASSES: usize = 1 << 16;

/// The largest stride of a head, in pixels.
const MAX_STRIDE: u32 = 1 << 16;

/// The most bins of a distance.
const MAX_BINS: u32 = 256;

impl HeadKind {
    /// The anchors, in the unit of the kind; empty for kinds without.
    pub fn anchors(&self) -> &[[f32; 2]] {
        match self {
            HeadKind::Region { anchors, .. }
            | HeadKind::Yolo { anchors, .. }
            | HeadKind::Yolov5 { anchors }
            | HeadKind::FastestV2 { anchors }
            | HeadKind::Ssd { anchors } => anchors,
            HeadKind::Yolox { .. }
            | HeadKind::FastestDet
            | HeadKind::Yolov8 { .. }
            | HeadKind::Nanodet { .. } => &[],
        }
    }

    /// Whether boxes are measured in anchors.
    pub fn has_anchors(&self) -> bool {
        matches!(
            self,
            HeadKind::Region { .. }
                | HeadKind::Yolo { .. }
                | HeadKind::Yolov5 { .. }
                | HeadKind::FastestV2 { .. }
                | HeadKind::Ssd { .. }
        )
    }

    /// Boxes a cell.
    pub fn boxes(&self) -> usize {
        match self.has_anchors() {
            true => self.anchors().len(),
            false => 1,
        }
    }

    /// Pixels of the network's input from cell to cell, where the kind says it.
    pub fn stride(&self) -> Option<u32> {
        match *self {
            HeadKind::Yolox { stride }
            | HeadKind::Yolov8 { stride, .. }
            | HeadKind::Nanodet { stride, .. } => Some(stride),
            _ => None,
        }
    }

    /// Whether a class's score depends on what the map says of the others.
    pub fn has_softmax(&self) -> bool {
        matches!(
            self,
            HeadKind::Region { softmax: true, .. }
                | HeadKind::FastestV2 { .. }
                | HeadKind::FastestDet
                | HeadKind::Ssd { .. }
        )
    }

    /// What the channels are.
    pub fn layout(&self) -> Layout {
        match self {
            HeadKind::FastestV2 { .. } => Layout::SharedClasses,
            HeadKind::Ssd { .. } => Layout::Background,
            HeadKind::Yolov8 { bins, .. } => Layout::Distances {
                bins: *bins as usize,
            },
            HeadKind::Nanodet { bins, .. } => Layout::ClassesFirst {
                bins: *bins as usize,
            },
            _ => Layout::Boxes,
        }
    }

    /// Channels of the map for a number of classes, if they can be counted.
    pub fn channels(&self, classes: usize) -> Option<usize> {
        let boxes = self.boxes();
        match self.layout() {
            Layout::Boxes | Layout::Background => classes.checked_add(5)?.checked_mul(boxes),
            Layout::SharedClasses => boxes.checked_mul(5)?.checked_add(classes),
            Layout::Distances { bins } | Layout::ClassesFirst { bins } => {
                bins.checked_mul(4)?.checked_add(classes)
            }
        }
    }

    /// A short name for tables.
    pub fn name(&self) -> &'static str {
        match self {
            HeadKind::Region { .. } => "region",
            HeadKind::Yolo { .. } => "yolo",
            HeadKind::Yolox { .. } => "yolox",
            HeadKind::Yolov5 { .. } => "yolov5",
            HeadKind::FastestV2 { .. } => "fastestv2",
            HeadKind::FastestDet => "fastestdet",
            HeadKind::Yolov8 { .. } => "yolov8",
            HeadKind::Nanodet { .. } => "nanodet",
            HeadKind::Ssd { .. } => "ssd",
        }
    }

    /// What a map is expected to have, for messages.
    fn wanted(&self) -> (String, &'static str) {
        let boxes = match self.has_anchors() {
            true => format!("{} anchors", self.anchors().len()),
            false => "one box a cell".into(),
        };
        let channels = match self.layout() {
            Layout::Boxes | Layout::Background if self.has_anchors() => "anchors * (5 + classes)",
            Layout::Boxes | Layout::Background => "(5 + classes)",
            Layout::SharedClasses => "anchors * 5 + classes",
            Layout::Distances { .. } | Layout::ClassesFirst { .. } => "4 * bins + classes",
        };
        (boxes, channels)
    }
}

impl Head {
    pub(crate) fn check(&self, shape: Shape, number: Number) -> Result<(), Error> {
        let channels = self.kind.channels(self.classes);
        if self.kind.boxes() == 0 || channels != Some(shape.channels) {
            let (boxes, wanted) = self.kind.wanted();
            return Err(Error::Network(format!(
                "a head of {boxes} and {} classes reads {wanted} channels, its map has {}",
                self.classes, shape.channels
            )));
        }
        if self.classes > MAX_CLASSES {
            let found = self.classes;
            return Err(Error::Network(format!(
                "a head has at most {MAX_CLASSES} classes, not {found}"
            )));
        }
        if let Some(stride) = self.kind.stride()
            && !(1..=MAX_STRIDE).contains(&stride)
        {
            return Err(Error::Network(format!(
                "a head's stride must be 1 to {MAX_STRIDE}, not {stride}"
            )));
        }
        if let HeadKind::Yolov8 { bins, .. } | HeadKind::Nanodet { bins, .. } = self.kind
            && !(1..=MAX_BINS).contains(&bins)
        {
            return Err(Error::Network(format!(
                "a head's bins must be 1 to {MAX_BINS}, not {bins}"
            )));
        }
        self.check_anchors()?;
        if number != Number::F32 {
            return Err(Error::Network(format!(
                "a head reads f32, its map is {number}"
            )));
        }
        Ok(())
    }

    fn check_anchors(&self) -> Result<(), Error> {
        let mut sides = self.kind.anchors().iter().flatten();
        if sides.any(|side| !side.is_finite() || *side <= 0.0) {
            return Err(Error::Network(
                "a head's anchors must be positive numbers".into(),
            ));
        }
        Ok(())
    }
}
