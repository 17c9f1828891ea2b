//! Darknet's `.cfg` and `.weights`.

pub(crate) mod cfg;
