//! Recordings of any kind, decoded by a child ffmpeg.
//!
//! It writes NUT with packed RGB to a pipe: every frame once, upright, with its own time. A change
//! of size within the recording is scaled to the first size.

use super::nut::NutReader;
use super::nut::coding::RGB;
use super::reader::DEFAULT_RATE;
use super::{Error, Info, Reader};
use crate::ffmpeg::{Ffmpeg, file_argument};
use std::ffi::OsString;
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{ChildStdout, Stdio};
use tincy_vision::Frame;

/// A recording that ffmpeg is decoding.
pub struct Decoded {
    ffmpeg: Ffmpeg,
    frames: NutReader<BufReader<ChildStdout>>,
    info: Info,
    ended: bool,
}

impl Decoded {
    /// Starts to decode a file.
    ///
    /// # Errors
    /// If ffmpeg is missing or finds no video in it.
    pub fn file(path: &Path) -> Result<Decoded, Error> {
        let ffmpeg = start(file_argument(path), Stdio::null())?;
        Decoded::open(ffmpeg)
    }

    /// Starts to decode a stream.
    ///
    /// # Errors
    /// If ffmpeg is missing or finds no video in it.
    pub fn stream(mut stream: impl Read + Send + 'static) -> Result<Decoded, Error> {
        let ffmpeg = start("pipe:0".into(), Stdio::piped())?;
        if let Some(mut input) = ffmpeg.take_input() {
            // It ends when the stream does or ffmpeg is gone.
            let feed = move || drop(std::io::copy(&mut stream, &mut input));
            std::thread::Builder::new()
                .name("ffmpeg-feed".into())
                .spawn(feed)?;
        }
        Decoded::open(ffmpeg)
    }

    fn open(mut ffmpeg: Ffmpeg) -> Result<Decoded, Error> {
        let output = ffmpeg.take_output().ok_or(Error::NoFfmpeg)?;
        let output = BufReader::with_capacity(1 << 16, output);
        let frames = match ffmpeg.patiently(|| NutReader::new(output)) {
            Ok(frames) if frames.coding() == RGB => frames,
            Ok(_) => return Err(Error::damaged("ffmpeg gives other pixels than RGB")),
            Err(_) => return Err(why_nothing(&mut ffmpeg)),
        };
        let said = ffmpeg.description();
        let video = frames.video();
        let rate = said.rate.unwrap_or(DEFAULT_RATE);
        let count = said
            .duration
            .map(|time| (time.as_secs_f64() * rate.value()).round() as u64);
        let info = Info {
            width: video.width,
            height: video.height,
            rate,
            time_base: video.time_base,
            pixel_aspect: video.pixel_aspect,
            frames: count,
            sound: said.sound,
        };
        Ok(Decoded {
            ffmpeg,
            frames,
            info,
            ended: false,
        })
    }
}

fn start(input: OsString, stdin: Stdio) -> Result<Ffmpeg, Error> {
    let text = |text: &str| OsString::from(text);
    let arguments = [
        text("-i"),
        input,
        text("-map"),
        text("0:V:0"),
        text("-map_metadata"),
        text("-1"),
        text("-fps_mode"),
        text("passthrough"),
        text("-enc_time_base"),
        text("-1"),
        text("-c:v"),
        text("rawvideo"),
        text("-pix_fmt"),
        text("rgb24"),
        text("-f"),
        text("nut"),
        text("pipe:1"),
    ];
    Ffmpeg::start(&arguments, stdin, Stdio::piped())
}

/// The reason why ffmpeg gave no frame.
fn why_nothing(ffmpeg: &mut Ffmpeg) -> Error {
    match ffmpeg.finish() {
        Err(error) => error,
        Ok((_, log)) if log.first.contains("matches no streams") => {
            Error::damaged("there is no video in it")
        }
        Ok((_, log)) if log.errors > 0 => Error::damaged(format!("ffmpeg: {}", log.first)),
        Ok(_) => Error::damaged("ffmpeg found no frame in it"),
    }
}

impl Reader for Decoded {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if self.ended {
            return Ok(false);
        }
        let time = self
            .ffmpeg
            .patiently(|| self.frames.next(&mut frame.pixels))?;
        (frame.width, frame.height) = (self.info.width, self.info.height);
        frame.time = time;
        if time.is_none() {
            self.ended = true;
            let (status, log) = self.ffmpeg.finish()?;
            if !status.success() {
                return Err(Error::damaged(format!("ffmpeg gave up: {}", log.first)));
            }
        }
        Ok(time.is_some())
    }

    fn complaints(&mut self) -> Vec<String> {
        let log = self.ffmpeg.log();
        match log.errors {
            0 => Vec::new(),
            1 => vec![format!("damaged: {}", log.first)],
            count => vec![format!("damaged: {} (and {} more)", log.first, count - 1)],
        }
    }
}
