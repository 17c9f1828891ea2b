//! JSON Lines: each line is one frame, and an object by itself.
//!
//! `{"source":"a.mp4","frame":3,"time":0.12,"width":640,"height":480,"detections":[
//! {"class":"dog","score":0.86,"box":[left,top,right,bottom]}]}`: seconds (null for pictures),
//! pixels.

use super::report::{Found, Report, Stream, class_name};
use anyhow::Result;
use serde::Serialize;
use std::io::Write;
use std::sync::Arc;

/// Writes a line a frame.
pub struct JsonLines {
    stream: Stream,
    names: Arc<[String]>,
}

#[derive(Serialize)]
struct Line<'a> {
    source: &'a str,
    frame: u64,
    time: Option<f64>,
    width: usize,
    height: usize,
    detections: Vec<Object>,
}

#[derive(Serialize)]
struct Object {
    class: String,
    score: f32,
    r#box: [f32; 4],
}

impl JsonLines {
    /// To a stream.
    pub fn new(stream: Stream, names: Arc<[String]>) -> JsonLines {
        JsonLines { stream, names }
    }
}

/// The line of a frame, with its end.
///
/// # Errors
/// If a number is none.
pub fn line(found: &Found, names: &[String]) -> Result<String> {
    let objects = found.detections.iter().map(|d| Object {
        class: class_name(names, d.class),
        score: d.score,
        r#box: [d.rect.left, d.rect.top, d.rect.right, d.rect.bottom],
    });
    let line = Line {
        source: found.source,
        frame: found.frame,
        time: found.time.map(|time| time.as_secs_f64()),
        width: found.width,
        height: found.height,
        detections: objects.collect(),
    };
    let mut text = serde_json::to_string(&line)?;
    text.push('\n');
    Ok(text)
}

impl Report for JsonLines {
    fn add(&mut self, found: &Found) -> Result<()> {
        let line = line(found, &self.names)?;
        Ok(self.stream.write_all(line.as_bytes())?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.stream.flush()?)
    }
}
