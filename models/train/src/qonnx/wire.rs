//! Protocol buffers, written: numbered fields, one after the other.

/// A message, as far as it is written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Message(Vec<u8>);

/// Kinds of values on the wire.
const VARINT: u64 = 0;
const BYTES: u64 = 2;
const FIXED32: u64 = 5;

impl Message {
    /// With an integer in field `number`.
    pub(super) fn integer(mut self, number: u64, value: i64) -> Message {
        self.key(number, VARINT);
        self.varint(value as u64);
        self
    }

    /// With a float.
    pub(super) fn float(mut self, number: u64, value: f32) -> Message {
        self.key(number, FIXED32);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// With bytes.
    pub(super) fn bytes(mut self, number: u64, bytes: &[u8]) -> Message {
        self.key(number, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    /// With a text.
    pub(super) fn text(self, number: u64, text: &str) -> Message {
        self.bytes(number, text.as_bytes())
    }

    /// With a message.
    pub(super) fn message(self, number: u64, message: &Message) -> Message {
        self.bytes(number, &message.0)
    }

    /// The message's bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn key(&mut self, number: u64, kind: u64) {
        self.varint(number << 3 | kind);
    }

    /// Seven bits a byte, the lowest first, the last byte below 128.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_every_kind() {
        // From the protocol's own documentation: 150 in field 1, "testing" in field 2.
        let inner = Message::default().integer(1, 150).text(2, "testing");
        let expected = [
            0x08, 0x96, 0x01, 0x12, 7, b't', b'e', b's', b't', b'i', b'n', b'g',
        ];
        assert_eq!(inner.0, expected);
        let message = Message::default().message(14, &inner).float(2, 1.0);
        assert_eq!(message.0[..3], [0x72, 12, 0x08]);
        assert_eq!(message.into_bytes()[14..], [0x15, 0, 0, 0x80, 0x3f]);
    }

    #[test]
    fn a_negative_integer_takes_ten_bytes() {
        let bytes = Message::default().integer(1, -1).into_bytes();
        let expected = [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
        assert_eq!(bytes, expected);
    }
}
