//! Convolutions by channel: each output channel reads the input channel of the same number.
#![allow(unsafe_code)]

use super::finish::{Finish, Output, Rows};
use super::geometry::Geometry;
use super::panels::Panel;
use super::tile::{Ahead, LANES, MAX_PIXELS, Strip, Tiles};
use crate::kernel::{Kernel, Task};
use crate::team::Team;
use crate::tensor::{Buffer, Tensor, TensorMut};
use std::ops::Range;
use tincy_network::{Affine, Number};

/// Tiles that all panels are summed for before the next: their input stays in the first cache.
const TILES: usize = 2;

/// A depthwise convolution of floats for the inner loops `T`.
pub(super) struct Depthwise<T> {
    tiles: T,
    geometry: Geometry,
    /// At least [`LANES`] channels each: the last one overlaps the one before if it must.
    panels: Vec<Panel>,
    /// `[panel][ky][kx][LANES]`
    weights: Buffer,
    finish: Finish,
    /// Distances in the input from a window's start, for each kernel position.
    taps: Vec<usize>,
    /// The input column, counted from the left padding's, that each output column starts at.
    origins: Vec<u32>,
    /// Output columns whose windows leave the map neither left nor right.
    interior: Range<usize>,
}

/// Some pixels of an output row, and the kernel rows and columns that see the map there.
struct Part {
    y: usize,
    x: Range<usize>,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl<T: Tiles> Depthwise<T> {
    /// `None` for other convolutions, codes, pools and fewer channels than a panel has.
    pub(super) fn new(tiles: T, task: &Task<'_>, affine: &Affine) -> Option<Self> {
        let (convolution, channels) = (task.convolution, task.input.channels);
        let floats = task.number == Number::F32 && task.pool.is_none();
        if !(convolution.is_depthwise(channels) && floats && channels >= LANES) {
            return None;
        }
        let geometry = Geometry::new(convolution, task.input)?;
        let panel = |first: usize| Panel {
            first: first.min(channels - LANES),
            channels: LANES,
        };
        let panels: Vec<Panel> = (0..channels).step_by(LANES).map(panel).collect();
        let lanes: Vec<_> = panels.iter().flat_map(Panel::lanes).collect();
        let taps = geometry.taps(task.input.width, channels);
        let inside = |x: &usize| geometry.seen(1, *x).len() == geometry.kernel[1];
        let first = (0..geometry.output[1]).find(inside);
        let first = first.unwrap_or(geometry.output[1]);
        let interior = (first..geometry.output[1]).take_while(inside).count();
        Some(Depthwise {
            tiles,
            weights: pack(convolution.weights.as_floats(), &panels, taps.len()),
            finish: Finish::new(affine, &lanes),
            origins: geometry.columns(),
            interior: first..first + interior,
            panels,
            taps,
            geometry,
        })
    }

    fn run_row(&self, y: usize, input: &[f32], output: &Output<'_>, memory: &mut [f32]) {
        let (rows, width) = (self.geometry.seen(0, y), self.geometry.output[1]);
        let part = |x: Range<usize>| Part {
            y,
            columns: self.geometry.seen(1, x.start),
            x,
            rows: rows.clone(),
        };
        let Range { start, end } = self.interior;
        for x in (0..start).chain(end..width) {
            self.run_part(&part(x..x + 1), input, output, memory);
        }
        let pixels = TILES * T::PIXELS;
        for x in (start..end).step_by(pixels) {
            self.run_part(&part(x..end.min(x + pixels)), input, output, memory);
        }
    }

    /// Sums, in `memory`, and finishes all channels of a part.
    fn run_part(&self, part: &Part, input: &[f32], output: &Output<'_>, memory: &mut [f32]) {
        let sums = &mut memory[..part.x.len() * LANES];
        let channels = self.geometry.input.channels;
        for (number, panel) in self.panels.iter().enumerate() {
            self.prefetch(part, panel, input);
            self.sum(part, number, input, sums);
            let rows = Rows {
                finish: &self.finish,
                panel: number,
                sums,
                output,
                start: (part.y * self.geometry.output[1] + part.x.start) * channels + panel.first,
                step: channels,
                channels: LANES,
                pooled: false,
            };
            // SAFETY: each member of the team has output rows of its own.
            unsafe { self.tiles.finish(&rows) };
        }
    }

    /// Asks for the input that the next output row reads below this part and panel: panels jump
    /// from pixel to pixel, which the CPU does not foresee.
    fn prefetch(&self, part: &Part, panel: &Panel, input: &[f32]) {
        let (map, [down, across]) = (self.geometry.input, self.geometry.stride);
        let reach = (self.geometry.kernel[0] - 1) * self.geometry.dilation[0] + 1;
        let next = part.y * down + reach - self.geometry.before[0].min(reach);
        for row in next..next + down {
            let first = row * map.width + part.x.start * across;
            for pixel in first..first + part.x.len() * across {
                let line = pixel * map.channels + panel.first;
                self.tiles.prefetch(input.as_ptr().wrapping_add(line));
            }
        }
    }

    /// Sums one panel: in one call if all kernel columns are seen, else kernel row by kernel row.
    fn sum(&self, part: &Part, panel: usize, input: &[f32], sums: &mut [f32]) {
        let columns = self.geometry.kernel[1];
        if part.columns.len() == columns {
            let taps = part.rows.start * columns..part.rows.end * columns;
            self.add(part, panel, taps, true, input, sums);
            return;
        }
        sums.fill(0.0);
        for row in part.rows.clone() {
            let taps = row * columns + part.columns.start..row * columns + part.columns.end;
            self.add(part, panel, taps, false, input, sums);
        }
    }

    /// Adds some kernel positions, all of which see the map.
    fn add(
        &self,
        part: &Part,
        panel: usize,
        taps: Range<usize>,
        fresh: bool,
        input: &[f32],
        sums: &mut [f32],
    ) {
        let map = self.geometry.input;
        // The first row of windows starts this many pixels before or after the map's start.
        let row = (part.y * self.geometry.stride[0]).wrapping_sub(self.geometry.before[0]);
        let pixel = row
            .wrapping_mul(map.width)
            .wrapping_sub(self.geometry.before[1]);
        let first = pixel
            .wrapping_mul(map.channels)
            .wrapping_add(self.panels[panel].first);
        let weights = self
            .weights
            .slice::<f32>(self.panels.len() * self.taps.len() * LANES);
        let strip = Strip {
            input: input.as_ptr().wrapping_add(first),
            pitch: map.channels,
            origins: &self.origins[part.x.clone()],
            runs: &self.taps[taps.clone()],
            run: LANES,
            weights: weights[(panel * self.taps.len() + taps.start) * LANES..].as_ptr(),
            sums: sums.as_mut_ptr(),
            fresh,
            wide: true,
            ahead: Ahead::NOTHING,
        };
        // SAFETY: the taps are positions that `Geometry::seen` finds inside the map for these
        // rows and columns; from each, LANES channels on from the panel's first are the pixel's.
        // Weights are LANES for each tap of each panel, sums LANES for each pixel of the part.
        unsafe { self.tiles.depthwise(&strip) };
    }
}

/// `[panel][tap][LANES]`, from `[channel][tap]`.
fn pack(weights: &[f32], panels: &[Panel], taps: usize) -> Buffer {
    let mut packed = Vec::with_capacity(panels.len() * taps * LANES);
    for panel in panels {
        for tap in 0..taps {
            packed.extend((0..LANES).map(|lane| weights[(panel.first + lane) * taps + tap]));
        }
    }
    Buffer::from_slice(&packed)
}

impl<T: Tiles> Kernel for Depthwise<T> {
    fn name(&self) -> &'static str {
        T::NAMES[2]
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, _: &mut [u8], team: &Team) {
        let (input, output) = (inputs[0].floats(), Output::new(output));
        team.run(&|member| {
            let mut memory = [0f32; TILES * MAX_PIXELS * LANES];
            for y in team.share(member, self.geometry.output[0]) {
                self.run_row(y, input, &output, &mut memory);
            }
        });
    }
}
