//! The kernel: bands of rows, panels of channels, tiles of pixels, shared by the team.

#![allow(unsafe_code)]

use super::arch::{Arch, Codes, LANES, MOST_PIXELS, Tile};
use super::finish::{Finish, Row};
use super::geometry::Geometry;
use super::pack::Packed;
use crate::kernel::{Kernel, Task};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::Code;

/// A convolution of integer weights on codes.
pub(in crate::kernels) struct Integer<A> {
    arch: A,
    zero: i16,
    by_channel: bool,
    geometry: Geometry,
    packed: Packed,
    finish: Finish,
}

/// What one member of the team does: some rows of some panels.
struct Share {
    rows: Range<usize>,
    panels: Range<usize>,
}

/// The output, which members write in different places.
enum Output<'a> {
    F32(Parts<'a, f32>),
    Codes(Parts<'a, u8>),
}

impl<A: Arch> Integer<A> {
    pub(in crate::kernels) fn new(arch: A, task: &Task<'_>, code: Code) -> Integer<A> {
        let geometry = Geometry::new(task);
        let by_channel = task.convolution.is_depthwise(task.input.channels);
        let packed = if by_channel {
            Packed::by_channel(task, &geometry)
        } else {
            Packed::dense::<A>(task, &geometry)
        };
        Integer {
            arch,
            zero: code.zero as i16,
            by_channel,
            finish: Finish::new(task.convolution, &packed.panels),
            geometry,
            packed,
        }
    }

    /// A member's part: rows where there are enough for all, else panels.
    fn share(&self, team: &Team, member: usize) -> Share {
        let (rows, panels) = (self.geometry.output.height, self.packed.panels.len());
        if rows >= 2 * team.size() || rows >= panels {
            Share {
                rows: team.share(member, rows),
                panels: 0..panels,
            }
        } else {
            Share {
                rows: 0..rows,
                panels: team.share(member, panels),
            }
        }
    }

    fn run_share(&self, share: &Share, codes: Codes<'_>, output: &Output<'_>, slab: &mut [i16]) {
        if share.panels.is_empty() {
            return;
        }
        for start in share.rows.clone().step_by(self.geometry.band) {
            let band = start..share.rows.end.min(start + self.geometry.band);
            self.geometry.fill(self.arch, codes, self.zero, &band, slab);
            for panel in share.panels.clone() {
                self.run_panel(&band, panel, slab, output);
            }
        }
    }

    fn run_panel(&self, band: &Range<usize>, panel: usize, slab: &[i16], output: &Output<'_>) {
        let (width, height) = (self.geometry.output.width, band.len());
        let mut sums = [[0; LANES]; MOST_PIXELS];
        for first in (0..width * height).step_by(A::PIXELS) {
            let last = width * height - 1;
            let mut tile = Tile {
                slab,
                bases: [0; MOST_PIXELS],
                runs: &self.packed.runs,
                weights: self.packed.weights(panel),
            };
            for (p, base) in tile.bases.iter_mut().enumerate() {
                // The last tile has its last pixel several times.
                let pixel = last.min(first + p);
                let (y, x) = (band.start + pixel / width, pixel % width);
                *base = self.geometry.base(band, y, x) + self.packed.panels[panel].input;
            }
            if self.by_channel {
                self.arch.by_channel(&tile, &mut sums);
            } else {
                self.arch.dense(&tile, &mut sums);
            }
            for (p, sums) in sums
                .iter()
                .enumerate()
                .take(A::PIXELS.min(last + 1 - first))
            {
                self.finish_pixel(band.start * width + first + p, panel, sums, output);
            }
        }
    }

    fn finish_pixel(&self, pixel: usize, panel: usize, sums: &[i32; LANES], output: &Output<'_>) {
        let outputs = &self.packed.panels[panel].outputs;
        let start = pixel * self.geometry.output.channels + outputs.start;
        let range = start..start + outputs.len();
        let mut row = match output {
            // SAFETY: a pixel and panel belong to one member's share, which visits them once.
            Output::F32(parts) => Row::F32(unsafe { parts.part(range) }),
            // SAFETY: as above.
            Output::Codes(parts) => Row::Codes(unsafe { parts.part(range) }),
        };
        self.arch.finish(&self.finish, panel, sums, &mut row);
    }

    /// 16-bit elements of a slab, whole cache lines.
    fn slab_len(&self) -> usize {
        self.geometry.slab().next_multiple_of(32)
    }
}

impl<A: Arch> Kernel for Integer<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        2 * self.slab_len() * threads
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let codes = match inputs[0] {
            Tensor::U8(codes) => Codes::Unsigned(codes),
            Tensor::I8(codes) => Codes::Signed(codes),
            Tensor::F32(_) => panic!("an integer convolution was given floats"),
        };
        let output = match output {
            TensorMut::F32(values) => Output::F32(Parts::new(values)),
            codes => Output::Codes(Parts::new(codes.bytes())),
        };
        let (len, geometry) = (self.slab_len(), self.geometry.slab());
        let slabs = Parts::new(bytemuck::cast_slice_mut(scratch));
        team.run(&|member| {
            // SAFETY: each member takes its own slab.
            let slab = unsafe { slabs.part(member * len..(member + 1) * len) };
            self.run_share(
                &self.share(team, member),
                codes,
                &output,
                &mut slab[..geometry],
            );
        });
    }
}
