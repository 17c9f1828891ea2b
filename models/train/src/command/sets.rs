//! Sets of pictures: those to learn from, those to validate with.

use super::arguments::Arguments;
use anyhow::Result;
use std::path::Path;
use tincy_dataset::{Dataset, Form, Oddities};
use tincy_train::augment::{Pictures, Source};
use tincy_train::validate;

/// Pictures kept apart.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub(super) enum HoldOut {
    /// Every tenth.
    Tenth,
    /// None.
    None,
}

/// A set to validate with, under its name.
pub(super) type Set = (String, Dataset, validate::Options);

/// The pictures to learn from and the sets to validate with.
pub(super) fn open(arguments: &Arguments, classes: &[String]) -> Result<(Pictures, Vec<Set>)> {
    let mut all = Pictures::default();
    let mut sets = Vec::new();
    for (index, root) in arguments.data.iter().enumerate() {
        let source = Source {
            root: root.clone(),
            ignore_below: arguments.ignore_below,
        };
        let mut pictures = Pictures::open(&[source], classes)?;
        pictures
            .oddities
            .lines()
            .for_each(|line| eprintln!("{line}"));
        if index == 0 && arguments.hold_out == HoldOut::Tenth {
            let held = Dataset {
                form: Form::Packed,
                root: root.clone(),
                classes: classes.to_vec(),
                pictures: pictures.hold_out_tenth(),
                oddities: Oddities::default(),
            };
            sets.push((
                name_of(root, " held out"),
                held,
                validate::Options::default(),
            ));
        }
        all.pictures.append(&mut pictures.pictures);
    }
    for root in &arguments.validate {
        let options = validate::Options {
            ignore_below: arguments.validate_ignore_below,
            ..validate::Options::default()
        };
        sets.push((name_of(root, ""), Dataset::open(root, classes)?, options));
    }
    Ok((all, sets))
}

fn name_of(root: &Path, more: &str) -> String {
    let name = root.file_name().map_or(root.display().to_string(), |name| {
        name.to_string_lossy().into_owned()
    });
    name + more
}
