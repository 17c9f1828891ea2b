//! The loops around the tiles: bands of rows, blocks of input channels, panels of output channels.
#![allow(unsafe_code)]

use super::finish::{Finish, Output};
use super::geometry::Geometry;
use super::panels::{Block, Panels};
use super::slab::Slab;
use super::tile::{LANES, Tiles};
use crate::kernel::{Kernel, Task};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Affine, Number, Padding, Pool};

/// Packed weights beyond this many bytes are split among threads rather than read by each.
const SHARED_WEIGHTS: usize = 256 << 10;

/// A convolution with float weights for the inner loops `T`.
pub(super) struct FloatConvolution<T> {
    pub(super) tiles: T,
    pub(super) geometry: Geometry,
    pub(super) panels: Panels,
    pub(super) finish: Finish,
    pub(super) out_channels: usize,
    /// Whether a pool of 2x2 follows.
    pub(super) pooled: bool,
    zero: i32,
    /// Whether tiles read the input itself, without a slab.
    direct: bool,
    band_rows: usize,
    /// Where windows start in the slab of a band.
    pub(super) origins: Vec<u32>,
}

/// One run of the kernel.
pub(super) struct Frame<'a> {
    input: Tensor<'a>,
    pub(super) output: Output<'a>,
}

/// The part of a frame that one thread works on at a time.
pub(super) struct Band {
    /// Of sums; whole pairs where they are pooled.
    pub(super) rows: Range<usize>,
    pub(super) panels: Range<usize>,
}

/// Input that tiles read: a slab, or the input itself.
pub(super) struct Source<'a> {
    pub(super) values: &'a [f32],
    pub(super) pitch: usize,
}

impl<T: Tiles> FloatConvolution<T> {
    /// `None` if the window does not fit the input, or the pool is another than of 2x2 on floats
    /// of even sizes.
    pub(super) fn new(tiles: T, task: &Task<'_>, affine: &Affine) -> Option<Self> {
        let geometry = Geometry::new(task.convolution, task.input)?;
        let pooled = match task.pool {
            Some(pool) if affine.output == Number::F32 && takes(pool, &geometry) => true,
            Some(_) => return None,
            None => false,
        };
        let panels = Panels::new(task.convolution, &geometry);
        let whole = panels.blocks.iter().all(|b| b.first && b.last);
        let direct = geometry.is_pointwise() && whole && task.number == Number::F32;
        let pitch = panels.blocks.iter().map(|b| b.pitch).max()?;
        let band_rows = geometry.band_rows(pitch * size_of::<f32>());
        let band_rows = if pooled {
            band_rows.next_multiple_of(2)
        } else {
            band_rows
        };
        Some(FloatConvolution {
            tiles,
            finish: Finish::new(affine, &panels.lanes()),
            out_channels: task.convolution.out_channels,
            zero: task.number.code().map_or(0, |code| code.zero),
            direct,
            band_rows,
            origins: geometry.origins(band_rows, pooled),
            pooled,
            geometry,
            panels,
        })
    }

    fn slab_floats(&self) -> usize {
        let pitch = |b: &Block| b.pitch;
        let pitch = self.panels.blocks.iter().map(pitch).max().unwrap_or(0);
        let pixels = self.geometry.slab_height(self.band_rows) * self.geometry.slab_width();
        let floats = if self.direct { 0 } else { pixels * pitch };
        floats.next_multiple_of(LANES)
    }

    /// Floats of one panel's sums over a band.
    pub(super) fn panel_sums(&self) -> usize {
        self.origins.len().next_multiple_of(T::PIXELS) * LANES
    }

    fn member_floats(&self) -> usize {
        self.slab_floats() + self.panels.kept() * self.panel_sums()
    }

    /// The rows and panels of a member: a split of one or the other, whichever is more even, rows
    /// if the weights are few.
    fn share(&self, team: &Team, member: usize) -> Band {
        let unit = if self.pooled { 2 } else { 1 };
        let (rows, panels) = (self.geometry.output[0] / unit, self.panels.panels.len());
        // Work of the busiest member, in 1/1024 of an even share.
        let busiest = |n: usize| n.div_ceil(team.size()) * team.size() * 1024 / n;
        let heavy = size_of_val(self.panels.weights()) > SHARED_WEIGHTS;
        let by_panel = if heavy {
            busiest(panels) <= busiest(rows) + 100
        } else {
            busiest(panels) + 100 < busiest(rows)
        };
        match by_panel {
            true => Band {
                rows: 0..rows * unit,
                panels: team.share(member, panels),
            },
            false => {
                let share = team.share(member, rows);
                Band {
                    rows: share.start * unit..share.end * unit,
                    panels: 0..panels,
                }
            }
        }
    }

    fn run_share(&self, share: &Band, frame: &Frame<'_>, scratch: &mut [f32]) {
        let (slab, sums) = scratch.split_at_mut(self.slab_floats());
        for rows in self.bands(share.rows.clone()) {
            for block in &self.panels.blocks {
                let start = block.panels.start.max(share.panels.start);
                let panels = start..block.panels.end.min(share.panels.end);
                if panels.is_empty() {
                    continue;
                }
                let band = Band {
                    rows: rows.clone(),
                    panels,
                };
                let source = self.source(block, &band.rows, frame, slab);
                self.run_block(block, &band, &source, frame, sums);
            }
        }
    }

    /// The rows of a share, a band at a time.
    fn bands(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let unit = if self.pooled { 2 } else { 1 };
        Geometry::bands(rows.start / unit..rows.end / unit, self.band_rows / unit)
            .map(move |band| band.start * unit..band.end * unit)
    }

    fn source<'a>(
        &self,
        block: &Block,
        rows: &Range<usize>,
        frame: &Frame<'a>,
        slab: &'a mut [f32],
    ) -> Source<'a> {
        let map = self.geometry.input;
        if self.direct {
            let start = rows.start * map.width * map.channels + block.channels.start;
            return Source {
                values: &frame.input.floats()[start..],
                pitch: map.channels,
            };
        }
        let part = Slab {
            geometry: &self.geometry,
            rows: rows.clone(),
            channels: block.channels.clone(),
        };
        let inside = &mut slab[..part.len()];
        let zero = self.zero;
        match frame.input {
            Tensor::F32(values) => part.fill(values, inside, 0.0, |v| v),
            Tensor::U8(codes) => part.fill(codes, inside, 0.0, |c| (i32::from(c) - zero) as f32),
            Tensor::I8(codes) => part.fill(codes, inside, 0.0, |c| (i32::from(c) - zero) as f32),
        }
        Source {
            values: slab,
            pitch: block.pitch,
        }
    }
}

/// Whether a pool takes each square of 2x2 sums to one pixel, with none left over.
fn takes(pool: Pool, geometry: &Geometry) -> bool {
    let squares = pool.size == [2, 2] && pool.stride == [2, 2];
    let even = geometry.output.iter().all(|side| side % 2 == 0);
    squares && even && pool.padding == Padding::default()
}

impl<T: Tiles> Kernel for FloatConvolution<T> {
    fn name(&self) -> &'static str {
        match self.geometry.is_pointwise() {
            true => T::NAMES[1],
            false => T::NAMES[0],
        }
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        threads * self.member_floats() * size_of::<f32>()
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let frame = Frame {
            input: inputs[0],
            output: Output::new(output),
        };
        let floats = self.member_floats();
        let bytes = self.scratch_bytes(team.size());
        let scratch = Parts::new(bytemuck::cast_slice_mut::<u8, f32>(&mut scratch[..bytes]));
        team.run(&|member| {
            // SAFETY: each member takes a part of its own.
            let scratch = unsafe { scratch.part(member * floats..(member + 1) * floats) };
            self.run_share(&self.share(team, member), &frame, scratch);
        });
    }
}
