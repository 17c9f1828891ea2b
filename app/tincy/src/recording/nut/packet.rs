//! Numbers, packets and checksums.

use super::Error;
use std::io::{Read, Write};

/// The largest packet that is no frame.
pub(super) const MAX_PACKET: u64 = 1 << 16;

/// A packet's content with its checksum, after the startcode.
pub(super) fn read_packet(stream: &mut impl Read) -> Result<Vec<u8>, Error> {
    let length = read_v(stream)?;
    if length > MAX_PACKET {
        return Err(Error::damaged("the NUT stream holds an endless header"));
    }
    if length > 4096 {
        read_array::<4>(stream)?;
    }
    let mut packet = vec![0; length as usize];
    stream.read_exact(&mut packet)?;
    Ok(packet)
}

pub(super) fn read_array<const N: usize>(stream: &mut impl Read) -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn read_u64(stream: &mut impl Read) -> Result<u64, Error> {
    Ok(u64::from_be_bytes(read_array(stream)?))
}

/// A number in groups of seven bits, the highest first; bit 7 says that more follow.
pub(super) fn read_v(stream: &mut impl Read) -> Result<u64, Error> {
    let mut value = 0u64;
    for _ in 0..10 {
        let [byte] = read_array(stream)?;
        value = value << 7 | u64::from(byte & 127);
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(Error::damaged("the NUT stream holds an endless number"))
}

pub(super) fn read_u32(stream: &mut impl Read) -> Result<u32, Error> {
    u32::try_from(read_v(stream)?).map_err(|_| Error::damaged("a number above 32 bits"))
}

pub(super) fn read_bytes(packet: &mut &[u8]) -> Result<Vec<u8>, Error> {
    let length = read_v(packet)?;
    let mut bytes = Vec::new();
    packet.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// 0, 1, -1, 2, -2, ...
pub(super) fn signed(value: u64) -> i64 {
    let value = (value as i64).wrapping_add(1);
    if value & 1 == 1 {
        (value >> 1).wrapping_neg()
    } else {
        value >> 1
    }
}

pub(super) fn write_packet(
    stream: &mut impl Write,
    startcode: u64,
    mut body: Vec<u8>,
) -> std::io::Result<()> {
    let mut start = startcode.to_be_bytes().to_vec();
    push_v(&mut start, body.len() as u64 + 4);
    let sum = checksum(&body);
    body.extend(sum.to_be_bytes());
    stream.write_all(&start)?;
    stream.write_all(&body)
}

pub(super) fn push_v(bytes: &mut Vec<u8>, value: u64) {
    let groups = (64 - value.leading_zeros()).div_ceil(7).max(1);
    for group in (0..groups).rev() {
        let more = if group > 0 { 128 } else { 0 };
        bytes.push((value >> (7 * group)) as u8 & 127 | more);
    }
}

/// CRC-32 with the generator 0x04C11DB7, high bits first, from 0.
pub(super) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |mut sum: u32, byte| {
        sum ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            let carry = sum >> 31;
            sum = (sum << 1) ^ (carry * 0x04C1_1DB7);
        }
        sum
    })
}
