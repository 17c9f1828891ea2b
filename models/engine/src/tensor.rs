//! Views of maps, and the aligned memory that they lie in.

use tincy_network::{Number, Shape};

/// A map that is read. Elements are NHWC, one byte a code.
#[derive(Clone, Copy, Debug)]
pub enum Tensor<'a> {
    /// Floats.
    F32(&'a [f32]),
    /// Unsigned codes.
    U8(&'a [u8]),
    /// Signed codes.
    I8(&'a [i8]),
}

impl<'a> Tensor<'a> {
    /// Number of elements.
    pub fn len(self) -> usize {
        match self {
            Tensor::F32(values) => values.len(),
            Tensor::U8(codes) => codes.len(),
            Tensor::I8(codes) => codes.len(),
        }
    }

    /// Whether there are no elements.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The elements as they lie in memory.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Tensor::F32(values) => bytemuck::cast_slice(values),
            Tensor::U8(codes) => codes,
            Tensor::I8(codes) => bytemuck::cast_slice(codes),
        }
    }

    /// Element `index`; a code as an f32, which holds it exactly.
    ///
    /// # Panics
    /// If `index` lies outside.
    pub fn get(self, index: usize) -> f32 {
        match self {
            Tensor::F32(values) => values[index],
            Tensor::U8(codes) => f32::from(codes[index]),
            Tensor::I8(codes) => f32::from(codes[index]),
        }
    }

    /// The floats.
    ///
    /// # Panics
    /// If the map holds codes.
    pub fn floats(self) -> &'a [f32] {
        match self {
            Tensor::F32(values) => values,
            _ => panic!("a map of codes was read as floats"),
        }
    }

    /// The unsigned codes.
    ///
    /// # Panics
    /// If the map holds something else.
    pub fn unsigned(self) -> &'a [u8] {
        match self {
            Tensor::U8(codes) => codes,
            _ => panic!("a map without unsigned codes was read as such"),
        }
    }

    /// The signed codes.
    ///
    /// # Panics
    /// If the map holds something else.
    pub fn signed(self) -> &'a [i8] {
        match self {
            Tensor::I8(codes) => codes,
            _ => panic!("a map without signed codes was read as such"),
        }
    }
}

/// A map that is written.
#[derive(Debug)]
pub enum TensorMut<'a> {
    /// Floats.
    F32(&'a mut [f32]),
    /// Unsigned codes.
    U8(&'a mut [u8]),
    /// Signed codes.
    I8(&'a mut [i8]),
}

impl<'a> TensorMut<'a> {
    /// The same map, to read.
    pub fn as_tensor(&self) -> Tensor<'_> {
        match self {
            TensorMut::F32(values) => Tensor::F32(values),
            TensorMut::U8(codes) => Tensor::U8(codes),
            TensorMut::I8(codes) => Tensor::I8(codes),
        }
    }

    /// The elements as they lie in memory.
    pub fn bytes(self) -> &'a mut [u8] {
        match self {
            TensorMut::F32(values) => bytemuck::cast_slice_mut(values),
            TensorMut::U8(codes) => codes,
            TensorMut::I8(codes) => bytemuck::cast_slice_mut(codes),
        }
    }

    /// Writes element `index`; a code is given as the f32 that holds it exactly.
    ///
    /// # Panics
    /// If `index` lies outside.
    pub fn set(&mut self, index: usize, value: f32) {
        match self {
            TensorMut::F32(values) => values[index] = value,
            TensorMut::U8(codes) => codes[index] = value as u8,
            TensorMut::I8(codes) => codes[index] = value as i8,
        }
    }

    /// The floats.
    ///
    /// # Panics
    /// If the map holds codes.
    pub fn floats(self) -> &'a mut [f32] {
        match self {
            TensorMut::F32(values) => values,
            _ => panic!("a map of codes was written as floats"),
        }
    }

    /// The unsigned codes.
    ///
    /// # Panics
    /// If the map holds something else.
    pub fn unsigned(self) -> &'a mut [u8] {
        match self {
            TensorMut::U8(codes) => codes,
            _ => panic!("a map without unsigned codes was written as such"),
        }
    }

    /// The signed codes.
    ///
    /// # Panics
    /// If the map holds something else.
    pub fn signed(self) -> &'a mut [i8] {
        match self {
            TensorMut::I8(codes) => codes,
            _ => panic!("a map without signed codes was written as such"),
        }
    }
}

/// A cache line, the unit of allocation.
#[derive(Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Zeroed memory that starts at a multiple of 64 bytes.
#[derive(Clone, Debug, Default)]
pub struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    /// At least `bytes` zeroed bytes, rounded up to whole cache lines.
    pub fn new(bytes: usize) -> Buffer {
        Buffer {
            lines: vec![Line([0; 64]); bytes.div_ceil(64)],
        }
    }

    /// A copy of `values`, aligned.
    pub fn from_slice<T: bytemuck::Pod>(values: &[T]) -> Buffer {
        let mut buffer = Buffer::new(size_of_val(values));
        buffer.slice_mut::<T>(values.len()).copy_from_slice(values);
        buffer
    }

    /// Length in bytes.
    pub fn bytes(&self) -> usize {
        64 * self.lines.len()
    }

    /// The first `count` elements.
    pub fn slice<T: bytemuck::Pod>(&self, count: usize) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..count]
    }

    /// The first `count` elements, to write.
    pub fn slice_mut<T: bytemuck::Pod>(&mut self, count: usize) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..count]
    }

    /// The first elements as a map of this shape and number type.
    pub fn tensor(&self, shape: Shape, number: Number) -> Tensor<'_> {
        match number {
            Number::F32 => Tensor::F32(self.slice(shape.elements())),
            Number::Code(code) if code.signed => Tensor::I8(self.slice(shape.elements())),
            Number::Code(_) => Tensor::U8(self.slice(shape.elements())),
        }
    }

    /// The first elements as a map to write.
    pub fn tensor_mut(&mut self, shape: Shape, number: Number) -> TensorMut<'_> {
        match number {
            Number::F32 => TensorMut::F32(self.slice_mut(shape.elements())),
            Number::Code(code) if code.signed => TensorMut::I8(self.slice_mut(shape.elements())),
            Number::Code(_) => TensorMut::U8(self.slice_mut(shape.elements())),
        }
    }
}
