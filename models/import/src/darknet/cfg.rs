//! The text of a `.cfg`: sections of `key=value` lines.
//!
//! As Darknet reads it (`option_list.c`, `parser.c`): white space counts nowhere, lines that begin
//! with `#` or `;` are comments, and of a key that stands twice the first counts.

use crate::{Error, Result, files};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// A parsed cfg.
#[derive(Debug)]
pub(crate) struct Cfg {
    /// The file.
    pub(crate) path: PathBuf,
    /// All sections, in order.
    pub(crate) sections: Vec<Section>,
}

/// A section: `[kind]` and what follows it.
#[derive(Debug)]
pub(crate) struct Section {
    /// Shared, as a file may be all sections.
    path: Arc<Path>,
    /// The name between the brackets.
    pub(crate) kind: String,
    /// Where it begins, counted from 1.
    pub(crate) line: usize,
    /// Its options, in order.
    pub(crate) entries: Vec<Entry>,
}

/// A `key=value` line.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Before the first `=`.
    pub(crate) key: String,
    /// After it.
    pub(crate) value: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

impl Cfg {
    /// Reads a cfg.
    pub(crate) fn open(path: &Path) -> Result<Cfg> {
        Cfg::parse(&files::text(path)?, path)
    }

    /// Parses the text of a cfg; `path` is for messages.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Cfg> {
        let mut sections: Vec<Section> = Vec::new();
        let shared: Arc<Path> = path.into();
        for (index, line) in text.lines().enumerate() {
            let content: String = line.chars().filter(|c| !c.is_whitespace()).collect();
            let content = content.trim_start_matches('\u{feff}');
            let wrong = |what: &str| Error::Line {
                path: path.to_path_buf(),
                line: index + 1,
                what: format!("{what}: {}", shortened(line.trim())),
            };
            if content.is_empty() || content.starts_with(['#', ';', '\0']) {
                continue;
            }
            if let Some(header) = content.strip_prefix('[') {
                let kind = header
                    .strip_suffix(']')
                    .ok_or_else(|| wrong("a section needs its closing bracket"))?;
                sections.push(Section {
                    path: shared.clone(),
                    kind: kind.to_string(),
                    line: index + 1,
                    entries: Vec::new(),
                });
                continue;
            }
            let (key, value) = content
                .split_once('=')
                .ok_or_else(|| wrong("neither [section] nor key=value"))?;
            let section = sections
                .last_mut()
                .ok_or_else(|| wrong("an option before the first [section]"))?;
            let value = value.split(['#', ';']).next().unwrap_or_default();
            section.entries.push(Entry {
                key: key.to_string(),
                value: value.to_string(),
                line: index + 1,
            });
        }
        if sections.is_empty() {
            return Err(Error::file(
                path,
                "not a Darknet cfg: there is no [section]",
            ));
        }
        Ok(Cfg {
            path: path.to_path_buf(),
            sections,
        })
    }
}

impl Section {
    /// An error at this section's first line.
    pub(crate) fn wrong(&self, what: impl Into<String>) -> Error {
        self.wrong_at(self.line, what)
    }

    /// An error at a line of this section.
    pub(crate) fn wrong_at(&self, line: usize, what: impl Into<String>) -> Error {
        Error::Line {
            path: self.path.to_path_buf(),
            line,
            what: what.into(),
        }
    }

    /// The entry of a key: the first one.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|entry| entry.value.as_str())
    }

    /// A number, if the key is there.
    pub(crate) fn number<T: FromStr>(&self, key: &str) -> Result<Option<T>> {
        let Some(entry) = self.entry(key) else {
            return Ok(None);
        };
        let number = entry.value.parse().map_err(|_| {
            let value = shortened(&entry.value);
            self.wrong_at(entry.line, format!("{key}={value}: not a number in range"))
        })?;
        Ok(Some(number))
    }

    /// A number, or its default.
    pub(crate) fn number_or<T: FromStr>(&self, key: &str, default: T) -> Result<T> {
        Ok(self.number(key)?.unwrap_or(default))
    }

    /// A number that must be there.
    pub(crate) fn needed<T: FromStr>(&self, key: &str) -> Result<T> {
        self.number(key)?
            .ok_or_else(|| self.wrong(format!("[{}] needs {key}=", self.kind)))
    }

    /// A switch: 0 or absent is off.
    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        Ok(self.number_or::<i64>(key, 0)? != 0)
    }

    /// Numbers with commas between; empty where the key is absent.
    pub(crate) fn list<T: FromStr>(&self, key: &str) -> Result<Vec<T>> {
        let Some(entry) = self.entry(key) else {
            return Ok(Vec::new());
        };
        entry
            .value
            .split(',')
            .filter(|item| !item.is_empty())
            .map(|item| {
                item.parse().map_err(|_| {
                    let what = format!("{key}: {} is not a number in range", shortened(item));
                    self.wrong_at(entry.line, what)
                })
            })
            .collect()
    }
}

impl Section {
    /// The anchors of a head: pairs of width and height.
    pub(crate) fn anchors(&self) -> Result<Vec<[f32; 2]>> {
        let numbers = self.list::<f32>("anchors")?;
        let (pairs, rest) = numbers.as_chunks::<2>();
        if pairs.is_empty() || !rest.is_empty() {
            let found = numbers.len();
            return Err(self.wrong(format!("anchors= needs pairs of numbers, found {found}")));
        }
        Ok(pairs.to_vec())
    }
}

/// Text of a file for a message: neither endless nor unprintable.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut short: String = text
        .chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .collect();
    if text.chars().count() > LONGEST {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Cfg> {
        Cfg::parse(text, Path::new("net.cfg"))
    }

    #[test]
    fn white_space_comments_and_line_ends() {
        let cfg =
            parse("# top\r\n[net]\r\n width = 4 1 6\r\n;x\r\n\r\nsize=3 # three\r\n").unwrap();
        let net = &cfg.sections[0];
        assert_eq!((net.kind.as_str(), net.line), ("net", 2));
        assert_eq!(net.number::<usize>("width").unwrap(), Some(416));
        assert_eq!(net.number::<usize>("size").unwrap(), Some(3));
        assert_eq!(net.number::<usize>("height").unwrap(), None);
    }

    #[test]
    fn the_first_of_two_counts() {
        let cfg = parse("[net]\nwidth=1\nwidth=2\n").unwrap();
        assert_eq!(cfg.sections[0].needed::<usize>("width").unwrap(), 1);
    }

    #[test]
    fn lists() {
        let cfg = parse("[region]\nanchors = 1.08,1.19,  3.42,4.41,\n").unwrap();
        let anchors = cfg.sections[0].list::<f32>("anchors").unwrap();
        assert_eq!(anchors, [1.08, 1.19, 3.42, 4.41]);
    }

    #[test]
    fn errors_name_file_and_line() {
        let cases = [
            ("", "net.cfg: not a Darknet cfg"),
            (
                "[net]\nwidth\n",
                "net.cfg:2: neither [section] nor key=value: width",
            ),
            (
                "\nwidth=1\n",
                "net.cfg:2: an option before the first [section]",
            ),
            (
                "[net\n",
                "net.cfg:1: a section needs its closing bracket: [net",
            ),
        ];
        for (text, expected) in cases {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text:?}: {error}");
        }
        let cfg = parse("[net]\nwidth=many\n").unwrap();
        let error = cfg.sections[0].needed::<usize>("width").unwrap_err();
        assert_eq!(
            error.to_string(),
            "net.cfg:2: width=many: not a number in range"
        );
    }
}
