//! The forms that sets of pictures lie on disk in.

mod coco;
mod packed;
mod voc;
mod yolo;

use crate::{Dataset, Error};
use std::path::Path;

/// Opens the set at `root` in the first form that is found there; `names` are class names for
/// YOLO sets without a file of them.
pub(crate) fn open(root: &Path, names: &[String]) -> Result<Dataset, Error> {
    if let Some(json) = coco::find(root)? {
        return coco::open(root, &json);
    }
    if let Some(layout) = voc::find(root)? {
        return voc::open(root, &layout);
    }
    if packed::is_there(root) {
        return packed::open(root);
    }
    if let Some(layout) = yolo::find(root)? {
        return yolo::open(root, &layout, names);
    }
    Err(Error::form(
        root,
        "no data set found; looked for annotations/instances*.json (COCO), Annotations/*.xml \
         (VOC), pictures.tar with labels.csv.gz (packed), and labels/*.txt beside images/ or text \
         files beside pictures (YOLO)",
    ))
}
