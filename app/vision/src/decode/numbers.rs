//! Which numbers of a cell are a box, its objectness and its classes.

use tincy_network::{Head, Layout};

/// The numbers of one box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Numbers<'a> {
    /// x, y, w, h, or the bins of four distances.
    pub(super) rect: &'a [f32],
    pub(super) objectness: Option<f32>,
    /// The classes; before them "nothing", where there is such a number.
    pub(super) classes: &'a [f32],
}

impl<'a> Numbers<'a> {
    /// Of box `index` of a cell with these channels.
    pub(super) fn of(head: &Head, channels: &'a [f32], index: usize) -> Numbers<'a> {
        let (boxes, classes) = (head.kind.boxes(), head.classes);
        match head.kind.layout() {
            Layout::Boxes => {
                let own = &channels[(5 + classes) * index..][..5 + classes];
                Numbers {
                    rect: &own[..4],
                    objectness: Some(own[4]),
                    classes: &own[5..],
                }
            }
            Layout::SharedClasses => Numbers {
                rect: &channels[4 * index..][..4],
                objectness: Some(channels[4 * boxes + index]),
                classes: &channels[5 * boxes..],
            },
            Layout::Background => Numbers {
                rect: &channels[4 * index..][..4],
                objectness: None,
                classes: &channels[4 * boxes + (1 + classes) * index..][..1 + classes],
            },
            Layout::Distances { bins } => Numbers {
                rect: &channels[..4 * bins],
                objectness: None,
                classes: &channels[4 * bins..],
            },
            Layout::ClassesFirst { .. } => Numbers {
                rect: &channels[classes..],
                objectness: None,
                classes: &channels[..classes],
            },
        }
    }
}
