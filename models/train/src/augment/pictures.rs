//! The pictures of several sets, their classes numbered alike.

use super::Error;
use std::path::PathBuf;
use tincy_dataset::picture::{self, Limit};
use tincy_dataset::{Dataset, Object, Oddities, Picture, match_classes};
use tincy_vision::Frame;

/// A set of pictures to learn from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it lies, in any form that [`Dataset::open`] knows.
    pub root: PathBuf,
    /// Objects smaller than this part of their picture are ignored.
    pub ignore_below: f64,
}

/// Pictures with objects whose classes are those of a network.
///
/// The files stay compressed where they are; each is read and decoded when it is wanted.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    /// The pictures, set by set, in each by name.
    pub pictures: Vec<Picture>,
    /// What was odd in the sets.
    pub oddities: Oddities,
}

impl Pictures {
    /// The pictures of all sets together. Objects of classes that are not among `classes` are left
    /// out.
    ///
    /// # Errors
    /// If a set cannot be opened, or none has an object of a known class.
    pub fn open(sources: &[Source], classes: &[String]) -> Result<Pictures, Error> {
        let mut all = Pictures::default();
        for source in sources {
            let set = Dataset::open(&source.root, classes)?;
            let numbers = match_classes(&set.classes, classes);
            for mut picture in set.pictures {
                let limit = picture.area() * source.ignore_below;
                let objects = std::mem::take(&mut picture.objects).into_iter();
                let known = objects.filter_map(|object| match numbers[object.class] {
                    Some(class) => Some(Object {
                        class,
                        ignored: object.ignored || object.edges.area() < limit,
                        ..object
                    }),
                    None => {
                        let name = &set.classes[object.class];
                        all.oddities
                            .note("object of a class that is not the network's", name);
                        None
                    }
                });
                picture.objects = known.collect();
                all.pictures.push(picture);
            }
        }
        if all
            .pictures
            .iter()
            .all(|picture| picture.objects.is_empty())
        {
            let roots: Vec<_> = sources
                .iter()
                .map(|s| s.root.display().to_string())
                .collect();
            let what = format!("{}: no object of the network's classes", roots.join(", "));
            return Err(Error::Nothing(what));
        }
        Ok(all)
    }

    /// Takes out every tenth picture, from the first, to validate with.
    pub fn hold_out_tenth(&mut self) -> Vec<Picture> {
        let all = std::mem::take(&mut self.pictures).into_iter().enumerate();
        let (held, kept): (Vec<_>, Vec<_>) = all.partition(|(number, _)| number % 10 == 0);
        self.pictures = kept.into_iter().map(|(_, picture)| picture).collect();
        held.into_iter().map(|(_, picture)| picture).collect()
    }

    /// Decodes one.
    ///
    /// # Errors
    /// If it cannot be read or decoded.
    pub fn decode(&self, number: usize) -> Result<Frame, Error> {
        let picture = &self.pictures[number];
        let name = std::path::Path::new(&picture.name);
        picture::decode(&picture.read()?, name, Limit::default(), &mut |_| {}).map_err(|source| {
            Error::Picture {
                picture: picture.to_string(),
                source,
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::path::Path;

    /// A YOLO set of twelve little pictures, two objects each.
    fn set(folder: &Path) {
        for part in ["images", "labels"] {
            std::fs::create_dir_all(folder.join(part)).unwrap();
        }
        std::fs::write(folder.join("classes.txt"), "Dog\ncouch\ncow\n").unwrap();
        for number in 0..12u8 {
            let header = format!("P6\n40 {} 255\n", 20 + number);
            let mut picture = header.into_bytes();
            picture.extend((0..40 * (20 + usize::from(number)) * 3).map(|i| i as u8 ^ number));
            std::fs::write(folder.join(format!("images/{number:02}.ppm")), picture).unwrap();
            let label = "0 0.5 0.5 0.5 0.5\n1 0.2 0.2 0.1 0.1\n2 0.5 0.5 0.5 0.5\n";
            std::fs::write(folder.join(format!("labels/{number:02}.txt")), label).unwrap();
        }
    }

    /// Those pictures as a source whose small objects are ignored, and the classes of a network.
    fn source() -> (tempfile::TempDir, Source, [String; 2]) {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path());
        let source = Source {
            root: folder.path().to_path_buf(),
            ignore_below: 0.02,
        };
        (folder, source, ["sofa".to_string(), "dog".to_string()])
    }

    /// Those pictures, for a network of two classes; small objects are ignored.
    pub(in crate::augment) fn pictures() -> (tempfile::TempDir, Pictures) {
        let (folder, source, classes) = source();
        let pictures = Pictures::open(&[source], &classes).unwrap();
        (folder, pictures)
    }

    #[test]
    fn classes_are_those_of_the_network() {
        let (_folder, source, classes) = source();
        let mut pictures = Pictures::open(&[source.clone(), source.clone()], &classes).unwrap();
        assert_eq!(pictures.pictures.len(), 24);
        let objects = &pictures.pictures[5].objects;
        let found: Vec<_> = objects.iter().map(|o| (o.class, o.ignored)).collect();
        assert_eq!(found, [(1, false), (0, true)]);
        assert_eq!(pictures.oddities.lines().count(), 1);
        let held = pictures.hold_out_tenth();
        let names: Vec<_> = held.iter().map(|picture| picture.name.as_str()).collect();
        assert_eq!(names, ["00", "10", "08"]);
        assert_eq!(pictures.decode(0).unwrap().height, 21);
        let error = Pictures::open(&[source], &["cat".to_string()]).unwrap_err();
        assert!(error.to_string().contains("no object"), "{error}");
    }
}
