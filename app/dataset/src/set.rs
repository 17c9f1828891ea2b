//! Sets of pictures with known objects, in the forms that people have them.
//!
//! | form | what lies in the folder |
//! | --- | --- |
//! | VOC | `Annotations/*.xml` and `JPEGImages/`, or XML files beside their pictures |
//! | YOLO | `images/` and `labels/` (or text files beside their pictures), and a file of names |
//! | COCO | `instances*.json` (also in `annotations/`) and the pictures |
//! | packed | `pictures.tar` and `labels.csv.gz` |
//!
//! The form is found by looking. What is odd in a set (a label without its picture, a box without
//! area) is counted and named once, and the rest is used.

use crate::{Error, Oddities, Picture, forms};
use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// Pictures with the objects in them.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The form it was found in.
    pub form: Form,
    /// The folder (or COCO file) that was given.
    pub root: PathBuf,
    /// Class names; objects have numbers into these.
    pub classes: Vec<String>,
    /// The pictures, by name.
    pub pictures: Vec<Picture>,
    /// What was odd.
    pub oddities: Oddities,
}

/// How a set lies on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// PASCAL VOC: an XML file a picture.
    Voc,
    /// Darknet's: a text file a picture, boxes as fractions.
    Yolo,
    /// MS COCO: one JSON file.
    Coco,
    /// One archive of pictures and one table of labels.
    Packed,
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Form::Voc => "VOC",
            Form::Yolo => "YOLO",
            Form::Coco => "COCO",
            Form::Packed => "packed",
        })
    }
}

impl Dataset {
    /// Opens the set at `root`, whatever its form. `names` are class names by number for YOLO
    /// sets that have no file of names (the model's, say).
    ///
    /// # Errors
    /// If nothing there is a known form, or its main file cannot be read.
    pub fn open(root: &Path, names: &[String]) -> Result<Dataset, Error> {
        let set = forms::open(root, names)?;
        if set.pictures.is_empty() {
            let what = format!("a {} data set without a picture", set.form);
            return Err(Error::form(root, what));
        }
        Ok(set)
    }

    /// Keeps only the pictures that a text file names: one a line, with or without folder and
    /// ending. `list` is a path, or a name in VOC's `ImageSets/Main`.
    ///
    /// # Errors
    /// If the file cannot be read or names no picture of the set.
    pub fn keep_listed(&mut self, list: &Path) -> Result<(), Error> {
        let inside = self
            .root
            .join("ImageSets/Main")
            .join(list)
            .with_extension("txt");
        let path = if !list.exists() && inside.exists() {
            &inside
        } else {
            list
        };
        let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
        let mut wanted: HashSet<&str> = text.lines().filter_map(listed_stem).collect();
        self.pictures
            .retain(|picture| wanted.remove(picture.name.as_str()));
        if self.pictures.is_empty() {
            let what = format!("names no picture of {}", self.root.display());
            return Err(Error::form(path, what));
        }
        let mut missing: Vec<_> = wanted.into_iter().collect();
        missing.sort_unstable();
        for name in missing {
            self.oddities.note("listed picture is not in the set", name);
        }
        Ok(())
    }
}

/// The name in a line of a list: the first word's stem.
fn listed_stem(line: &str) -> Option<&str> {
    Path::new(line.split_whitespace().next()?)
        .file_stem()?
        .to_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_found_says_what_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let message = Dataset::open(folder.path(), &[]).unwrap_err().to_string();
        for part in [
            "instances*.json",
            "Annotations/*.xml",
            "pictures.tar",
            "labels/*.txt",
        ] {
            assert!(message.contains(part), "{message}");
        }
        let absent = Dataset::open(Path::new("/nowhere/at/all"), &[]).unwrap_err();
        assert!(absent.to_string().contains("/nowhere/at/all"), "{absent}");
    }

    #[test]
    fn lists_name_pictures_in_many_ways() {
        let cases = [
            ("000012", Some("000012")),
            ("000012 -1", Some("000012")),
            ("data/obj/a b.jpg", Some("a")),
            ("VOC/JPEGImages/000012.jpg", Some("000012")),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(listed_stem(line), expected, "{line}");
        }
    }
}
