//! The command `tincy`: finds objects in pictures and recordings.
//!
//! | module | subject |
//! | --- | --- |
//! | [`cli`] | the command line as a whole: global options, sub-commands, log |
//! | [`outcome`] | how a run ended, and its exit code |
//! | [`accelerator`] | layers in programmable logic, or on its emulation |
//! | [`camera`] | which camera is wanted, and its frames |
//! | [`commands`] | the sub-commands, a file each |
//! | [`mod@bench`] | how long things take |
//! | `calibration` | pictures that ranges are found from |
//! | [`comparison`] | two ways to compute the same, layer by layer |
//! | [`columns`] | tables of text |
//! | [`inputs`] | which files to work on |
//! | [`live`] | frames as they come, from a camera |
//! | [`recording`] | recordings to frames |
//! | [`output`] | what was found, in the form that is wanted |
//! | [`pipeline`] | items through several workers, in order |
//! | [`progress`] | how far a run has come |
//! | [`service`] | what a service manager hears |
//! | [`stop`] | Ctrl-C |
//! | [`ffmpeg`] | the program ffmpeg as a child |
//! | [`model`] | opening a model of any format |
//! | [`detector`] | a model ready to find objects in frames |
//! | [`zoo`] | models that are compiled in |
//! | [`precision`] | quantization levels that a float network can be given |
//! | [`plot`] | precision-recall curves as SVG and PNG |

#![forbid(unsafe_code)]

pub mod accelerator;
pub mod bench;
mod calibration;
pub mod camera;
pub mod cli;
pub mod columns;
pub mod commands;
pub mod comparison;
pub mod detector;
pub mod ffmpeg;
pub mod inputs;
pub mod live;
pub mod model;
pub mod outcome;
pub mod output;
pub mod pipeline;
pub mod plot;
pub mod precision;
pub mod progress;
pub mod recording;
pub mod service;
pub mod stop;
pub mod zoo;
