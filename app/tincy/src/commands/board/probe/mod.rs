//! `tincy board probe`: what is there and what is missing, each with what gets it.
//!
//! Nothing is changed, and no address of the logic is touched.

mod devices;
mod finding;
mod logic;
mod machine;
mod memory;

use crate::outcome::Outcome;
use anyhow::Result;
use finding::Finding;
use serde::Serialize;
use std::io::{IsTerminal, Write};
use tincy_drivers::Roots;
use tincy_drivers::board::Board;

/// Arguments of `tincy board probe`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// All that was found.
#[derive(Debug, Serialize)]
struct Report {
    findings: Vec<Finding>,
    /// What would run here.
    conclusion: String,
}

/// Runs it.
///
/// # Errors
/// Only if nothing can be written: what cannot be looked at is a finding too.
pub(super) fn run(args: Args, roots: &Roots) -> Result<Outcome> {
    let report = report(roots);
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
        false => {
            let colour = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
            for finding in &report.findings {
                writeln!(out, "{}", finding.lines(colour))?;
            }
            writeln!(out, "\n{}", report.conclusion)?;
        }
    }
    Ok(Outcome::Done)
}

fn report(roots: &Roots) -> Report {
    // A board's table that cannot be read leaves a board that is not known.
    let board = Board::read(roots).unwrap_or_default();
    let findings = [
        machine::findings(roots, &board),
        logic::findings(roots, &board),
        memory::findings(roots),
        devices::findings(roots),
    ];
    let findings: Vec<_> = findings.into_iter().flatten().collect();
    let conclusion = conclusion(&findings);
    Report {
        findings,
        conclusion,
    }
}

/// What would run, by what was found.
fn conclusion(findings: &[Finding]) -> String {
    let is_there = |subject: &str| {
        findings
            .iter()
            .any(|one| one.subject == subject && one.is_ok())
    };
    let live = match is_there("camera") {
        true => ", a camera's pictures with `tincy run`",
        false => "",
    };
    let cpu = format!("pictures and recordings with `tincy detect` and `tincy replay`{live}");
    let kernels = machine::kernels();
    let missing: Vec<_> = ["logic", "accelerator", "buffer"]
        .into_iter()
        .filter(|subject| !is_there(subject))
        .collect();
    match missing.is_empty() {
        true => format!(
            "Runs here: {cpu}, on the CPU ({kernels}); the accelerator can be tried: `tincy board \
             selftest`."
        ),
        false => format!(
            "Runs here: {cpu}, on the CPU only ({kernels}); for the accelerator: {} missing. `tincy \
             board selftest` runs its emulation.",
            list(&missing)
        ),
    }
}

/// Words as people join them.
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("{one} is"),
        [first @ .., last] => format!("{} and {last} are", first.join(", ")),
    }
}
