//! What was found, in pixels of the picture.

/// An object that was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// Class number, an index into the network's class names.
    pub class: usize,
    /// 0 to 1.
    pub score: f32,
    /// Where, in pixels of the picture, clipped to it.
    pub rect: Rect,
}

/// A rectangle in pixels, with the origin at the left top edge of the left top pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}
