//! Classifiers of small grey pictures: the small test beds of quantizers.
//!
//! | module | subject |
//! | --- | --- |
//! | [`networks`] | a convolutional network and perceptrons, with first weights by chance |
//! | [`digits`] | batches of digits, moved and bent by chance |
//! | [`quantization`] | which layers get which quantizers |
//! | [`course`] | a run, and how many pictures a network gets right |
//! | [`export`] | a trained classifier in integers: its digits, its bytes |

pub mod course;
pub mod digits;
pub mod export;
pub mod networks;
pub mod quantization;

pub use course::{Course, Settings, accuracy};
pub use digits::Distortion;
pub use networks::Kind;
pub use quantization::{Quantization, quantize};
