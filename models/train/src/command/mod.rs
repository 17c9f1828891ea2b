//! What can be asked on the command line.

mod arguments;
mod classify;
mod detect;
mod export;
mod journal;
mod range;
mod sets;
mod start;
mod stop;
mod threads;

use clap::{Parser, Subcommand};

/// Trains networks for `tincy`.
#[derive(Debug, Parser)]
#[command(name = "tincy-train", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Trains a network that finds boxes, from a network that does so already.
    Detect(Box<arguments::Arguments>),
    /// Trains a classifier of digits, to try quantizers on.
    Classify(Box<classify::Arguments>),
    /// Writes a network as a QONNX model.
    Export(export::Arguments),
}

impl Cli {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self.task {
            Task::Detect(arguments) => detect::run(&arguments),
            Task::Classify(arguments) => classify::run(&arguments),
            Task::Export(arguments) => export::run(&arguments),
        }
    }
}
