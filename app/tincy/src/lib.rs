//! The command `tincy`: finds objects in pictures and recordings.
//!
//! | module | subject |
//! | --- | --- |
//! | [`cli`] | the command line as a whole: global options, sub-commands, log |
//! | [`outcome`] | how a run ended, and its exit code |
//! | [`commands`] | the sub-commands, a file each |
//! | [`model`] | opening a model of any format |
//! | [`detector`] | a model ready to find objects in frames |

#![forbid(unsafe_code)]

pub mod cli;
pub mod commands;
pub mod detector;
pub mod model;
pub mod outcome;
