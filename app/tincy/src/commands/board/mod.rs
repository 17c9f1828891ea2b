//! `tincy board`: what a board has, loading its logic, and whether its accelerator works.
//!
//! | module | subject |
//! | --- | --- |
//! | `probe` | what is there, what is missing, and how to get it |
//! | `load` | a bitstream or an overlay into the logic, clocks and ports with it |
//! | `unload` | the overlay away again |
//! | `selftest` | the accelerator, or its emulation, held to the CPU's answers |

pub(crate) mod load;
mod probe;
mod selftest;
mod unload;

use crate::outcome::Outcome;
use anyhow::Result;
use clap::Subcommand;
use std::path::PathBuf;
use tincy_drivers::Roots;

/// Arguments of `tincy board`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// A folder with a copy of a board's /sys, /dev, /proc and /lib
    #[arg(long, value_name = "FOLDER", global = true, hide = true)]
    root: Option<PathBuf>,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Tells what this machine has for the programmable logic, what is missing, and how to get it
    Probe(probe::Args),
    /// Loads a bitstream or a device-tree overlay into the logic
    Load(load::Args),
    /// Takes the overlay away that was loaded
    Unload,
    /// Holds the accelerator, or its emulation, to the CPU's answers
    Selftest(selftest::Args),
}

/// Runs it.
///
/// # Errors
/// What the sub-command could not do, and why.
pub fn run(args: Args) -> Result<Outcome> {
    let roots = match &args.root {
        Some(root) => Roots::under(root),
        None => Roots::default(),
    };
    match args.command {
        Command::Probe(args) => probe::run(args, &roots),
        Command::Load(args) => load::run(&args, &roots),
        Command::Unload => unload::run(&roots),
        Command::Selftest(args) => selftest::run(&args, &roots),
    }
}
