//! `tincy board unload`: takes the overlay away that `load` brought.

use crate::outcome::Outcome;
use anyhow::Result;
use std::io::Write;
use tincy_drivers::Roots;
use tincy_drivers::fpga::Overlays;
use tincy_drivers::fpga::overlay::NAME;

/// Runs it.
///
/// # Errors
/// If there is none, or the system refuses.
pub(super) fn run(roots: &Roots) -> Result<Outcome> {
    Overlays::find(roots)?.unload()?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "overlay {NAME} is taken away; the logic keeps its design until the next one"
    )?;
    Ok(Outcome::Done)
}
