//! The command `tincy-train`: parse, run, say how it went.

mod command;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match command::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tincy-train: {}", line(&error));
            ExitCode::from(3)
        }
    }
}

/// An error and its causes in one line. Many errors say their cause themselves: it is not said twice.
fn line(error: &anyhow::Error) -> String {
    error.chain().fold(String::new(), |line, cause| {
        let cause = cause.to_string();
        match line.is_empty() {
            true => cause,
            false if line.contains(&cause) => line,
            false => format!("{line}: {cause}"),
        }
    })
}
