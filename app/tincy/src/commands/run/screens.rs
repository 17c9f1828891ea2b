//! Which screens are asked for.

use super::Args;
use crate::output::video::screen::{ScreenWriter, Several};
use crate::output::video::{self, VideoWriter};
use crate::recording::Info;
use anyhow::Result;

/// A screen.
#[derive(Clone, Debug)]
pub(super) struct Display {
    connector: Option<String>,
}

pub(super) fn display(text: &str) -> Result<Display, String> {
    let connector = match text.split_once(':') {
        Some(("kms", name)) if !name.is_empty() => Some(name.to_string()),
        None if text == "kms" => None,
        _ => return Err("kms or kms:NAME is expected, as in kms:HDMI-A-1".into()),
    };
    Ok(Display { connector })
}

/// Where annotated frames go, if anywhere.
pub(super) fn writer(args: &Args, info: &Info) -> Result<Option<Box<dyn VideoWriter>>> {
    let mut writers: Vec<Box<dyn VideoWriter>> = Vec::new();
    if let Some(path) = &args.output {
        writers.push(video::create(path, info, None)?);
    }
    if let Some(display) = &args.display {
        writers.push(Box::new(ScreenWriter::open(display.connector.as_deref())?));
    }
    Ok(match writers.len() {
        0 | 1 => writers.pop(),
        _ => Some(Box::new(Several(writers))),
    })
}
