//! A test for every fault that was found: what happened, and what must happen instead.

mod support;

use support::{run, tincy};

/// A missing file was reported as `NAME: REASON: REASON`, since a library's error had its reason in
/// its text and named it as its source too.
#[test]
fn a_reason_is_said_once() {
    let cases = [
        ["detect", "gone.jpg"],
        ["inspect", "gone.tincy"],
        ["replay", "gone.mp4"],
    ];
    for arguments in cases {
        let run = run(tincy().args(arguments));
        let times = run.stderr.matches("No such file").count();
        assert!(times <= 1, "{arguments:?}: {}", run.stderr);
        assert_eq!(
            run.stderr.lines().count(),
            1,
            "{arguments:?}: {}",
            run.stderr
        );
    }
}
