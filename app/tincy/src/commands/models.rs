//! `tincy models`: lists the models that are compiled in.

use crate::columns::{Align, Columns, rounded};
use crate::outcome::{Outcome, Usage};
use crate::zoo::{self, Entry};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

/// Arguments of `tincy models`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Prints this model's card: data, recipe, figures
    #[arg(value_name = "NAME")]
    name: Option<PathBuf>,
    /// Prints JSON
    #[arg(long, conflicts_with = "name")]
    json: bool,
}

/// What is told of a model.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    input: [usize; 2],
    classes: usize,
    operations: u64,
    bytes: usize,
    licence: &'static str,
    summary: &'static str,
}

/// Runs it.
///
/// # Errors
/// [`Usage`] if there is no such model.
pub fn run(args: Args) -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    if let Some(name) = &args.name {
        let unknown = || {
            let (name, names) = (name.display(), zoo::names());
            Usage(format!("{name}: no built-in model; those are: {names}"))
        };
        let entry = zoo::find(name).ok_or_else(unknown)?;
        write!(out, "{}", entry.card)?;
        return Ok(Outcome::Done);
    }
    let lines = zoo::ALL.iter().map(line).collect::<Result<Vec<_>>>()?;
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&lines)?)?,
        false => writeln!(out, "{}", table(&lines))?,
    }
    Ok(Outcome::Done)
}

fn line(entry: &Entry) -> Result<Line> {
    let network = entry.open()?;
    let shape = network.input().shape;
    Ok(Line {
        name: entry.name,
        input: [shape.width, shape.height],
        classes: network.classes().len(),
        operations: network.total_operations(),
        bytes: entry.bytes.len(),
        licence: entry.licence,
        summary: entry.summary,
    })
}

fn table(lines: &[Line]) -> Columns {
    let mut table = Columns::new(&[
        ("name", Align::Left),
        ("input", Align::Left),
        ("ops", Align::Right),
        ("bytes", Align::Right),
        ("licence", Align::Left),
        ("", Align::Left),
    ]);
    for (index, line) in lines.iter().enumerate() {
        let default = if index == 0 { " (default)" } else { "" };
        table.row([
            line.name.to_string(),
            format!("{}x{}", line.input[0], line.input[1]),
            rounded(line.operations),
            rounded(line.bytes as u64),
            line.licence.to_string(),
            format!("{}{default}", line.summary),
        ]);
    }
    table
}
