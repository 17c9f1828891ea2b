//! Inner loops for AVX2: `vpmaddwd` multiplies pairs of elements by pairs of weights and adds them.
//!
//! A tile of 6 pixels times 16 channels has twelve registers of sums, two of weights and one that
//! spreads a pixel's pair: fifteen of the sixteen.

#![allow(unsafe_code)]

use super::arch::{Arch, Bytes, Codes, LANES, Sums, Tile};
use super::finish::{PixelFinish, Row};
use super::levels::{Bend, Change, Factors, Floats, Levels, ROUND};
use super::portable;
use crate::isa::Avx2;
use std::arch::x86_64::*;

/// Pixels of a tile.
const PIXELS: usize = 6;

impl Arch for Avx2 {
    const NAME: &'static str = "avx2-integer";
    const PIXELS: usize = PIXELS;
    const STEP: usize = 2;
    const GROUP: usize = 2;
    type Element = i16;
    type Weight = i16;

    fn dense(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, LANES);
        // SAFETY: the token proves AVX2; the check proves that all windows and weights are there.
        unsafe { dense(tile, sums) }
    }

    fn by_channel(self, tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
        tile.check(PIXELS, 1);
        // SAFETY: the token proves AVX2; the check proves that all windows and weights are there.
        unsafe { by_channel(tile, sums) }
    }

    /// By pairs of positions: the weights of eight channels, those that `vpunpcklwd` puts side by
    /// side, then of the eight that `vpunpckhwd` does.
    fn place_by_channel(position: usize, lane: usize) -> usize {
        let (half, slot) = (lane / 4 % 2, lane / 8 * 4 + lane % 4);
        position / 2 * 2 * LANES + half * LANES + 2 * slot + position % 2
    }

    fn finish(self, finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        // SAFETY: the token proves AVX2.
        unsafe { apply(finish, panel, sums, row) }
    }

    fn requantize(
        self,
        levels: &Levels,
        panel: usize,
        sums: &Sums,
        count: usize,
        bytes: &mut Bytes,
    ) {
        let (sums, bytes) = (sums.as_chunks().0, bytes.as_chunks_mut().0);
        for i in 0..count.div_ceil(PIXELS) {
            // SAFETY: the token proves AVX2 and FMA.
            unsafe { requantize(levels, panel, &sums[i], &mut bytes[i]) }
        }
    }

    fn fill(self, codes: Codes<'_>, zero: i32, out: &mut [i16]) {
        // SAFETY: the token proves AVX2.
        unsafe { widen(codes, zero, out) }
    }
}

/// # Safety
/// [`Tile::check`] must hold for six pixels, and every run be a multiple of two.
#[target_feature(enable = "avx2")]
unsafe fn dense(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    let mut acc = [[_mm256_setzero_si256(); 2]; PIXELS];
    let mut weights = tile.weights.as_ptr();
    for run in tile.window.runs() {
        let window = tile.slab.as_ptr().wrapping_add(run.start);
        let mut pixels = [window; PIXELS];
        for p in 0..PIXELS {
            pixels[p] = window.wrapping_add(tile.bases[p]);
        }
        for k in (0..run.len).step_by(2) {
            // SAFETY: 32 weights for each pair of elements, by the contract.
            let (low, high) = unsafe {
                (
                    _mm256_loadu_si256(weights.cast()),
                    _mm256_loadu_si256(weights.add(LANES).cast()),
                )
            };
            weights = weights.wrapping_add(2 * LANES);
            for p in 0..PIXELS {
                // SAFETY: two elements of the pixel's run, by the contract.
                let pair = unsafe { pixels[p].add(k).cast::<i32>().read_unaligned() };
                let pair = _mm256_set1_epi32(pair);
                acc[p][0] = _mm256_add_epi32(acc[p][0], _mm256_madd_epi16(pair, low));
                acc[p][1] = _mm256_add_epi32(acc[p][1], _mm256_madd_epi16(pair, high));
            }
        }
    }
    for p in 0..PIXELS {
        store(&mut sums[p], acc[p][0], acc[p][1]);
    }
}

/// Two positions at a time, their elements side by side channel by channel.
///
/// # Safety
/// [`Tile::check`] must hold for six pixels.
#[target_feature(enable = "avx2")]
unsafe fn by_channel(tile: &Tile<'_, i16, i16>, sums: &mut Sums) {
    let mut acc = [[_mm256_setzero_si256(); 2]; PIXELS];
    let slab = tile.slab.as_ptr();
    let mut all_weights = tile.weights.chunks_exact(2 * LANES);
    for runs in tile.window.runs().chunks(2) {
        let Some(weights) = all_weights.next() else {
            break;
        };
        // SAFETY: a chunk has 32 weights.
        let (low, high) = unsafe {
            (
                _mm256_loadu_si256(weights.as_ptr().cast()),
                _mm256_loadu_si256(weights.as_ptr().add(LANES).cast()),
            )
        };
        // The last of an odd number stands twice; its other weights are 0.
        let [first, second] = [runs[0].start, runs[runs.len() - 1].start];
        for p in 0..PIXELS {
            let window = slab.wrapping_add(tile.bases[p]);
            // SAFETY: sixteen elements of each run, by the contract.
            let (a, b) = unsafe {
                (
                    _mm256_loadu_si256(window.add(first).cast()),
                    _mm256_loadu_si256(window.add(second).cast()),
                )
            };
            let pairs = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
            acc[p][0] = _mm256_add_epi32(acc[p][0], _mm256_madd_epi16(pairs[0], low));
            acc[p][1] = _mm256_add_epi32(acc[p][1], _mm256_madd_epi16(pairs[1], high));
        }
    }
    for p in 0..PIXELS {
        // Channels 0 to 3 and 8 to 11 are in the low ones.
        let first = _mm256_permute2x128_si256::<0x20>(acc[p][0], acc[p][1]);
        let second = _mm256_permute2x128_si256::<0x31>(acc[p][0], acc[p][1]);
        store(&mut sums[p], first, second);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(sums: &mut [i32; LANES], low: __m256i, high: __m256i) {
    let to = sums.as_mut_ptr();
    // SAFETY: a pixel has sixteen sums.
    unsafe {
        _mm256_storeu_si256(to.cast(), low);
        _mm256_storeu_si256(to.add(8).cast(), high);
    }
}

#[target_feature(enable = "avx2")]
fn apply(finish: &PixelFinish, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
    finish.apply(panel, sums, row);
}

#[target_feature(enable = "avx2")]
fn widen(codes: Codes<'_>, zero: i32, out: &mut [i16]) {
    portable::widen(codes, zero, out);
}

/// The codes of six pixels.
#[target_feature(enable = "avx2,fma")]
fn requantize(
    levels: &Levels,
    panel: usize,
    sums: &[[i32; LANES]; PIXELS],
    bytes: &mut [[u8; LANES]; PIXELS],
) {
    let factors = &levels.lanes[panel];
    let mut indices = [[_mm256_setzero_si256(); 2]; PIXELS];
    for half in 0..2 {
        match &factors.floats {
            Some(floats) => {
                let half_floats = HalfFloats::load(floats, half);
                for p in 0..PIXELS {
                    indices[p][half] = half_floats.indices(eight(&sums[p], half));
                }
            }
            None => {
                let half_factors = Half::load(factors, half);
                for p in 0..PIXELS {
                    indices[p][half] = half_factors.indices(eight(&sums[p], half));
                }
            }
        }
    }
    let span = _mm256_set1_epi8(levels.span as i8);
    let mut pairs = [_mm256_setzero_si256(); PIXELS / 2];
    for i in 0..PIXELS / 2 {
        pairs[i] = _mm256_min_epu8(pack(indices[2 * i], indices[2 * i + 1], levels.bend), span);
    }
    if let Some(changes) = &levels.changes {
        pairs = lookup(changes, pairs);
    }
    for i in 0..PIXELS / 2 {
        // SAFETY: two pixels have 32 codes, one after the other.
        unsafe { _mm256_storeu_si256(bytes.as_mut_ptr().add(2 * i).cast(), pairs[i]) };
    }
}

/// Eight channels' factors in registers.
struct Half {
    least: __m256i,
    most: __m256i,
    multiplier: [__m256i; 2],
    offset: [__m256i; 2],
    shift: [__m256i; 2],
}

impl Half {
    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(factors: &Factors, half: usize) -> Half {
        let multiplier = eight(&factors.multiplier, half);
        let (offset, shift) = (&factors.offset, &factors.shift);
        Half {
            least: eight(&factors.least, half),
            most: eight(&factors.most, half),
            multiplier: [multiplier, _mm256_srli_epi64::<32>(multiplier)],
            offset: [four(&offset[0], half), four(&offset[1], half)],
            shift: [four(&shift[0], half), four(&shift[1], half)],
        }
    }

    /// The indices of eight sums, not yet cut at 0 and the span.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn indices(&self, sums: __m256i) -> __m256i {
        let sums = _mm256_min_epi32(_mm256_max_epi32(sums, self.least), self.most);
        let [even, odd] = [
            _mm256_mul_epi32(sums, self.multiplier[0]),
            _mm256_mul_epi32(_mm256_srli_epi64::<32>(sums), self.multiplier[1]),
        ];
        let even = _mm256_srlv_epi64(_mm256_add_epi64(even, self.offset[0]), self.shift[0]);
        let odd = _mm256_srlv_epi64(_mm256_add_epi64(odd, self.offset[1]), self.shift[1]);
        _mm256_blend_epi32::<0b1010_1010>(even, _mm256_slli_epi64::<32>(odd))
    }
}

/// Eight channels' factors for a fused multiply-add, in registers.
struct HalfFloats {
    bias: __m256i,
    least: __m256i,
    most: __m256i,
    factor: __m256,
    addend: __m256,
}

impl HalfFloats {
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn load(floats: &Floats, half: usize) -> HalfFloats {
        HalfFloats {
            bias: eight(&floats.bias, half),
            least: eight(&floats.least, half),
            most: eight(&floats.most, half),
            factor: _mm256_castsi256_ps(eight(bytemuck::cast_ref(&floats.factor), half)),
            addend: _mm256_castsi256_ps(eight(bytemuck::cast_ref(&floats.addend), half)),
        }
    }

    /// The indices of eight sums, not yet cut at 0 and the span.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn indices(&self, sums: __m256i) -> __m256i {
        let sums = _mm256_add_epi32(sums, self.bias);
        let sums = _mm256_min_epi32(_mm256_max_epi32(sums, self.least), self.most);
        let rounded = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sums), self.factor, self.addend);
        let round = _mm256_set1_epi32(ROUND.to_bits() as i32);
        _mm256_sub_epi32(_mm256_castps_si256(rounded), round)
    }
}

/// A half of sixteen numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn eight(lanes: &[i32; LANES], half: usize) -> __m256i {
    let lanes = &lanes[8 * half..][..8];
    // SAFETY: there are eight.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

/// A half of eight numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn four(lanes: &[i64; LANES / 2], half: usize) -> __m256i {
    let lanes = &lanes[4 * half..][..4];
    // SAFETY: there are four.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

/// The indices of two pixels in bytes, bent, then cut at 0 and 255.
#[inline]
#[target_feature(enable = "avx2")]
fn pack(first: [__m256i; 2], second: [__m256i; 2], bend: Option<Bend>) -> __m256i {
    let mut first = _mm256_packs_epi32(first[0], first[1]);
    let mut second = _mm256_packs_epi32(second[0], second[1]);
    if let Some(bend) = bend {
        (first, second) = (bent(first, bend), bent(second, bend));
    }
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, second), order)
}

/// [`Bend::apply`]; what is cut at the ends of 16 bits is cut again at those of a byte.
#[inline]
#[target_feature(enable = "avx2")]
fn bent(indices: __m256i, bend: Bend) -> __m256i {
    let distance = _mm256_subs_epi16(indices, _mm256_set1_epi16(bend.from));
    let shifted = _mm256_sra_epi16(distance, _mm_cvtsi32_si128(bend.shift.into()));
    _mm256_adds_epi16(
        _mm256_max_epi16(distance, shifted),
        _mm256_set1_epi16(bend.to),
    )
}

/// The table's entry for each byte. `vpshufb` looks up sixteen entries and gives 0 for negative
/// bytes; so an entry is all that has changed up to it, with every byte less each time.
#[inline]
#[target_feature(enable = "avx2")]
fn lookup<const N: usize>(changes: &[Vec<Change>; 2], bytes: [__m256i; N]) -> [__m256i; N] {
    let mut found = [_mm256_setzero_si256(); N];
    for half in 0..2 {
        // The other half's bytes are negative.
        let flip = _mm256_set1_epi8(if half == 0 { 0 } else { -128 });
        let mut rest = bytes;
        for i in 0..N {
            rest[i] = _mm256_xor_si256(bytes[i], flip);
        }
        for change in &changes[half] {
            // SAFETY: a change has 32 bytes of each.
            let (entries, above) = unsafe {
                (
                    _mm256_load_si256(change.entries.as_ptr().cast()),
                    _mm256_load_si256(change.above.as_ptr().cast()),
                )
            };
            for i in 0..N {
                rest[i] = _mm256_subs_epi8(rest[i], above);
                found[i] = _mm256_xor_si256(found[i], _mm256_shuffle_epi8(entries, rest[i]));
            }
        }
    }
    found
}
