//! Which screens are asked for.

use super::Args;
use crate::output::video::screen::{ScreenWriter, Several};
use crate::output::video::window::WindowWriter;
use crate::output::video::{self, VideoWriter};
use crate::recording::Info;
use anyhow::Result;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Display {
    /// One without a desktop: that of a connector, or the first.
    Kms(Option<String>),
    /// A window on a desktop.
    Window,
}

pub(super) fn display(text: &str) -> Result<Display, String> {
    match text.split_once(':') {
        Some(("kms", name)) if !name.is_empty() => Ok(Display::Kms(Some(name.to_string()))),
        None if text == "kms" => Ok(Display::Kms(None)),
        None if text == "window" => Ok(Display::Window),
        _ => Err("window, kms or kms:NAME is expected, as in kms:HDMI-A-1".into()),
    }
}

/// Where annotated frames go, if anywhere. `closed` is set when a window is closed.
pub(super) fn writer(
    args: &Args,
    name: &str,
    info: &Info,
    closed: &Arc<AtomicBool>,
) -> Result<Option<Box<dyn VideoWriter>>> {
    let mut writers: Vec<Box<dyn VideoWriter>> = Vec::new();
    for display in &args.display {
        writers.push(match display {
            Display::Kms(connector) => Box::new(ScreenWriter::open(connector.as_deref())?),
            Display::Window => {
                let size = (info.width, info.height);
                let title = format!("tincy: {name}");
                Box::new(WindowWriter::open(title, size, Arc::clone(closed))?)
            }
        });
    }
    // A file is made last: it is not touched where a screen is missing.
    if let Some(path) = &args.output {
        writers.push(video::create(path, info, None)?);
    }
    Ok(match writers.len() {
        0 | 1 => writers.pop(),
        _ => Some(Box::new(Several(writers))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn screens_are_told_by_their_names() {
        assert_eq!(display("window"), Ok(Display::Window));
        assert_eq!(display("kms"), Ok(Display::Kms(None)));
        assert_eq!(display("kms:DP-1"), Ok(Display::Kms(Some("DP-1".into()))));
        for wrong in ["", "kms:", "window:1", "x11"] {
            assert!(display(wrong).is_err(), "{wrong}");
        }
    }
}
