//! Labels of pictures, in the form that the first byte names: VOC, YOLO, COCO or packed.
#![no_main]

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use std::io::Write;
use std::path::Path;
use tincy_dataset::{Dataset, Edges};
use tincy_fuzz::{cut, folder, put, said};

/// A grey pixel.
const PICTURE: &[u8] = b"P5 1 1 255\n\x80";

fn write(form: u8, bytes: &[u8]) -> Option<&'static str> {
    let (first, second) = cut(bytes, b"\n==\n");
    match form {
        b'v' => {
            put("voc/Annotations/a.xml", bytes);
            put("voc/JPEGImages/a.pgm", PICTURE);
            Some("voc")
        }
        b'y' => {
            put("yolo/labels/a.txt", first);
            put("yolo/images/a.pgm", PICTURE);
            put("yolo/data.yaml", second);
            Some("yolo")
        }
        b'c' => {
            put("coco/instances.json", bytes);
            put("coco/a.pgm", PICTURE);
            Some("coco")
        }
        b'p' => {
            let mut table = GzEncoder::new(Vec::new(), Compression::none());
            table.write_all(first).ok()?;
            put("packed/labels.csv.gz", &table.finish().ok()?);
            put("packed/pictures.tar", second);
            Some("packed")
        }
        _ => None,
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((form, bytes)) = bytes.split_first() else {
        return;
    };
    let Some(name) = write(*form, bytes) else {
        return;
    };
    let Some(mut set) = said(Dataset::open(&folder().join(name), &[])) else {
        return;
    };
    for picture in &set.pictures {
        said(picture.read());
        for object in &picture.objects {
            assert!(object.class < set.classes.len());
            let all = Edges::new([0.0, 0.0, 1.0, 1.0]);
            assert!(!object.edges.overlap(&all).is_nan());
        }
    }
    set.oddities.lines().count();
    let list = put("list.txt", bytes);
    said(set.keep_listed(Path::new(&list)));
});
