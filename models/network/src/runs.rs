//! Sparse ternary weights at rest: how far it is from each weight that is not zero to the next.
//!
//! A symbol is a run of `r` bits, the number of zeros before a weight, and a bit for its sign, 1 for -1.
//! A run of all ones is a filler: `2^r - 1` zeros and no weight, so no sign. Zeros behind the last weight
//! are not told. Bits fill bytes from the lowest on, the last one up with ones, which are fillers or less
//! than a run; the first byte holds `r`, 1 to 8.
//!
//! At 2 % of weights that are not zero and `r` of 6 this takes 0.19 bits a weight, against 1 for binary
//! and 2 for dense ternary weights (a form that suits arXiv:1709.06262, whose sizes it gives; the paper
//! does not tell its own).

use crate::{Error, WeightKind, Weights};

/// The most weights a byte of code stands for, so that a short file cannot ask for much memory; sparser
/// tensors are stored densely.
const MOST: usize = 4096;

/// The shortest code of these weights, if any is shorter than `limit` bytes.
pub(crate) fn encode(weights: &[i8], limit: usize) -> Option<Vec<u8>> {
    let places: Vec<usize> = (0..weights.len()).filter(|i| weights[*i] != 0).collect();
    let bytes = |r: &u32| 1 + bits(&places, *r).div_ceil(8);
    let r = (1..=8).min_by_key(bytes)?;
    let fits = bytes(&r) < limit && weights.len() <= MOST * bytes(&r);
    fits.then(|| write(weights, &places, r))
}

/// Zeros before each weight that is not.
fn runs(places: &[usize]) -> impl Iterator<Item = usize> {
    let before = std::iter::once(0).chain(places.iter().map(|place| place + 1));
    places.iter().zip(before).map(|(place, from)| place - from)
}

/// Bits of the code with runs of `r` bits.
fn bits(places: &[usize], r: u32) -> usize {
    let filler = (1usize << r) - 1;
    let bits = runs(places).map(|run| run / filler * r as usize + r as usize + 1);
    bits.sum()
}

fn write(weights: &[i8], places: &[usize], r: u32) -> Vec<u8> {
    let filler = (1usize << r) - 1;
    let mut out = Bits {
        bytes: vec![r as u8],
        used: 8,
    };
    for (run, place) in runs(places).zip(places) {
        for _ in 0..run / filler {
            out.push(filler, r);
        }
        out.push(run % filler, r);
        out.push(usize::from(weights[*place] < 0), 1);
    }
    out.push(0xff, 8 - out.used);
    out.bytes
}

struct Bits {
    bytes: Vec<u8>,
    /// Bits of the last byte that are taken.
    used: u32,
}

impl Bits {
    fn push(&mut self, value: usize, count: u32) {
        for bit in 0..count {
            if self.used == 8 {
                self.bytes.push(0);
                self.used = 0;
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= ((value >> bit & 1) as u8) << self.used;
            self.used += 1;
        }
    }
}

/// The `count` ternary weights that a code stands for.
///
/// # Errors
/// If it is no code, or goes on behind the last weight.
pub(crate) fn decode(code: &[u8], count: usize) -> Result<Weights, Error> {
    let refused = |expected: &str, found: String| Error::layer("runs of weights", expected, found);
    if count > MOST * code.len() {
        return Err(refused("more bytes", format!("{} for {count}", code.len())));
    }
    let Some((r @ 1..=8, code)) = code.split_first().map(|(r, code)| (usize::from(*r), code))
    else {
        return Err(refused(
            "a first byte of 1 to 8",
            format!("{:?}", code.first()),
        ));
    };
    let field = |at: usize, bits: usize| {
        let low = u16::from(code[at / 8]);
        let high = u16::from(code.get(at / 8 + 1).copied().unwrap_or(0));
        usize::from((low | high << 8) >> (at % 8)) & ((1 << bits) - 1)
    };
    let (filler, end) = ((1 << r) - 1, code.len() * 8);
    let mut weights = vec![0i8; count];
    let (mut at, mut place) = (0, 0usize);
    while at + r <= end {
        let run = field(at, r);
        (at, place) = (at + r, place + run);
        if run == filler {
            continue;
        }
        if place >= count || at == end {
            return Err(refused("places of weights", format!("{place} of {count}")));
        }
        weights[place] = 1 - 2 * field(at, 1) as i8;
        (at, place) = (at + 1, place + 1);
    }
    Weights::integers(WeightKind::Ternary, &weights)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The codes of the golden file: `keep` percent are not zero.
    fn codes(seed: u64, count: usize, keep: u64) -> Vec<i8> {
        let mut x = seed;
        let mut next = move || {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            x >> 32
        };
        let code = |_| {
            let kept = (next() * 100) >> 32 < keep;
            match kept {
                true => (next() % 2) as i8 * 2 - 1,
                false => 0,
            }
        };
        (0..count).map(code).collect()
    }

    /// `ternary.json`, sizes: seed, weights, percent, not zero, bits for runs of 3, 4, 5, 6 and 8.
    const SIZES: [(u64, usize, u64, usize, [usize; 5]); 6] = [
        (31, 4096, 1, 40, [1843, 1196, 795, 562, 384]),
        (32, 4096, 2, 86, [1937, 1326, 976, 788, 774]),
        (33, 8192, 5, 397, [4450, 3437, 2932, 2911, 3573]),
        (34, 16384, 10, 1709, [11270, 10173, 10514, 11969, 15381]),
        (35, 65536, 20, 13248, [63201, 68136, 79548, 92736, 119_232]),
        (36, 4096, 50, 2061, [8295, 10305, 12366, 14427, 18549]),
    ];

    #[test]
    fn sizes_are_those_of_an_independent_coder() {
        for (seed, count, keep, left, sizes) in SIZES {
            let codes = codes(seed, count, keep);
            let places: Vec<usize> = (0..count).filter(|i| codes[*i] != 0).collect();
            assert_eq!(places.len(), left);
            assert_eq!([3, 4, 5, 6, 8].map(|r| bits(&places, r)), sizes);
        }
    }

    #[test]
    fn dense_weights_are_not_coded() {
        assert_eq!(encode(&[1; 4096], 1024), None);
        assert_eq!(encode(&[0; 100_000], 25_000), None);
        let sparse = codes(32, 4096, 2);
        assert!(encode(&sparse, 1024).unwrap().len() < 100);
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let code = encode(&codes(33, 8192, 5), 2048).unwrap();
        assert!(decode(&code, 8192).is_ok());
        assert!(decode(&[], 8).is_err());
        assert!(decode(&[0, 1, 2], 8).is_err());
        assert!(decode(&[9, 1, 2], 8).is_err());
        assert!(decode(&code, 100).is_err());
        assert!(decode(&code, usize::MAX).is_err());
    }

    proptest! {
        #[test]
        fn weights_come_back(
            runs in prop::collection::vec((0usize..600, any::<bool>()), 0..60), tail in 0usize..600
        ) {
            let mut weights = Vec::new();
            for (run, negative) in runs {
                weights.extend(vec![0i8; run]);
                weights.push(if negative { -1 } else { 1 });
            }
            weights.extend(vec![0i8; tail]);
            if let Some(code) = encode(&weights, usize::MAX) {
                prop_assert_eq!(decode(&code, weights.len()).unwrap().unpack(), weights);
            }
        }

        #[test]
        fn any_bytes_end(code in prop::collection::vec(any::<u8>(), 0..40), count in 0usize..5000) {
            let _ = decode(&code, count);
        }
    }
}
