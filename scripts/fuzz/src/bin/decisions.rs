//! The decisions beside a raw recording.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::path::Path;
use tincy::recording::decisions::Decisions;
use tincy_fuzz::{put, said};

fuzz_target!(|bytes: &[u8]| {
    let beside = put("a.jsonl", bytes);
    let recording: &Path = &beside.with_extension("nut");
    if let Some(Some(mut decisions)) = said(Decisions::beside(recording)) {
        while let Some(Some(recorded)) = said(decisions.next_recorded()) {
            assert!(!recorded.line.is_empty());
        }
    }
});
