//! The kernel: bands of rows, panels of channels, tiles of pixels, shared by the team.

#![allow(unsafe_code)]

use super::arch::{Arch, Codes, LANES, MOST_PIXELS, Sums, Tile, TileOf};
use super::finish::Finish;
use super::geometry::Geometry;
use super::output::{Output, Spot};
use super::pack::Packed;
#[cfg(target_arch = "x86_64")]
use super::pairs::Split;
#[cfg(target_arch = "x86_64")]
use super::raw;
use crate::kernel::{Kernel, Task};
use crate::parts::Parts;
use crate::team::Team;
use crate::tensor::{Tensor, TensorMut};
use std::ops::Range;
use tincy_network::Code;

/// A convolution of integer weights on codes.
pub(in crate::kernels) struct Integer<A> {
    arch: A,
    zero: i32,
    by_channel: bool,
    /// Whether unsigned codes are read from the input itself.
    direct: bool,
    geometry: Geometry,
    packed: Packed<A>,
    finish: Finish,
}

/// What one member of the team does: some rows of some panels.
struct Share {
    rows: Range<usize>,
    panels: Range<usize>,
}

#[cfg(target_arch = "x86_64")]
impl<A: Arch<Weight = i8>> Integer<A> {
    /// For products that are added in 16 bits, where `pays` says so of the split and the elements of all panels'
    /// windows; `None` where not, and for convolutions by channel.
    pub(super) fn by_pairs(
        arch: A,
        task: &Task<'_>,
        code: Code,
        pays: impl Fn(Split, usize) -> bool,
    ) -> Option<Integer<A>> {
        if task.convolution.is_depthwise(task.input.channels) {
            return None;
        }
        let geometry = Geometry::new(task, size_of::<A::Element>());
        let packed = Packed::dense(task, &geometry, code);
        let split = Split::new(packed.halves(), raw::byte(code.max(), code.signed));
        let elements = task.convolution.window(task.input.channels) * packed.panels.len();
        pays(split, elements).then(|| Integer::of(arch, task, code, geometry, packed.split(split)))
    }
}

impl<A: Arch> Integer<A> {
    pub(in crate::kernels) fn new(arch: A, task: &Task<'_>, code: Code) -> Integer<A> {
        let geometry = Geometry::new(task, size_of::<A::Element>());
        let packed = if task.convolution.is_depthwise(task.input.channels) {
            Packed::by_channel(task, &geometry, code)
        } else {
            Packed::dense(task, &geometry, code)
        };
        Integer::of(arch, task, code, geometry, packed)
    }

    fn of(
        arch: A,
        task: &Task<'_>,
        code: Code,
        geometry: Geometry,
        packed: Packed<A>,
    ) -> Integer<A> {
        let by_channel = task.convolution.is_depthwise(task.input.channels);
        let whole = task.input.channels / task.convolution.groups;
        Integer {
            arch,
            direct: A::RAW
                && !by_channel
                && whole.is_multiple_of(A::STEP)
                && geometry.is_own_slab(),
            zero: code.zero,
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

    fn run_share(
        &self,
        share: &Share,
        codes: Codes<'_>,
        output: &Output<'_>,
        slab: &mut [A::Element],
    ) {
        if share.panels.is_empty() {
            return;
        }
        for start in share.rows.clone().step_by(self.geometry.band) {
            let band = start..share.rows.end.min(start + self.geometry.band);
            let source = self.source(codes, &band, slab);
            for panel in share.panels.clone() {
                self.run_panel(&band, panel, source, output);
            }
        }
    }

    /// What the windows of a band see: the input itself, or the slab.
    fn source<'a>(
        &self,
        codes: Codes<'a>,
        band: &Range<usize>,
        slab: &'a mut [A::Element],
    ) -> &'a [A::Element] {
        if let (true, Codes::Unsigned(codes)) = (self.direct, codes) {
            let row = self.geometry.input.width * self.geometry.input.channels;
            return bytemuck::cast_slice(&codes[band.start * row..]);
        }
        self.geometry.fill(self.arch, codes, self.zero, band, slab);
        slab
    }

    fn run_panel(
        &self,
        band: &Range<usize>,
        panel: usize,
        slab: &[A::Element],
        output: &Output<'_>,
    ) {
        let own = &self.packed.panels[panel];
        let mut sums = [[0; LANES]; MOST_PIXELS];
        let mut tile = Tile {
            slab,
            bases: [own.input; MOST_PIXELS],
            window: &self.packed.window,
            weights: self.packed.weights(panel),
            start: &own.start,
            again: &own.again,
            depth: self.packed.depth,
        };
        let mut pixel = band.start * self.geometry.output.width;
        let mut bases = self.geometry.bases(band.len());
        loop {
            // The last tile has pixels of the one before again, which are not finished twice.
            let count = bases.next(own.input, &mut tile.bases[..A::PIXELS]);
            if count == 0 {
                return;
            }
            self.sum(&tile, &mut sums);
            let spot = Spot {
                pixels: pixel..pixel + count,
                panel,
                outputs: &own.outputs,
                channels: self.geometry.output.channels,
            };
            // SAFETY: a pixel and panel belong to one member's share, which visits them once.
            unsafe { output.finish(self.arch, &self.finish, &spot, &sums) };
            pixel += count;
        }
    }

    fn sum(&self, tile: &TileOf<'_, A>, sums: &mut Sums) {
        if self.by_channel {
            self.arch.by_channel(tile, sums);
        } else {
            self.arch.dense(tile, sums);
        }
    }

    /// Elements of a slab, whole cache lines.
    fn slab_len(&self) -> usize {
        self.geometry.slab().next_multiple_of(64)
    }
}

impl<A: Arch> Kernel for Integer<A> {
    fn name(&self) -> &'static str {
        A::NAME
    }

    fn scratch_bytes(&self, threads: usize) -> usize {
        size_of::<A::Element>() * self.slab_len() * threads
    }

    fn run(&self, inputs: &[Tensor<'_>], output: TensorMut<'_>, scratch: &mut [u8], team: &Team) {
        let codes = match inputs[0] {
            Tensor::U8(codes) => Codes::Unsigned(codes),
            Tensor::I8(codes) => Codes::Signed(codes),
            Tensor::F32(_) => panic!("an integer convolution was given floats"),
        };
        let output = Output::new(output);
        let (len, geometry) = (self.slab_len(), self.geometry.slab());
        let bytes = self.scratch_bytes(team.size());
        let slabs = Parts::new(bytemuck::cast_slice_mut(&mut scratch[..bytes]));
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
