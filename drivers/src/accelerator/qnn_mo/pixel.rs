//! Codes in the bytes of a pixel: channel `c` at the bits `c * bits` and up of the pixel, read as one
//! little-endian number. Codes cross the borders of bytes.

/// Codes that are packed at once: those of a 64-bit word.
const WORD: usize = 8;

/// Writes codes of `bits` bits into the first bytes of a pixel, all bits behind the last code up to its
/// byte's end being zero.
///
/// # Panics
/// If the pixel is too small.
pub fn pack(codes: &[u8], bits: usize, pixel: &mut [u8]) {
    let pixel = &mut pixel[..bytes(codes.len(), bits)];
    let put = |word: [u8; WORD], place: &mut [u8]| {
        let word = closed(u64::from_le_bytes(word), bits as u32).to_le_bytes();
        // Byte by byte: a call that copies a few costs more.
        place
            .iter_mut()
            .zip(word)
            .for_each(|(place, byte)| *place = byte);
    };
    let (words, rest) = codes.as_chunks();
    let mut places = pixel.chunks_mut(bits);
    for (word, place) in words.iter().zip(places.by_ref()) {
        put(*word, place);
    }
    if let Some(place) = places.next() {
        put(word(rest), place);
    }
}

/// Reads as many codes as `codes` has room for from the first bytes of a pixel.
///
/// # Panics
/// If the pixel is too small.
pub fn unpack(pixel: &[u8], bits: usize, codes: &mut [u8]) {
    let pixel = &pixel[..bytes(codes.len(), bits)];
    let get = |place: &[u8]| opened(u64::from_le_bytes(word(place)), bits as u32).to_le_bytes();
    let (words, rest) = codes.as_chunks_mut();
    let mut places = pixel.chunks(bits);
    for (word, place) in words.iter_mut().zip(places.by_ref()) {
        *word = get(place);
    }
    if let Some(place) = places.next() {
        let count = rest.len();
        rest.copy_from_slice(&get(place)[..count]);
    }
}

/// Bytes, zeros behind them.
fn word(bytes: &[u8]) -> [u8; WORD] {
    let mut word = [0; WORD];
    word.iter_mut()
        .zip(bytes)
        .for_each(|(to, byte)| *to = *byte);
    word
}

/// Eight codes a byte apart to eight side by side: two, four and eight are joined in turn.
fn closed(mut word: u64, bits: u32) -> u64 {
    for (width, held) in [(8, bits), (16, 2 * bits), (32, 4 * bits)] {
        let low = every(2 * width, held);
        word = word & low | (word >> width & low) << held;
    }
    word
}

/// The way back.
fn opened(mut word: u64, bits: u32) -> u64 {
    for (width, held) in [(32, 4 * bits), (16, 2 * bits), (8, bits)] {
        let low = every(2 * width, held);
        word = word & low | (word >> held & low) << width;
    }
    word
}

/// The `held` low bits of every `width` bits.
const fn every(width: u32, held: u32) -> u64 {
    let mut mask = u64::MAX >> (64 - held);
    let mut at = width;
    while at < 64 {
        mask |= mask << at;
        at *= 2;
    }
    mask
}

/// Bytes that `channels` codes take.
pub fn bytes(channels: usize, bits: usize) -> usize {
    (channels * bits).div_ceil(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_cross_bytes() {
        let mut pixel = [0xff; 3];
        pack(&[1, 2, 7, 4], 3, &mut pixel);
        // 100 111 010 001, the last code first.
        assert_eq!(pixel, [0b1101_0001, 0b1001, 0xff]);
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        for (bits, count) in (1..=8).flat_map(|bits| (0..20).map(move |count| (bits, count))) {
            let code = |i: usize| (i * 37 + count) as u8 & (0xff >> (8 - bits));
            let codes: Vec<u8> = (0..count).map(code).collect();
            let mut pixel = vec![0xff; bytes(count, bits)];
            pack(&codes, bits, &mut pixel);
            let mut back = vec![0; count];
            unpack(&pixel, bits, &mut back);
            assert_eq!(back, codes, "{bits} bits");
        }
    }
}
