//! Codes in the bytes of a pixel: channel `c` at the bits `c * bits` and up of the pixel, read as one
//! little-endian number. Codes cross the borders of bytes.

/// Writes codes into the first bytes of a pixel, all bits behind the last code up to its byte's end
/// being zero.
///
/// # Panics
/// If the pixel is too small.
pub fn pack(codes: &[u8], bits: usize, pixel: &mut [u8]) {
    let mut out = pixel.iter_mut();
    let (mut held, mut count) = (0u32, 0);
    for code in codes {
        held |= u32::from(*code) << count;
        count += bits;
        while count >= 8 {
            *out.next().expect("room for the codes") = held as u8;
            held >>= 8;
            count -= 8;
        }
    }
    if count > 0 {
        *out.next().expect("room for the codes") = held as u8;
    }
}

/// Reads as many codes as `codes` has room for from the first bytes of a pixel.
///
/// # Panics
/// If the pixel is too small.
pub fn unpack(pixel: &[u8], bits: usize, codes: &mut [u8]) {
    let mut bytes = pixel.iter();
    let (mut held, mut count) = (0u32, 0);
    for code in codes {
        while count < bits {
            held |= u32::from(*bytes.next().expect("all codes")) << count;
            count += 8;
        }
        *code = held as u8 & (0xff >> (8 - bits));
        held >>= bits;
        count -= bits;
    }
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
