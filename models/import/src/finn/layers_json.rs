//! The JSON files of QNN-MO: the list of layers, and the limits of the bitstream that runs them.
//!
//! Only what the published runtime reads is read here (`../shared/tinier-yolo/FORMAT.md`, section
//! 7); the `*_bits` of the layers, for one, are not.

use crate::{Error, Result, files};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;

/// `NAME-layers.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Layers {
    /// Name of the network.
    pub(super) network: String,
    /// Folder of the parameter files, beside the JSON.
    pub(super) binparam: String,
    /// Number of the first set of parameter files that is used.
    pub(super) binparam_skip: usize,
    /// Entries of `layers` that run elsewhere, before the others.
    pub(super) layer_skip: usize,
    /// The steps, in order.
    pub(super) layers: Vec<Step>,
}

/// One entry of the list. Sizes are `[channels, dim, dim]`.
#[derive(Debug, Deserialize)]
#[serde(tag = "func")]
pub(super) enum Step {
    /// A convolution with thresholds.
    #[serde(rename = "conv_layer")]
    Convolution(Convolution),
    /// A max pool; its `input` is the size after padding, in front `floor(half)` of it.
    #[serde(rename = "maxpool_layer")]
    Pool(Pool),
    /// From here on the channels are cut into `split` equal parts, each with layers of its own.
    #[serde(rename = "split_layer")]
    Split { name: String, split: usize },
    /// Ends a split: the parts' channels one after the other.
    #[serde(rename = "merge_layer")]
    Merge { name: String },
    /// A fully connected layer, which has no parameter files.
    #[serde(rename = "fc_layer")]
    Connected { name: String },
    /// The end of the list.
    #[serde(rename = "none")]
    End,
}

/// A convolution of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Convolution {
    pub(super) name: String,
    pub(super) kernel_shape: usize,
    pub(super) kernel_stride: usize,
    pub(super) input: [usize; 3],
    pub(super) output: [usize; 3],
    pub(super) padding: usize,
}

/// A pool of the list.
#[derive(Debug, Deserialize)]
pub(super) struct Pool {
    pub(super) name: String,
    pub(super) kernel_shape: usize,
    pub(super) kernel_stride: usize,
    pub(super) input: [usize; 3],
    pub(super) output: [usize; 3],
}

/// `NAME-overlay.json`.
#[derive(Debug, Deserialize)]
pub(super) struct Overlay {
    /// What the bitstream was built with.
    pub(super) parameters: Limits,
}

/// The largest sizes that the bitstream can run, and its number formats.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) struct Limits {
    pub(super) max_k: usize,
    pub(super) max_ifm_ch: usize,
    pub(super) max_ifm_dim: usize,
    /// Output channels that one set of parameter files holds at most.
    pub(super) max_ofm_ch: usize,
    pub(super) max_ofm_dim: usize,
    pub(super) max_pool_size: usize,
    pub(super) max_pool_stride: usize,
    pub(super) max_simd: usize,
    pub(super) max_pe_conv: usize,
    pub(super) activation_bits: u8,
    pub(super) weights_bits: u8,
}

/// Reads one of these files. Also gives its SHA-256.
pub(super) fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, String)> {
    let text = files::text(path)?;
    let value = serde_json::from_str(&text).map_err(|e| Error::Line {
        path: path.to_path_buf(),
        line: e.line(),
        what: e.to_string(),
    })?;
    Ok((value, files::sum(text.as_bytes())))
}

impl Limits {
    /// What of a convolution exceeds the limits: name, limit, found.
    pub(super) fn exceeded_by(&self, c: &Convolution) -> Option<(&'static str, usize, usize)> {
        let padded = c.input[1]
            .max(c.input[2])
            .saturating_add(c.padding.saturating_mul(2));
        first_excess([
            ("MAX_K", self.max_k, c.kernel_shape),
            ("MAX_IFM_CH", self.max_ifm_ch, c.input[0]),
            ("MAX_IFM_DIM", self.max_ifm_dim, padded),
            (
                "MAX_OFM_DIM",
                self.max_ofm_dim,
                c.output[1].max(c.output[2]),
            ),
        ])
    }

    /// What of a pool exceeds the limits.
    pub(super) fn exceeded_by_pool(&self, p: &Pool) -> Option<(&'static str, usize, usize)> {
        first_excess([
            ("MAX_POOL_SIZE", self.max_pool_size, p.kernel_shape),
            ("MAX_POOL_STRIDE", self.max_pool_stride, p.kernel_stride),
            ("MAX_IFM_DIM", self.max_ifm_dim, p.input[1].max(p.input[2])),
        ])
    }
}

fn first_excess<const N: usize>(
    limits: [(&'static str, usize, usize); N],
) -> Option<(&'static str, usize, usize)> {
    limits.into_iter().find(|(_, limit, found)| found > limit)
}
