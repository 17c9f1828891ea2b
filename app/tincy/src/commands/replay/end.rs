//! How a recording ended.

/// How a recording ended.
#[derive(Default)]
pub(super) struct End {
    pub(super) frames: u64,
    /// What ended it before its end.
    pub(super) error: Option<String>,
    /// What was wrong and did not end it.
    pub(super) complaints: Vec<String>,
}

impl End {
    pub(super) fn failed(error: String) -> End {
        End {
            error: Some(error),
            ..End::default()
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.error.is_none() && self.complaints.is_empty()
    }

    pub(super) fn tell(&self, name: &str) {
        for complaint in &self.complaints {
            log::warn!("{name}: {complaint}");
        }
        match &self.error {
            Some(error) if self.frames > 0 => {
                log::error!(
                    "{name}: {error}; {} frames until then are done",
                    self.frames
                );
            }
            Some(error) => log::error!("{name}: {error}"),
            None => {}
        }
    }
}
