//! YOLO sets: a text file a picture, each line `class x y width height` with the centre and the
//! size as fractions of the picture. A line of more numbers is an outline; its bounds are taken.

use crate::labelled::upright_size;
use crate::listing::{files, has_ending, is_picture};
use crate::{Dataset, Edges, Error, Form, Object, Oddities, Picture, Place};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where labels and pictures lie, by their path within the set without the ending.
#[derive(Debug)]
pub(super) struct Layout {
    labels: BTreeMap<String, PathBuf>,
    pictures: BTreeMap<String, PathBuf>,
}

/// Looks for a YOLO set.
pub(super) fn find(root: &Path) -> Result<Option<Layout>, Error> {
    if !root.is_dir() {
        return Ok(None);
    }
    let apart = root.join("labels").is_dir() && root.join("images").is_dir();
    let (labels, pictures) = match apart {
        true => (root.join("labels"), root.join("images")),
        false => (root.to_path_buf(), root.to_path_buf()),
    };
    let labels = by_name(&labels, |path| has_ending(path, "txt"))?;
    let pictures = by_name(&pictures, is_picture)?;
    let some_fit = pictures.keys().any(|name| labels.contains_key(name));
    Ok(some_fit.then_some(Layout { labels, pictures }))
}

fn by_name(folder: &Path, wanted: fn(&Path) -> bool) -> Result<BTreeMap<String, PathBuf>, Error> {
    let paths = files(folder, true)?.into_iter().filter(|path| wanted(path));
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).unwrap_or(path);
        inside.with_extension("").to_string_lossy().into_owned()
    };
    Ok(paths.map(|path| (name(&path), path)).collect())
}

/// Reads it; `fallback` are the class names if the set has no file of them.
pub(super) fn open(root: &Path, layout: &Layout, fallback: &[String]) -> Result<Dataset, Error> {
    let mut oddities = Oddities::default();
    let classes = match names_file(root)? {
        Some(path) => read_names(&path)?,
        None => fallback.to_vec(),
    };
    if classes.is_empty() {
        let what = "no class names; looked for classes.txt, names.txt, *.names, *.yaml";
        return Err(Error::form(root, what));
    }
    let unpaired = layout
        .labels
        .iter()
        .filter(|(name, _)| !layout.pictures.contains_key(*name));
    for (_, path) in unpaired.filter(|(_, path)| !is_names(path)) {
        oddities.note("labels without a picture", path.display());
    }
    let mut pictures = Vec::new();
    for (name, path) in &layout.pictures {
        let size = match upright_size(path) {
            Ok(size) => size,
            Err(error) => {
                oddities.note(
                    "unreadable picture",
                    format_args!("{}: {error}", path.display()),
                );
                continue;
            }
        };
        let text = match layout.labels.get(name) {
            Some(label) => std::fs::read_to_string(label).map_err(Error::io(label))?,
            None => {
                oddities.note("picture without labels, taken as empty", path.display());
                String::new()
            }
        };
        let objects = parse(&text, size, classes.len(), name, &mut oddities);
        let place = Place::File(path.clone());
        pictures.push(Picture {
            name: name.clone(),
            place,
            size: Some(size),
            objects,
        });
    }
    Ok(Dataset {
        form: Form::Yolo,
        root: root.to_path_buf(),
        classes,
        pictures,
        oddities,
    })
}

fn parse(
    text: &str,
    size: [usize; 2],
    classes: usize,
    place: &str,
    oddities: &mut Oddities,
) -> Vec<Object> {
    let mut objects = Vec::new();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match object(line, size) {
            Some(object) if object.class < classes => objects.push(object),
            Some(_) => oddities.note(
                "class without a name",
                format_args!("{place}.txt:{}", number + 1),
            ),
            None => oddities.note(
                "line without a sound box",
                format_args!("{place}.txt:{}", number + 1),
            ),
        }
    }
    objects
}

fn object(line: &str, [width, height]: [usize; 2]) -> Option<Object> {
    let (class, rest) = line.trim().split_once(char::is_whitespace)?;
    let numbers: Option<Vec<f64>> = rest
        .split_whitespace()
        .map(|word| word.parse().ok())
        .collect();
    let [left, top, right, bottom] = match numbers?[..] {
        // A sixth word is the score of a detection.
        [x, y, w, h] | [x, y, w, h, _] => [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0],
        ref outline => bounds(outline)?,
    };
    let (width, height) = (width as f64, height as f64);
    let edges = Edges::sound([left * width, top * height, right * width, bottom * height])?;
    Some(Object::new(class.parse().ok()?, edges))
}

/// Bounds of an outline `x y x y ...`.
fn bounds(outline: &[f64]) -> Option<[f64; 4]> {
    if outline.len() < 6 || !outline.len().is_multiple_of(2) {
        return None;
    }
    let start = [
        f64::INFINITY,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NEG_INFINITY,
    ];
    Some(
        outline
            .chunks_exact(2)
            .fold(start, |[left, top, right, bottom], point| {
                [
                    left.min(point[0]),
                    top.min(point[1]),
                    right.max(point[0]),
                    bottom.max(point[1]),
                ]
            }),
    )
}

fn is_names(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name == "classes.txt" || name == "names.txt" || has_ending(path, "names")
}

fn names_file(root: &Path) -> Result<Option<PathBuf>, Error> {
    let files = files(root, false)?;
    let yaml = |path: &&PathBuf| has_ending(path, "yaml") || has_ending(path, "yml");
    let found = files
        .iter()
        .find(|path| is_names(path))
        .or(files.iter().find(yaml));
    Ok(found.cloned())
}

/// Class names from a file: one a line, or the `names:` of a YAML file.
fn read_names(path: &Path) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    if has_ending(path, "yaml") || has_ending(path, "yml") {
        return Ok(yaml_names(&text));
    }
    let names = text.lines().map(str::trim).filter(|name| !name.is_empty());
    Ok(names.map(str::to_string).collect())
}

/// The list under `names:`, in any of the three forms that such files have: `[a, b]`, lines
/// `- a`, lines `0: a`.
fn yaml_names(text: &str) -> Vec<String> {
    let Some(start) = text.lines().position(|line| line.starts_with("names:")) else {
        return Vec::new();
    };
    let mut lines = text
        .lines()
        .skip(start)
        .map(|line| line.split(" #").next().unwrap_or(line));
    let first = lines
        .next()
        .unwrap_or_default()
        .trim_start_matches("names:")
        .trim();
    if first.starts_with('[') {
        let whole: String = std::iter::once(first)
            .chain(lines)
            .collect::<Vec<_>>()
            .join(" ");
        let inside = whole
            .trim_start_matches('[')
            .split(']')
            .next()
            .unwrap_or_default();
        return inside
            .split(',')
            .map(bare)
            .filter(|name| !name.is_empty())
            .collect();
    }
    let item = |line: &str| {
        let line = line.trim();
        let name = line.strip_prefix("- ").or_else(|| {
            let (number, name) = line.split_once(':')?;
            number.parse::<usize>().is_ok().then_some(name)
        });
        name.map(bare)
    };
    lines
        .filter(|line| !line.trim().is_empty())
        .map_while(item)
        .collect()
}

/// A YAML word without blanks and quotes.
fn bare(word: &str) -> String {
    word.trim().trim_matches(['"', '\'']).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let cases = [
            ("1 0.5 0.5 0.2 0.4", Some([40.0, 60.0, 60.0, 140.0])),
            ("1 0.5 0.5 0.2 0.4 0.9", Some([40.0, 60.0, 60.0, 140.0])),
            ("1 0.1 0.1 0.3 0.2 0.2 0.4", Some([10.0, 20.0, 30.0, 80.0])),
            ("1 0.5 0.5 0 0.4", None),
            ("1 0.5 0.5 nan 0.4", None),
            ("1 0.5 0.5", None),
            ("x 0.5 0.5 0.2 0.4", None),
            ("-1 0.5 0.5 0.2 0.4", None),
            ("1", None),
            ("1 0.1 0.1 0.3 0.2 0.2 0.4 0.5", None),
        ];
        for (line, expected) in cases {
            let found = object(line, [100, 200]).map(|object| object.edges);
            match (found, expected) {
                (Some(found), Some(expected)) => {
                    let expected = Edges::new(expected);
                    assert!(found.overlap(&expected) > 1.0 - 1e-9, "{line}: {found:?}");
                }
                (found, expected) => assert!(found.is_none() && expected.is_none(), "{line}"),
            }
        }
    }

    #[test]
    fn names_in_yaml() {
        let texts = [
            "path: x\nnames: ['cat', \"big dog\"] # two\n",
            "nc: 2\nnames: [cat,\n  big dog]\n",
            "names:\n  - cat\n  - big dog\nnc: 2\n",
            "names:\n  0: cat\n  1: big dog # comment\nnc: 2\n",
        ];
        for text in texts {
            assert_eq!(yaml_names(text), ["cat", "big dog"], "{text}");
        }
        assert!(yaml_names("nc: 2").is_empty());
        assert!(yaml_names("names:").is_empty());
    }

    #[test]
    fn both_layouts() {
        for (images, labels) in [("images/val/", "labels/val/"), ("", "")] {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: String| {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                path
            };
            for name in ["a", "b"] {
                image::RgbImage::new(10, 20)
                    .save(path(format!("{images}{name}.png")))
                    .unwrap();
            }
            std::fs::write(path(format!("{images}c.jpg")), "no picture").unwrap();
            std::fs::write(
                path(format!("{labels}a.txt")),
                "0 .5 .5 1 1\n\n7 .5 .5 1 1\n?",
            )
            .unwrap();
            std::fs::write(path(format!("{labels}lost.txt")), "").unwrap();
            std::fs::write(path("classes.txt".into()), "cat\ndog\n").unwrap();
            let set = Dataset::open(folder.path(), &[]).unwrap();
            assert_eq!((set.form, set.classes.len()), (Form::Yolo, 2));
            assert_eq!(set.pictures.len(), 2);
            assert_eq!(set.pictures[0].size, Some([10, 20]));
            assert_eq!(set.pictures[0].objects.len(), 1);
            assert_eq!(set.pictures[0].objects[0].area, 200.0);
            assert_eq!(set.oddities.lines().count(), 5, "{:?}", set.oddities);
        }
    }
}
