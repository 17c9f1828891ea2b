//! One door for all formats.

mod shared;

use shared::shared;
use std::path::Path;
use tincy_import::{Options, import};
use tincy_network::{Fit, file};

fn refused(path: &Path, options: &Options) -> String {
    import(path, options).unwrap_err().to_string()
}

#[test]
fn every_published_form_opens() {
    let opens = |name: &str| {
        let path = shared(name)?;
        Some(import(&path, &Options::default()).unwrap())
    };
    for (name, layers) in [
        ("tinier-yolo", 14),
        ("tinyyolo-w1a4", 14),
        ("dorefanet", 18),
        ("darknet-models/yololite-trial3.cfg", 12),
        ("darknet-models/yololite-trial3.weights", 12),
    ] {
        if let Some(network) = opens(name) {
            assert_eq!(network.layers().len(), layers, "{name}");
        }
    }
}

#[test]
fn a_model_file_opens_with_another_fit() {
    let Some(path) = shared("darknet-models/yololite-trial5.cfg") else {
        return;
    };
    let network = import(&path, &Options::default()).unwrap();
    assert_eq!(network.input().picture.unwrap().fit, Fit::Stretch);
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("trial5.tincy");
    file::write(&network, &model).unwrap();
    assert_eq!(import(&model, &Options::default()).unwrap(), network);
    let fit = Some(Fit::Letterbox { fill: 0.5 });
    let options = Options {
        fit,
        ..Options::default()
    };
    let network = import(&model, &options).unwrap();
    assert_eq!(network.input().picture.map(|p| p.fit), fit);
}

#[test]
fn names_beside_the_cfg_are_found() {
    let Some(folder) = shared("darknet-models") else {
        return;
    };
    let copy = tempfile::tempdir().unwrap();
    let at = |name: &str| copy.path().join(name);
    std::fs::copy(folder.join("yoloface-50k.cfg"), at("face.cfg")).unwrap();
    std::fs::copy(folder.join("yoloface-50k.weights"), at("other.weights")).unwrap();
    std::fs::copy(folder.join("face.names"), at("face.names")).unwrap();
    let error = refused(&at("face.cfg"), &Options::default());
    assert!(
        error.contains("needs its .weights file too; looked for "),
        "{error}"
    );
    let options = Options {
        weights: Some(at("other.weights")),
        ..Options::default()
    };
    let network = import(&at("face.cfg"), &options).unwrap();
    let names = std::fs::read_to_string(at("face.names")).unwrap();
    assert_eq!(network.classes(), [names.trim()]);
}

#[test]
fn what_was_looked_for_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "nothing").unwrap();
    let error = refused(&text, &Options::default());
    assert!(
        error.contains("looked for NAME.tincy, NAME.onnx, a Darknet NAME.cfg"),
        "{error}"
    );
    let error = refused(folder.path(), &Options::default());
    assert!(
        error.contains("looked for NAME-layers.json (QNN-MO)"),
        "{error}"
    );
    let error = refused(&folder.path().join("none.cfg"), &Options::default());
    assert!(
        error.ends_with("none.cfg: there is no such file or folder"),
        "{error}"
    );
}
