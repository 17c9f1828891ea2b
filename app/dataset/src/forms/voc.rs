//! PASCAL VOC sets: an XML file a picture, boxes in pixels counted from 1, both ends included.

use crate::listing::{files, has_ending, pictures_by_stem, stem};
use crate::{Dataset, Edges, Error, Form, Object, Oddities, Picture, Place};
use roxmltree::{Document, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The largest annotation that is read; real ones have a few kilobytes.
const MAX_XML_BYTES: u64 = 16 << 20;

/// Where annotations and pictures lie.
#[derive(Debug)]
pub(super) struct Layout {
    annotations: Vec<PathBuf>,
    pictures: PathBuf,
}

/// Looks for a VOC set.
pub(super) fn find(root: &Path) -> Result<Option<Layout>, Error> {
    let (annotations, pictures) = match root.join("Annotations") {
        folder if folder.is_dir() => (folder, root.join("JPEGImages")),
        _ if root.is_dir() => (root.to_path_buf(), root.to_path_buf()),
        _ => return Ok(None),
    };
    let mut annotations = files(&annotations, false)?;
    annotations.retain(|path| has_ending(path, "xml"));
    Ok(
        (!annotations.is_empty() && pictures.is_dir()).then_some(Layout {
            annotations,
            pictures,
        }),
    )
}

/// Reads it. Annotations without a picture are left out, as are unreadable ones.
pub(super) fn open(root: &Path, layout: &Layout) -> Result<Dataset, Error> {
    let mut oddities = Oddities::default();
    let paths = pictures_by_stem(&layout.pictures)?;
    let mut annotated = Vec::new();
    for xml in &layout.annotations {
        let name = stem(xml);
        let Some(path) = paths.get(&name) else {
            oddities.note("annotation without a picture", xml.display());
            continue;
        };
        match read(xml).and_then(|text| parse(&text, &name, &mut oddities)) {
            Ok(annotation) => annotated.push((name, path.clone(), annotation)),
            Err(error) => oddities.note(
                "unreadable annotation",
                format_args!("{}: {error}", xml.display()),
            ),
        }
    }
    Ok(assemble(root, annotated, oddities))
}

/// Numbers the class names, in alphabetical order.
fn assemble(
    root: &Path,
    annotated: Vec<(String, PathBuf, Annotation)>,
    oddities: Oddities,
) -> Dataset {
    let objects = annotated
        .iter()
        .flat_map(|(_, _, annotation)| &annotation.objects);
    let names: BTreeSet<&str> = objects.map(|object| object.name.as_str()).collect();
    let numbers: BTreeMap<&str, usize> = names.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let classes = names.iter().map(|name| name.to_string()).collect();
    let pictures = annotated.iter().map(|(name, path, annotation)| Picture {
        name: name.clone(),
        place: Place::File(path.clone()),
        size: annotation.size,
        objects: annotation
            .objects
            .iter()
            .map(|object| object.number(&numbers))
            .collect(),
    });
    let pictures = pictures.collect();
    Dataset {
        form: Form::Voc,
        root: root.to_path_buf(),
        classes,
        pictures,
        oddities,
    }
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if bytes > MAX_XML_BYTES {
        return Err(format!(
            "{bytes} bytes, more than the {MAX_XML_BYTES} that are read"
        ));
    }
    std::fs::read_to_string(path).map_err(|e| e.to_string())
}

/// What an annotation says.
#[derive(Debug, Default, PartialEq)]
struct Annotation {
    size: Option<[usize; 2]>,
    objects: Vec<Named>,
}

/// An object with its class by name.
#[derive(Debug, PartialEq)]
struct Named {
    name: String,
    edges: Edges,
    difficult: bool,
}

impl Named {
    fn number(&self, numbers: &BTreeMap<&str, usize>) -> Object {
        let object = Object::new(numbers[self.name.as_str()], self.edges);
        Object {
            ignored: self.difficult,
            ..object
        }
    }
}

fn parse(text: &str, place: &str, oddities: &mut Oddities) -> Result<Annotation, String> {
    let document = Document::parse(text).map_err(|error| error.to_string())?;
    let root = document.root_element();
    let size =
        child(root, "size").and_then(|size| Some([count(size, "width")?, count(size, "height")?]));
    let mut objects = Vec::new();
    for node in root.children().filter(|node| node.has_tag_name("object")) {
        match object(node) {
            Some(object) => objects.push(object),
            None => oddities.note("object without a name or a sound box", place),
        }
    }
    Ok(Annotation { size, objects })
}

fn object(node: Node<'_, '_>) -> Option<Named> {
    let name = text(node, "name")
        .filter(|name| !name.is_empty())?
        .to_string();
    let bounds = child(node, "bndbox")?;
    let [xmin, ymin, xmax, ymax] =
        ["xmin", "ymin", "xmax", "ymax"].map(|key| text(bounds, key)?.parse::<f64>().ok());
    let edges = Edges::sound([xmin? - 1.0, ymin? - 1.0, xmax?, ymax?])?;
    let difficult = text(node, "difficult") == Some("1");
    Some(Named {
        name,
        edges,
        difficult,
    })
}

fn child<'a, 'input>(node: Node<'a, 'input>, tag: &str) -> Option<Node<'a, 'input>> {
    node.children().find(|child| child.has_tag_name(tag))
}

fn text<'a>(node: Node<'a, '_>, tag: &str) -> Option<&'a str> {
    child(node, tag)?.text().map(str::trim)
}

fn count(node: Node<'_, '_>, tag: &str) -> Option<usize> {
    text(node, tag)?.parse().ok().filter(|count| *count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOG: &str = "<annotation><size><width>353</width><height>500</height></size><object>
        <name>dog</name><difficult>1</difficult><part><name>head</name><bndbox><xmin>1</xmin></bndbox></part>
        <bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195.5</xmax><ymax> 371 </ymax></bndbox>
        </object></annotation>";

    #[test]
    fn an_annotation() {
        let mut oddities = Oddities::default();
        let annotation = parse(DOG, "dog", &mut oddities).unwrap();
        let edges = Edges::new([47.0, 239.0, 195.5, 371.0]);
        let expected = Named {
            name: "dog".into(),
            edges,
            difficult: true,
        };
        assert_eq!(
            annotation,
            Annotation {
                size: Some([353, 500]),
                objects: vec![expected]
            }
        );
        assert!(oddities.is_empty());
    }

    #[test]
    fn odd_objects_are_left_out_and_named_once() {
        let bounds = "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>2</xmax><ymax>9</ymax></bndbox>";
        let object = |inside: &str| format!("<object>{inside}</object>");
        let objects = [
            object(""),
            object("<name>dog</name>"),
            object(&format!("<name>dog</name>{bounds}")),
            object(&format!("<name> </name>{}", bounds.replace(">2<", ">7<"))),
            object(&format!("<name>cat</name>{}", bounds.replace(">2<", ">7<"))),
            object(&format!(
                "<name>cat</name>{}",
                bounds.replace(">2<", ">NaN<")
            )),
        ];
        let mut oddities = Oddities::default();
        let text = format!("<annotation>{}</annotation>", objects.concat());
        let annotation = parse(&text, "x", &mut oddities).unwrap();
        assert_eq!(annotation.objects.len(), 1);
        let lines: Vec<_> = oddities.lines().collect();
        assert_eq!(
            lines,
            ["object without a name or a sound box: x and 4 more"]
        );
    }

    #[test]
    fn malformed_text_is_an_error_never_a_panic() {
        let mut oddities = Oddities::default();
        for end in 0..DOG.len() {
            let _ = parse(&DOG[..end], "cut", &mut oddities);
        }
        let deep = "<a>".repeat(200_000);
        let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\">]><a>&b;</a>";
        for text in ["", "<annotation>", &deep, bomb, "\u{0}"] {
            assert!(parse(text, "x", &mut oddities).is_err());
        }
    }

    #[test]
    fn a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        put("Annotations/b.xml", DOG);
        put("Annotations/a.xml", &DOG.replace("dog", "cat"));
        put("Annotations/lost.xml", DOG);
        put("Annotations/bad.xml", "<annotation>");
        put("JPEGImages/a.jpg", "");
        put("JPEGImages/b.PNG", "");
        put("JPEGImages/bad.jpg", "");
        let set = Dataset::open(folder.path(), &[]).unwrap();
        assert_eq!(
            (set.form, &set.classes[..]),
            (Form::Voc, &["cat".into(), "dog".into()][..])
        );
        let names: Vec<_> = set
            .pictures
            .iter()
            .map(|p| (p.name.as_str(), p.objects[0].class))
            .collect();
        assert_eq!(names, [("a", 0), ("b", 1)]);
        let lines: Vec<_> = set.oddities.lines().collect();
        assert!(
            lines[0].contains("bad.xml") && lines[1].contains("lost.xml"),
            "{lines:?}"
        );
    }
}
