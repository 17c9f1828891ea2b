//! Which keys a section may have: those that are used, those that only training reads, and those
//! that would change the result in a way that is not supported.

use super::cfg::Section;
use crate::Result;

/// Keys that any layer may have and that decide nothing at inference.
const ANYWHERE: &[&str] = &[
    "stopbackward",
    "stopbackwards",
    "onlyforward",
    "dont_update",
    "burnin_update",
    "train_only_bn",
    "dontsave",
    "clip",
    "learning_rate",
    "learning_rate_scale",
    "max_delta",
    "stream",
    "wait_stream",
];

/// Keys that any layer may have only with their neutral value.
const NOWHERE: &[(&str, f32)] = &[("dontload", 0.0), ("dontloadscales", 0.0)];

/// The keys of a kind of section.
pub(super) struct Keys {
    /// Read by this importer.
    pub(super) used: &'static [&'static str],
    /// Without effect at inference.
    pub(super) ignored: &'static [&'static str],
    /// Supported with this value only.
    pub(super) neutral: &'static [(&'static str, f32)],
}

impl Section {
    /// Refuses keys that are unknown or not supported. Those that begin with `#` never get here.
    pub(super) fn check(&self, keys: &Keys) -> Result<()> {
        for entry in &self.entries {
            let key = entry.key.as_str();
            if keys.used.contains(&key) || keys.ignored.contains(&key) || ANYWHERE.contains(&key) {
                continue;
            }
            let mut neutral = keys.neutral.iter().chain(NOWHERE);
            let Some((_, value)) = neutral.find(|(name, _)| *name == key) else {
                let what = format!(
                    "{key}= is not supported in [{}]; take the line out if it decides nothing at inference",
                    self.kind
                );
                return Err(self.wrong_at(entry.line, what));
            };
            if entry.value.parse() != Ok(*value) {
                let what = format!("{key}={} is not supported, only {key}={value}", entry.value);
                return Err(self.wrong_at(entry.line, what));
            }
        }
        Ok(())
    }
}
