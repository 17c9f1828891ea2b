//! The wire format of protocol buffers: numbered fields, one after the other.
//!
//! A message is a list of fields; each has a number, and a value of one of four kinds. What a
//! number means is the business of [`message`](super::message). Nothing here allocates or recurses,
//! so damaged bytes cost no more than sound ones.

/// What is wrong with the bytes of a message.
pub(super) type Damage = String;

/// A field's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// An integer or a truth value.
    Varint(u64),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// A text, a message, or several numbers.
    Bytes(&'a [u8]),
    /// Four bytes.
    Fixed32([u8; 4]),
}

/// The fields of a message that are left to read.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// All fields of a message.
    pub(super) fn new(message: &'a [u8]) -> Fields<'a> {
        Fields { rest: message }
    }

    fn field(&mut self) -> Result<(u64, Value<'a>), Damage> {
        let key = varint(&mut self.rest)?;
        let value = match key & 7 {
            0 => Value::Varint(varint(&mut self.rest)?),
            1 => Value::Fixed64(array(&mut self.rest)?),
            2 => {
                let length = varint(&mut self.rest)?;
                Value::Bytes(bytes(&mut self.rest, length)?)
            }
            5 => Value::Fixed32(array(&mut self.rest)?),
            kind => return Err(format!("a field of the unknown kind {kind}")),
        };
        Ok((key >> 3, value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Value<'a>), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            // What follows a damaged field means nothing.
            self.rest = &[];
        }
        Some(field)
    }
}

/// The next integer: seven bits a byte, the lowest first, the last byte below 128.
pub(super) fn varint(rest: &mut &[u8]) -> Result<u64, Damage> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = array(rest)?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("an integer of more than ten bytes".into())
}

fn array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Damage> {
    let (array, after) = rest
        .split_first_chunk()
        .ok_or_else(|| missing(N as u64, rest.len()))?;
    *rest = after;
    Ok(*array)
}

fn bytes<'a>(rest: &mut &'a [u8], length: u64) -> Result<&'a [u8], Damage> {
    let split = usize::try_from(length)
        .ok()
        .and_then(|length| rest.split_at_checked(length));
    let (bytes, after) = split.ok_or_else(|| missing(length, rest.len()))?;
    *rest = after;
    Ok(bytes)
}

fn missing(expected: u64, found: usize) -> Damage {
    format!("truncated: a field of {expected} bytes has {found}")
}

impl<'a> Value<'a> {
    /// The bytes of a text or a message.
    pub(super) fn bytes(self) -> Result<&'a [u8], Damage> {
        match self {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err("a number where a text or a message should be".into()),
        }
    }

    /// A text.
    pub(super) fn text(self) -> Result<&'a str, Damage> {
        std::str::from_utf8(self.bytes()?).map_err(|_| "a text that is no UTF-8".into())
    }

    /// An integer.
    pub(super) fn integer(self) -> Result<i64, Damage> {
        match self {
            Value::Varint(value) => Ok(value as i64),
            _ => Err("something else where an integer should be".into()),
        }
    }

    /// A float.
    pub(super) fn float(self) -> Result<f32, Damage> {
        match self {
            Value::Fixed32(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err("something else where a float should be".into()),
        }
    }

    /// Adds one integer, or as many as are packed together.
    pub(super) fn integers(self, list: &mut Vec<i64>) -> Result<(), Damage> {
        match self {
            Value::Bytes(mut packed) => {
                while !packed.is_empty() {
                    list.push(varint(&mut packed)? as i64);
                }
                Ok(())
            }
            other => {
                list.push(other.integer()?);
                Ok(())
            }
        }
    }

    /// Adds one float, or as many as are packed together.
    pub(super) fn floats(self, list: &mut Vec<f32>) -> Result<(), Damage> {
        match self {
            Value::Bytes(packed) => {
                let (floats, rest) = packed.as_chunks();
                if !rest.is_empty() {
                    return Err(format!("{} bytes are no whole floats", packed.len()));
                }
                list.extend(floats.iter().map(|bytes| f32::from_le_bytes(*bytes)));
                Ok(())
            }
            other => {
                list.push(other.float()?);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind() {
        // From the protocol's own documentation: 150 in field 1, "testing" in field 2.
        let mut message = vec![0x08, 0x96, 0x01, 0x12, 0x07];
        message.extend(b"testing");
        message.extend([0x1d, 0, 0, 0x80, 0x3f, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]);
        let fields: Vec<_> = Fields::new(&message).map(Result::unwrap).collect();
        assert_eq!(fields[0], (1, Value::Varint(150)));
        assert_eq!((fields[1].0, fields[1].1.text()), (2, Ok("testing")));
        assert_eq!((fields[2].0, fields[2].1.float()), (3, Ok(1.0)));
        assert_eq!(fields[3], (4, Value::Fixed64([1, 2, 3, 4, 5, 6, 7, 8])));
    }

    #[test]
    fn packed_and_single_numbers_are_alike() {
        let (mut integers, mut floats) = (Vec::new(), Vec::new());
        Value::Bytes(&[
            1, 0x96, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
        ])
        .integers(&mut integers)
        .unwrap();
        Value::Varint(7).integers(&mut integers).unwrap();
        assert_eq!(integers, [1, 150, -1, 7]);
        Value::Bytes(&[0, 0, 0, 0x40]).floats(&mut floats).unwrap();
        Value::Fixed32([0, 0, 0x80, 0xbf])
            .floats(&mut floats)
            .unwrap();
        assert_eq!(floats, [2.0, -1.0]);
    }

    #[test]
    fn damage_ends_the_message_with_a_reason() {
        let cases: [(&[u8], &str); 5] = [
            (&[0x12, 9, 1], "truncated: a field of 9 bytes has 1"),
            (&[0x08], "truncated"),
            (
                &[
                    0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                ],
                "ten bytes",
            ),
            (&[0x0b], "unknown kind 3"),
            (
                &[
                    0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
                ],
                "truncated",
            ),
        ];
        for (message, expected) in cases {
            let mut fields = Fields::new(message);
            let damage = fields.next().unwrap().unwrap_err();
            assert!(damage.contains(expected), "{damage}");
            assert!(fields.next().is_none());
        }
    }
}
