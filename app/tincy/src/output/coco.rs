//! COCO's JSON: `categories`, `annotations` (with `score`) and `images`, in one object.
//!
//! Categories count from 1. The number of a picture is that in its name where its name is one, as
//! COCO's are, else it counts from 1.

use super::report::{Found, Report, Stream};
use anyhow::Result;
use serde::Serialize;
use std::collections::HashSet;
use std::io::Write;

/// Writes annotations as they come, and the images at the end.
pub struct Coco {
    stream: Stream,
    images: Vec<Image>,
    numbers: HashSet<u64>,
    annotations: u64,
}

#[derive(Serialize)]
struct Category<'a> {
    id: usize,
    name: &'a str,
}

#[derive(Serialize)]
struct Image {
    id: u64,
    file_name: String,
    width: usize,
    height: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    frame: Option<u64>,
}

#[derive(Serialize)]
struct Annotation {
    id: u64,
    image_id: u64,
    category_id: usize,
    bbox: [f32; 4],
    area: f32,
    iscrowd: u8,
    score: f32,
}

impl Coco {
    /// Writes the categories.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(mut stream: Stream, names: &[String]) -> Result<Coco> {
        let categories = names
            .iter()
            .zip(1..)
            .map(|(name, id)| Category { id, name });
        let categories = serde_json::to_string(&categories.collect::<Vec<_>>())?;
        write!(stream, "{{\"categories\":{categories},\n\"annotations\":[")?;
        Ok(Coco {
            stream,
            images: Vec::new(),
            numbers: HashSet::new(),
            annotations: 0,
        })
    }

    fn number(&mut self, found: &Found) -> u64 {
        let stem = found.relative.file_stem().and_then(|stem| stem.to_str());
        let own = stem
            .and_then(|stem| stem.parse().ok())
            .filter(|_| found.time.is_none());
        let mut number = own.unwrap_or(self.images.len() as u64 + 1);
        while !self.numbers.insert(number) {
            number += 1;
        }
        number
    }
}

impl Report for Coco {
    fn add(&mut self, found: &Found) -> Result<()> {
        let image_id = self.number(found);
        self.images.push(Image {
            id: image_id,
            file_name: found.relative.display().to_string(),
            width: found.width,
            height: found.height,
            frame: found.time.map(|_| found.frame),
        });
        for d in found.detections {
            let comma = if self.annotations > 0 { ",\n" } else { "\n" };
            self.annotations += 1;
            let (width, height) = (d.rect.right - d.rect.left, d.rect.bottom - d.rect.top);
            let annotation = serde_json::to_string(&Annotation {
                id: self.annotations,
                image_id,
                category_id: d.class + 1,
                bbox: [d.rect.left, d.rect.top, width, height],
                area: width * height,
                iscrowd: 0,
                score: d.score,
            })?;
            write!(self.stream, "{comma}{annotation}")?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let images = serde_json::to_string(&self.images)?;
        writeln!(self.stream, "],\n\"images\":{images}}}")?;
        Ok(self.stream.flush()?)
    }
}
