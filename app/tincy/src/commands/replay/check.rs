//! Whether a recording gives what `tincy run` said when it made it.

use crate::detector::Model;
use crate::inputs::Input;
use crate::output::{Found, json};
use crate::recording::decisions::{self, Decisions};
use anyhow::{Result, anyhow};
use tincy_vision::Filter;

/// The decisions beside a recording, held to what is found now, line by line.
pub(super) struct Check {
    decisions: Decisions,
    frames: u64,
    same: u64,
    /// The first frame that is not as recorded, and how.
    differs: Option<String>,
}

impl Check {
    /// For a recording.
    ///
    /// # Errors
    /// If there are no decisions beside it.
    pub(super) fn beside(input: &Input) -> Result<Check> {
        let file = decisions::path(&input.path);
        let decisions = Decisions::beside(&input.path)?.ok_or_else(|| {
            let file = file.display();
            anyhow!(
                "--check needs the decisions that `tincy run --record` writes beside it, {file}"
            )
        })?;
        Ok(Check {
            decisions,
            frames: 0,
            same: 0,
            differs: None,
        })
    }

    /// Compares a frame.
    ///
    /// # Errors
    /// If the decisions cannot be read.
    pub(super) fn add(&mut self, found: &Found, names: &[String]) -> Result<()> {
        self.frames += 1;
        let now = json::line(found, names)?;
        let now = now.trim_end();
        let then = self
            .decisions
            .next_recorded()?
            .map(|recorded| recorded.line);
        if then.as_deref() == Some(now) {
            self.same += 1;
        } else if self.differs.is_none() {
            let then = then.as_deref().map_or("nothing", objects);
            let what = format!(
                "frame {}: recorded {then}, found {}",
                found.frame,
                objects(now)
            );
            self.differs = Some(what);
        }
        Ok(())
    }

    /// What came of it; the error is for people too.
    ///
    /// # Errors
    /// If the decisions cannot be read.
    pub(super) fn end(mut self, model: &Model, filter: &Filter) -> Result<Result<String, String>> {
        let Check { frames, same, .. } = self;
        if let Some(differs) = self.differs {
            let header = self.decisions.header();
            let (name, threshold) = (model.network().name(), filter.threshold);
            let other = (header.model.as_str(), header.threshold) != (name, threshold);
            let why = match other {
                true => format!(
                    " (recorded with model {} at threshold {}, this is {name} at {threshold})",
                    header.model, header.threshold
                ),
                false => String::new(),
            };
            let counts = format!("{same} of {frames} frames as recorded");
            return Ok(Err(format!(
                "{counts}; the first other one is {differs}{why}"
            )));
        }
        if let Some(next) = self.decisions.next_recorded()? {
            let missing = format!("frame {} is recorded as put out and missing", next.frame);
            return Ok(Err(format!("{same} frames as recorded, but {missing}")));
        }
        Ok(Ok(format!("{same} of {frames} frames as recorded")))
    }
}

/// The part of a line that tells of objects.
fn objects(line: &str) -> &str {
    let start = line.find("\"detections\":").unwrap_or(0);
    line[start..].trim_end_matches('}')
}
