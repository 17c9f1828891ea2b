//! The method in plain Rust, for the compiler to vectorise with the baseline's instructions.
//!
//! Without a byte shuffle a look-up is no gain, so a unit is one channel, its table the code
//! sixteen times over, and its index a mask: sixteen output channels take one `and` and one `add`.

use super::arch::{Arch, Look, Names, Pace, Patch, Row, TABLE, names};
use super::finish::{self, Pixels, Run};
use super::multiplied::Multiplied;

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

const LANES: usize = 64;
const PIXELS: usize = 2;

type Bytes = [[u8; TABLE]; LANES / TABLE];

impl Arch for Portable {
    const NAMES: Names = names!("portable", "mask");
    const LANES: usize = LANES;
    const UNIT: usize = 1;
    const TABLE: usize = TABLE;
    const BAND_BYTES: usize = 256 << 10;
    const STEP: usize = 1;
    const PACE: [Pace; 4] = [
        Pace { run: 1, runs: 255 },
        Pace { run: 1, runs: 85 },
        Pace { run: 1, runs: 36 },
        Pace { run: 1, runs: 17 },
    ];
    const PATCH: Patch = Patch {
        size: [1, 2],
        aligned: false,
    };
    const POOLED_PATCH: Patch = Patch {
        size: [2, 2],
        aligned: true,
    };

    fn index(counted: &[bool]) -> u8 {
        if counted[0] { 0xff } else { 0 }
    }

    fn tables(self, row: Row<'_>, tables: &mut [u8], unit_pitch: usize, sums: &mut [i32]) {
        for (x, sum) in sums.iter_mut().enumerate() {
            let codes = &row.codes[x * row.pitch..][..row.channels];
            *sum = codes.iter().map(|code| i32::from(*code)).sum();
            for (unit, code) in codes.iter().enumerate() {
                tables[unit * unit_pitch + x * TABLE..][..TABLE].fill(*code);
            }
        }
    }

    fn tiles(self, look: Look<'_>, tables: &[u8], bases: &[u32], sums: &mut [u16], fresh: bool) {
        if fresh {
            sums.fill(0);
        }
        let tiles = bases.as_chunks().0.iter();
        for (bases, sums) in tiles.zip(sums.as_chunks_mut().0) {
            tile(look, tables, *bases, sums);
        }
    }

    fn multiplied_tiles(
        self,
        look: Multiplied<'_>,
        tables: &[u8],
        bases: &[u32],
        sums: &mut [i32],
    ) {
        look.check(LANES, TABLE, bases, tables.len());
        for (base, sums) in bases.iter().zip(sums.as_chunks_mut().0) {
            multiplied_pixel(look, &tables[*base as usize..], sums);
        }
    }

    fn codes(self, mut run: Run<'_, u16>, thresholds: &[i16]) {
        let shift = run.shift;
        for n in 0..run.targets.len() {
            if run.window == 1 {
                count_reached(run.pixels::<1>(n, LANES), shift, thresholds);
            } else {
                count_reached(run.pixels::<4>(n, LANES), shift, thresholds);
            }
        }
    }

    fn lane(channel: usize) -> usize {
        channel
    }

    fn wide_codes(self, run: Run<'_, i32>, thresholds: &[i32]) {
        finish::wide_codes::<LANES>(run, thresholds);
    }

    fn wide_lane(channel: usize) -> usize {
        channel
    }

    fn widen(self, sums: &[u16], wide: &mut [i32]) {
        wide.iter_mut()
            .zip(sums)
            .for_each(|(wide, sum)| *wide += i32::from(*sum));
    }
}

/// The codes of an output pixel, if there is one.
#[inline(always)]
fn count_reached<const N: usize>(
    pixels: Option<Pixels<'_, u16, N>>,
    shift: u32,
    thresholds: &[i16],
) {
    let Some(pixels) = pixels else { return };
    let mut largest = [i16::MIN; LANES];
    for (sums, area) in pixels.sums.into_iter().zip(pixels.areas) {
        for (largest, sum) in largest.iter_mut().zip(sums) {
            *largest = (*largest).max((sum << shift).wrapping_sub(area as u16) as i16);
        }
    }
    let mut counts = [0i16; LANES];
    for step in thresholds.as_chunks::<LANES>().0 {
        for ((count, acc), t) in counts.iter_mut().zip(largest).zip(step) {
            *count += i16::from(acc > *t);
        }
    }
    for (code, count) in pixels.codes.iter_mut().zip(counts) {
        *code = count as u8;
    }
}

/// Adds look-ups of two pixels to their sums.
fn tile(look: Look<'_>, tables: &[u8], bases: [u32; PIXELS], sums: &mut [u16; PIXELS * LANES]) {
    let offsets = look.lookups.offsets().chunks(look.pace.runs);
    for (offsets, indices) in offsets.zip(look.indices.chunks(look.pace.runs * LANES)) {
        let mut bytes = [[[0; TABLE]; LANES / TABLE]; PIXELS];
        for (offset, masks) in offsets.iter().zip(indices.as_chunks::<LANES>().0) {
            for (bytes, base) in bytes.iter_mut().zip(bases) {
                add_masked(bytes, &tables[(base + offset) as usize..], masks);
            }
        }
        for (sum, byte) in sums.iter_mut().zip(bytes.as_flattened().as_flattened()) {
            *sum = sum.wrapping_add(u16::from(*byte));
        }
    }
}

/// Adds look-ups of a pixel to its sums, multiplied by position.
fn multiplied_pixel(look: Multiplied<'_>, tables: &[u8], sums: &mut [i32; LANES]) {
    let mut indices = look.indices.as_chunks::<LANES>().0.iter();
    for position in look.positions {
        let mut found = [0u16; LANES];
        for _ in 0..look.planes {
            let mut tables = tables[position.offset as usize..].chunks(look.unit_pitch);
            for run in look.runs() {
                let mut bytes = [[0; TABLE]; LANES / TABLE];
                for (masks, table) in (&mut indices).zip(&mut tables).take(run) {
                    add_masked(&mut bytes, table, masks);
                }
                for (sum, byte) in found.iter_mut().zip(bytes.as_flattened()) {
                    *sum += u16::from(*byte);
                }
            }
        }
        for (sum, found) in sums.iter_mut().zip(found) {
            *sum += position.multiplier * i32::from(found);
        }
    }
}

#[inline(always)]
fn add_masked(bytes: &mut Bytes, table: &[u8], masks: &[u8; LANES]) {
    let table: [u8; TABLE] = std::array::from_fn(|i| table[i]);
    for (bytes, masks) in bytes.iter_mut().zip(masks.as_chunks::<TABLE>().0) {
        for i in 0..TABLE {
            bytes[i] = bytes[i].wrapping_add(table[i] & masks[i]);
        }
    }
}
