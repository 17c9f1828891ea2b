//! The packets of a configuration stream (UG470, UG570: "Bitstream Composition", "Packet Types").
//!
//! Padding and bus-width words, the sync word, then packets of 32-bit words: type 1 names a register and
//! has up to 2,047 words, type 2 goes on with the register before it and has many. A stream names
//! its device (IDCODE) before any of its data, and ends by leaving the synchronised state (the command
//! DESYNC); padding follows. Seen so in streams of the 7 series and of UltraScale+, plain,
//! compressed and partial.

use super::bitstream::Fault;
use tincy_bitstreams::idcode::Idcode;

/// The sync word.
const SYNC: u32 = 0xaa99_5566;

/// How far in the sync word may be; the tools put it behind 48 or 80 bytes.
const SEARCHED: usize = 4096;

/// Registers.
const COMMAND: u32 = 4;
const OPTIONS0: u32 = 9;
const IDCODE: u32 = 12;

/// The command DESYNC.
const DESYNC: u32 = 13;

/// In which order the bytes of a word are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As a `.bit` file has them.
    Plain,
    /// Each word turned, as the kernel wants them.
    Swapped,
}

/// What a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) idcode: Idcode,
    /// It does not set the options of the start-up, so that it only changes a design that runs.
    pub(super) partial: bool,
}

/// The order of a stream's words, by its sync word, and the word's place.
pub(super) fn order(stream: &[u8]) -> Option<(Order, usize)> {
    let words = stream.chunks_exact(4).take(SEARCHED / 4).enumerate();
    let mut found = words.filter_map(|(index, word)| match number(word) {
        SYNC => Some((Order::Plain, index)),
        word if word == SYNC.swap_bytes() => Some((Order::Swapped, index)),
        _ => None,
    });
    found.next()
}

/// Turns each word of a stream.
pub(super) fn swap(stream: &[u8]) -> Vec<u8> {
    let words = stream.chunks_exact(4);
    words
        .flat_map(|word| [word[3], word[2], word[1], word[0]])
        .collect()
}

/// Follows the packets of a plain stream behind its sync word to its end.
pub(super) fn content(stream: &[u8], sync: usize) -> Result<Content, Fault> {
    let words = stream.len() / 4;
    let word = |index: usize| number(&stream[4 * index..4 * index + 4]);
    let (mut idcode, mut partial) = (None, true);
    let (mut at, mut register) = (sync + 1, None);
    while at < words {
        let packet = Packet::of(word(at)).ok_or_else(|| {
            let (found, place) = (word(at), 4 * at);
            Fault::new(format!(
                "{found:#010x} at byte {place} of its stream is no packet"
            ))
        })?;
        register = packet.register.or(register);
        let end = at + 1 + packet.count;
        if end > words {
            let left = words - at - 1;
            let count = packet.count;
            return Err(Fault::new(format!(
                "cut off: a packet of {count} words, {left} are there"
            )));
        }
        if packet.writes && packet.count > 0 {
            match register {
                Some(IDCODE) => idcode = Some(Idcode(word(at + 1))),
                Some(OPTIONS0) => partial = false,
                Some(COMMAND) if word(at + 1) == DESYNC => {
                    let unnamed = || Fault::new("it names no device (no IDCODE packet)");
                    let idcode = idcode.ok_or_else(unnamed)?;
                    return Ok(Content { idcode, partial });
                }
                _ => {}
            }
        }
        at = end;
    }
    Err(Fault::new(
        "cut off: its stream does not come to an end (no DESYNC)",
    ))
}

/// The head of a packet.
struct Packet {
    /// None for type 2, which goes on with the one before.
    register: Option<u32>,
    writes: bool,
    /// Words that follow.
    count: usize,
}

impl Packet {
    fn of(word: u32) -> Option<Packet> {
        let writes = word >> 27 & 3 == 2;
        match word >> 29 {
            1 => Some(Packet {
                register: Some(word >> 13 & 0x3fff),
                writes,
                count: (word & 0x7ff) as usize,
            }),
            2 => Some(Packet {
                register: None,
                writes,
                count: (word & 0x07ff_ffff) as usize,
            }),
            _ => None,
        }
    }
}

fn number(word: &[u8]) -> u32 {
    word.iter()
        .fold(0, |number, byte| number << 8 | u32::from(*byte))
}
