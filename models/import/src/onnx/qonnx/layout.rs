//! How a tensor of the file lies on a map.
//!
//! A map is rows, columns, channels; a tensor of the file may have these in any order, or several of them
//! in one axis. Axes of size 1 are nobody's.

use tincy_network::Shape;

/// An axis of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Row,
    Column,
    Channel,
}

use Axis::{Channel, Column, Row};

/// For each axis of a tensor, the axes of the map that make it, the slowest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout(Vec<Vec<Axis>>);

impl Layout {
    /// `[1, channels, height, width]`.
    pub(super) fn channels_first(shape: Shape) -> Layout {
        Layout::new(&[&[], &[Channel], &[Row], &[Column]], shape)
    }

    /// `[1, height, width, channels]`.
    pub(super) fn channels_last(shape: Shape) -> Layout {
        Layout::new(&[&[], &[Row], &[Column], &[Channel]], shape)
    }

    /// `[1, channels]`.
    pub(super) fn vector(shape: Shape) -> Layout {
        Layout::new(&[&[], &[Channel]], shape)
    }

    fn new(axes: &[&[Axis]], shape: Shape) -> Layout {
        let real = |axes: &&[Axis]| {
            let axes = axes.iter().copied();
            axes.filter(|axis| size(shape, *axis) > 1).collect()
        };
        Layout(axes.iter().map(real).collect())
    }

    /// The number of axes.
    pub(super) fn rank(&self) -> usize {
        self.0.len()
    }

    /// The axes of the map that make the last axis.
    pub(super) fn last(&self) -> &[Axis] {
        self.0.last().map_or(&[], |axes| axes)
    }

    /// The tensor's sizes.
    pub(super) fn dims(&self, shape: Shape) -> Vec<usize> {
        let product = |axes: &Vec<Axis>| axes.iter().map(|axis| size(shape, *axis)).product();
        self.0.iter().map(product).collect()
    }

    /// Whether axis `axis` of the tensor is the channels.
    pub(super) fn is_channel(&self, axis: usize) -> bool {
        self.0[axis] == [Channel]
    }

    /// The same elements in the same order, with other sizes; `None` where one of the map's axes would be
    /// cut.
    pub(super) fn reshaped(&self, shape: Shape, dims: &[usize]) -> Option<Layout> {
        let mut rest = self.0.iter().flatten().copied();
        let mut axes = Vec::new();
        for wanted in dims {
            let (mut own, mut product) = (Vec::new(), 1);
            while product < *wanted {
                let axis = rest.next()?;
                product *= size(shape, axis);
                own.push(axis);
            }
            if product != *wanted {
                return None;
            }
            axes.push(own);
        }
        rest.next().is_none().then_some(Layout(axes))
    }

    /// The tensor with its axes in another order.
    pub(super) fn transposed(&self, order: &[usize]) -> Layout {
        Layout(order.iter().map(|axis| self.0[*axis].clone()).collect())
    }

    /// With axes of size 1 put before all others.
    pub(super) fn deeper(mut self, rank: usize) -> Layout {
        while self.0.len() < rank {
            self.0.insert(0, Vec::new());
        }
        self
    }
}

/// The size of an axis of a map.
pub(super) fn size(shape: Shape, axis: Axis) -> usize {
    match axis {
        Row => shape.height,
        Column => shape.width,
        Channel => shape.channels,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_becomes_a_vector() {
        let shape = Shape::new(4, 4, 16);
        let map = Layout::channels_first(shape);
        let vector = map.reshaped(shape, &[1, 256]).unwrap();
        assert_eq!(vector.last(), [Channel, Row, Column]);
        assert_eq!(vector.dims(shape), [1, 256]);
        assert_eq!(vector.reshaped(shape, &[1, 16, 4, 4]), Some(map.clone()));
        assert_eq!(map.reshaped(shape, &[1, 8, 32]), None);
        let last = map.transposed(&[0, 2, 3, 1]);
        assert_eq!(last, Layout::channels_last(shape));
        assert_eq!(last.dims(shape), [1, 4, 4, 16]);
    }

    #[test]
    fn axes_of_one_element_are_nobodys() {
        let shape = Shape::new(1, 1, 10);
        let vector = Layout::vector(shape);
        let deeper = vector.reshaped(shape, &[1, 10, 1, 1]).unwrap();
        assert_eq!(deeper, Layout::channels_first(shape));
        assert!(deeper.is_channel(1) && !deeper.is_channel(2));
    }
}
