//! A line of the report: what was looked for, whether it is there, and what gets it.

use serde::Serialize;
use std::fmt;

/// How something was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// There, and usable.
    Ok,
    /// There, with something to be known.
    Note,
    /// Not there, or not usable.
    Missing,
}

/// One thing that was looked for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    /// What.
    pub(super) subject: &'static str,
    /// How it was found.
    pub(super) state: State,
    /// What there is.
    pub(super) text: String,
    /// What gets it, or makes it usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(subject: &'static str, text: impl Into<String>) -> Finding {
        Finding::new(subject, State::Ok, text, None)
    }

    pub(super) fn note(
        subject: &'static str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::new(subject, State::Note, text, Some(remedy.into()))
    }

    pub(super) fn missing(
        subject: &'static str,
        text: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Finding {
        Finding::new(subject, State::Missing, text, Some(remedy.into()))
    }

    fn new(
        subject: &'static str,
        state: State,
        text: impl Into<String>,
        remedy: Option<String>,
    ) -> Finding {
        Finding {
            subject,
            state,
            text: text.into(),
            remedy,
        }
    }

    /// An error, whose text has its remedy at its end.
    pub(super) fn error(subject: &'static str, error: &tincy_drivers::Error) -> Finding {
        let text = error.to_string();
        let (what, remedy) = match text.split_once("; ") {
            Some((what, remedy)) => (what.to_string(), Some(remedy.to_string())),
            None => (text, None),
        };
        Finding::new(subject, State::Missing, what, remedy)
    }

    pub(super) fn is_ok(&self) -> bool {
        self.state != State::Missing
    }
}

impl fmt::Display for Finding {
    /// One line, and one for the remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Ok => "ok",
            State::Note => "note",
            State::Missing => "missing",
        };
        write!(f, "{:<11}  {state:<7}  {}", self.subject, self.text)?;
        match &self.remedy {
            Some(remedy) => write!(f, "\n{:<22}-> {remedy}", ""),
            None => Ok(()),
        }
    }
}
