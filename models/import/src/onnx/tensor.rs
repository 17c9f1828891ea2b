//! A constant tensor: numbers that lie in the file.

use super::wire::{Damage, Fields};

/// Numbers of element types, of `TensorProto.DataType`.
pub(super) const FLOAT32: i64 = 1;
pub(super) const UINT8: i64 = 2;
pub(super) const INT8: i64 = 3;
const INT64: i64 = 7;

/// The numbers of a tensor and how they are arranged.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Sizes, the slowest first; none for a single number.
    pub(super) dims: Vec<usize>,
    /// The number of the element type in `TensorProto.DataType`: integers of all widths are carried in one.
    pub(super) kind: i64,
    pub(super) data: Data,
}

/// Numbers of the types that are read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Floats(Vec<f32>),
    Integers(Vec<i64>),
    /// A type that is not read, by its name; an error only where it is used.
    Other(&'static str),
}

/// The fields of a `TensorProto` that matter.
#[derive(Default)]
struct Parts<'a> {
    dims: Vec<i64>,
    kind: i64,
    floats: Vec<f32>,
    integers: Vec<i64>,
    raw: Option<&'a [u8]>,
    external: bool,
}

impl Tensor {
    /// Numbers that the importer has made, of the widest type.
    pub(super) fn new(dims: Vec<usize>, data: Data) -> Tensor {
        let kind = match data {
            Data::Floats(_) => FLOAT32,
            Data::Integers(_) => INT64,
            Data::Other(_) => 0,
        };
        Tensor { dims, kind, data }
    }

    /// A tensor and its name from a `TensorProto`.
    pub(super) fn read(message: &[u8]) -> Result<(String, Tensor), Damage> {
        let (mut name, mut parts) = ("", Parts::default());
        for field in Fields::new(message) {
            let (number, value) = field?;
            match number {
                1 => value.integers(&mut parts.dims)?,
                2 => parts.kind = value.integer()?,
                4 => value.floats(&mut parts.floats)?,
                5 | 7 => value.integers(&mut parts.integers)?,
                8 => name = value.text()?,
                9 => parts.raw = Some(value.bytes()?),
                14 => parts.external = value.integer()? != 0,
                _ => {}
            }
        }
        let tensor = parts
            .tensor()
            .map_err(|damage| format!("tensor {name}: {damage}"))?;
        Ok((name.to_string(), tensor))
    }

    /// A single number, or a list of them.
    pub(super) fn integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integers(integers) => Some(integers),
            _ => None,
        }
    }

    pub(super) fn floats(&self) -> Option<&[f32]> {
        match &self.data {
            Data::Floats(floats) => Some(floats),
            _ => None,
        }
    }

    /// The numbers as floats, whatever their type.
    pub(super) fn numbers(&self) -> Option<Vec<f32>> {
        match &self.data {
            Data::Floats(floats) => Some(floats.clone()),
            Data::Integers(integers) => Some(integers.iter().map(|n| *n as f32).collect()),
            Data::Other(_) => None,
        }
    }

    /// Sizes and type, for messages.
    pub(super) fn describe(&self) -> String {
        let kind = match self.data {
            Data::Floats(_) => "float32",
            Data::Integers(_) => "integers",
            Data::Other(kind) => kind,
        };
        format!("{kind} {:?}", self.dims)
    }
}

impl Parts<'_> {
    fn tensor(self) -> Result<Tensor, Damage> {
        if self.external {
            return Err("its numbers lie in another file; save the model as one file".into());
        }
        let dims = self
            .dims
            .iter()
            .map(|dim| usize::try_from(*dim).map_err(|_| format!("a size of {dim}")))
            .collect::<Result<Vec<usize>, Damage>>()?;
        let count = dims
            .iter()
            .try_fold(1usize, |count, dim| count.checked_mul(*dim))
            .ok_or_else(|| format!("sizes of {dims:?} cannot be"))?;
        let kind = self.kind;
        let data = self.data()?;
        let found = match &data {
            Data::Floats(floats) => floats.len(),
            Data::Integers(integers) => integers.len(),
            Data::Other(_) => count,
        };
        if found != count {
            return Err(format!("{count} numbers expected, {found} found"));
        }
        Ok(Tensor { dims, kind, data })
    }

    /// The numbers, by the type's number in `TensorProto.DataType`.
    fn data(self) -> Result<Data, Damage> {
        let integers = |of: fn(&[u8]) -> i64, size: usize| match self.raw {
            Some(raw) if !raw.len().is_multiple_of(size) => {
                Err(format!("{} bytes are no whole numbers", raw.len()))
            }
            Some(raw) => Ok(Data::Integers(raw.chunks_exact(size).map(of).collect())),
            None => Ok(Data::Integers(self.integers.clone())),
        };
        match self.kind {
            1 => match self.raw {
                Some(raw) => {
                    let (floats, rest) = raw.as_chunks();
                    if !rest.is_empty() {
                        return Err(format!("{} bytes are no whole floats", raw.len()));
                    }
                    let floats = floats.iter().map(|bytes| f32::from_le_bytes(*bytes));
                    Ok(Data::Floats(floats.collect()))
                }
                None => Ok(Data::Floats(self.floats)),
            },
            2 => integers(|bytes| i64::from(bytes[0]), 1),
            3 => integers(|bytes| i64::from(bytes[0] as i8), 1),
            6 => integers(|bytes| i64::from(i32::from_le_bytes(head(bytes))), 4),
            7 => integers(|bytes| i64::from_le_bytes(head(bytes)), 8),
            9 => integers(|bytes| i64::from(bytes[0] != 0), 1),
            kind => Ok(Data::Other(name(kind))),
        }
    }
}

fn head<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// Whether an element type is one of integers.
pub(super) fn is_integer(kind: i64) -> bool {
    matches!(kind, UINT8 | INT8 | INT64) || matches!(name(kind), "uint16" | "int16" | "int32")
}

/// The name of an element type.
pub(super) fn name(kind: i64) -> &'static str {
    match kind {
        1 => "float32",
        2 => "uint8",
        3 => "int8",
        4 => "uint16",
        5 => "int16",
        6 => "int32",
        7 => "int64",
        8 => "string",
        9 => "bool",
        10 => "float16",
        11 => "float64",
        16 => "bfloat16",
        _ => "an unknown type",
    }
}
