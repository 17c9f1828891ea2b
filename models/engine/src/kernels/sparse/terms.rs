//! The non-zero weights of a channel as lists of places, cut so that no narrow sum overflows.
//!
//! An element is `code - smallest code`, from 0 to `most`. A *segment* has so few terms that their sum,
//! started from `bias = most * (terms with a minus)`, ends within 0 to 255, so a byte holds it in
//! whatever order the terms come. A *part* has as many terms as 16 bits can take; nearly every
//! channel is one part. A weight of 2 is two terms.

use std::ops::Range;
use tincy_network::Code;

/// Terms of a byte sum below which bytes are no gain, and terms are added in 16 bits at once.
const FEWEST_A_BYTE: usize = 8;

/// How long lists may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest element.
    most: usize,
    /// Terms of a segment and of a part.
    segment: usize,
    part: usize,
    /// Whether terms are added in 16 bits at once.
    wide: bool,
}

impl Limits {
    /// For elements of `code`. If sums are `modular`, they fit 16 bits at their end, whatever they
    /// pass on the way, and every channel is one part.
    pub(super) fn new(code: Code, modular: bool) -> Limits {
        let most = (code.max() - code.min()) as usize;
        let in_byte = usize::from(u8::MAX) / most;
        let wide = in_byte < FEWEST_A_BYTE;
        Limits {
            most,
            segment: if wide { usize::MAX } else { in_byte },
            part: match modular {
                true => usize::MAX,
                false => i16::MAX as usize / most,
            },
            wide,
        }
    }
}

/// Terms of a byte sum: those that are added, then those that are taken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Segment {
    pub(super) bias: u8,
    pub(super) plus: usize,
    pub(super) minus: usize,
}

/// Segments of a sum of 16 bits.
#[derive(Clone, Debug)]
struct Part {
    start: i16,
    segments: Range<usize>,
    places: Range<usize>,
}

/// A part as the inner loops read it.
#[derive(Clone, Copy)]
pub(super) struct List<'a> {
    /// What the sum of 16 bits starts from; the biases are made up for.
    pub(super) start: i16,
    pub(super) segments: &'a [Segment],
    /// Where each term's element lies, segment by segment.
    pub(super) places: &'a [u32],
    /// No place is beyond this.
    pub(super) farthest: u32,
    /// How many places of other parts stand before.
    pub(super) before: usize,
    /// Whether terms are added in 16 bits at once.
    pub(super) wide: bool,
}

/// The parts of all channels.
#[derive(Debug)]
pub(super) struct Lists {
    limits: Limits,
    parts: Vec<Part>,
    /// Where the parts of each channel end.
    ends: Vec<usize>,
    segments: Vec<Segment>,
    places: Vec<u32>,
    farthest: u32,
}

impl Lists {
    pub(super) fn new(limits: Limits) -> Lists {
        Lists {
            limits,
            parts: Vec::new(),
            ends: Vec::new(),
            segments: Vec::new(),
            places: Vec::new(),
            farthest: 0,
        }
    }

    /// The next channel: places of its terms, and what its sum starts from.
    pub(super) fn push(&mut self, plus: &[u32], minus: &[u32], mut start: i16) {
        let (first, count) = (self.places.len(), plus.len() + minus.len());
        self.places.extend_from_slice(plus);
        self.places.extend_from_slice(minus);
        let own = self.places[first..].iter();
        self.farthest = own.fold(self.farthest, |most, place| most.max(*place));
        let mut at = 0usize;
        // A channel without terms has a part too.
        loop {
            let end = count.min(at.saturating_add(self.limits.part));
            self.push_part(first, at..end, plus.len(), start);
            (at, start) = (end, 0);
            if at == count {
                break;
            }
        }
        self.ends.push(self.parts.len());
    }

    fn push_part(&mut self, first: usize, terms: Range<usize>, pluses: usize, mut start: i16) {
        let before = self.segments.len();
        for at in terms.clone().step_by(self.limits.segment) {
            let end = terms.end.min(at.saturating_add(self.limits.segment));
            let plus = pluses.clamp(at, end) - at;
            let minus = end - at - plus;
            let bias = if self.limits.wide {
                0
            } else {
                self.limits.most * minus
            };
            start = start.wrapping_sub(bias as i16);
            self.segments.push(Segment {
                bias: bias as u8,
                plus,
                minus,
            });
        }
        self.parts.push(Part {
            start,
            segments: before..self.segments.len(),
            places: first + terms.start..first + terms.end,
        });
    }

    /// The parts of a channel, one at least.
    pub(super) fn channel(&self, channel: usize) -> impl Iterator<Item = List<'_>> {
        let first = channel.checked_sub(1).map_or(0, |before| self.ends[before]);
        (first..self.ends[channel]).map(|part| self.part(part))
    }

    fn part(&self, part: usize) -> List<'_> {
        let part = &self.parts[part];
        List {
            start: part.start,
            segments: &self.segments[part.segments.clone()],
            places: &self.places[part.places.clone()],
            farthest: self.farthest,
            before: part.places.start,
            wide: self.limits.wide,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(code: Code, modular: bool, plus: u32, minus: u32) -> Lists {
        let mut lists = Lists::new(Limits::new(code, modular));
        let all: Vec<u32> = (0..plus + minus).collect();
        lists.push(&all[..plus as usize], &all[plus as usize..], 5);
        lists
    }

    #[test]
    fn segments_end_before_a_byte_overflows() {
        let lists = lists(Code::unsigned(3, 1.0), true, 40, 30);
        let part = lists.channel(0).next().unwrap();
        let expected =
            [(0, 36, 0), (210, 4, 30)].map(|(bias, plus, minus)| Segment { bias, plus, minus });
        assert_eq!(part.segments, expected, "36 terms of 7 are 252");
        assert_eq!((part.start, part.places.len()), (5 - 210, 70));
    }

    #[test]
    fn parts_end_before_16_bits_overflow() {
        let lists = lists(Code::unsigned(8, 1.0), false, 130, 129);
        let parts: Vec<List<'_>> = lists.channel(0).collect();
        let found = parts.iter().map(|p| (p.start, p.before, p.places.len()));
        let expected = [(5, 0, 128), (0, 128, 128), (0, 256, 3)];
        assert!(found.eq(expected), "128 terms of 255 are 32640");
        assert!(parts.iter().all(|part| part.wide));
    }

    #[test]
    fn a_channel_without_weights_has_its_start() {
        let lists = lists(Code::unsigned(2, 1.0), false, 0, 0);
        let parts: Vec<List<'_>> = lists.channel(0).collect();
        assert_eq!(parts.len(), 1);
        assert_eq!((parts[0].start, parts[0].segments.len()), (5, 0));
    }
}
