//! The files of a folder, in a fixed order.

use crate::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The deepest nesting of folders that is followed; a loop of links ends here.
const MAX_DEPTH: usize = 16;

/// File name endings of pictures.
const PICTURES: [&str; 12] = [
    "jpg", "jpeg", "png", "bmp", "webp", "gif", "ppm", "pgm", "pnm", "tif", "tiff", "tga",
];

/// The files in a folder, sorted by path; with those of its folders if `deep`.
pub(crate) fn files(folder: &Path, deep: bool) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    collect(folder, if deep { MAX_DEPTH } else { 0 }, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    let entries = std::fs::read_dir(folder).map_err(Error::io(folder))?;
    for entry in entries {
        let path = entry.map_err(Error::io(folder))?.path();
        if !path.is_dir() {
            found.push(path);
        } else if depth > 0 {
            collect(&path, depth - 1, found)?;
        }
    }
    Ok(())
}

/// Whether a file's ending is one of pictures.
pub(crate) fn is_picture(path: &Path) -> bool {
    PICTURES.iter().any(|ending| has_ending(path, ending))
}

/// Whether a file has this ending, in capitals or not.
pub(crate) fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

/// The pictures of a folder by their stems.
pub(crate) fn pictures_by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let pictures = files(folder, false)?
        .into_iter()
        .filter(|path| is_picture(path));
    Ok(pictures.map(|path| (stem(&path), path)).collect())
}

/// A file's name without its ending.
pub(crate) fn stem(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_fixed_and_depth_on_request() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("b")).unwrap();
        for name in ["c.JPG", "a.txt", "b/x.png"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let names = |deep| -> Vec<_> {
            let files = files(folder.path(), deep).unwrap();
            files
                .iter()
                .map(|p| p.strip_prefix(folder.path()).unwrap().to_path_buf())
                .collect()
        };
        assert_eq!(names(false), [Path::new("a.txt"), Path::new("c.JPG")]);
        assert_eq!(
            names(true),
            [Path::new("a.txt"), Path::new("b/x.png"), Path::new("c.JPG")]
        );
        assert!(is_picture(Path::new("c.JPG")) && !is_picture(Path::new("a.txt")));
    }
}
