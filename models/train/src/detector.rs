//! The loss that suits a detector's heads.

use crate::Error;
use crate::losses::region::Weights;
use crate::losses::{Loss, Region, Yolox};
use tincy_network::{HeadKind, Network};

/// The loss for a network's heads, which must be of one kind; `likeness` is [`Region::likeness`].
///
/// # Errors
/// If there are no heads, or none of a kind that can be trained.
pub fn loss(network: &Network, weights: Weights, likeness: f32) -> Result<Box<dyn Loss>, Error> {
    let heads = network.heads();
    let Some(first) = heads.first() else {
        let what = "the network finds no boxes; there is nothing to train a detector by";
        return Err(Error::Shape(what.into()));
    };
    if heads
        .iter()
        .all(|head| matches!(head.kind, HeadKind::Yolox { .. }))
    {
        return Ok(Box::new(Yolox::new(first.classes)));
    }
    let mut all = Vec::new();
    let mut exclusive = true;
    for head in heads {
        let HeadKind::Region { anchors, softmax } = &head.kind else {
            let what = "heads that are not all anchor-free or all YOLOv2's cannot be trained";
            return Err(Error::Shape(what.into()));
        };
        all.push(anchors.clone());
        exclusive &= softmax;
    }
    Ok(Box::new(Region {
        anchors: all,
        classes: first.classes,
        softmax: exclusive,
        weights,
        likeness,
    }))
}
