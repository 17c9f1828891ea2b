//! What a recording has shown so far.

use crate::inputs::Input;
use crate::output::Found;
use crate::progress::Progress;
use crate::recording::Info;

/// What a recording has shown so far.
pub(super) struct Tally {
    pub(super) name: String,
    pub(super) progress: Progress,
    pub(super) frames: u64,
    /// Frames that show each class.
    pub(super) classes: Vec<u64>,
}

impl Tally {
    pub(super) fn new(input: &Input, info: &Info) -> Tally {
        let name = input.name();
        let progress = Progress::start(&name, "frames", info.frames);
        Tally {
            name,
            progress,
            frames: 0,
            classes: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, found: &Found) {
        self.frames += 1;
        self.progress.step();
        for (index, detection) in found.detections.iter().enumerate() {
            let class = detection.class;
            if found.detections[..index]
                .iter()
                .any(|before| before.class == class)
            {
                continue;
            }
            self.classes.resize(self.classes.len().max(class + 1), 0);
            self.classes[class] += 1;
        }
    }
}
