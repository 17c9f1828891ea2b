//! A screen without a desktop, as one more place for an annotated recording.

use super::VideoWriter;
use anyhow::Result;
use std::path::Path;
use tincy_drivers::display::{Picture, Request, Screen};
use tincy_vision::Frame;

/// Shows frames on a screen.
#[derive(Debug)]
pub struct ScreenWriter(Screen);

impl ScreenWriter {
    /// Takes the screen of a connector, or the first that is plugged in.
    ///
    /// # Errors
    /// If there is none, or another program has it.
    pub fn open(connector: Option<&str>) -> Result<ScreenWriter> {
        let request = Request {
            connector: connector.map(str::to_string),
            ..Request::default()
        };
        let screen = Screen::open(Path::new("/dev"), &request)?;
        log::info!("screen {screen}");
        Ok(ScreenWriter(screen))
    }
}

impl VideoWriter for ScreenWriter {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        let picture = Picture {
            width: frame.width,
            height: frame.height,
            rgb: &frame.pixels,
        };
        Ok(self.0.show(picture)?)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        log::info!("screen: {} frames shown", self.0.flips());
        Ok(())
    }
}

/// Several places at once.
pub struct Several(pub Vec<Box<dyn VideoWriter>>);

impl VideoWriter for Several {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        self.0.iter_mut().try_for_each(|writer| writer.write(frame))
    }

    fn finish(self: Box<Self>) -> Result<()> {
        // Every file is ended, whatever became of the others.
        let ends: Vec<Result<()>> = self.0.into_iter().map(VideoWriter::finish).collect();
        ends.into_iter().collect()
    }
}
