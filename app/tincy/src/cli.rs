//! The command line as a whole: global options, sub-commands, log.

use crate::commands::{
    bench, board, compare, detect, devices, eval, import, inspect, models, plan, quantize, replay,
    run,
};
use crate::outcome::{self, Outcome};
use crate::progress;
use clap::{ArgAction, Parser, Subcommand};
use log::LevelFilter;

/// Finds objects in pictures and recordings.
///
/// Results go to stdout, everything else to stderr. Exit codes: 0 done, 1 some inputs failed (each
/// was named, the rest is done), 2 wrong arguments, 3 nothing could be done.
#[derive(Debug, Parser)]
#[command(name = "tincy", version, disable_help_subcommand = true)]
pub struct Cli {
    /// Says more on stderr: reasons behind errors; twice, what happens inside
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Says less: no progress, no summary, no warnings
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// The sub-commands.
#[derive(Debug, Subcommand)]
enum Command {
    /// Finds objects in pictures
    Detect(detect::Args),
    /// Finds objects in recordings
    Replay(replay::Args),
    /// Finds objects as a camera sees them
    Run(run::Args),
    /// Lists cameras and displays
    Devices(devices::Args),
    /// Lists the models that are built in
    Models(models::Args),
    /// Turns a published network into a model file
    Import(import::Args),
    /// Turns a float model into integers
    Quantize(quantize::Args),
    /// Prints what a model is made of
    Inspect(inspect::Args),
    /// Measures how fast a model runs
    Bench(bench::Args),
    /// Predicts what fits a device and how fast it will run
    Plan(plan::Args),
    /// Looks at a board, loads its logic, tests its accelerator
    Board(board::Args),
    /// Measures how well a model finds what is known to be there
    Eval(eval::Args),
    /// Runs two backends or models on the same pictures and compares them layer by layer
    Compare(compare::Args),
}

impl Cli {
    /// Runs the sub-command and returns the exit code; an error has been printed by then.
    pub fn execute(self) -> u8 {
        start_log(self.verbose, self.quiet);
        match self.command.run() {
            Ok(outcome) => outcome.code(),
            Err(error) => {
                let code = outcome::error_code(&error);
                if code != 0 {
                    eprintln!("tincy: {}", outcome::one_line(&error));
                }
                code
            }
        }
    }
}

impl Command {
    fn run(self) -> anyhow::Result<Outcome> {
        match self {
            Command::Detect(args) => detect::run(args),
            Command::Replay(args) => replay::run(args),
            Command::Run(args) => run::run(args),
            Command::Devices(args) => devices::run(args),
            Command::Models(args) => models::run(args),
            Command::Import(args) => import::run(args),
            Command::Quantize(args) => quantize::run(args),
            Command::Inspect(args) => inspect::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Plan(args) => plan::run(args),
            Command::Board(args) => board::run(args),
            Command::Eval(args) => eval::run(args),
            Command::Compare(args) => compare::run(args),
        }
    }
}

/// The log goes to stderr, a line a message, as `tincy: warning: ...`. Progress and summaries ask
/// it whether [`log::Level::Info`] is enabled, so that `-q` silences them too.
fn start_log(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => LevelFilter::Error,
        (false, 0) => LevelFilter::Info,
        (false, 1) => LevelFilter::Debug,
        (false, _) => LevelFilter::Trace,
    };
    env_logger::Builder::new()
        .filter_module("tincy", level)
        .target(env_logger::Target::Pipe(Box::new(progress::Stderr)))
        .format(|out, record| {
            use std::io::Write;
            match record.level() {
                log::Level::Warn => writeln!(out, "tincy: warning: {}", record.args()),
                _ => writeln!(out, "tincy: {}", record.args()),
            }
        })
        .init();
}
