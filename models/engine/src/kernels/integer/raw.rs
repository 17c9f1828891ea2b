//! Codes as unsigned bytes: unsigned ones as they are, signed ones plus 128.

use super::arch::Codes;

/// The byte of a code.
pub(super) fn byte(code: i32, signed: bool) -> u8 {
    (if signed { code + 128 } else { code }) as u8
}

/// The bytes of codes.
pub(super) fn fill(codes: Codes<'_>, out: &mut [u8]) {
    match codes {
        Codes::Unsigned(codes) => out.copy_from_slice(codes),
        Codes::Signed(codes) => {
            let pairs = out.iter_mut().zip(codes);
            pairs.for_each(|(out, code)| *out = *code as u8 ^ 0x80);
        }
    }
}
