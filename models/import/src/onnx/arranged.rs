//! Tensors by their elements: what reshapes, transpositions, slices and joins do to an order.
//!
//! An element is a number of a constant, or the place of one in a map. All of these operators only
//! put elements elsewhere, so one description serves both, and what a chain of them comes to is seen
//! at its end: nothing, a run of channels, a shuffle of channels, or the list of a detector's boxes.

use std::rc::Rc;

/// The most elements of a tensor that is followed so.
pub(super) const MAX_ELEMENTS: usize = 1 << 24;

/// Elements in the file's order, the last size the fastest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Arranged<T> {
    pub(super) dims: Vec<usize>,
    pub(super) elements: Rc<[T]>,
}

impl<T: Copy> Arranged<T> {
    /// Under other sizes, if they are as many.
    pub(super) fn reshaped(&self, dims: Vec<usize>) -> Option<Arranged<T>> {
        (count(&dims)? == self.elements.len()).then(|| Arranged {
            dims,
            elements: self.elements.clone(),
        })
    }

    /// Axis `i` of the result is axis `order[i]`.
    pub(super) fn transposed(&self, order: &[usize]) -> Option<Arranged<T>> {
        let mut seen = vec![false; self.dims.len()];
        for axis in order {
            *seen.get_mut(*axis)? = true;
        }
        if order.len() != self.dims.len() || seen.contains(&false) {
            return None;
        }
        let steps = steps(&self.dims);
        let dims: Vec<usize> = order.iter().map(|axis| self.dims[*axis]).collect();
        let steps: Vec<usize> = order.iter().map(|axis| steps[*axis]).collect();
        let mut elements = Vec::with_capacity(self.elements.len());
        let mut at = vec![0; dims.len()];
        for _ in 0..self.elements.len() {
            let from: usize = at.iter().zip(&steps).map(|(at, step)| at * step).sum();
            elements.push(self.elements[from]);
            advance(&mut at, &dims);
        }
        Some(Arranged {
            dims,
            elements: elements.into(),
        })
    }

    /// These places of an axis, in this order.
    pub(super) fn taken(&self, axis: usize, places: &[usize]) -> Option<Arranged<T>> {
        let length = *self.dims.get(axis)?;
        if places.iter().any(|place| *place >= length) {
            return None;
        }
        let inner: usize = self.dims[axis + 1..].iter().product();
        let mut dims = self.dims.clone();
        dims[axis] = places.len();
        count(&dims)?;
        let mut elements = Vec::new();
        for outer in self.elements.chunks_exact((length * inner).max(1)) {
            for place in places {
                elements.extend_from_slice(&outer[place * inner..][..inner]);
            }
        }
        Some(Arranged {
            dims,
            elements: elements.into(),
        })
    }

    /// Several one after the other along an axis.
    pub(super) fn joined(parts: &[Arranged<T>], axis: usize) -> Option<Arranged<T>> {
        let mut dims = parts.first()?.dims.clone();
        let others = |dims: &[usize]| [&dims[..axis], &dims[axis + 1..]].concat();
        let fits = |part: &Arranged<T>| {
            part.dims.len() == dims.len() && others(&part.dims) == others(&dims)
        };
        if axis >= dims.len() || !parts.iter().all(fits) {
            return None;
        }
        let outer: usize = dims[..axis].iter().product();
        dims[axis] = parts.iter().map(|part| part.dims[axis]).sum();
        let mut elements = Vec::with_capacity(count(&dims)?);
        for i in 0..outer {
            for part in parts {
                let run = part.elements.len() / outer;
                elements.extend_from_slice(&part.elements[i * run..][..run]);
            }
        }
        Some(Arranged {
            dims,
            elements: elements.into(),
        })
    }
}

/// The product of sizes, if it is within [`MAX_ELEMENTS`].
pub(super) fn count(dims: &[usize]) -> Option<usize> {
    let product = dims.iter().try_fold(1usize, |n, dim| n.checked_mul(*dim));
    product.filter(|count| *count <= MAX_ELEMENTS)
}

/// Elements from one place of an axis to the next.
fn steps(dims: &[usize]) -> Vec<usize> {
    (0..dims.len())
        .map(|axis| dims[axis + 1..].iter().product())
        .collect()
}

/// The next place, the last axis the fastest.
fn advance(at: &mut [usize], dims: &[usize]) {
    for (at, dim) in at.iter_mut().zip(dims).rev() {
        *at += 1;
        if *at < *dim {
            return;
        }
        *at = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(dims: &[usize]) -> Arranged<usize> {
        Arranged {
            dims: dims.to_vec(),
            elements: (0..count(dims).unwrap()).collect(),
        }
    }

    #[test]
    fn a_channel_shuffle_by_hand() {
        // Two groups of three channels of one pixel each: 0 3 1 4 2 5.
        let shuffled = counted(&[6]).reshaped(vec![2, 3]).unwrap();
        let shuffled = shuffled.transposed(&[1, 0]).unwrap();
        assert_eq!(*shuffled.elements, [0, 3, 1, 4, 2, 5]);
        assert_eq!(shuffled.dims, [3, 2]);
        let second = shuffled.taken(1, &[1]).unwrap();
        assert_eq!(*second.elements, [3, 4, 5]);
    }

    #[test]
    fn parts_are_put_together_again() {
        let whole = counted(&[2, 4, 3]);
        for axis in 0..3 {
            let length = whole.dims[axis];
            let parts = [0..1, 1..length].map(|places| {
                let places: Vec<usize> = places.collect();
                whole.taken(axis, &places).unwrap()
            });
            assert_eq!(Arranged::joined(&parts, axis).unwrap(), whole);
        }
        assert_eq!(whole.transposed(&[0, 0, 1]), None);
        assert_eq!(whole.taken(1, &[4]), None);
        assert_eq!(whole.reshaped(vec![5, 5]), None);
        assert_eq!(
            Arranged::joined(&[whole.clone(), counted(&[2, 4])], 1),
            None
        );
    }
}
