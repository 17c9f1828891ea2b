//! Names of annotated files: where they go, and that they overwrite no input and none of each
//! other.

use crate::inputs::Input;
use crate::outcome::Usage;
use anyhow::{Result, bail};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Where annotated files go.
#[derive(Debug)]
pub struct Place {
    target: Target,
    inputs: HashSet<PathBuf>,
    taken: HashMap<PathBuf, String>,
}

#[derive(Debug)]
enum Target {
    File(PathBuf),
    Folder(PathBuf),
}

impl Place {
    /// `path` is a file if `is_file` says so of its name, it is no folder and there is one input;
    /// else a folder.
    ///
    /// # Errors
    /// If it has the name of a file but there are several inputs.
    pub fn new(path: &Path, inputs: &[Input], is_file: fn(&Path) -> bool) -> Result<Place> {
        let ends_as_folder = path.to_string_lossy().ends_with('/');
        let file = !path.is_dir() && !ends_as_folder && is_file(path);
        if file && inputs.len() > 1 {
            let (path, count) = (path.display(), inputs.len());
            return Err(Usage(format!(
                "{path}: one file for {count} inputs; name a folder"
            ))
            .into());
        }
        let target = match file {
            true => Target::File(path.into()),
            false => Target::Folder(path.into()),
        };
        let inputs = inputs
            .iter()
            .filter_map(|input| input.path.canonicalize().ok())
            .collect();
        Ok(Place {
            target,
            inputs,
            taken: HashMap::new(),
        })
    }

    /// The file for an input. In a folder it has the input's name below the folder that was given,
    /// with another ending if `extension` gives one.
    ///
    /// # Errors
    /// If that is an input or the file for another input.
    pub fn of(&mut self, input: &Input, extension: Option<&str>) -> Result<PathBuf> {
        let path = match &self.target {
            Target::File(path) => path.clone(),
            Target::Folder(folder) => {
                let name = match input.is_stdin() {
                    true => folder.join("stdin"),
                    false => folder.join(&input.relative),
                };
                extension.map_or(name.clone(), |extension| name.with_extension(extension))
            }
        };
        let shown = path.display();
        if path
            .canonicalize()
            .is_ok_and(|path| self.inputs.contains(&path))
        {
            bail!("{shown} is an input; it is not overwritten");
        }
        if let Some(other) = self.taken.insert(path.clone(), input.name()) {
            let this = self.taken.insert(path.clone(), other.clone());
            drop(this);
            bail!("{shown} is the output for {other} already");
        }
        Ok(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_input_and_no_output_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("a")).unwrap();
        std::fs::write(at("a/x.jpg"), "").unwrap();
        let inputs = [Input::file(at("a/x.jpg")), Input::file(at("b/x.jpg"))];
        let is_file = |path: &Path| path.extension().is_some();
        assert!(Place::new(&at("out.jpg"), &inputs, is_file).is_err());

        let mut place = Place::new(&at("out"), &inputs, is_file).unwrap();
        assert_eq!(place.of(&inputs[0], None).unwrap(), at("out/x.jpg"));
        let error = place.of(&inputs[1], None).unwrap_err().to_string();
        assert!(error.contains("already"), "{error}");
        assert_eq!(place.of(&inputs[1], Some("png")).unwrap(), at("out/x.png"));

        let mut place = Place::new(&at("a"), &inputs, is_file).unwrap();
        let error = place.of(&inputs[0], None).unwrap_err().to_string();
        assert!(error.contains("not overwritten"), "{error}");
    }
}
