//! Arguments to files.

use super::{Kind, Shard, kind, pattern};
use anyhow::{Context, Result, bail};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Which inputs to work on.
#[derive(Clone, Debug, clap::Args)]
pub struct InputArgs {
    /// Files, folders, patterns in quotes ("*.jpg"), @LIST (a file with a name on each line), - for
    /// the standard input
    #[arg(value_name = "INPUT", required_unless_present = "list")]
    pub inputs: Vec<OsString>,
    /// File with the name of an input on each line (- for the standard input)
    #[arg(long, value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Takes part K of N of the inputs: each N-th one, from the K-th
    #[arg(
        long,
        value_name = "K/N",
        default_value = "1/1",
        hide_default_value = true
    )]
    pub shard: Shard,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file; `-` is the standard input.
    pub path: PathBuf,
    /// Its name below the folder that was given, which outputs are named after.
    pub relative: PathBuf,
}

impl Input {
    /// A file given by itself.
    pub fn file(path: impl Into<PathBuf>) -> Input {
        let path = path.into();
        let relative = PathBuf::from(path.file_name().unwrap_or(path.as_os_str()));
        Input { path, relative }
    }

    /// Whether it is the standard input.
    pub fn is_stdin(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// What to call it.
    pub fn name(&self) -> String {
        match self.is_stdin() {
            true => "(standard input)".into(),
            false => self.path.display().to_string(),
        }
    }
}

/// What a command looks for in folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Pictures.
    Pictures,
    /// Recordings.
    Recordings,
}

impl InputArgs {
    /// The inputs, in order: as given, folders sorted by name. What does not exist stays in the
    /// list, to be named when it is its turn.
    ///
    /// # Errors
    /// If a list cannot be read, or a folder or pattern holds nothing.
    pub fn expand(&self, wanted: Wanted) -> Result<Vec<Input>> {
        let mut found = Vec::new();
        for argument in &self.inputs {
            expand_argument(argument, wanted, &mut found)?;
        }
        if let Some(list) = &self.list {
            expand_list(list, wanted, &mut found)?;
        }
        Ok(self.shard.select(found))
    }
}

fn expand_argument(argument: &OsStr, wanted: Wanted, found: &mut Vec<Input>) -> Result<()> {
    let path = Path::new(argument);
    let text = argument.to_str().unwrap_or_default();
    if text == "-" {
        found.push(Input::file("-"));
    } else if path.exists() {
        expand_name(path, wanted, found)?;
    } else if let Some(list) = argument.as_bytes().strip_prefix(b"@") {
        expand_list(Path::new(OsStr::from_bytes(list)), wanted, found)?;
    } else if pattern::is_pattern(text) {
        let names = pattern::matches(text);
        if names.is_empty() {
            bail!("{text}: no file matches");
        }
        for name in names {
            expand_name(&name, wanted, found)?;
        }
    } else {
        found.push(Input::file(path));
    }
    Ok(())
}

fn expand_name(path: &Path, wanted: Wanted, found: &mut Vec<Input>) -> Result<()> {
    if !path.is_dir() {
        found.push(Input::file(path));
        return Ok(());
    }
    let before = found.len();
    expand_folder(path, path, wanted, found)?;
    if found.len() == before {
        let wanted = match wanted {
            Wanted::Pictures => "pictures",
            Wanted::Recordings => "recordings",
        };
        bail!("{}: no {wanted} in this folder", path.display());
    }
    Ok(())
}

/// Adds what a folder holds, sorted, its folders included; links to folders are not followed, so
/// that there is an end.
fn expand_folder(root: &Path, folder: &Path, wanted: Wanted, found: &mut Vec<Input>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            if !path.is_symlink() {
                expand_folder(root, &path, wanted, found)?;
            }
        } else if is_wanted(&path, wanted) {
            let relative = path.strip_prefix(root).unwrap_or(&path).to_path_buf();
            found.push(Input { path, relative });
        }
    }
    Ok(())
}

/// By content, or by name: a damaged picture is to be named, not passed over.
fn is_wanted(path: &Path, wanted: Wanted) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    if let Ok(file) = File::open(path) {
        let _ = file.take(kind::HEAD_BYTES as u64).read_to_end(&mut head);
    }
    let kind = Kind::of(&head, path);
    let recording_by_name = kind::named_recording(path);
    match wanted {
        Wanted::Pictures => {
            (kind.is_picture() && !recording_by_name)
                || (kind::named_picture(path) && !kind.is_recording())
        }
        Wanted::Recordings => kind.is_recording() || (recording_by_name && kind != Kind::Picture),
    }
}

fn expand_list(list: &Path, wanted: Wanted, found: &mut Vec<Input>) -> Result<()> {
    let context = || format!("list {}", list.display());
    if list.as_os_str() == "-" {
        return expand_lines(std::io::stdin().lock(), wanted, found).with_context(context);
    }
    let file = File::open(list).with_context(context)?;
    expand_lines(BufReader::new(file), wanted, found).with_context(context)
}

/// Adds the inputs of a list: a name on each line, empty lines passed over.
///
/// # Errors
/// If the list cannot be read, or a folder in it holds nothing.
pub fn expand_lines(lines: impl BufRead, wanted: Wanted, found: &mut Vec<Input>) -> Result<()> {
    for line in lines.split(b'\n') {
        let mut line = line?;
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        if !line.is_empty() {
            expand_name(Path::new(&OsString::from_vec(line)), wanted, found)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(inputs: &[&OsStr], list: Option<PathBuf>, shard: &str) -> Result<Vec<Input>> {
        let inputs = inputs.iter().map(OsString::from).collect();
        let shard = shard.parse().unwrap();
        InputArgs {
            inputs,
            list,
            shard,
        }
        .expand(Wanted::Pictures)
    }

    #[test]
    fn folders_lists_patterns_and_parts() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::create_dir_all(root.join("pics/inner")).unwrap();
        for name in ["pics/b.jpg", "pics/a.png", "pics/inner/-ü 'q.bmp"] {
            std::fs::write(root.join(name), "").unwrap();
        }
        std::fs::write(root.join("pics/readme.txt"), "no picture").unwrap();
        std::fs::write(root.join("pics/unnamed"), b"\xFF\xD8\xFF\xE0").unwrap();
        let pics = root.join("pics");
        let found = expand(&[pics.as_os_str()], None, "1/1").unwrap();
        let names: Vec<_> = found.iter().map(|i| i.relative.to_str().unwrap()).collect();
        assert_eq!(names, ["a.png", "b.jpg", "inner/-ü 'q.bmp", "unnamed"]);

        let list = root.join("list.txt");
        let text = format!("{0}/b.jpg\r\n\n{0}/gone.jpg\n", pics.display());
        std::fs::write(&list, text).unwrap();
        let found = expand(&[], Some(list.clone()), "2/2").unwrap();
        assert_eq!(found, [Input::file(pics.join("gone.jpg"))]);
        let mut at = OsString::from("@");
        at.push(&list);
        assert_eq!(expand(&[&at], None, "1/1").unwrap().len(), 2);

        let pattern = pics.join("*.?p[g]");
        assert_eq!(
            expand(&[pattern.as_os_str()], None, "1/1").unwrap().len(),
            1
        );
        let error = expand(&[root.join("*.x").as_os_str()], None, "1/1").unwrap_err();
        assert!(error.to_string().contains("no file matches"));
    }
}
