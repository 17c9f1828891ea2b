//! `tincy import`: turns a published network into a model file.

use crate::columns::grouped;
use crate::model;
use crate::outcome::{Outcome, Usage};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::io::Write;
use std::path::{Path, PathBuf};
use tincy_import::Options;
use tincy_network::{Fit, classes, file};

/// Arguments of `tincy import`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An ONNX file, a Darknet NAME.cfg and NAME.weights (one of them, if the other lies beside
    /// it), or a folder of FINN parameter files
    #[arg(required = true, num_args = 1..=2, value_name = "SOURCE")]
    sources: Vec<PathBuf>,
    /// The model file to make, NAME.tincy
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Name of the model, for people; else the source's
    #[arg(long)]
    name: Option<String>,
    /// Class names of a Darknet or ONNX network, one a line; else NAME.names beside it
    #[arg(long, value_name = "FILE")]
    classes: Option<PathBuf>,
    /// The only classes to keep, in this order, or `voc` for those of PASCAL VOC; the filters of
    /// the others are cut off, which leaves the scores of these as they are
    #[arg(long, value_name = "CLASS,...|voc", value_delimiter = ',')]
    keep: Vec<String>,
    /// Size of an ONNX network's input, as 416 or 416x320 (width x height), where the file leaves it
    /// open; else the usual one of its family
    #[arg(long, value_name = "SIZE", value_parser = size)]
    size: Option<Size>,
    /// How pictures are brought to the network's size; else as the source says
    #[arg(long)]
    fit: Option<FitName>,
    /// Overwrites the output
    #[arg(short, long)]
    force: bool,
}

/// Rows and columns of an input.
#[derive(Clone, Copy, Debug)]
struct Size([usize; 2]);

fn size(text: &str) -> Result<Size, String> {
    let (width, height) = text.split_once('x').unwrap_or((text, text));
    let side = |text: &str| text.parse().ok().filter(|side| (1..=8192).contains(side));
    match (side(width), side(height)) {
        (Some(width), Some(height)) => Ok(Size([height, width])),
        _ => Err("a size is expected, as 416 or 416x320, sides of 1 to 8192".into()),
    }
}

/// The ways to fit a picture.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum FitName {
    /// The aspect ratio kept, the rest grey
    Letterbox,
    /// Both sides scaled on their own
    Stretch,
}

/// Runs it.
///
/// # Errors
/// If the source is no network, or the output is there already or cannot be written.
pub fn run(args: Args) -> Result<Outcome> {
    let output = &args.output;
    model::check_output(output, args.force)?;
    let (source, options) = source(&args)?;
    let mut network = model::open(source, &options)?;
    if let Some(name) = args.name {
        network = network.with_name(name);
    }
    file::write(&network, output)?;
    let bytes = std::fs::metadata(output)
        .with_context(|| output.display().to_string())?
        .len();
    writeln!(
        std::io::stdout(),
        "{}: {}, {} layers, {} operations, {} bytes",
        output.display(),
        network.name(),
        network.layers().len(),
        grouped(network.total_operations()),
        grouped(bytes)
    )?;
    Ok(Outcome::Done)
}

/// The path that is imported, and what was said beside it.
fn source(args: &Args) -> Result<(&Path, Options)> {
    let is_cfg = |path: &&PathBuf| path.extension().is_some_and(|ending| ending == "cfg");
    let (cfg, others): (Vec<_>, Vec<_>) = args.sources.iter().partition(is_cfg);
    let (source, cfg) = match (&cfg[..], &others[..]) {
        ([cfg], [other]) => (*other, Some(cfg.to_path_buf())),
        ([only], []) | ([], [only]) => (*only, None),
        _ => return Err(Usage("two sources are a .cfg and its .weights".into()).into()),
    };
    let fit = args.fit.map(|fit| match fit {
        FitName::Letterbox => Fit::Letterbox { fill: 0.5 },
        FitName::Stretch => Fit::Stretch,
    });
    let options = Options {
        cfg,
        weights: None,
        names: args.classes.clone(),
        size: args.size.map(|size| size.0),
        fit,
        keep: classes::chosen(&args.keep),
    };
    Ok((source, options))
}
