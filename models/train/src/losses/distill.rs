//! A teacher's maps as targets.
//!
//! [`Teacher`] holds a student's anchor-free maps against those of a teacher with the same grids.
//! With `p` the teacher's objectness and `t` its class probabilities in a cell, `u` the overlap of
//! the two boxes, sums over cells:
//!
//! ```text
//! objectness   cross-entropy of the student's against p
//! classes      p * cross-entropy of each of the student's against t
//! boxes        p * 5 * (1 - u^2)
//! ```
//!
//! A batch's sum is divided by the sum of `p`.

use super::logistic::{logistic, yes_or_no};
use super::overlap::overlap_slopes;
use super::yolox::edges;
use super::{HeadMap, Terms};

/// How a student is drawn to a teacher.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Teacher {
    /// Number of classes.
    pub classes: usize,
    /// How much the boxes count.
    pub boxes: f32,
}

/// Cells in which the teacher is less sure than this teach only objectness.
const UNSURE: f32 = 0.01;

impl Teacher {
    /// With boxes as in the labels' loss.
    pub fn new(classes: usize) -> Teacher {
        Teacher {
            classes,
            boxes: 5.0,
        }
    }

    /// The loss of one picture; its gradient, times `weight`, is added to `gradients`.
    ///
    /// # Panics
    /// If the grids of the two differ.
    pub fn picture(
        &self,
        student: &[HeadMap<'_>],
        teacher: &[HeadMap<'_>],
        weight: f32,
        gradients: &mut [Vec<f32>],
    ) -> Terms {
        let mut terms = Terms::default();
        assert_eq!(student.len(), teacher.len(), "heads of student and teacher");
        for ((student, teacher), gradient) in student.iter().zip(teacher).zip(gradients) {
            let sizes = [student, teacher].map(|map| (map.rows, map.columns, map.values.len()));
            assert_eq!(sizes[0], sizes[1], "grids of student and teacher");
            let stride = 5 + self.classes;
            let cells = student
                .values
                .chunks_exact(stride)
                .zip(teacher.values.chunks_exact(stride));
            for (number, (own, given)) in cells.enumerate() {
                let place = [
                    (number % student.columns) as f32,
                    (number / student.columns) as f32,
                ];
                let size = [1.0 / student.columns as f32, 1.0 / student.rows as f32];
                let gradient = &mut gradient[number * stride..][..stride];
                terms += self.cell(own, given, place, size, weight, gradient);
            }
        }
        terms
    }

    fn cell(
        &self,
        own: &[f32],
        given: &[f32],
        place: [f32; 2],
        size: [f32; 2],
        weight: f32,
        gradient: &mut [f32],
    ) -> Terms {
        let p = logistic(given[4]);
        let (loss, slope) = yes_or_no(own[4], p);
        gradient[4] += weight * slope;
        let mut terms = Terms {
            objectness: loss.into(),
            matched: p.into(),
            ..Terms::default()
        };
        if p < UNSURE {
            return terms;
        }
        let classes = own[5..].iter().zip(&given[5..]).zip(&mut gradient[5..]);
        for ((own, given), gradient) in classes {
            let (loss, slope) = yes_or_no(*own, logistic(*given));
            terms.classes += f64::from(p * loss);
            *gradient += weight * p * slope;
        }
        let mine = edges(own, place, size);
        let (u, slopes) = overlap_slopes(&mine, &edges(given, place, size));
        terms.boxes = f64::from(p * self.boxes * (1.0 - u * u));
        terms.overlaps = f64::from(p * u);
        let pull = -2.0 * weight * p * self.boxes * u;
        for i in 0..2 {
            let (low, high) = (slopes[i], slopes[2 + i]);
            gradient[i] += pull * (low + high) * size[i];
            gradient[2 + i] += pull * (high - low) * (mine[2 + i] - mine[i]) / 2.0;
        }
        terms
    }
}

#[cfg(test)]
mod tests {
    use super::super::slopes::{Grid, check, maps, numbers, room};
    use super::*;

    #[test]
    fn the_gradient_is_the_slope() {
        let grid = |seed| Grid {
            rows: 2,
            columns: 3,
            values: numbers(2 * 3 * 8, seed),
        };
        let (mut students, teachers) = ([grid(1)], [grid(2)]);
        let (teacher, given) = (Teacher::new(3), maps(&teachers));
        let mut gradients = room(&students);
        teacher.picture(&maps(&students), &given, 0.5, &mut gradients);
        check(&mut students, &gradients, |own| {
            let mut unused = vec![vec![0.0; own[0].values.len()]];
            0.5 * teacher.picture(own, &given, 1.0, &mut unused).total()
        });
    }

    #[test]
    fn a_perfect_student_has_nothing_to_learn() {
        let grids = [Grid {
            rows: 2,
            columns: 2,
            values: numbers(2 * 2 * 7, 3),
        }];
        let mut gradients = room(&grids);
        let terms = Teacher::new(2).picture(&maps(&grids), &maps(&grids), 1.0, &mut gradients);
        assert!(
            gradients[0].iter().all(|slope| slope.abs() < 1e-5),
            "{gradients:?}"
        );
        assert!((terms.overlaps - terms.matched).abs() < 1e-5);
    }
}
