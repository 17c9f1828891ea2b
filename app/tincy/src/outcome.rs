//! How a run ended, and its exit code.

use std::io;

/// How a sub-command ended when it did not end in an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done. Exit code 0.
    Done,
    /// Some inputs failed, each named on stderr, and the rest was done. Exit code 1.
    SomeFailed,
    /// No input could be used; each was named on stderr. Exit code 3.
    NothingDone,
    /// Ended early by this signal; what was done until then is whole. Exit code 128 + signal.
    Stopped(i32),
}

impl Outcome {
    /// The outcome of `done` inputs of which something came and `failed` ones of which not all did.
    pub fn of(done: usize, failed: usize) -> Outcome {
        match (done, failed) {
            (_, 0) => Outcome::Done,
            (0, _) => Outcome::NothingDone,
            _ => Outcome::SomeFailed,
        }
    }

    /// The exit code.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Done => 0,
            Outcome::SomeFailed => 1,
            Outcome::NothingDone => 3,
            Outcome::Stopped(signal) => 128 + signal as u8,
        }
    }
}

/// A mistake in the arguments that is found only after they are parsed. Exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Usage(pub String);

/// The exit code of an error: 2 for wrong arguments, 0 if only the reader of our output is gone,
/// else 3.
pub fn error_code(error: &anyhow::Error) -> u8 {
    let broken_pipe = |cause: &(dyn std::error::Error + 'static)| {
        let io = cause.downcast_ref::<io::Error>();
        io.is_some_and(|io| io.kind() == io::ErrorKind::BrokenPipe)
    };
    if error.chain().any(broken_pipe) {
        0
    } else if error.is::<Usage>() {
        2
    } else {
        3
    }
}

/// An error with its reasons in one line. A reason that the line already says is not said again:
/// some libraries put it into their own text and name it as their source as well.
pub fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    // Names in files can hold anything, also what a terminal would obey.
    line.replace(char::is_control, " ")
}
