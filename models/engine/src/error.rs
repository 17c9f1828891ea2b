//! Everything that can keep a network from being planned.

/// What cannot be done, why, and what could be instead.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The CPU does not have the instructions of a backend.
    #[error("backend {asked} is not available on this CPU; there are {available}")]
    Backend {
        /// The backend that was asked for.
        asked: &'static str,
        /// Those that can be had, with commas between.
        available: String,
    },
    /// A number of threads that cannot be.
    #[error("{asked} threads: expected 1 to {most}")]
    Threads {
        /// How many were asked for.
        asked: usize,
        /// The most that there can be.
        most: usize,
    },
    /// A sum could overflow 32 bits.
    #[error(
        "layer {layer}: sums from {min} to {max} do not fit 32 bits; fewer input channels, \
         weight bits or activation bits would"
    )]
    Accumulator {
        /// Number and name of the layer.
        layer: String,
        /// The smallest sum that the weights allow.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A layer reads more maps than a step can.
    #[error("layer {layer}: {found} inputs: expected at most {most}")]
    Inputs {
        /// Number and name of the layer.
        layer: String,
        /// Inputs of the layer.
        found: usize,
        /// The most.
        most: usize,
    },
    /// Layers that cannot be computed elsewhere.
    #[error("{name} cannot take layers {layers}: {what}")]
    Offload {
        /// What was to compute them.
        name: String,
        /// Their numbers.
        layers: String,
        /// Why not.
        what: String,
    },
    /// The maps take too much memory.
    #[error("the maps take {needed} bytes: expected at most {most}; a smaller input would do")]
    Memory {
        /// Bytes that the maps take.
        needed: usize,
        /// The most.
        most: usize,
    },
}
