//! Products of matrices that lie in slices: the one place that hands pointers to `gemm`.

#![allow(unsafe_code)]

use gemm::{Parallelism, gemm};

/// Where a matrix lies in a slice: element (row, column) at `row * step[0] + column * step[1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// Distance of rows and of columns.
    pub(crate) step: [usize; 2],
}

impl Layout {
    /// Rows one after the other, `pitch` elements apart.
    pub(crate) fn rows(rows: usize, columns: usize, pitch: usize) -> Layout {
        Layout {
            rows,
            columns,
            step: [pitch, 1],
        }
    }

    /// The same elements with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Layout {
        Layout {
            rows: self.columns,
            columns: self.rows,
            step: [self.step[1], self.step[0]],
        }
    }

    /// Elements that a slice must have.
    fn reach(&self) -> usize {
        if self.rows == 0 || self.columns == 0 {
            return 0;
        }
        (self.rows - 1) * self.step[0] + (self.columns - 1) * self.step[1] + 1
    }
}

/// `out = a * b`, or `out += a * b` with `add`; on the calling thread.
///
/// # Panics
/// If the sizes do not fit each other or a slice is too short.
pub(crate) fn product(
    out: (&mut [f32], Layout),
    a: (&[f32], Layout),
    b: (&[f32], Layout),
    add: bool,
) {
    let ((out, to), (a, left), (b, right)) = (out, a, b);
    assert!(to.rows == left.rows && to.columns == right.columns && left.columns == right.rows);
    assert!(to.reach() <= out.len() && left.reach() <= a.len() && right.reach() <= b.len());
    assert!(
        to.step[0] != 0 && to.step[1] != 0,
        "elements of a product are apart"
    );
    let [out_row, out_column] = to.step.map(|step| step as isize);
    let [left_row, left_column] = left.step.map(|step| step as isize);
    let [right_row, right_column] = right.step.map(|step| step as isize);
    // SAFETY: every element that the layouts name lies inside its slice, as asserted; `out` is
    // borrowed for writing, so it overlaps neither `a` nor `b`.
    unsafe {
        gemm(
            to.rows,
            to.columns,
            left.columns,
            out.as_mut_ptr(),
            out_column,
            out_row,
            add,
            a.as_ptr(),
            left_column,
            left_row,
            b.as_ptr(),
            right_column,
            right_row,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_hand() {
        let (a, b) = (
            [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            [1.0, 0.5, -1.0, 2.0, 0.0, 3.0],
        );
        let mut out = [100.0; 4];
        let square = Layout::rows(2, 2, 2);
        let (left, right) = (Layout::rows(2, 3, 3), Layout::rows(3, 2, 2));
        product((&mut out, square), (&a, left), (&b, right), false);
        assert_eq!(out, [-1.0, 13.5, -1.0, 30.0]);
        product((&mut out, square), (&a, left), (&b, right), true);
        assert_eq!(out, [-2.0, 27.0, -2.0, 60.0]);
        // The transposed product, written into the transposed layout, is the same.
        let (left, right) = (right.transposed(), left.transposed());
        product(
            (&mut out, square.transposed()),
            (&b, left),
            (&a, right),
            false,
        );
        assert_eq!(out, [-1.0, 13.5, -1.0, 30.0]);
    }

    #[test]
    #[should_panic(expected = "reach")]
    fn a_short_slice_is_refused() {
        let layout = Layout::rows(2, 2, 2);
        product(
            (&mut [0.0; 4], layout),
            (&[1.0; 3], layout),
            (&[1.0; 4], layout),
            false,
        );
    }
}
