//! The command `tincy`: parse, run, say how it went.

use clap::Parser;
use std::process::ExitCode;
use tincy::cli::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with code 0, mistakes to stderr with code 2. That
            // the other end is gone is no mistake.
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    ExitCode::from(cli.execute())
}
