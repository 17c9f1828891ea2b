//! Losses, and their gradients by the raw maps of a network.
//!
//! | module | subject |
//! | --- | --- |
//! | [`region`] | YOLOv2's loss, for heads with anchors and a softmax |
//! | [`yolox`] | the anchor-free loss with cells assigned by cost |
//! | [`distill`] | a teacher's maps as targets |
//! | [`softmax`] | cross-entropy of classifiers |
//!
//! Maps are NHWC, one picture a call, as the last convolution gives them: nothing is squashed yet.

pub mod distill;
mod logistic;
mod overlap;
pub mod region;
pub mod softmax;
pub mod yolox;

#[cfg(test)]
mod slopes;

pub use region::Region;
pub use yolox::Yolox;

use std::ops::AddAssign;

/// A head's map of one picture: for each cell, row by row, `anchors * (5 + classes)` numbers, an
/// anchor's being x, y, w, h, objectness and the classes.
#[derive(Clone, Copy, Debug)]
pub struct HeadMap<'a> {
    /// Rows of cells.
    pub rows: usize,
    /// Columns of cells.
    pub columns: usize,
    /// The numbers.
    pub values: &'a [f32],
}

/// An object in the network's input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Truth {
    /// Class number.
    pub class: usize,
    /// Left, top, right and bottom edge in fractions of the input, 0 to 1.
    pub edges: [f32; 4],
    /// Neither to be found nor wrong to find.
    pub ignored: bool,
    /// How much it counts: 1, less for what a teacher is unsure of.
    pub weight: f32,
}

/// The parts of a loss: sums, to be added up over a batch and then divided.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Terms {
    /// Of the boxes' places and sizes.
    pub boxes: f64,
    /// Of whether there is an object.
    pub objectness: f64,
    /// Of the classes.
    pub classes: f64,
    /// Boxes that had something to match, by weight.
    pub matched: f64,
    /// Overlaps of these with what they match, summed.
    pub overlaps: f64,
}

impl Terms {
    /// The loss.
    pub fn total(&self) -> f64 {
        self.boxes + self.objectness + self.classes
    }
}

impl AddAssign for Terms {
    fn add_assign(&mut self, other: Terms) {
        self.boxes += other.boxes;
        self.objectness += other.objectness;
        self.classes += other.classes;
        self.matched += other.matched;
        self.overlaps += other.overlaps;
    }
}

/// A detector's loss.
pub trait Loss: Send + Sync {
    /// The loss of one picture, and its gradient by each head's map, which is written into
    /// `gradients` (of the maps' lengths). Neither is divided yet.
    fn picture(&self, heads: &[HeadMap<'_>], truths: &[Truth], gradients: &mut [Vec<f32>])
    -> Terms;

    /// What the sums over a batch, and their gradients, are to be divided by.
    fn divisor(&self, batch: &Terms, pictures: usize) -> f64;
}
