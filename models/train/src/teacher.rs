//! A network that shows another what it sees.
//!
//! Both have anchor-free heads; the student's grids are some of the teacher's. The teacher looks at the
//! very inputs that the student is trained on, brought into its own range and order of colours.

use crate::augment::Batch;
use crate::losses::{HeadMap, distill};
use crate::model::Options;
use crate::{Error, Model, Tape};
use tincy_network::{ChannelOrder, HeadKind, Network, Picture};

/// A trained network, and how much it says.
pub struct Teacher {
    model: Model,
    tape: Tape,
    /// Which of the teacher's results each of the student's heads is held against.
    outputs: Vec<usize>,
    from: Picture,
    to: Picture,
    loss: distill::Teacher,
    weight: f32,
}

/// What the teacher sees in a batch.
pub struct Lesson<'a> {
    teacher: &'a Teacher,
    rows: Vec<(usize, usize)>,
}

impl Teacher {
    /// A teacher for a student of the same classes, whose word counts `weight` times a label's.
    ///
    /// # Errors
    /// If the heads or the classes do not fit, or either does not read pictures.
    pub fn new(
        teacher: &Network,
        student: &Network,
        weight: f32,
        tape: Tape,
    ) -> Result<Teacher, Error> {
        if teacher.classes() != student.classes() {
            let what = "teacher and student have other classes, or in another order";
            return Err(Error::Shape(what.into()));
        }
        let stride = |kind: &HeadKind| match kind {
            HeadKind::Yolox { stride } => Some(*stride),
            _ => None,
        };
        let model = Model::new(teacher, Options::default())?;
        let results = crate::training::heads(&model);
        let outputs: Option<Vec<usize>> = student
            .heads()
            .iter()
            .map(|head| {
                let own = stride(&head.kind)?;
                let mut theirs = teacher.heads().iter();
                let at = theirs.position(|head| stride(&head.kind) == Some(own))?;
                Some(results[at])
            })
            .collect();
        let what =
            "a teacher needs an anchor-free head for each of the student's, of the same stride";
        let outputs = outputs.ok_or_else(|| Error::Shape(what.into()))?;
        let pictures = (student.input().picture, teacher.input().picture);
        let (Some(from), Some(to)) = pictures else {
            return Err(Error::Shape(
                "teacher and student must read pictures".into(),
            ));
        };
        let classes = student.classes().len();
        Ok(Teacher {
            model,
            tape,
            outputs,
            from,
            to,
            loss: distill::Teacher::new(classes),
            weight,
        })
    }

    /// Looks at a batch.
    ///
    /// # Errors
    /// If its size does not suit the teacher.
    pub fn look(&mut self, batch: &Batch) -> Result<Lesson<'_>, Error> {
        let [width, height] = batch.size;
        let pictures = batch.truths.len();
        self.tape.begin(&self.model, pictures, height, width)?;
        let size = batch.inputs.len() / pictures.max(1);
        for (picture, input) in batch.inputs.chunks_exact(size.max(1)).enumerate() {
            let mut seen = vec![0.0; input.len()];
            convert(input, &self.from, &mut seen, &self.to);
            self.tape.set_input(&self.model, picture, &seen);
        }
        self.tape.forward(&mut self.model, false);
        let shapes = self.tape.output_shapes();
        let rows = self
            .outputs
            .iter()
            .map(|o| (shapes[*o].height, shapes[*o].width));
        Ok(Lesson {
            rows: rows.collect(),
            teacher: self,
        })
    }
}

impl Lesson<'_> {
    /// Adds the gradient of what a student says of a picture to `gradients`.
    pub(crate) fn teach(
        &self,
        picture: usize,
        student: &[HeadMap<'_>],
        gradients: &mut [Vec<f32>],
    ) {
        let teacher = self.teacher;
        let maps: Vec<HeadMap<'_>> = teacher
            .outputs
            .iter()
            .zip(&self.rows)
            .map(|(output, (rows, columns))| HeadMap {
                rows: *rows,
                columns: *columns,
                values: teacher.tape.output(*output, picture),
            })
            .collect();
        let weight = teacher.weight;
        teacher.loss.picture(student, &maps, weight, gradients);
    }
}

/// Pixels of one input as another network takes them.
fn convert(values: &[f32], from: &Picture, out: &mut [f32], to: &Picture) {
    let turned = |picture: &Picture| picture.order == ChannelOrder::Bgr;
    let is_turned = turned(from) != turned(to);
    let pixels = values
        .as_chunks::<3>()
        .0
        .iter()
        .zip(out.as_chunks_mut::<3>().0);
    for (pixel, out) in pixels {
        for channel in 0..3 {
            let own = if is_turned { 2 - channel } else { channel };
            let plain = pixel[own] * from.std[own] + from.mean[own];
            out[channel] = (plain - to.mean[channel]) / to.std[channel];
        }
    }
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
        let mut out = [0.0; 3];
        convert(&[128.0, 64.0, 0.0], &from, &mut out, &to);
        let near = out
            .iter()
            .zip([0.0, 127.5, 255.0])
            .all(|(o, e)| (o - e).abs() < 1e-3);
        assert!(near, "{out:?}");
    }
}
