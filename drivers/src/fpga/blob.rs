//! Which bitstream an overlay names: the property `firmware-name` in a flattened device tree
//! (Devicetree Specification 0.4, chapter 5). The kernel checks the rest.

/// First word of a blob.
const MAGIC: u32 = 0xd00d_feed;

/// The most that is taken for an overlay; those of whole boards have some tens of kilobytes.
pub(super) const LARGEST: u64 = 1 << 20;

/// The longest name.
const LONGEST: usize = 1024;

/// Tokens of the structure.
const BEGIN: u32 = 1;
const END: u32 = 2;
const PROPERTY: u32 = 3;
const NOTHING: u32 = 4;
const DONE: u32 = 9;

/// Whether a file begins like a blob.
pub(super) fn is_blob(bytes: &[u8]) -> bool {
    word(bytes, 0) == Some(MAGIC)
}

/// The values of all properties of this name that are text.
pub(super) fn texts(blob: &[u8], name: &str) -> Result<Vec<String>, &'static str> {
    let offset = |at: usize| {
        word(blob, at)
            .map(|offset| offset as usize)
            .ok_or("cut off")
    };
    if offset(4)? != blob.len() {
        return Err("its length is not the one that it states");
    }
    let (structure, strings) = (offset(8)?, offset(12)?);
    let mut found = Vec::new();
    let mut at = structure;
    loop {
        let token = word(blob, at).ok_or("cut off")?;
        at += 4;
        match token {
            BEGIN => at = (at + text(blob, at).ok_or("cut off")?.len() + 1).next_multiple_of(4),
            END | NOTHING => {}
            DONE => return Ok(found),
            PROPERTY => {
                let (length, key) = (offset(at)?, offset(at + 4)?);
                let end = (at + 8).checked_add(length).ok_or("cut off")?;
                let value = blob.get(at + 8..end).ok_or("cut off")?;
                let key = strings.checked_add(key).and_then(|key| text(blob, key));
                if key.ok_or("a property without a name")? == name.as_bytes() {
                    let value = value.strip_suffix(&[0]).unwrap_or(value);
                    found.push(String::from_utf8_lossy(value).into_owned());
                }
                at = end.next_multiple_of(4);
            }
            _ => return Err("no device tree"),
        }
    }
}

/// A number, big endian.
fn word(blob: &[u8], at: usize) -> Option<u32> {
    let bytes = blob.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// The bytes up to a zero.
fn text(blob: &[u8], at: usize) -> Option<&[u8]> {
    let rest = blob.get(at..)?;
    let rest = &rest[..rest.len().min(LONGEST)];
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of one node with one property.
    fn blob(name: &str, value: &str) -> Vec<u8> {
        let mut structure = Vec::new();
        let put = |structure: &mut Vec<u8>, word: u32| structure.extend(word.to_be_bytes());
        put(&mut structure, BEGIN);
        put(&mut structure, 0);
        put(&mut structure, NOTHING);
        put(&mut structure, PROPERTY);
        put(&mut structure, value.len() as u32 + 1);
        put(&mut structure, 4);
        structure.extend(value.bytes());
        structure.push(0);
        structure.resize(structure.len().next_multiple_of(4), 0);
        put(&mut structure, END);
        put(&mut structure, DONE);
        let strings = [b"reg\0", name.as_bytes(), b"\0"].concat();
        let mut blob = Vec::new();
        let end = 40 + structure.len();
        let total = end + strings.len();
        for word in [
            MAGIC as usize,
            total,
            40,
            end,
            40,
            17,
            16,
            0,
            strings.len(),
            structure.len(),
        ] {
            put(&mut blob, word as u32);
        }
        blob.extend(structure);
        blob.extend(strings);
        blob
    }

    #[test]
    fn the_property_is_found_by_its_name() {
        let blob = blob("firmware-name", "design.bit.bin");
        assert!(is_blob(&blob));
        assert_eq!(texts(&blob, "firmware-name").unwrap(), ["design.bit.bin"]);
        assert!(texts(&blob, "firmware").unwrap().is_empty());
    }

    #[test]
    fn damage_is_an_error_or_harmless() {
        let whole = blob("firmware-name", "design.bit.bin");
        for length in 0..whole.len() {
            assert!(
                texts(&whole[..length], "firmware-name").is_err(),
                "{length} bytes"
            );
        }
        for at in 0..whole.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                // Anything but a panic or a wait.
                let _ = texts(&damaged, "firmware-name");
            }
        }
    }
}
