//! Odd and damaged recordings: frames, exit codes, what is said, and that annotated files play.

mod support;

use std::collections::HashSet;
use std::path::Path;
use support::{count_frames, has_ffmpeg, probe, run, shared, times, tincy, value};

/// Name, frames, exit code, what is said.
#[rustfmt::skip]
const RECORDINGS: [(&str, u64, i32, &str); 49] = [
    ("-leading-dash.mp4", 15, 0, ""),
    ("UPPER.MP4", 15, 0, ""),
    ("Umlaute-äöü-ß-日本.mp4", 15, 0, ""),
    ("alpha.webm", 25, 0, ""),
    ("animated.gif", 20, 0, ""),
    ("audio-only.mp4", 0, 3, "there is no video in it"),
    ("av1.webm", 25, 0, ""),
    ("corrupt-middle.mp4", 49, 1, "damaged"),
    ("discontinuity.ts", 50, 0, ""),
    ("fps-1.mp4", 3, 0, ""),
    ("fps-240.mp4", 221, 0, ""),
    ("h264-high10.mp4", 25, 0, ""),
    ("hevc-10bit.mp4", 25, 0, ""),
    ("huge-7680x4320-one-frame.mp4", 1, 0, ""),
    ("interlaced-mpeg2.ts", 25, 0, ""),
    ("interlaced-tff.mp4", 25, 0, ""),
    ("mjpeg-bad-frames.avi", 14, 1, "frame 6"),
    ("mjpeg-empty-frames.avi", 12, 0, ""),
    ("mjpeg-no-huffman-tables.avi", 15, 0, ""),
    ("mjpeg-no-index.avi", 15, 0, ""),
    ("mjpeg-raw-stream.mjpeg", 15, 0, ""),
    ("mp4-named.avi", 15, 0, ""),
    ("no-extension", 15, 0, ""),
    ("odd-321x243-h264-444.mp4", 25, 0, ""),
    ("odd-321x243-mjpeg.avi", 15, 0, ""),
    ("odd-321x243-vp9.webm", 25, 0, ""),
    ("one-frame.mp4", 1, 0, ""),
    ("quotes'single and \"double\".mp4", 15, 0, ""),
    ("resolution-change.h264", 20, 0, ""),
    ("rotation-90.mp4", 25, 0, ""),
    ("sar-4-3.mp4", 25, 0, ""),
    ("subtitles-two-audio.mkv", 50, 0, ""),
    ("text.mp4", 0, 3, "ffmpeg"),
    ("tiny-16x16.mp4", 25, 0, ""),
    ("truncated-moov-first.mp4", 25, 1, "damaged"),
    ("truncated-no-moov.mp4", 0, 3, "moov atom not found"),
    ("vfr.mp4", 37, 0, ""),
    ("with spaces in name.mp4", 15, 0, ""),
    ("y4m-422.y4m", 5, 0, ""),
    ("y4m-444.y4m", 5, 0, ""),
    ("y4m-bad-frame-marker.y4m", 2, 1, "frame 3 does not start with FRAME; 2 frames"),
    ("y4m-frame-params.y4m", 5, 0, ""),
    ("y4m-huge-size.y4m", 0, 3, "1000000x1000000"),
    ("y4m-long-header.y4m", 5, 0, ""),
    ("y4m-mono.y4m", 5, 0, ""),
    ("y4m-odd-65x49.y4m", 5, 0, ""),
    ("y4m-short-header.y4m", 5, 0, ""),
    ("y4m-truncated.y4m", 3, 1, "cut short: frame 4"),
    ("y4m-zero-fps.y4m", 5, 0, ""),
];

/// The rest, which is refused at once.
const REFUSED: [(&str, &str); 2] = [("y4m-zero-size.y4m", "0x0"), ("zero-bytes.mp4", "empty")];

#[test]
fn odd_recordings_give_their_frames_or_one_clear_line() {
    let Some(folder) = shared("recordings-odd") else {
        return;
    };
    if !has_ffmpeg() {
        return;
    }
    let refused = REFUSED.map(|(name, says)| (name, 0, 3, says));
    for (name, frames, code, says) in RECORDINGS.into_iter().chain(refused) {
        // As an argument for which the folder is the working directory: `-leading-dash.mp4`.
        let mut command = tincy();
        command
            .current_dir(&folder)
            .args(["replay", "-t1", "--json", "-q", "--", name]);
        let run = run(&mut command);
        assert_eq!(run.code, code, "{name}: {}", run.stderr);
        assert_eq!(run.stdout.lines().count() as u64, frames, "{name}");
        let lines: Vec<_> = run.stderr.lines().collect();
        if code == 3 {
            assert_eq!(lines.len(), 1, "{name}: {}", run.stderr);
            assert!(
                lines[0].contains(says) && lines[0].contains(name),
                "{name}: {}",
                lines[0]
            );
        }
        for (index, line) in run.stdout.lines().enumerate() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(line["frame"], index);
            assert_eq!(line["source"], name);
            assert!(line["detections"].as_array().unwrap().is_empty());
        }
    }
    let known: HashSet<_> = RECORDINGS
        .iter()
        .map(|row| row.0)
        .chain(REFUSED.map(|r| r.0))
        .collect();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(
            name.ends_with(".md") || known.contains(&*name),
            "unknown: {name}"
        );
    }
}

#[test]
fn warnings_are_said_once() {
    let Some(folder) = shared("recordings-odd") else {
        return;
    };
    for (name, _, code, says) in RECORDINGS.into_iter().filter(|row| row.2 == 1) {
        if !name.ends_with("y4m") && !name.ends_with("avi") && !has_ffmpeg() {
            continue;
        }
        let run = run(tincy().arg("replay").arg(folder.join(name)));
        assert_eq!(run.code, code);
        assert_eq!(run.stderr.lines().count(), 2, "{name}: {}", run.stderr);
        assert!(
            run.stderr.lines().next().unwrap().contains(says),
            "{name}: {}",
            run.stderr
        );
    }
}

/// Replays to annotated files in `out`.
fn annotate(inputs: &[&Path], out: &Path) {
    let run = run(tincy().args(["replay", "-q", "-o"]).arg(out).args(inputs));
    assert!(run.code <= 1, "{}", run.stderr);
}

#[test]
fn annotated_odd_recordings_play_with_the_inputs_frames() {
    let Some(folder) = shared("recordings-odd") else {
        return;
    };
    if !has_ffmpeg() {
        return;
    }
    // Size and codec as shown: turned, odd, other pixels.
    let cases = [
        ("vfr.mp4", "vfr.mp4", 37, "320", "240", "h264", ""),
        (
            "odd-321x243-h264-444.mp4",
            "odd-321x243-h264-444.mp4",
            25,
            "321",
            "243",
            "h264",
            "",
        ),
        (
            "odd-321x243-vp9.webm",
            "odd-321x243-vp9.webm",
            25,
            "321",
            "243",
            "vp9",
            "",
        ),
        (
            "odd-321x243-mjpeg.avi",
            "odd-321x243-mjpeg.avi",
            15,
            "321",
            "243",
            "mjpeg",
            "",
        ),
        (
            "y4m-odd-65x49.y4m",
            "y4m-odd-65x49.y4m",
            5,
            "65",
            "49",
            "rawvideo",
            "",
        ),
        (
            "rotation-90.mp4",
            "rotation-90.mp4",
            25,
            "240",
            "320",
            "h264",
            "",
        ),
        (
            "sar-4-3.mp4",
            "sar-4-3.mp4",
            25,
            "240",
            "240",
            "h264",
            "4:3",
        ),
        (
            "discontinuity.ts",
            "discontinuity.mp4",
            50,
            "320",
            "240",
            "h264",
            "",
        ),
        (
            "mjpeg-empty-frames.avi",
            "mjpeg-empty-frames.avi",
            12,
            "320",
            "240",
            "mjpeg",
            "",
        ),
        (
            "tiny-16x16.mp4",
            "tiny-16x16.mp4",
            25,
            "16",
            "16",
            "h264",
            "",
        ),
        (
            "one-frame.mp4",
            "one-frame.mp4",
            1,
            "320",
            "240",
            "h264",
            "",
        ),
        (
            "truncated-moov-first.mp4",
            "truncated-moov-first.mp4",
            25,
            "320",
            "240",
            "h264",
            "",
        ),
    ];
    let out = tempfile::tempdir().unwrap();
    let inputs: Vec<_> = cases.iter().map(|case| folder.join(case.0)).collect();
    annotate(
        &inputs.iter().map(|path| path.as_path()).collect::<Vec<_>>(),
        out.path(),
    );
    for (_, name, frames, width, height, codec, aspect) in cases {
        let path = out.path().join(name);
        let probed = probe(&path, "v:0");
        assert_eq!(
            value(&probed, "nb_read_frames"),
            frames.to_string(),
            "{name}"
        );
        assert_eq!(value(&probed, "width"), width, "{name}");
        assert_eq!(value(&probed, "height"), height, "{name}");
        assert_eq!(value(&probed, "codec_name"), codec, "{name}");
        assert!(
            value(&probed, "sample_aspect_ratio").contains(aspect),
            "{name}: {probed}"
        );
    }
    let same = |name: &str| assert_eq!(times(&folder.join(name)), times(&out.path().join(name)));
    same("vfr.mp4");
    same("sar-4-3.mp4");
}

#[test]
fn real_recordings_keep_frames_times_and_sound() {
    let Some(folder) = shared("recordings") else {
        return;
    };
    if !has_ffmpeg() {
        return;
    }
    let cases = [
        ("street-bikes.mp4", 250, ""),
        ("cars-from-above-sound.mp4", 138, "aac"),
        ("people-one-by-one.webm", 150, ""),
        ("people-mpeg4.avi", 120, ""),
        ("people-256x144.y4m", 30, ""),
        ("bottles-mjpeg.avi", 60, ""),
        ("cockatoo-sound-720p.mp4", 280, "mp3"),
        ("plants-sound-240p.mp4", 36, "aac"),
        ("bunny-sound-720p.mp4", 132, "aac"),
    ];
    let out = tempfile::tempdir().unwrap();
    let inputs: Vec<_> = cases.iter().map(|case| folder.join(case.0)).collect();
    annotate(
        &inputs.iter().map(|path| path.as_path()).collect::<Vec<_>>(),
        out.path(),
    );
    for (name, frames, sound) in cases {
        let path = out.path().join(name);
        assert_eq!(count_frames(&path), frames, "{name}");
        assert_eq!(value(&probe(&path, "a:0"), "codec_name"), sound, "{name}");
    }
    let plants = "plants-sound-240p.mp4";
    let (before, after) = (times(&folder.join(plants)), times(&out.path().join(plants)));
    for (before, after) in before.iter().zip(&after) {
        assert!((before - after).abs() <= 100, "{before} {after}");
    }
}
