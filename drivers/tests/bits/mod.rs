//! Small bitstreams that are whole, made here: the published ones are not part of the project.
#![allow(dead_code)]

/// IDCODE of a ZU3EG's bitstreams.
pub(crate) const ZU3EG: u32 = 0x04a4_2093;

/// IDCODE of a Z7020.
pub(crate) const Z7020: u32 = 0x0372_7093;

/// The words of a whole stream for a device, data included.
pub(crate) fn words(idcode: u32) -> Vec<u32> {
    let mut words = vec![u32::MAX; 8];
    words.extend([0x0000_00bb, 0x1122_0044, u32::MAX, u32::MAX, 0xaa99_5566]);
    words.extend([0x2000_0000, 0x3002_2001, 0x0000_0000]);
    // COR0, COR1, IDCODE.
    words.extend([
        0x3001_2001,
        0x3800_3fe5,
        0x3001_c001,
        0x0040_0000,
        0x3001_8001,
        idcode,
    ]);
    // Frame data: a packet of type 1 without words, then one of type 2.
    words.extend([0x3000_4000, 0x5000_0000 | 40]);
    words.extend((0..40).map(|i| 0x0101_0101 * i));
    // START, DESYNC, and what the tools put behind it.
    words.extend([0x3000_8001, 5, 0x3000_8001, 13]);
    words.extend([0x2000_0000; 6]);
    words
}

/// A stream as a `.bit` file has it.
pub(crate) fn plain(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// A stream as the kernel wants it.
pub(crate) fn swapped(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// A `.bit` file around a stream.
pub(crate) fn bit(part: &str, stream: &[u8]) -> Vec<u8> {
    let mut file = vec![
        0, 9, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0, 0, 1,
    ];
    let records = [
        (b'a', "small;UserID=0XFFFFFFFF;Version=2018.2"),
        (b'b', part),
        (b'c', "2018/09/20"),
        (b'd', "18:22:52"),
    ];
    for (key, text) in records {
        file.push(key);
        file.extend((text.len() as u16 + 1).to_be_bytes());
        file.extend(text.bytes());
        file.push(0);
    }
    file.push(b'e');
    file.extend((stream.len() as u32).to_be_bytes());
    file.extend(stream);
    file
}

/// A `.bit` file for the Ultra96's device.
pub(crate) fn ultra96() -> Vec<u8> {
    bit("xczu3eg-sbva484-1-e", &plain(&words(ZU3EG)))
}
