//! `tincy devices` as a whole process, on whatever the machine has: a machine of tests has no camera,
//! and where there is one it must be told well.

mod support;

use serde_json::Value;
use std::path::Path;
use support::{run, tincy};

fn has_video_nodes() -> bool {
    let entries = std::fs::read_dir("/dev").unwrap().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.any(|name| {
        name.strip_prefix("video")
            .is_some_and(|n| n.parse::<u32>().is_ok())
    })
}

#[test]
fn json_lists_cameras_and_displays() {
    let run = run(tincy().args(["devices", "--json"]));
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let cameras = json["cameras"].as_array().unwrap();
    assert!(json["displays"].is_array());
    if !has_video_nodes() {
        assert_eq!((run.code, cameras.len()), (0, 0), "{}", run.stderr);
    }
    for camera in cameras {
        let usable = camera["problem"].is_null();
        assert_eq!(camera["default"].is_object(), usable, "{camera}");
    }
}

#[test]
fn without_a_camera_one_line_says_how_to_come_by_one() {
    if has_video_nodes() {
        eprintln!("skipped: needs a machine without /dev/video*");
        return;
    }
    let told = run(tincy().arg("devices"));
    assert_eq!(told.code, 0, "{}", told.stderr);
    let lines: Vec<_> = told.stderr.lines().collect();
    let cameras: Vec<_> = lines
        .iter()
        .filter(|line| line.contains("camera"))
        .collect();
    assert_eq!(cameras.len(), 1, "{lines:?}");
    let start = "tincy: warning: no camera: there is no /dev/video*; ";
    assert!(cameras[0].starts_with(start), "{lines:?}");
    let remedies = ["modprobe uvcvideo", "--device /dev/video0", "usbipd"];
    assert!(remedies.iter().any(|remedy| cameras[0].contains(remedy)));
    if !Path::new("/sys/class/drm").exists() {
        assert_eq!(told.stdout, "");
        assert!(
            lines.iter().any(|line| line.contains("no display: ")),
            "{lines:?}"
        );
    }
    let quiet = run(tincy().args(["-q", "devices"]));
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
}

#[test]
fn arguments_that_are_none_are_refused() {
    let refused = run(tincy().args(["devices", "all"]));
    assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
}
