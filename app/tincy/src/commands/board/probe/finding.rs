//! A line of the report: what was looked for, whether it is there, and what gets it.

use serde::Serialize;

/// Letters of a line of a remedy.
const WIDTH: usize = 75;

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

impl Finding {
    /// A line, and some for the remedy; the state in colour for a terminal.
    pub(super) fn lines(&self, colour: bool) -> String {
        let (state, code) = match self.state {
            State::Ok => ("ok", 32),
            State::Note => ("note", 33),
            State::Missing => ("missing", 31),
        };
        let state = format!("{state:<7}");
        let state = match colour {
            true => format!("\x1b[{code}m{state}\x1b[0m"),
            false => state,
        };
        let mut lines = format!("{:<11}  {state}  {}", self.subject, self.text);
        for (index, line) in self
            .remedy
            .iter()
            .flat_map(|text| wrapped(text))
            .enumerate()
        {
            let sign = if index == 0 { "->" } else { "" };
            lines += &format!("\n{:<22}{sign:<2} {line}", "");
        }
        lines
    }
}

/// A text in lines of [`WIDTH`] letters, cut at blanks.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        let line = &mut lines[last];
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + 1 + word.chars().count() <= WIDTH {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_is_wrapped_below_its_line() {
        let remedy = format!("{} end", "word ".repeat(20).trim_end());
        let finding = Finding::missing("logic", "nothing", remedy);
        let lines = finding.lines(false);
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(lines[0], "logic        missing  nothing");
        assert!(
            lines[1].starts_with("                      -> word word"),
            "{}",
            lines[1]
        );
        assert_eq!(
            lines[2],
            "                         word word word word word end"
        );
        assert!(lines.iter().all(|line| line.chars().count() <= 25 + WIDTH));
        assert!(finding.lines(true).contains("\x1b[31mmissing\x1b[0m"));
        assert_eq!(wrapped(""), [""]);
    }
}
