//! The threads that compute.

use anyhow::Context;
use std::sync::Arc;

/// A pool of `count` threads, or one a core for 0.
pub(super) fn pool(count: usize) -> anyhow::Result<Arc<rayon::ThreadPool>> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(count)
        .thread_name(|number| format!("train-{number}"))
        .build()
        .context("the threads cannot be started")?;
    Ok(Arc::new(pool))
}
