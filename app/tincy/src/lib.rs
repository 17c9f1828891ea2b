//! The command `tincy`: finds objects in pictures and recordings.
//!
//! | module | subject |
//! | --- | --- |
//! | [`cli`] | the command line as a whole: global options, sub-commands, log |
//! | [`outcome`] | how a run ended, and its exit code |
//! | [`commands`] | the sub-commands, a file each |
//! | [`columns`] | tables of text |
//! | [`inputs`] | which files to work on |
//! | [`picture`] | picture files to frames and back |
//! | [`recording`] | recordings to frames |
//! | [`ffmpeg`] | the program ffmpeg as a child |
//! | [`model`] | opening a model of any format |
//! | [`dataset`] | sets of pictures with known objects |
//! | [`detector`] | a model ready to find objects in frames |
//! | [`score`] | how good detections are |
//! | [`plot`] | precision-recall curves as SVG and PNG |

#![forbid(unsafe_code)]

pub mod cli;
pub mod columns;
pub mod commands;
pub mod dataset;
pub mod detector;
pub mod ffmpeg;
pub mod inputs;
pub mod model;
pub mod outcome;
pub mod picture;
pub mod plot;
pub mod recording;
pub mod score;
