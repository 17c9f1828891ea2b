//! COCO sets: one JSON file for all pictures, boxes `x y width height` in pixels from the edge.

use crate::listing::files;
use crate::{Dataset, Edges, Error, Form, Object, Oddities, Picture, Place};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Looks for the JSON file of a COCO set. `root` may be the file itself.
pub(super) fn find(root: &Path) -> Result<Option<PathBuf>, Error> {
    if root.is_file() {
        return Ok(Some(root.to_path_buf()));
    }
    let mut found = Vec::new();
    for folder in [root.join("annotations"), root.to_path_buf()] {
        if folder.is_dir() {
            found.extend(
                files(&folder, false)?
                    .into_iter()
                    .filter(|path| is_instances(path)),
            );
        }
    }
    if found.len() > 1 {
        let names: Vec<_> = found
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let names = names.join(", ");
        let what = format!("several COCO files, name the one to use: {names}");
        return Err(Error::form(root, what));
    }
    Ok(found.pop())
}

fn is_instances(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".json") && (name.starts_with("instances") || name.contains("coco"))
}

#[derive(Deserialize)]
struct Instances {
    images: Vec<Image>,
    annotations: Vec<Annotation>,
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct Image {
    id: i64,
    file_name: String,
    width: Option<f64>,
    height: Option<f64>,
}

#[derive(Deserialize)]
struct Annotation {
    image_id: i64,
    category_id: i64,
    #[serde(default)]
    bbox: Vec<f64>,
    area: Option<f64>,
    iscrowd: Option<Flag>,
    /// Not of COCO itself, but COCO's scorer honours it.
    ignore: Option<Flag>,
}

/// 0 and 1, or false and true.
#[derive(Deserialize)]
#[serde(untagged)]
enum Flag {
    Number(f64),
    Bool(bool),
}

impl Flag {
    fn is_set(&self) -> bool {
        match self {
            Flag::Number(number) => *number != 0.0,
            Flag::Bool(set) => *set,
        }
    }
}

#[derive(Deserialize)]
struct Category {
    id: i64,
    name: String,
}

/// Reads the set.
pub(super) fn open(root: &Path, json: &Path) -> Result<Dataset, Error> {
    let file = File::open(json).map_err(Error::io(json))?;
    let mut instances: Instances =
        serde_json::from_reader(BufReader::new(file)).map_err(|source| Error::Json {
            path: json.to_path_buf(),
            source,
        })?;
    instances.categories.sort_by_key(|category| category.id);
    instances
        .images
        .sort_by(|a, b| a.file_name.cmp(&b.file_name));
    let mut oddities = Oddities::default();
    let mut objects = objects(&instances, &mut oddities);
    let folder = picture_folder(json, &instances.images);
    let (mut pictures, mut names) = (Vec::new(), HashSet::new());
    for image in &instances.images {
        let path = folder.join(&image.file_name);
        let name = Path::new(&image.file_name)
            .with_extension("")
            .to_string_lossy()
            .into_owned();
        if !path.is_file() {
            oddities.note("picture is missing", path.display());
        } else if !names.insert(name.clone()) {
            oddities.note("second picture of its name, left out", path.display());
        } else {
            let size = image
                .width
                .zip(image.height)
                .map(|(w, h)| [w as usize, h as usize]);
            let objects = objects.remove(&image.id).unwrap_or_default();
            pictures.push(Picture {
                name,
                place: Place::File(path),
                size,
                objects,
            });
        }
    }
    let classes = instances
        .categories
        .into_iter()
        .map(|category| category.name)
        .collect();
    Ok(Dataset {
        form: Form::Coco,
        root: root.to_path_buf(),
        classes,
        pictures,
        oddities,
    })
}

/// The objects of each picture, by its id.
fn objects(instances: &Instances, oddities: &mut Oddities) -> HashMap<i64, Vec<Object>> {
    let categories = instances.categories.iter().enumerate();
    let classes: HashMap<i64, usize> = categories
        .map(|(class, category)| (category.id, class))
        .collect();
    let mut objects: HashMap<i64, Vec<Object>> = instances
        .images
        .iter()
        .map(|image| (image.id, Vec::new()))
        .collect();
    for (number, annotation) in instances.annotations.iter().enumerate() {
        let place = format_args!("annotation {number} of picture {}", annotation.image_id);
        let Some(of_picture) = objects.get_mut(&annotation.image_id) else {
            oddities.note("annotation of a picture that is not listed", place);
            continue;
        };
        let Some(class) = classes.get(&annotation.category_id) else {
            oddities.note("annotation of a category that is not listed", place);
            continue;
        };
        match object(annotation, *class) {
            Some(object) => of_picture.push(object),
            None => oddities.note("annotation without a sound box", place),
        }
    }
    objects
}

fn object(annotation: &Annotation, class: usize) -> Option<Object> {
    let [x, y, width, height] = *annotation.bbox else {
        return None;
    };
    let object = Object::new(class, Edges::sound([x, y, x + width, y + height])?);
    let crowd = annotation.iscrowd.as_ref().is_some_and(Flag::is_set);
    Some(Object {
        area: annotation.area.unwrap_or(object.area),
        crowd,
        ignored: crowd || annotation.ignore.as_ref().is_some_and(Flag::is_set),
        ..object
    })
}

/// The folder that the file names are relative to: the first in which one of them is found.
fn picture_folder(json: &Path, images: &[Image]) -> PathBuf {
    let split = json.file_stem().unwrap_or_default().to_string_lossy();
    let split = split
        .trim_start_matches("instances")
        .trim_start_matches('_')
        .to_string();
    let beside = json.parent().unwrap_or(Path::new("."));
    let above = beside.join("..");
    let folders = [beside, &above].into_iter().flat_map(|base| {
        [
            base.join(&split),
            base.join("images").join(&split),
            base.join("images"),
            base.to_path_buf(),
        ]
    });
    let sample = &images[..images.len().min(100)];
    let holds_one = |folder: &PathBuf| {
        sample
            .iter()
            .any(|image| folder.join(&image.file_name).is_file())
    };
    folders
        .into_iter()
        .find(holds_one)
        .unwrap_or_else(|| beside.join("images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SET: &str = r#"{"info": {}, "images": [
        {"id": 7, "file_name": "b.jpg", "width": 40, "height": 30},
        {"id": 3, "file_name": "a.jpg"}, {"id": 4, "file_name": "gone.jpg"}],
      "annotations": [
        {"image_id": 7, "category_id": 18, "bbox": [1, 2, 3, 4], "area": 5.5, "iscrowd": 0, "segmentation": [[1, 2]]},
        {"image_id": 7, "category_id": 2, "bbox": [1.5, 2, 3, 4], "iscrowd": 1},
        {"image_id": 3, "category_id": 2, "bbox": [1, 2, 0, 4], "iscrowd": null},
        {"image_id": 3, "category_id": 99, "bbox": [1, 2, 3, 4]},
        {"image_id": 99, "category_id": 2, "bbox": [1, 2, 3, 4]},
        {"image_id": 3, "category_id": 2, "bbox": [1, 2, 3]}],
      "categories": [{"id": 18, "name": "dog"}, {"id": 2, "name": "bicycle"}]}"#;

    fn folder(json: &str, json_path: &str, pictures: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let json_path = folder.path().join(json_path);
        std::fs::create_dir_all(json_path.parent().unwrap()).unwrap();
        std::fs::write(json_path, json).unwrap();
        std::fs::create_dir_all(folder.path().join(pictures)).unwrap();
        for name in ["a.jpg", "b.jpg"] {
            std::fs::write(folder.path().join(pictures).join(name), "").unwrap();
        }
        folder
    }

    #[test]
    fn layouts() {
        let cases = [
            ("annotations/instances_val2017.json", "val2017"),
            ("annotations/instances_val2017.json", "images/val2017"),
            ("instances.json", "images"),
            ("_annotations.coco.json", ""),
        ];
        for (json, pictures) in cases {
            let folder = folder(SET, json, pictures);
            for root in [folder.path().to_path_buf(), folder.path().join(json)] {
                let set = Dataset::open(&root, &[]).unwrap();
                assert_eq!(set.classes, ["bicycle", "dog"]);
                let names: Vec<_> = set
                    .pictures
                    .iter()
                    .map(|picture| picture.name.as_str())
                    .collect();
                assert_eq!(names, ["a", "b"], "{json} {pictures}");
                assert_eq!(set.oddities.lines().count(), 4, "{:?}", set.oddities);
            }
        }
    }

    #[test]
    fn objects_crowds_and_areas() {
        let folder = folder(SET, "instances.json", "images");
        let set = Dataset::open(folder.path(), &[]).unwrap();
        let edges = Edges::new([1.0, 2.0, 4.0, 6.0]);
        let dog = Object {
            area: 5.5,
            ..Object::new(1, edges)
        };
        let crowd = Object::new(0, Edges::new([1.5, 2.0, 4.5, 6.0]));
        let crowd = Object {
            ignored: true,
            crowd: true,
            ..crowd
        };
        assert_eq!(set.pictures[1].objects, [dog, crowd]);
        assert_eq!(set.pictures[1].size, Some([40, 30]));
        assert!(set.pictures[0].objects.is_empty());
    }

    #[test]
    fn malformed_files_are_errors() {
        for end in (0..SET.len() - 1).step_by(7) {
            let folder = folder(&SET[..end], "instances.json", "images");
            let error = Dataset::open(folder.path(), &[]).unwrap_err();
            assert!(error.to_string().contains("instances.json"), "{error}");
        }
        let folder = folder(&"[".repeat(100_000), "instances.json", "images");
        assert!(Dataset::open(folder.path(), &[]).is_err());
    }

    #[test]
    fn of_several_files_one_must_be_named() {
        let folder = folder(SET, "annotations/instances_val.json", "images");
        std::fs::write(folder.path().join("annotations/instances_train.json"), SET).unwrap();
        let message = Dataset::open(folder.path(), &[]).unwrap_err().to_string();
        assert!(message.contains("instances_train.json, "), "{message}");
        assert!(Dataset::open(&folder.path().join("annotations/instances_val.json"), &[]).is_ok());
    }
}
