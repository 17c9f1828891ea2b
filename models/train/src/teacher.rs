//! A network that shows another what it sees.
//!
//! Both have anchor-free heads; the student's grids are some of the teacher's. The teacher looks at the
//! very inputs that the student is trained on, brought into its own range and order of colours, on the
//! engine that runs it elsewhere too: it may be in integers.

use crate::Error;
use crate::augment::Batch;
use crate::frozen::{Frozen, Seen};
use crate::losses::{HeadMap, distill};
use std::borrow::Cow;
use std::sync::Arc;
use tincy_network::{ChannelOrder, Head, HeadKind, Network, Number, Picture, Source};

/// A trained network, and how much it says.
pub struct Teacher {
    frozen: Frozen,
    from: Picture,
    to: Picture,
    loss: distill::Teacher,
    weight: f32,
}

/// What the teacher sees in a batch, for each of the student's heads.
pub struct Lesson<'a> {
    teacher: &'a Teacher,
    seen: Seen,
}

impl Teacher {
    /// A teacher for a student of the same classes, whose word counts `weight` times a label's.
    ///
    /// # Errors
    /// If the heads or the classes do not fit, either does not read pictures, or the teacher's heads
    /// do not give floats.
    pub fn new(
        teacher: &Network,
        student: &Network,
        weight: f32,
        pool: Arc<rayon::ThreadPool>,
    ) -> Result<Teacher, Error> {
        let refused = |what: &str| Error::Shape(what.into());
        if teacher.classes() != student.classes() {
            let what = "teacher and student have other classes, or in another order";
            return Err(refused(what));
        }
        let what =
            "a teacher needs an anchor-free head for each of the student's, of the same stride";
        let outputs = outputs(teacher, student).ok_or_else(|| refused(what))?;
        if outputs.iter().any(|o| teacher.tensor(*o).1 != Number::F32) {
            return Err(refused("the teacher's heads give no floats"));
        }
        let pictures = (student.input().picture, teacher.input().picture);
        let (Some(from), Some(to)) = pictures else {
            return Err(refused("teacher and student must read pictures"));
        };
        Ok(Teacher {
            frozen: Frozen::new(teacher.clone(), outputs, pool),
            from,
            to,
            loss: distill::Teacher::new(student.classes().len()),
            weight,
        })
    }

    /// Looks at a batch.
    ///
    /// # Errors
    /// If its size does not suit the teacher.
    pub fn look(&mut self, batch: &Batch) -> Result<Lesson<'_>, Error> {
        let (from, to) = (self.from, self.to);
        let seen = self
            .frozen
            .look(batch, |values| Cow::Owned(convert(values, &from, &to)))?;
        Ok(Lesson {
            teacher: self,
            seen,
        })
    }
}

/// The teacher's results for each of the student's heads, by their strides.
fn outputs(teacher: &Network, student: &Network) -> Option<Vec<Source>> {
    let stride = |kind: &HeadKind| match kind {
        HeadKind::Yolox { stride } => Some(*stride),
        _ => None,
    };
    let own = |head: &Head| {
        let wanted = stride(&head.kind)?;
        let mut theirs = teacher.heads().iter();
        let found = theirs.find(|head| stride(&head.kind) == Some(wanted));
        Some(found?.source)
    };
    student.heads().iter().map(own).collect()
}

impl Lesson<'_> {
    /// Adds the gradient of what a student says of a picture to `gradients`.
    pub(crate) fn teach(
        &self,
        picture: usize,
        student: &[HeadMap<'_>],
        gradients: &mut [Vec<f32>],
    ) {
        let maps = self.seen.maps[picture].iter().zip(&self.seen.shapes);
        let maps: Vec<HeadMap<'_>> = maps
            .map(|(values, shape)| HeadMap {
                rows: shape.height,
                columns: shape.width,
                values,
            })
            .collect();
        let Teacher { loss, weight, .. } = self.teacher;
        loss.picture(student, &maps, *weight, gradients);
    }
}

/// Pixels of one input as another network takes them.
fn convert(values: &[f32], from: &Picture, to: &Picture) -> Vec<f32> {
    let turned = |picture: &Picture| picture.order == ChannelOrder::Bgr;
    let is_turned = turned(from) != turned(to);
    let pixels = values.as_chunks::<3>().0.iter();
    let converted = pixels.flat_map(|pixel| {
        [0, 1, 2].map(|channel| {
            let own = if is_turned { 2 - channel } else { channel };
            let plain = pixel[own] * from.std[own] + from.mean[own];
            (plain - to.mean[channel]) / to.std[channel]
        })
    });
    converted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pixel_is_seen_in_the_teachers_terms() {
        let from = Picture {
            std: [1.0 / 128.0; 3],
            ..Picture::default()
        };
        let to = Picture {
            order: ChannelOrder::Bgr,
            std: [1.0 / 255.0; 3],
            ..Picture::default()
        };
        let out = convert(&[128.0, 64.0, 0.0], &from, &to);
        let near = out
            .iter()
            .zip([0.0, 127.5, 255.0])
            .all(|(o, e)| (o - e).abs() < 1e-3);
        assert!(near, "{out:?}");
    }
}
