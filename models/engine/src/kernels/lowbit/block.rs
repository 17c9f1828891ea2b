//! One block of channels of a band: its tiles, and what becomes of their sums.

#![allow(unsafe_code)]

use super::arch::{Arch, Look};
use super::finish::{self, Finish, Output, Run};
use super::layer::Lookup;
use super::multiplied::Multiplied;
use super::pack::Block;
use crate::parts::Parts;
use std::ops::Range;
use tincy_network::Affine;

/// Tables of a band, ready to be looked into.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub tables: &'a [u8],
    pub areas: &'a [i32],
    /// Rows that are computed.
    pub rows: usize,
    /// First pixel of the band's output.
    pub first_pixel: usize,
}

impl<A: Arch> Lookup<A> {
    /// Computes one block of channels of a band.
    pub(super) fn run_block(
        &self,
        view: &View<'_>,
        block: usize,
        sums: &mut [u16],
        wide: &mut [i32],
        output: &Output<'_>,
    ) {
        let patches = self.geometry.patches(view.rows);
        let per_patch = self.geometry.patch_slots() * A::LANES;
        for first in (0..patches).step_by(self.patches_at_once) {
            let patches = first..patches.min(first + self.patches_at_once);
            let count = patches.len() * per_patch;
            if self.finish.is_wide() {
                wide[..count].fill(0);
            }
            if self.positions.is_empty() {
                self.run_tiles(view, block, patches.clone(), &mut sums[..count], wide);
            } else {
                self.run_multiplied(view, block, patches.clone(), &mut wide[..count]);
            }
            match (&self.finish, output) {
                (Finish::Narrow(thresholds), Output::Codes(codes)) => {
                    let run = self.finish_run(view, block, patches, &sums[..count], codes);
                    self.arch.codes(run, thresholds.block(block));
                }
                (Finish::Wide(thresholds), Output::Codes(codes)) => {
                    let run = self.finish_run(view, block, patches, &wide[..count], codes);
                    self.arch.wide_codes(run, thresholds.block(block));
                }
                (Finish::Affine(affine), _) => {
                    self.finish_affine(view, block, patches, wide, affine, output);
                }
                _ => unreachable!("thresholds give codes"),
            }
        }
    }

    /// Sums of some patches, multiplied by position.
    fn run_multiplied(
        &self,
        view: &View<'_>,
        block: usize,
        patches: Range<usize>,
        wide: &mut [i32],
    ) {
        let slots = self.geometry.patch_slots();
        let bases = &self.geometry.bases[patches.start * slots..patches.end * slots];
        let mut indices =
            &self.indices.slice(self.indices.bytes())[block * self.indices_per_block..];
        for chunk in &self.geometry.chunks {
            let (of_chunk, rest) = indices.split_at(chunk.lookups * self.planes * A::LANES);
            indices = rest;
            let look = Multiplied {
                positions: &self.positions,
                units: chunk.units.len(),
                unit_pitch: self.geometry.unit_pitch,
                planes: self.planes,
                indices: of_chunk,
                pace: self.pace.run * self.pace.runs,
                largest: self.largest,
            };
            let tables = &view.tables[chunk.base..];
            self.arch.multiplied_tiles(look, tables, bases, wide);
        }
    }

    /// Sums of some patches.
    fn run_tiles(
        &self,
        view: &View<'_>,
        block: usize,
        patches: Range<usize>,
        sums: &mut [u16],
        wide: &mut [i32],
    ) {
        let slots = self.geometry.patch_slots();
        let bases = &self.geometry.bases[patches.start * slots..patches.end * slots];
        let mut indices =
            &self.indices.slice(self.indices.bytes())[block * self.indices_per_block..];
        for (n, chunk) in self.geometry.chunks.iter().enumerate() {
            let tables = &view.tables[chunk.base..];
            for plane in 0..self.planes {
                let (of_plane, rest) = indices.split_at(chunk.lookups * A::LANES);
                indices = rest;
                let look = Look {
                    lookups: self.geometry.lookups(chunk),
                    indices: of_plane,
                    pace: self.pace,
                };
                let fresh = plane == 0 && (n == 0 || self.finish.is_wide());
                self.arch.tiles(look, tables, bases, sums, fresh);
            }
            if self.finish.is_wide() {
                let pixels = sums
                    .chunks_exact(A::LANES)
                    .zip(wide.chunks_exact_mut(A::LANES));
                pixels.for_each(|(sums, wide)| self.arch.widen(sums, wide));
            }
        }
    }

    /// The pixels of some patches whose sums become codes.
    fn finish_run<'a, T>(
        &'a self,
        view: &View<'a>,
        block: usize,
        patches: Range<usize>,
        sums: &'a [T],
        codes: &Parts<'a, u8>,
    ) -> Run<'a, T> {
        let (geometry, channels) = (&self.geometry, &self.blocks[block]);
        let targets = geometry.patch_targets();
        Run {
            sums,
            first_slot: patches.start * geometry.patch_slots(),
            targets: &geometry.targets[patches.start * targets..patches.end * targets],
            end: geometry.target_pixels(view.rows),
            areas: view.areas,
            window: geometry.window_pixels(),
            shift: self.shift,
            codes: *codes,
            first_code: view.first_pixel * geometry.outputs + channels.first,
            pitch: geometry.outputs,
            count: channels.count,
        }
    }

    /// Outputs of some patches from their sums in 32 bits, by a product and a sum.
    fn finish_affine(
        &self,
        view: &View<'_>,
        block: usize,
        patches: Range<usize>,
        sums: &[i32],
        affine: &Affine,
        output: &Output<'_>,
    ) {
        let count = self.geometry.window_pixels();
        self.each_target(view, patches, |slots, areas, pixel| {
            let sums = slots.map(|slot| &sums[slot * A::LANES..][..A::LANES]);
            let accumulators = finish::accumulators(sums, areas, count, self.shift);
            let range = self.channels(block, pixel);
            let block = &self.blocks[block];
            // SAFETY: members have blocks of channels, or rows, of their own.
            unsafe { finish::write_affine::<A>(affine, block, &accumulators, output, range) }
        });
    }

    /// Calls `finish` for each output pixel of some patches: with the slots that it is made of, counted
    /// from the first of these patches, the sums of codes under their windows, and its number in the map.
    #[inline(always)]
    fn each_target(
        &self,
        view: &View<'_>,
        patches: Range<usize>,
        mut finish: impl FnMut([usize; 4], [i32; 4], usize),
    ) {
        let geometry = &self.geometry;
        let first_slot = patches.start * geometry.patch_slots();
        let targets = geometry.patch_targets();
        let end = geometry.target_pixels(view.rows);
        let targets = &geometry.targets[patches.start * targets..patches.end * targets];
        for target in targets.iter().filter(|target| target.pixel < end) {
            let areas = target.areas.map(|area| view.areas[area as usize]);
            let slots = target.slots.map(|slot| slot as usize - first_slot);
            finish(slots, areas, view.first_pixel + target.pixel as usize);
        }
    }

    /// Where a block's channels of an output pixel lie.
    fn channels(&self, block: usize, pixel: usize) -> Range<usize> {
        let block = &self.blocks[block];
        let first = pixel * self.geometry.outputs + block.first;
        first..first + block.count
    }

    /// The pool with stride 1, in place: each pixel reads only itself and later ones.
    pub(super) fn smooth(&self, block: &Block, output: &Output<'_>) {
        let Output::Codes(codes) = output else {
            unreachable!("only codes are pooled")
        };
        let [rows, columns] = self.geometry.output_size();
        let part = |y: usize, x: usize| {
            let first = (y * columns + x) * self.geometry.outputs + block.first;
            // SAFETY: this member has the block to itself, and asks for different pixels.
            unsafe { codes.part(first..first + block.count) }
        };
        for y in 0..rows {
            for x in 0..columns {
                let out = part(y, x);
                for (below, right) in [(0, 1), (1, 0), (1, 1)] {
                    if y + below < rows && x + right < columns {
                        let other = part(y + below, x + right);
                        finish::keep_larger(out, other);
                    }
                }
            }
        }
    }
}
