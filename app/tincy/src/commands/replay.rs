//! `tincy replay`: finds objects in recordings.

use crate::outcome::Outcome;

/// Arguments of `tincy replay`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy replay is being written")
}
