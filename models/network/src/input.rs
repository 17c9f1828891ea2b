//! What a network expects at its input: the picture's size, fit, colours and scaling.

use crate::{Error, Number, Shape};
use serde::{Deserialize, Serialize};

/// The input tensor, and how a picture becomes one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Rows, columns, channels.
    pub shape: Shape,
    /// f32, or the code that pixels are rounded to.
    pub number: Number,
    /// How to make it from a picture; `None` for networks that start at feature maps.
    pub picture: Option<Picture>,
}

impl Input {
    /// RGB pixels / 255 as f32, stretched to `height` x `width`: what most float networks take.
    pub fn rgb(height: usize, width: usize) -> Input {
        let shape = Shape::new(height, width, 3);
        Input {
            shape,
            number: Number::F32,
            picture: Some(Picture::default()),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !self.shape.is_valid() {
            return Err(Error::Network(format!(
                "input shape {} cannot be",
                self.shape
            )));
        }
        if self.number.code().is_some_and(|code| !code.is_valid()) {
            return Err(Error::Network("input number type cannot be".into()));
        }
        let Some(picture) = &self.picture else {
            return Ok(());
        };
        if !matches!(self.shape.channels, 1 | 3) {
            let channels = self.shape.channels;
            return Err(Error::Network(format!(
                "pictures have 1 or 3 channels, the input {channels}"
            )));
        }
        let finite = picture
            .mean
            .iter()
            .chain(&picture.std)
            .all(|v| v.is_finite());
        if !finite || picture.std.contains(&0.0) {
            return Err(Error::Network(
                "the input's mean and std must be numbers, std not 0".into(),
            ));
        }
        Ok(())
    }
}

/// How a picture becomes an input tensor: fitted to its size, then each sample
/// `(pixel / 255 - mean) / std`, then quantized where the input is a code.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// How it is brought to the size.
    pub fit: Fit,
    /// How pixels between pixels are made.
    pub resample: Resample,
    /// Order of the input's channels.
    pub order: ChannelOrder,
    /// Subtracted, one an input channel, in units of pixel / 255.
    pub mean: [f32; 3],
    /// Divided by, one an input channel.
    pub std: [f32; 3],
}

impl Default for Picture {
    fn default() -> Picture {
        Picture {
            fit: Fit::Stretch,
            resample: Resample::AlignedCorners,
            order: ChannelOrder::Rgb,
            mean: [0.0; 3],
            std: [1.0; 3],
        }
    }
}

/// How a picture is brought to the network's size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// Both sides scaled on their own.
    Stretch,
    /// The aspect ratio kept, centred, the rest filled: `new = (W, h * W div w)` or
    /// `(w * H div h, H)`, whichever fits, at least one pixel, placed at `((W - nw) div 2, ..)`.
    Letterbox {
        /// Grey of the rest, 0 to 1 (pixel / 255). Darknet has 0.5.
        fill: f32,
    },
    /// As the letterbox, but placed at the top left: YOLOX's way.
    Corner {
        /// Grey of the rest, 0 to 1 (pixel / 255). YOLOX has 114 / 255.
        fill: f32,
    },
}

/// How pixels between pixels are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resample {
    /// Darknet's: source = index * (old - 1) / (new - 1), bilinear in f32, horizontal first, no
    /// smoothing when shrinking (`resize_image`).
    AlignedCorners,
    /// source = (index + 0.5) * old / new - 0.5, two-tap bilinear, rounded half up to 8 bits.
    HalfPixel,
}

/// Order of the colours in the input's channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelOrder {
    /// Red first.
    Rgb,
    /// Blue first.
    Bgr,
}
