//! A line a picture, for people: `dog.jpg: dog 86%, car 84%`.

use super::report::{Found, Report, class_name};
use crate::progress;
use anyhow::Result;
use std::io::Write;
use std::sync::Arc;
use tincy_vision::Detection;

/// Prints a line a picture.
pub struct Lines {
    names: Arc<[String]>,
}

impl Lines {
    /// To the standard output.
    pub fn new(names: Arc<[String]>) -> Lines {
        Lines { names }
    }
}

impl Report for Lines {
    fn add(&mut self, found: &Found) -> Result<()> {
        let what = objects(found.detections, &self.names);
        progress::aside(|| writeln!(std::io::stdout(), "{}: {what}", found.source))?;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// `dog 86%, car 84%`, or `nothing found`.
pub fn objects(detections: &[Detection], names: &[String]) -> String {
    if detections.is_empty() {
        return "nothing found".into();
    }
    let one = |found: &Detection| {
        let percent = 100.0 * found.score;
        format!("{} {percent:.0}%", class_name(names, found.class))
    };
    detections.iter().map(one).collect::<Vec<_>>().join(", ")
}
