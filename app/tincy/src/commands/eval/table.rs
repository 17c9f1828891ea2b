//! Detections as text: anybody's CSV and JSON Lines, and our CSV.
//!
//! CSV: `picture,class,score,left,top,right,bottom`, with a header line or without; pictures by
//! name (with or without folder and ending), classes by name, edges in pixels from 0. JSON Lines:
//! what `tincy detect --json` and `tincy eval -o` write, a line a picture.

use crate::outcome::one_line;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use tincy_dataset::score::Found;
use tincy_dataset::{Dataset, Edges, Oddities, match_classes};

/// Detections with pictures and classes by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    picture: String,
    class: String,
    score: f64,
    edges: [f64; 4],
}

/// Reads detections from a file: JSON Lines if its name ends so, else CSV.
///
/// # Errors
/// If it cannot be read, or a line is neither: the file and the line.
pub(super) fn read_detections(path: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let is_json = text.trim_start().starts_with('{');
    let parse = if is_json { parse_json } else { parse_csv };
    let mut table = Table::default();
    for (number, line) in text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        match parse(line) {
            Ok(rows) => table.rows.extend(rows),
            // A header.
            Err(_) if number == 0 && !is_json => {}
            Err(error) => bail!("{}:{}: {}", path.display(), number + 1, one_line(&error)),
        }
    }
    Ok(table)
}

fn parse_csv(line: &str) -> Result<Vec<Row>> {
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let [picture, class, score, ref edges @ ..] = cells[..] else {
        bail!("expected picture,class,score,left,top,right,bottom");
    };
    let numbers: Vec<f64> = edges
        .iter()
        .map(|cell| {
            cell.parse()
                .with_context(|| format!("'{cell}' is no number"))
        })
        .collect::<Result<_>>()?;
    let Ok(edges) = <[f64; 4]>::try_from(numbers) else {
        bail!("expected 7 columns, found {}", cells.len());
    };
    let score = score
        .parse()
        .with_context(|| format!("'{score}' is no score"))?;
    Ok(vec![Row {
        picture: picture.into(),
        class: class.into(),
        score,
        edges,
    }])
}

/// A line of `tincy detect --json`, or of a part of an evaluation. Other lines (a part's first)
/// have no detections.
#[derive(Deserialize)]
struct Line {
    #[serde(alias = "source", default)]
    picture: String,
    #[serde(alias = "objects", default)]
    detections: Vec<Detection>,
}

#[derive(Deserialize)]
struct Detection {
    class: String,
    score: f64,
    #[serde(rename = "box")]
    edges: [f64; 4],
}

fn parse_json(line: &str) -> Result<Vec<Row>> {
    let line: Line = serde_json::from_str(line)?;
    let row = |detection: Detection| Row {
        picture: line.picture.clone(),
        class: detection.class,
        score: detection.score,
        edges: detection.edges,
    };
    Ok(line.detections.into_iter().map(row).collect())
}

impl Table {
    /// The detections that are of a picture and a class of the data set.
    pub(super) fn resolve(&self, dataset: &Dataset, oddities: &mut Oddities) -> Vec<Found> {
        let pictures = numbers_of_pictures(dataset);
        let mut classes: HashMap<&str, Option<usize>> = HashMap::new();
        let mut found = Vec::new();
        for row in &self.rows {
            let class = *classes.entry(&row.class).or_insert_with(|| {
                match_classes(std::slice::from_ref(&row.class), &dataset.classes)[0]
            });
            let picture = pictures
                .get(row.picture.as_str())
                .or_else(|| pictures.get(stem(&row.picture)));
            let edges = Edges::new(row.edges);
            let finite = row.score.is_finite() && row.edges.iter().all(|edge| edge.is_finite());
            match (picture, class) {
                _ if !finite => oddities.note("detection that is not finite", &row.picture),
                (None, _) => oddities.note(
                    "detection in a picture that is not in the set",
                    &row.picture,
                ),
                (_, None) => {
                    oddities.note("detection of a class that is not in the set", &row.class)
                }
                (Some(picture), Some(class)) => {
                    found.push(Found {
                        picture: *picture,
                        class,
                        score: row.score,
                        edges,
                    });
                }
            }
        }
        found
    }
}

/// Numbers of the pictures by their names, and by stems where those are of one picture only.
fn numbers_of_pictures(dataset: &Dataset) -> HashMap<&str, usize> {
    let mut numbers = HashMap::new();
    let mut stems: HashMap<&str, Vec<usize>> = HashMap::new();
    for (number, picture) in dataset.pictures.iter().enumerate() {
        numbers.insert(picture.name.as_str(), number);
        stems.entry(stem(&picture.name)).or_default().push(number);
    }
    for (stem, of_stem) in stems {
        if let [only] = of_stem[..] {
            numbers.entry(stem).or_insert(only);
        }
    }
    numbers
}

fn stem(name: &str) -> &str {
    Path::new(name)
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(name)
}

/// Writes detections as CSV, in their order.
///
/// # Errors
/// If `out` cannot be written.
pub(super) fn write_csv(
    mut out: impl Write,
    dataset: &Dataset,
    found: &[Found],
) -> std::io::Result<()> {
    for found in found {
        let picture = &dataset.pictures[found.picture].name;
        let class = &dataset.classes[found.class];
        let Edges {
            left,
            top,
            right,
            bottom,
        } = found.edges;
        // They were f32; so they are printed shortest.
        let [score, left, top, right, bottom] =
            [found.score, left, top, right, bottom].map(|x| x as f32);
        writeln!(
            out,
            "{picture},{class},{score},{left},{top},{right},{bottom}"
        )?;
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_dataset::{Form, Picture, Place};

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
            classes: vec!["sofa".into(), "dog".into()],
            pictures: vec![picture("val/a"), picture("b"), picture("train/a")],
            oddities: Oddities::default(),
        }
    }

    fn read(text: &str) -> Result<Table> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read_detections(file.path())
    }

    #[test]
    fn both_forms_and_names_in_many_ways() {
        let csv =
            "image,class,score,x1,y1,x2,y2\nx/b.jpg,couch,0.5,1,2,3,4.5\nval/a,dog,1e-1,0,0,1,1\n";
        let json = r#"{"source":"b.png","frame":0,"detections":[{"class":"couch","score":0.5,"box":[1,2,3,4.5]}]}
            {"picture":"val/a","detections":[{"class":"dog","score":0.1,"box":[0,0,1,1]}]}"#;
        for text in [csv, json] {
            let mut oddities = Oddities::default();
            let found = read(text).unwrap().resolve(&dataset(), &mut oddities);
            let expected = [
                Found {
                    picture: 1,
                    class: 0,
                    score: 0.5,
                    edges: Edges::new([1.0, 2.0, 3.0, 4.5]),
                },
                Found {
                    picture: 0,
                    class: 1,
                    score: 0.1,
                    edges: Edges::new([0.0, 0.0, 1.0, 1.0]),
                },
            ];
            assert_eq!(found, expected);
            assert!(oddities.is_empty());
        }
    }

    #[test]
    fn what_does_not_belong_is_named_once() {
        let csv = "a,dog,.5,0,0,1,1\nb,cow,.5,0,0,1,1\nb,dog,nan,0,0,1,1\nb,dog,.5,0,0,inf,1\n";
        let mut oddities = Oddities::default();
        assert!(
            read(csv)
                .unwrap()
                .resolve(&dataset(), &mut oddities)
                .is_empty()
        );
        assert_eq!(oddities.lines().count(), 3, "{oddities:?}");
    }

    #[test]
    fn malformed_lines_are_named() {
        let cases = [
            (
                "b,dog,0.5,0,0,1,1\nb,dog,0.5,0,0,1\n",
                ":2: expected 7 columns",
            ),
            (
                "b,dog,0.5,0,0,1,1\nb,dog,high,0,0,1,1\n",
                ":2: 'high' is no score",
            ),
            ("b,dog,0.5,0,0,1,1\nb\n", ":2: expected picture"),
            ("{\"picture\":\"b\"}\n{\"picture\":", ":2: EOF"),
        ];
        for (text, expected) in cases {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn our_csv_is_read_back() {
        let edges = Edges::new([0.1f32, 0.2, 30.7, 40.0].map(f64::from));
        let found = [Found {
            picture: 1,
            class: 0,
            score: f64::from(0.3f32),
            edges,
        }];
        let mut text = Vec::new();
        write_csv(&mut text, &dataset(), &found).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "b,sofa,0.3,0.1,0.2,30.7,40\n"
        );
    }
}
