//! `tincy board selftest`: the accelerator, or its emulation, held to the CPU's answers.
//!
//! Step by step from the registers to whole networks of random weights, each of whose codes must be
//! the reference's, bit for bit. On an emulated core faults are provoked too: each must be told, the
//! CPU must take over for that frame, and the core must come back.

mod faults;
mod networks;
mod steps;

use crate::accelerator::core::Core;
use crate::columns::{Align, Columns};
use crate::outcome::Outcome;
use anyhow::Result;
use clap::ValueEnum;
use std::io::Write;
use std::time::Duration;
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::Roots;

/// Arguments of `tincy board selftest`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Emulates the core even where there is one
    #[arg(long)]
    emulated: bool,
    /// Which of the published overlays is loaded
    #[arg(long, value_enum, default_value_t = Which::W1A3)]
    overlay: Which,
}

/// A published overlay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "verbatim")]
enum Which {
    /// 1-bit weights, 3-bit activations
    W1A3,
    /// 1-bit weights, 2-bit activations
    W1A2,
}

/// A step that was gone.
#[derive(Debug)]
struct Step {
    name: String,
    verdict: Verdict,
    time: Duration,
    /// What was found, or why it failed.
    note: String,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Ok,
    Failed,
    LeftOut,
}

/// Runs it.
///
/// # Errors
/// Only if nothing can be written; a step that fails is in the table.
pub(super) fn run(args: &Args, roots: &Roots) -> Result<Outcome> {
    let [w1a3, w1a2] = Overlay::published();
    let overlay = match args.overlay {
        Which::W1A3 => w1a3,
        Which::W1A2 => w1a2,
    };
    let core = match args.emulated {
        true => Core::emulated(overlay, "as asked for".into())?,
        false => Core::find(overlay, roots)?,
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}\n", core.heading())?;
    let steps = steps::all(&core);
    writeln!(out, "{}\n", table(&steps))?;
    let count = |verdict: Verdict| steps.iter().filter(|step| step.verdict == verdict).count();
    let (ok, failed, left_out) = (
        count(Verdict::Ok),
        count(Verdict::Failed),
        count(Verdict::LeftOut),
    );
    let word = core.word();
    match (failed, left_out) {
        (0, 0) => writeln!(out, "{word}: all {ok} steps ok")?,
        (0, _) => writeln!(out, "{word}: {ok} steps ok, {left_out} left out")?,
        _ => writeln!(out, "{word}: {failed} of {} steps failed", steps.len())?,
    }
    Ok(match failed {
        0 => Outcome::Done,
        _ => Outcome::NothingDone,
    })
}

fn table(steps: &[Step]) -> Columns {
    let mut table = Columns::new(&[
        ("step", Align::Left),
        ("result", Align::Left),
        ("ms", Align::Right),
        ("", Align::Left),
    ]);
    for step in steps {
        let verdict = match step.verdict {
            Verdict::Ok => "ok",
            Verdict::Failed => "FAILED",
            Verdict::LeftOut => "left out",
        };
        table.row([
            step.name.clone(),
            verdict.to_string(),
            format!("{:.2}", step.time.as_secs_f64() * 1e3),
            step.note.clone(),
        ]);
    }
    table
}
