//! Models that are compiled in: those of `models/zoo`.

use std::path::Path;
use tincy_network::{Error, Network, file};

/// A model with a name of its own.
#[derive(Debug)]
pub struct Entry {
    /// What `--model` calls it.
    pub name: &'static str,
    /// What it is for, in a line.
    pub summary: &'static str,
    /// Under which licence its weights may be used.
    pub licence: &'static str,
    /// The model file.
    pub bytes: &'static [u8],
    /// The model's card: data, recipe, figures; Markdown.
    pub card: &'static str,
}

/// Every model; the first is used where none is named.
pub const ALL: [Entry; 1] = [Entry {
    name: "small",
    summary: "for every CPU: the 20 classes of PASCAL VOC in 8-bit codes",
    licence: "Apache-2.0",
    bytes: include_bytes!("../../../models/zoo/small.tincy"),
    card: include_str!("../../../models/zoo/small.md"),
}];

/// The model that is used where none is named.
pub const DEFAULT: &Entry = &ALL[0];

/// The model of this name.
pub fn find(name: &Path) -> Option<&'static Entry> {
    ALL.iter().find(|entry| name == Path::new(entry.name))
}

/// The names of all, for messages.
pub fn names() -> String {
    ALL.map(|entry| entry.name).join(", ")
}

impl Entry {
    /// The network.
    ///
    /// # Errors
    /// If the file is damaged, which the tests rule out.
    pub fn open(&self) -> Result<Network, Error> {
        file::read(self.bytes, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_opens_and_finds_boxes_in_pictures() {
        for entry in &ALL {
            let network = entry.open().unwrap();
            assert_eq!(network.name(), entry.name);
            assert!(!network.heads().is_empty() && network.input().picture.is_some());
            assert!(entry.card.starts_with(&format!("# {}", entry.name)));
        }
        assert!(find(Path::new("small")).is_some() && find(Path::new("./small")).is_none());
    }
}
