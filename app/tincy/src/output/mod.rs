//! What was found, in the form that is wanted.
//!
//! | module | subject |
//! | --- | --- |
//! | [`report`] | what every report offers, and which are asked for |
//! | [`lines`] | a line for people |
//! | [`json`] | JSON Lines |
//! | [`csv`] | CSV |
//! | [`coco`] | COCO's JSON |
//! | [`yolo`] | YOLO's text files |
//! | [`picture`] | a frame to a picture file |
//! | [`place`] | names of annotated files |
//! | [`video`] | annotated recordings |

pub mod coco;
pub mod csv;
pub mod json;
pub mod lines;
pub mod picture;
pub mod place;
pub mod report;
pub mod video;
pub mod yolo;

pub use report::{Found, Report, ReportArgs, Reports};
