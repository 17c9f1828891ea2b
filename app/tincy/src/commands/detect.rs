//! `tincy detect`: finds objects in pictures.

use crate::outcome::Outcome;

/// Arguments of `tincy detect`.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing could be done.
pub fn run(_args: Args) -> anyhow::Result<Outcome> {
    anyhow::bail!("tincy detect is being written")
}
