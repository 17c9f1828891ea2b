//! Partial evaluations: the detections of one shard, in a file of JSON Lines, and their merging.
//!
//! The first line has the settings, every other a picture that was done. Numbers are written so
//! that they read back exactly: the merged figures are those of a run in one piece.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use tincy_dataset::{Dataset, match_classes};
use tincy_vision::{Detection, Rect};

/// What all parts of an evaluation have in common.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    /// The model's name.
    pub(super) model: String,
    /// Its classes.
    pub(super) classes: Vec<String>,
    /// Smallest score.
    pub(super) threshold: f32,
    /// Overlap from which two boxes are one object.
    pub(super) nms: f32,
    /// Pictures in the whole data set.
    pub(super) pictures: usize,
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    /// Version of the form.
    tincy_eval: u32,
    /// `K/N`, for people.
    shard: String,
    #[serde(flatten)]
    settings: Settings,
}

const VERSION: u32 = 1;

/// Every other line: a picture.
#[derive(Serialize, Deserialize)]
struct Line {
    picture: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    detections: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    class: String,
    score: f32,
    #[serde(rename = "box")]
    edges: [f32; 4],
}

/// A part being written.
#[derive(Debug)]
pub(super) struct Part<W> {
    out: W,
    settings: Settings,
}

impl<W: Write> Part<W> {
    /// Begins a part. `shard` is `K/N`, for people.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(super) fn new(mut out: W, settings: Settings, shard: String) -> Result<Part<W>> {
        let header = Header {
            tincy_eval: VERSION,
            shard,
            settings,
        };
        writeln!(out, "{}", serde_json::to_string(&header)?)?;
        Ok(Part {
            out,
            settings: header.settings,
        })
    }

    /// Adds a picture that was done, with what was found or why it could not be read.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(super) fn picture(
        &mut self,
        name: &str,
        result: &Result<Vec<Detection>, String>,
    ) -> Result<()> {
        let entry = |detection: &Detection| {
            let Rect {
                left,
                top,
                right,
                bottom,
            } = detection.rect;
            let edges = [left, top, right, bottom];
            Entry {
                class: self.settings.classes[detection.class].clone(),
                score: detection.score,
                edges,
            }
        };
        let line = Line {
            picture: name.to_string(),
            error: result.as_ref().err().cloned(),
            detections: result.iter().flatten().map(entry).collect(),
        };
        writeln!(self.out, "{}", serde_json::to_string(&line)?)?;
        Ok(())
    }

    /// Writes out what is still held back.
    ///
    /// # Errors
    /// If `out` cannot be written.
    pub(super) fn finish(mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

/// Parts put together.
#[derive(Debug, Default)]
pub(super) struct Merged {
    /// What all have in common.
    pub(super) settings: Settings,
    /// The detections of each picture of the data set, or why it could not be read; `None` where
    /// no part has it.
    pub(super) pictures: Vec<Option<Result<Vec<Detection>, String>>>,
}

impl Merged {
    /// Reads all parts of an evaluation of `dataset`.
    ///
    /// # Errors
    /// If a file is not a part, two parts differ in their settings or have the same picture, or
    /// a picture is not in the data set.
    pub(super) fn read(paths: &[impl AsRef<Path>], dataset: &Dataset) -> Result<Merged> {
        let numbers = dataset.pictures.iter().enumerate();
        let numbers = numbers
            .map(|(number, picture)| (picture.name.as_str(), number))
            .collect();
        let mut merged = Merged {
            pictures: vec![None; dataset.pictures.len()],
            ..Merged::default()
        };
        for (number, path) in paths.iter().enumerate() {
            let path = path.as_ref();
            merged
                .add(path, number == 0, &numbers)
                .with_context(|| path.display().to_string())?;
        }
        Ok(merged)
    }

    fn add(&mut self, path: &Path, first: bool, numbers: &HashMap<&str, usize>) -> Result<()> {
        let mut lines = BufReader::new(File::open(path)?).lines();
        let header = lines.next().context("the file is empty")??;
        let header: Header =
            serde_json::from_str(&header).context("not a part of an evaluation")?;
        ensure!(
            header.tincy_eval == VERSION,
            "version {} of the form, not {VERSION}",
            header.tincy_eval
        );
        if first {
            self.settings = header.settings;
        } else {
            self.settings.expect(&header.settings)?;
        }
        for (number, line) in lines.enumerate() {
            self.add_line(&line?, numbers)
                .with_context(|| format!("line {}", number + 2))?;
        }
        Ok(())
    }

    fn add_line(&mut self, line: &str, numbers: &HashMap<&str, usize>) -> Result<()> {
        let Line {
            picture,
            error,
            detections,
        } = serde_json::from_str(line).context("cut short or damaged, run that shard again")?;
        let number = numbers.get(picture.as_str());
        let number = number.with_context(|| format!("{picture} is not in the data set"))?;
        let result = match error {
            Some(error) => Err(error),
            None => Ok(self.detections(detections)?),
        };
        if self.pictures[*number].replace(result).is_some() {
            bail!("{picture} was done twice");
        }
        Ok(())
    }

    fn detections(&self, entries: Vec<Entry>) -> Result<Vec<Detection>> {
        let names: Vec<String> = entries.iter().map(|entry| entry.class.clone()).collect();
        let classes = match_classes(&names, &self.settings.classes);
        let detection = |(entry, class): (Entry, Option<usize>)| {
            let [left, top, right, bottom] = entry.edges;
            Ok(Detection {
                class: class
                    .with_context(|| format!("class {} is not the model's", entry.class))?,
                score: entry.score,
                rect: Rect {
                    left,
                    top,
                    right,
                    bottom,
                },
            })
        };
        entries.into_iter().zip(classes).map(detection).collect()
    }
}

impl Settings {
    /// That another part has the same.
    fn expect(&self, other: &Settings) -> Result<()> {
        let Settings {
            model,
            classes,
            threshold,
            nms,
            pictures,
        } = other;
        ensure!(
            *model == self.model,
            "made with model {model}, others with {}",
            self.model
        );
        ensure!(
            *classes == self.classes,
            "made with a model of other classes"
        );
        ensure!(
            *threshold == self.threshold,
            "threshold {threshold}, others {}",
            self.threshold
        );
        ensure!(*nms == self.nms, "nms {nms}, others {}", self.nms);
        ensure!(
            *pictures == self.pictures,
            "a data set of {pictures} pictures, others {}",
            self.pictures
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;
    use tincy_dataset::{Form, Oddities, Picture, Place};

    fn dataset() -> Dataset {
        let picture = |name: &str| Picture {
            name: name.into(),
            place: Place::File(name.into()),
            size: None,
            objects: Vec::new(),
        };
        Dataset {
            form: Form::Voc,
            root: "".into(),
            classes: vec!["dog".into()],
            pictures: ["a", "b", "c"].map(picture).into(),
            oddities: Oddities::default(),
        }
    }

    fn settings() -> Settings {
        let classes = vec!["cat".into(), "dog".into()];
        Settings {
            model: "m".into(),
            classes,
            threshold: 0.005,
            nms: 0.45,
            pictures: 3,
        }
    }

    fn dog(score: f32) -> Detection {
        let rect = Rect {
            left: 0.1,
            top: 1.0 / 3.0,
            right: 1e-7,
            bottom: 416.0,
        };
        Detection {
            class: 1,
            score,
            rect,
        }
    }

    fn write(folder: &Path, name: &str, settings: Settings, pictures: &[&str]) -> PathBuf {
        let path = folder.join(name);
        let mut part = Part::new(File::create(&path).unwrap(), settings, name.into()).unwrap();
        for picture in pictures {
            part.picture(picture, &Ok(vec![dog(f32::MIN_POSITIVE), dog(0.1 + 0.2)]))
                .unwrap();
        }
        part.finish().unwrap();
        path
    }

    #[test]
    fn parts_read_back_exactly() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "1", settings(), &["c"]);
        let second = write(folder.path(), "2", settings(), &["a"]);
        let merged = Merged::read(&[first, second], &dataset()).unwrap();
        assert_eq!(merged.settings, settings());
        let expected = Some(Ok(vec![dog(f32::MIN_POSITIVE), dog(0.1 + 0.2)]));
        assert_eq!(merged.pictures, [expected.clone(), None, expected]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = write(folder.path(), "1", settings(), &["a"]);
        let cases = [
            (
                write(folder.path(), "2", settings(), &["a"]),
                "a was done twice",
            ),
            (
                write(folder.path(), "3", settings(), &["x"]),
                "x is not in the data set",
            ),
            (
                write(
                    folder.path(),
                    "4",
                    Settings {
                        nms: 0.5,
                        ..settings()
                    },
                    &[],
                ),
                "nms 0.5, others 0.45",
            ),
            (
                write(
                    folder.path(),
                    "5",
                    Settings {
                        pictures: 4,
                        ..settings()
                    },
                    &[],
                ),
                "4 pictures, others 3",
            ),
        ];
        for (path, expected) in cases {
            let error = Merged::read(&[first.clone(), path], &dataset()).unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        }
        let text = std::fs::read_to_string(&first).unwrap();
        let cut = folder.path().join("cut");
        for end in 0..text.len() - 1 {
            std::fs::write(&cut, &text[..end]).unwrap();
            // Cut between two lines, a part is whole: the pictures it lacks are named by the caller.
            let whole = text[..end].trim_end().ends_with("\"pictures\":3}");
            assert_eq!(Merged::read(&[&cut], &dataset()).is_ok(), whole, "{end}");
        }
    }
}
