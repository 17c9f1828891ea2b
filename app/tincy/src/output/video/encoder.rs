//! MP4, MKV, MOV and WebM by a child ffmpeg, which takes frames as NUT from a pipe and the sound
//! from the recording itself.

use super::{VideoWriter, extension};
use crate::ffmpeg::{Ffmpeg, file_argument};
use crate::recording::nut::{NutWriter, Video};
use crate::recording::{Info, Rational};
use anyhow::{Context, Result, bail};
use std::ffi::OsString;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Stdio};
use std::time::Duration;
use tincy_vision::Frame;

/// A recording that ffmpeg is encoding.
pub struct Encoder {
    ffmpeg: Option<(Ffmpeg, NutWriter<BufWriter<ChildStdin>>)>,
    path: PathBuf,
    sound: Option<PathBuf>,
    info: Info,
    /// The time after the last frame's, in the shortest step.
    next: Duration,
}

impl Encoder {
    /// Prepares; ffmpeg starts with the first frame.
    ///
    /// # Errors
    /// If ffmpeg is not installed.
    pub fn new(path: &Path, info: &Info, sound: Option<&Path>) -> Result<Encoder> {
        Ok(Encoder {
            ffmpeg: None,
            path: path.into(),
            sound: sound
                .map(Path::to_path_buf)
                .filter(|_| info.sound.is_some()),
            info: info.clone(),
            next: Duration::ZERO,
        })
    }

    fn start(&mut self, first: Duration) -> Result<()> {
        let arguments = self.arguments(first);
        let ffmpeg = Ffmpeg::start(&arguments, Stdio::piped(), Stdio::null())?;
        let input = ffmpeg.take_input().context("ffmpeg takes no input")?;
        let video = Video {
            width: self.info.width,
            height: self.info.height,
            pixel_aspect: self.info.pixel_aspect,
            time_base: self.info.time_base,
        };
        let input = BufWriter::with_capacity(1 << 16, input);
        let writer = ffmpeg.patiently(|| NutWriter::new(input, &video));
        self.ffmpeg = Some((ffmpeg, writer?));
        Ok(())
    }

    /// The command line: every frame at its own time, the first at `first`, since ffmpeg lets
    /// each input start at 0.
    fn arguments(&self, first: Duration) -> Vec<OsString> {
        let mut line: Vec<OsString> = Vec::new();
        let mut add = |words: &str| line.extend(words.split(' ').map(OsString::from));
        add(&format!(
            "-y -itsoffset {:.9} -f nut -i pipe:0",
            first.as_secs_f64()
        ));
        if let Some(sound) = &self.sound {
            line.extend([OsString::from("-i"), file_argument(sound)]);
        }
        let mut add = |words: &str| line.extend(words.split(' ').map(OsString::from));
        add("-map 0:v:0");
        if self.sound.is_some() {
            add("-map 1:a -c:a");
            add(self.sound_codec());
        }
        add(self.video_codec());
        add("-fps_mode passthrough -enc_time_base -1");
        line.push(file_argument(&self.path));
        line
    }

    /// H.264 that plays everywhere; odd sizes keep theirs by whole chroma.
    fn video_codec(&self) -> &'static str {
        let even = self.info.width.is_multiple_of(2) && self.info.height.is_multiple_of(2);
        match (extension(&self.path), even) {
            (Some("webm"), _) => {
                "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -row-mt 1 -crf 30 -b:v 0 -pix_fmt yuv420p"
            }
            (Some("mkv"), true) => "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p",
            (Some("mkv"), false) => "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv444p",
            (_, true) => {
                "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv420p -movflags +faststart"
            }
            (_, false) => {
                "-c:v libx264 -preset veryfast -crf 20 -pix_fmt yuv444p -movflags +faststart"
            }
        }
    }

    /// The sound as it is where the container can hold it.
    fn sound_codec(&self) -> &'static str {
        let own = self.info.sound.as_deref().unwrap_or_default();
        match (extension(&self.path), own) {
            (Some("mkv"), _) => "copy",
            (Some("webm"), "opus" | "vorbis") => "copy",
            (Some("webm"), _) => "libopus",
            (_, "aac" | "mp3" | "ac3" | "eac3" | "alac" | "opus" | "flac") => "copy",
            _ => "aac",
        }
    }

    /// Why ffmpeg does not take more.
    fn complaint(ffmpeg: &mut Ffmpeg) -> String {
        match ffmpeg.finish() {
            Ok((_, log)) if log.errors > 0 => format!("ffmpeg: {}", log.first),
            Ok((status, _)) => format!("ffmpeg ended with {status}"),
            Err(error) => error.to_string(),
        }
    }
}

impl VideoWriter for Encoder {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        let time = frame.time.unwrap_or_default().max(self.next);
        if self.ffmpeg.is_none() {
            self.start(time)
                .with_context(|| format!("writing {}", self.path.display()))?;
        }
        self.next = time + step(self.info.time_base);
        let Some((ffmpeg, writer)) = &mut self.ffmpeg else {
            return Ok(());
        };
        if ffmpeg
            .patiently(|| writer.write(&frame.pixels, time))
            .is_err()
        {
            bail!(
                "writing {}: {}",
                self.path.display(),
                Encoder::complaint(ffmpeg)
            );
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        let Some((mut ffmpeg, writer)) = self.ffmpeg.take() else {
            return Ok(());
        };
        let flushed = ffmpeg.patiently(|| writer.finish());
        let (status, log) = ffmpeg.finish()?;
        if !status.success() || flushed.is_err() {
            bail!("writing {}: ffmpeg: {}", self.path.display(), log.first);
        }
        Ok(())
    }
}

/// The shortest time between frames.
fn step(time_base: Rational) -> Duration {
    time_base.seconds(1)
}
