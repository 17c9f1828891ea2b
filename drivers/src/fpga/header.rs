//! The records in front of a `.bit` file's stream: design, part, date, time, length.
//!
//! Numbers are big endian: a field of 9 fixed bytes, the number 1, then records of a letter, a length
//! of 16 bits and text that ends in a zero. The letter `e` has a length of 32 bits, then the stream.

use super::bitstream::Fault;

/// The first field with its length.
const MAGIC: [u8; 11] = [
    0x00, 0x09, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x00,
];

/// What the tool wrote of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Name of the design, with the tool's version behind it.
    pub design: String,
    /// Part name, like `7z020clg400` or `xczu3eg-sbva484-1-e`.
    pub part: String,
    /// When it was made.
    pub date: String,
    /// At what time of that day.
    pub time: String,
}

/// Whether a file begins like a `.bit` file.
pub(super) fn is_bit(bytes: &[u8]) -> bool {
    let some = bytes.len().min(MAGIC.len());
    some >= 4 && bytes[..some] == MAGIC[..some]
}

/// The records, and the stream behind them.
pub(super) fn split(bytes: &[u8]) -> Result<(Header, &[u8]), Fault> {
    let mut rest = Rest { bytes };
    rest.take(MAGIC.len(), "its first field")?;
    if rest.number(2, "its second field")? != 1 {
        return Err(Fault::new("its second field is not 1"));
    }
    let mut header = Header::default();
    loop {
        let key = rest.take(1, "a record's letter")?[0];
        if key == b'e' {
            return Ok((header, rest.stream()?));
        }
        let length = rest.number(2, "a record's length")?;
        let text = text(rest.take(length, "a record")?);
        match key {
            b'a' => header.design = text,
            b'b' => header.part = text,
            b'c' => header.date = text,
            b'd' => header.time = text,
            other => {
                let letter = char::from(other).escape_default();
                return Err(Fault::new(format!("a record of unknown kind `{letter}`")));
            }
        }
    }
}

/// Text up to its zero, fit for a message.
fn text(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// What was not read yet.
struct Rest<'a> {
    bytes: &'a [u8],
}

impl<'a> Rest<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], Fault> {
        let Some((taken, rest)) = self.bytes.split_at_checked(count) else {
            return Err(Fault::new(format!("cut off within {what}")));
        };
        self.bytes = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: usize, what: &str) -> Result<usize, Fault> {
        let taken = self.take(bytes, what)?;
        Ok(taken
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte)))
    }

    /// The stream: exactly what is left.
    fn stream(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.number(4, "the length of its stream")?;
        match self.bytes.len() {
            found if found < length => Err(Fault::new(format!(
                "cut off: its stream has {length} bytes, {found} are there"
            ))),
            found if found > length => Err(Fault::new(format!(
                "{} bytes behind the end of its stream of {length}",
                found - length
            ))),
            _ => Ok(self.bytes),
        }
    }
}
