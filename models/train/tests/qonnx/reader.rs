//! ONNX files read anew, from the description of protocol buffers and of `onnx.proto`.

use std::collections::HashMap;

/// Fields of a message, by number: bytes, or a number as its bytes.
#[derive(Debug)]
pub(crate) struct Fields(Vec<(u64, Vec<u8>)>);

impl Fields {
    pub(crate) fn new(mut rest: &[u8]) -> Fields {
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let key = varint(&mut rest);
            let length = match key & 7 {
                0 => {
                    let value = varint(&mut rest);
                    fields.push((key >> 3, value.to_le_bytes().to_vec()));
                    continue;
                }
                2 => varint(&mut rest) as usize,
                5 => 4,
                kind => panic!("a field of kind {kind}"),
            };
            let (bytes, after) = rest.split_at(length);
            fields.push((key >> 3, bytes.to_vec()));
            rest = after;
        }
        Fields(fields)
    }

    pub(crate) fn all(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        let fields = self.0.iter().filter(move |field| field.0 == number);
        fields.map(|field| field.1.as_slice())
    }

    pub(crate) fn texts(&self, number: u64) -> Vec<String> {
        let texts = self.all(number);
        texts
            .map(|text| String::from_utf8(text.to_vec()).unwrap())
            .collect()
    }

    /// A text, empty if there is none.
    pub(crate) fn text(&self, number: u64) -> String {
        self.texts(number).pop().unwrap_or_default()
    }

    pub(crate) fn messages(&self, number: u64) -> Vec<Fields> {
        self.all(number).map(Fields::new).collect()
    }

    pub(crate) fn integers(&self, number: u64) -> Vec<u64> {
        let numbers = self.all(number);
        numbers
            .map(|bytes| u64::from_le_bytes(bytes.try_into().unwrap()))
            .collect()
    }

    /// Texts by text: `StringStringEntryProto`.
    pub(crate) fn entries(&self, number: u64) -> HashMap<String, String> {
        let entries = self.messages(number);
        entries
            .iter()
            .map(|entry| (entry.text(1), entry.text(2)))
            .collect()
    }
}

fn varint(rest: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (byte, after) = rest.split_first().expect("an integer is cut");
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if *byte < 0x80 {
            break;
        }
    }
    value
}
