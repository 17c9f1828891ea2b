//! The kinds of layers, a file each.

mod activation;
mod add;
mod average;
mod batch_norm;
mod concat;
mod convolution;
mod pool;
mod quantize;
mod reorg;
mod scale_channels;
mod slice;
mod upsample;

pub(crate) use activation::Activate;
pub(crate) use add::Add;
pub(crate) use average::GlobalAverage;
pub(crate) use batch_norm::{BatchNorm, EPSILON, Statistics};
pub(crate) use concat::Concat;
pub(crate) use convolution::{Convolution, Geometry};
pub(crate) use pool::MaxPool;
pub(crate) use quantize::Quantize;
pub(crate) use reorg::Reorg;
pub(crate) use scale_channels::ScaleChannels;
pub(crate) use slice::Slice;
pub(crate) use upsample::Upsample;
