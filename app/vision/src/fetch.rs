//! The bytes of a row that new samples are made of, read eight samples at a time.
//!
//! Four samples and their neighbours lie within two runs of eight bytes, whatever the change of
//! size: they belong to at most two pixels. The runs are loaded as one register, and a byte shuffle
//! (AVX2's `pshufb`, NEON's `tbl`) brings each sample into a 32-bit lane.
#![allow(unsafe_code)]

/// What is read for each eight samples of a row.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    /// Bytes of a row.
    stride: usize,
    steps: Vec<Step>,
}

/// Eight samples: two halves of four.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Where the two runs of each half start, at least [`RUN`] bytes before the row's end.
    starts: [u32; 4],
    /// For the first and the second pixels' samples: which of its half's sixteen bytes each byte
    /// of the lanes is; [`ZERO`] for the upper three.
    shuffles: [[u8; 4 * STEP]; 2],
}

/// Samples of a step.
pub(crate) const STEP: usize = 8;

/// Bytes that are loaded together.
const RUN: usize = 8;

/// No byte: both instructions write 0.
const ZERO: u8 = 0x80;

impl Fetch {
    /// For samples that are made of the bytes at `first` and `second` of a row of `stride` bytes.
    /// `None` where four samples need more than two runs, or the row is shorter than one.
    pub(crate) fn new(stride: usize, first: &[usize], second: &[usize]) -> Option<Fetch> {
        let last = u32::try_from(stride.checked_sub(RUN)?).ok()?;
        let steps = first.chunks(STEP).zip(second.chunks(STEP));
        let steps = steps.map(|(first, second)| Step::new(last, first, second));
        Some(Fetch {
            stride,
            steps: steps.collect::<Option<Vec<Step>>>()?,
        })
    }

    /// The steps through a row, of which each reads within the row.
    pub(crate) fn steps<'a>(&'a self, row: &'a [u8]) -> impl Iterator<Item = (&'a Step, &'a [u8])> {
        let row = &row[..self.stride];
        self.steps.iter().map(move |step| (step, row))
    }
}

impl Step {
    fn new(last: u32, first: &[usize], second: &[usize]) -> Option<Step> {
        let mut step = Step {
            starts: [0; 4],
            shuffles: [[ZERO; 4 * STEP]; 2],
        };
        let halves = first.chunks(STEP / 2).zip(second.chunks(STEP / 2));
        for (half, (first, second)) in halves.enumerate() {
            let runs = runs(last, first.iter().chain(second))?;
            step.starts[2 * half..][..2].copy_from_slice(&runs);
            for (shuffle, places) in step.shuffles.iter_mut().zip([first, second]) {
                let lanes = shuffle[2 * STEP * half..].iter_mut().step_by(4);
                for (lane, &place) in lanes.zip(places) {
                    *lane = within(runs, place)?;
                }
            }
        }
        Some(step)
    }
}

/// Where two runs start that hold all places, if they do; none starts behind `last`.
fn runs<'a>(last: u32, places: impl Iterator<Item = &'a usize> + Clone) -> Option<[u32; 2]> {
    let start = |place: usize| Some(u32::try_from(place).ok()?.min(last));
    let low = start(*places.clone().min()?)?;
    let beyond = places.filter(|&&place| place >= low as usize + RUN).min();
    let high = beyond.map_or(Some(low), |&place| start(place))?;
    Some([low, high])
}

/// Which byte of the runs a place is.
fn within(runs: [u32; 2], place: usize) -> Option<u8> {
    let found = runs.iter().enumerate().find_map(|(run, &start)| {
        let at = place.checked_sub(start as usize)?;
        (at < RUN).then_some(RUN * run + at)
    })?;
    u8::try_from(found).ok()
}

/// The four runs of a step.
///
/// # Safety
/// `row` must be the one that [`Fetch::steps`] gives with the step.
#[inline(always)]
unsafe fn load(step: &Step, row: &[u8]) -> [u64; 4] {
    step.starts.map(|start| {
        let at = row.as_ptr().wrapping_add(start as usize).cast::<u64>();
        // SAFETY: `Step::new` keeps every start `RUN` bytes before the end of the stride, and
        // `Fetch::steps` cuts the row to just that.
        unsafe { at.read_unaligned() }
    })
}

/// First and second samples of a step.
///
/// # Safety
/// `row` must be the one that [`Fetch::steps`] gives with the step.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(crate) unsafe fn samples_avx2(step: &Step, row: &[u8]) -> [[i32; STEP]; 2] {
    use std::arch::x86_64::*;
    // SAFETY: as the caller says.
    let runs = unsafe { load(step, row) };
    let [a, b, c, d] = runs.map(u64::cast_signed);
    let bytes = _mm256_set_epi64x(d, c, b, a);
    step.shuffles.map(|shuffle| {
        // SAFETY: both are 32 bytes of which every pattern is a value.
        let shuffle: __m256i = unsafe { std::mem::transmute(shuffle) };
        // SAFETY: as above.
        unsafe { std::mem::transmute(_mm256_shuffle_epi8(bytes, shuffle)) }
    })
}

/// First and second samples of a step.
///
/// # Safety
/// `row` must be the one that [`Fetch::steps`] gives with the step.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
pub(crate) unsafe fn samples_neon(step: &Step, row: &[u8]) -> [[i32; STEP]; 2] {
    use std::arch::aarch64::{uint8x16_t, vqtbl1q_u8};
    // SAFETY: as the caller says.
    let [a, b, c, d] = unsafe { load(step, row) };
    // SAFETY: both are 32 bytes of which every pattern is a value.
    let halves: [uint8x16_t; 2] = unsafe { std::mem::transmute([a, b, c, d]) };
    step.shuffles.map(|shuffle| {
        // SAFETY: both are 32 bytes of which every pattern is a value.
        let shuffle: [uint8x16_t; 2] = unsafe { std::mem::transmute(shuffle) };
        // SAFETY: NEON is part of every aarch64 that Rust compiles for.
        let lanes = unsafe {
            [
                vqtbl1q_u8(halves[0], shuffle[0]),
                vqtbl1q_u8(halves[1], shuffle[1]),
            ]
        };
        // SAFETY: both are 32 bytes of which every pattern is a value.
        unsafe { std::mem::transmute(lanes) }
    })
}
