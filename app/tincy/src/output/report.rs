//! What every report offers, and which are asked for.

use super::{coco::Coco, csv::Csv, json::JsonLines, yolo::Yolo};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tincy_vision::Detection;

/// What was found in a frame.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Name of the picture or recording.
    pub source: &'a str,
    /// Its name below the folder that was given.
    pub relative: &'a Path,
    /// Number of the frame in it, from 0.
    pub frame: u64,
    /// Time of the frame; none for a picture.
    pub time: Option<Duration>,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// The objects, the best first.
    pub detections: &'a [Detection],
}

/// A file or stream that tells what was found.
pub trait Report {
    /// Adds a frame.
    ///
    /// # Errors
    /// If writing fails.
    fn add(&mut self, found: &Found) -> Result<()>;

    /// Ends it.
    ///
    /// # Errors
    /// If writing fails.
    fn finish(&mut self) -> Result<()>;
}

/// Which reports are wanted.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Results")]
pub struct ReportArgs {
    /// JSON Lines: one line a frame, to the standard output or to FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// CSV: image,class,score,x1,y1,x2,y2 (recordings: with frame and time), one line an object
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub csv: Option<PathBuf>,
    /// COCO's JSON: images, categories, annotations with scores
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "-")]
    pub coco: Option<PathBuf>,
    /// YOLO's text files, one a frame: class, centre and size in fractions, score
    #[arg(long, value_name = "DIR")]
    pub yolo: Option<PathBuf>,
}

impl ReportArgs {
    /// Whether one goes to the standard output.
    pub fn use_stdout(&self) -> bool {
        [&self.json, &self.csv, &self.coco]
            .into_iter()
            .any(is_stdout)
    }
}

/// All reports of a run.
pub struct Reports {
    reports: Vec<Box<dyn Report>>,
}

impl Reports {
    /// Those that are asked for; `plain` instead, if nothing else goes to the standard output.
    ///
    /// # Errors
    /// If a file cannot be made, or two reports are to go to the standard output.
    pub fn new(
        args: &ReportArgs,
        names: &Arc<[String]>,
        timed: bool,
        plain: Option<Box<dyn Report>>,
    ) -> Result<Reports> {
        let mut reports: Vec<Box<dyn Report>> = Vec::new();
        let files = [&args.json, &args.csv, &args.coco];
        let to_stdout = files.iter().filter(|path| is_stdout(path)).count();
        if to_stdout > 1 {
            let what = "only one of --json, --csv and --coco can go to the standard output";
            return Err(crate::outcome::Usage(format!(
                "{what}; give the others a file: --csv=FILE"
            ))
            .into());
        }
        if let Some(path) = &args.json {
            reports.push(Box::new(JsonLines::new(create(path)?, Arc::clone(names))));
        }
        if let Some(path) = &args.csv {
            reports.push(Box::new(Csv::new(create(path)?, Arc::clone(names), timed)?));
        }
        if let Some(path) = &args.coco {
            reports.push(Box::new(Coco::new(create(path)?, names)?));
        }
        if let Some(folder) = &args.yolo {
            reports.push(Box::new(Yolo::new(folder, timed)?));
        }
        reports.extend(plain.filter(|_| to_stdout == 0));
        Ok(Reports { reports })
    }

    /// Adds a frame to each.
    ///
    /// # Errors
    /// If writing fails.
    pub fn add(&mut self, found: &Found) -> Result<()> {
        self.reports
            .iter_mut()
            .try_for_each(|report| report.add(found))
    }

    /// Ends each.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(mut self) -> Result<()> {
        self.reports
            .iter_mut()
            .try_for_each(|report| report.finish())
    }
}

fn is_stdout(path: &Option<PathBuf>) -> bool {
    path.as_deref() == Some(Path::new("-"))
}

/// A stream that reports go to.
pub type Stream = Box<dyn Write>;

/// The standard output for `-`, else a new file.
fn create(path: &Path) -> Result<Stream> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    let file = File::create(path).with_context(|| format!("writing {}", path.display()))?;
    Ok(Box::new(BufWriter::new(file)))
}

/// A class's name, or its number where it has none.
pub fn class_name(names: &[String], class: usize) -> String {
    names
        .get(class)
        .cloned()
        .unwrap_or_else(|| class.to_string())
}
