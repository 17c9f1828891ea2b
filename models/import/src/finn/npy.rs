//! NumPy's `.npy` files of 32-bit floats.

use crate::{Error, Result, files};
use std::path::Path;

/// The most elements of an array.
const MAX_ELEMENTS: usize = 1 << 26;

/// The most dimensions; NumPy itself has no more.
const MAX_DIMENSIONS: usize = 64;

/// A float array.
#[derive(Debug, PartialEq)]
pub(super) struct Array {
    /// Sizes, the last index fastest.
    pub(super) shape: Vec<usize>,
    /// Elements in C order, whatever the file's.
    pub(super) values: Vec<f32>,
}

/// What stands in the file's header.
#[derive(Debug, PartialEq)]
struct Header {
    fortran: bool,
    shape: Vec<usize>,
}

/// Reads an array; it must hold little-endian 32-bit floats. Also gives the file's SHA-256.
pub(super) fn read(path: &Path) -> Result<(Array, String)> {
    let bytes = files::bytes(path, (MAX_ELEMENTS * 4) as u64 + 65_536)?;
    let array = parse(&bytes).map_err(|what| Error::file(path, what))?;
    Ok((array, files::sum(&bytes)))
}

fn parse(bytes: &[u8]) -> Result<Array, String> {
    let (header, data) = split(bytes).ok_or("not a NumPy file, or cut in its header")?;
    let header = Header::parse(header)?;
    if header.shape.len() > MAX_DIMENSIONS {
        let found = header.shape.len();
        return Err(format!(
            "{found} dimensions, at most {MAX_DIMENSIONS} can be"
        ));
    }
    let count = header
        .shape
        .iter()
        .try_fold(1usize, |count, n| count.checked_mul(*n))
        .filter(|count| *count <= MAX_ELEMENTS)
        .ok_or_else(|| format!("a shape of {:?} is too large", header.shape))?;
    if data.len() != count * 4 {
        let (expected, found) = (count * 4, data.len());
        return Err(format!("{expected} bytes of data expected, {found} found"));
    }
    let values: Vec<f32> = data
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    let values = if header.fortran {
        c_order(&values, &header.shape)
    } else {
        values
    };
    Ok(Array {
        shape: header.shape,
        values,
    })
}

/// The header's text and the data behind it.
fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => {
            let length = u32::from_le_bytes([*a, *b, *c, *d]);
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (header, data) = rest.split_at_checked(length)?;
    Some((std::str::from_utf8(header).ok()?, data))
}

impl Header {
    /// Reads a Python dictionary literal of the three keys that NumPy writes.
    fn parse(text: &str) -> Result<Header, String> {
        let kind = value(text, "descr").ok_or("no descr in the header")?;
        if kind
            .split(',')
            .next()
            .map(|kind| kind.trim().trim_matches(['\'', '"']))
            != Some("<f4")
        {
            let kind: String = kind.chars().take(20).collect();
            return Err(format!(
                "elements must be '<f4' (32-bit floats), found {kind}"
            ));
        }
        let fortran = value(text, "fortran_order").ok_or("no fortran_order in the header")?;
        let shape = value(text, "shape")
            .and_then(|text| text.strip_prefix('(')?.split_once(')'))
            .ok_or("no shape in the header")?;
        let shape = shape
            .0
            .split(',')
            .map(str::trim)
            .filter(|n| !n.is_empty())
            .map(|n| {
                n.parse()
                    .map_err(|_| format!("a size of {n:?} in the header"))
            })
            .collect::<Result<_, _>>()?;
        Ok(Header {
            fortran: fortran.starts_with("True"),
            shape,
        })
    }
}

/// The text from the value of a key on.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let rest = text.split_once(&format!("'{key}'"))?.1;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}

/// Elements whose first index is the fastest, put in the order where the last one is.
fn c_order(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let mut index = vec![0; shape.len()];
    let mut ordered = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let offset = shape
            .iter()
            .zip(&index)
            .rev()
            .fold(0, |offset, (n, i)| offset * n + i);
        ordered.push(values[offset]);
        for (i, n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, values: &[f32]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        bytes
    }

    #[test]
    fn both_orders_give_the_same_array() {
        let c = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
        let fortran = "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }\n";
        let rows = parse(&file(c, &[0., 1., 2., 3., 4., 5.])).unwrap();
        let columns = parse(&file(fortran, &[0., 3., 1., 4., 2., 5.])).unwrap();
        assert_eq!(rows, columns);
        assert_eq!(rows.shape, [2, 3]);
    }

    #[test]
    fn damage_is_named() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
        let whole = file(header, &[1., 2., 3.]);
        assert_eq!(parse(&whole).unwrap().values, [1., 2., 3.]);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length} bytes");
        }
        let doubles = file("{'descr': '<f8', 'fortran_order': False, 'shape': ()}", &[]);
        assert!(parse(&doubles).unwrap_err().contains("'<f4'"));
        let huge = "{'descr': '<f4', 'fortran_order': False, 'shape': (4000000000, 4000000000, 9)}";
        assert!(parse(&file(huge, &[])).unwrap_err().contains("too large"));
        // Each value takes a step a dimension.
        let deep = "1,".repeat(65);
        let deep = format!("{{'descr': '<f4', 'fortran_order': True, 'shape': ({deep})}}");
        assert!(
            parse(&file(&deep, &[1.]))
                .unwrap_err()
                .contains("65 dimensions")
        );
    }
}
