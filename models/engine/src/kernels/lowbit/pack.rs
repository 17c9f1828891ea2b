//! Weights to indices, thresholds to the order of the lanes: done once, when the kernel is made.

use super::arch::{Arch, MAX_LANES};
use super::geometry::Geometry;
use crate::tensor::Buffer;
use std::marker::PhantomData;
use tincy_network::{Convolution, Thresholds, WeightKind};

/// A block of output channels of one group.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// Its group.
    pub group: usize,
    /// First output channel.
    pub first: usize,
    /// Output channels, at most the lanes; the other lanes count nothing.
    pub count: usize,
}

/// Thresholds of all blocks, a row of lanes for each step.
pub(super) struct Packed<T> {
    buffer: Buffer,
    count: usize,
    per_block: usize,
    number: PhantomData<T>,
}

impl<T: bytemuck::Pod> Packed<T> {
    /// The thresholds of a block.
    pub(super) fn block(&self, block: usize) -> &[T] {
        &self.buffer.slice(self.count)[block * self.per_block..][..self.per_block]
    }
}

/// The blocks of a layer, none across groups.
pub(super) fn blocks(outputs: usize, groups: usize, lanes: usize) -> Vec<Block> {
    let size = outputs / groups;
    let block = |group: usize, first: usize| Block {
        group,
        first: group * size + first,
        count: lanes.min(size - first),
    };
    let of_group = |group| {
        (0..size)
            .step_by(lanes)
            .map(move |first| block(group, first))
    };
    (0..groups).flat_map(of_group).collect()
}

/// What each plane of indices counts: weights above 0, and those that are not -1.
pub(super) fn planes(kind: WeightKind) -> &'static [i8] {
    match kind {
        WeightKind::Binary => &[0],
        _ => &[0, -1],
    }
}

/// Indices as `[block][chunk][plane][look-up][lane]`, or `[block][chunk][position][plane][unit][lane]` where there
/// are multipliers.
pub(super) fn indices<A: Arch>(
    convolution: &Convolution,
    geometry: &Geometry,
    blocks: &[Block],
) -> Buffer {
    let planes = planes(convolution.weights.kind());
    let per_block = block_indices::<A>(geometry, planes.len());
    let mut buffer = Buffer::new(blocks.len() * per_block);
    let all = buffer.slice_mut::<u8>(blocks.len() * per_block);
    let window = convolution.window(geometry.input.channels);
    let multiplied = !convolution.weights.multipliers().is_empty();
    let mut weights = vec![0; window];
    for (block, out) in blocks.iter().zip(all.chunks_exact_mut(per_block)) {
        for lane in 0..block.count {
            convolution
                .weights
                .unpack_signs((block.first + lane) * window, &mut weights);
            if multiplied {
                indices_by_position::<A>(geometry, &weights, planes, lane, out);
            } else {
                channel_indices::<A>(geometry, &weights, planes, lane, out);
            }
        }
    }
    buffer
}

/// Bytes of a block's indices.
pub(super) fn block_indices<A: Arch>(geometry: &Geometry, planes: usize) -> usize {
    let lookups: usize = geometry.chunks.iter().map(|chunk| chunk.lookups).sum();
    lookups * planes * A::LANES
}

fn channel_indices<A: Arch>(
    geometry: &Geometry,
    weights: &[i8],
    planes: &[i8],
    lane: usize,
    out: &mut [u8],
) {
    let positions = geometry.kernel[0] * geometry.kernel[1];
    let mut start = 0;
    for chunk in &geometry.chunks {
        for plane in planes {
            let mut at = start + lane;
            for unit in chunk.units.clone() {
                for position in weights.chunks_exact(geometry.channels).take(positions) {
                    out[at] = index::<A>(position, unit, *plane);
                    at += A::LANES;
                }
            }
            start += chunk.lookups * A::LANES;
        }
    }
}

fn indices_by_position<A: Arch>(
    geometry: &Geometry,
    weights: &[i8],
    planes: &[i8],
    lane: usize,
    out: &mut [u8],
) {
    let mut out = out.iter_mut().skip(lane).step_by(A::LANES);
    for chunk in &geometry.chunks {
        for position in weights.chunks_exact(geometry.channels) {
            for plane in planes {
                for (unit, out) in chunk.units.clone().zip(&mut out) {
                    *out = index::<A>(position, unit, *plane);
                }
            }
        }
    }
}

/// The index of a unit's weights, of which those above `plane` are counted.
fn index<A: Arch>(position: &[i8], unit: usize, plane: i8) -> u8 {
    let channels = unit * A::UNIT..position.len().min((unit + 1) * A::UNIT);
    let mut counted = [false; 8];
    for (flag, weight) in counted.iter_mut().zip(&position[channels.clone()]) {
        *flag = *weight > plane;
    }
    A::index(&counted[..channels.len()])
}

/// Thresholds as `[block][step][lane]`, less one, so that `acc > t` replaces `acc >= t`; with every
/// sum within -32,767 and 32,767, cutting them to 16 bits changes no comparison.
pub(super) fn narrow<A: Arch>(thresholds: &Thresholds, blocks: &[Block]) -> Packed<i16> {
    spread::<A, i16>(thresholds, blocks, i16::MAX, A::lane, |t| {
        t.saturating_sub(1).clamp(i16::MIN.into(), i16::MAX.into()) as i16
    })
}

/// Thresholds of 32 bits as `[block][step][lane]`, less one; no sum is near the ends.
pub(super) fn wide<A: Arch>(thresholds: &Thresholds, blocks: &[Block]) -> Packed<i32> {
    spread::<A, i32>(thresholds, blocks, i32::MAX, A::wide_lane, |t| {
        t.saturating_sub(1)
    })
}

fn spread<A: Arch, T: bytemuck::Pod>(
    thresholds: &Thresholds,
    blocks: &[Block],
    never: T,
    lane: impl Fn(usize) -> usize,
    number: impl Fn(i32) -> T,
) -> Packed<T> {
    debug_assert!(A::LANES <= MAX_LANES);
    let per_block = thresholds.steps() * A::LANES;
    let mut all = vec![never; blocks.len() * per_block];
    for (block, out) in blocks.iter().zip(all.chunks_exact_mut(per_block)) {
        for channel in 0..block.count {
            for (step, t) in thresholds.channel(block.first + channel).iter().enumerate() {
                out[step * A::LANES + lane(channel)] = number(*t);
            }
        }
    }
    Packed {
        count: all.len(),
        per_block,
        buffer: Buffer::from_slice(&all),
        number: PhantomData,
    }
}
