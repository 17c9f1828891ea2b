//! Cameras: which one is wanted, and its frames as detectors read them.

use anyhow::Result;
use std::time::Duration;
use tincy_dataset::picture::{Limit, jpeg};
use tincy_drivers::camera::kernel::Node;
use tincy_drivers::camera::{Captured, Format, FourCc, Memory, Request};
use tincy_vision::pixel::{Encoding, Range};
use tincy_vision::raw::Layout;
use tincy_vision::{Frame, RawFrame};

/// Which camera, and in which mode.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Camera")]
pub struct CameraArgs {
    /// Device node, its number, or a part of the camera's name or bus [default: the first that works]
    #[arg(long, value_name = "CAMERA")]
    pub camera: Option<String>,
    /// Columns and rows to ask for; the nearest that the camera has is taken [default: 640x480]
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<[u32; 2]>,
    /// Frames a second to ask for [default: 30]
    #[arg(long, value_name = "N", value_parser = rate)]
    pub fps: Option<f64>,
    /// Pixel format: YUYV, UYVY, NV12, NV12M, RGB3, GREY or MJPG [default: the best at that size and rate]
    #[arg(long, value_name = "FOURCC")]
    pub format: Option<FourCc>,
    /// Memory of the frames: the driver's own, or a dma-heap's, which boards read faster: heap, heap:NAME
    #[arg(long, value_name = "MEMORY", default_value = "driver")]
    pub buffers: Memory,
}

impl CameraArgs {
    /// What is asked of the driver.
    pub fn request(&self) -> Request {
        Request {
            device: self.camera.clone(),
            size: self.size,
            rate: self.fps,
            format: self.format,
            memory: self.buffers.clone(),
            ..Request::default()
        }
    }
}

fn size(text: &str) -> Result<[u32; 2], String> {
    let sides = text.split_once(['x', 'X']);
    let side = |text: &str| {
        text.parse()
            .ok()
            .filter(|side| (1..=1 << 15).contains(side))
    };
    sides
        .and_then(|(width, height)| Some([side(width)?, side(height)?]))
        .ok_or_else(|| "columns and rows are expected, as in 640x480".into())
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text
        .parse()
        .ok()
        .filter(|rate| (0.1..=1000.0).contains(rate));
    rate.ok_or_else(|| "a number from 0.1 to 1000 is expected".into())
}

/// A camera's frame, copied out of the driver's memory so that the buffer can go back at once.
#[derive(Clone, Debug, Default)]
pub struct Picture {
    format: Option<Format>,
    bytes: Vec<u8>,
    /// When it was captured, by CLOCK_MONOTONIC.
    pub time: Duration,
    /// Its number.
    pub sequence: u64,
}

impl Picture {
    /// Copies a frame; the memory is used again.
    pub fn take<N: Node>(&mut self, captured: &Captured<'_, N>) {
        self.format = Some(*captured.format());
        captured.copy_to(&mut self.bytes);
        self.time = captured.time();
        self.sequence = captured.sequence();
    }

    /// The pixels as they are; `None` for a JPEG.
    ///
    /// # Errors
    /// If there are too few bytes.
    pub fn raw(&self) -> Result<Option<RawFrame<'_>>, tincy_vision::Error> {
        let Some(format) = &self.format else {
            return Ok(None);
        };
        let layout = match format.fourcc {
            FourCc::YUYV => Layout::Yuyv,
            FourCc::UYVY => Layout::Uyvy,
            // Planes that lay apart have been joined.
            FourCc::NV12 | FourCc::NV12M => Layout::Nv12,
            FourCc::RGB24 => Layout::Rgb,
            FourCc::GREY => Layout::Grey,
            _ => return Ok(None),
        };
        let encoding = match format.bt709 {
            true => Encoding::Bt709,
            false => Encoding::Bt601,
        };
        let range = match format.full_range {
            true => Range::Full,
            false => Range::Limited,
        };
        let size = (format.width as usize, format.height as usize);
        let raw = RawFrame::new(layout, size, format.stride as usize, &self.bytes)?;
        Ok(Some(raw.coded(encoding, range)))
    }

    /// Converts into an RGB frame, whose memory is used again. A JPEG is decoded strictly.
    ///
    /// # Errors
    /// If there are too few bytes, or a JPEG is damaged.
    pub fn to_rgb(&self, frame: &mut Frame) -> Result<()> {
        match self.raw()? {
            Some(raw) => raw.to_rgb(frame),
            None => {
                let limit = Limit::default();
                jpeg::decode(&self.bytes, limit, jpeg::Damage::Refuse, frame)?;
            }
        }
        frame.time = Some(self.time);
        frame.sequence = self.sequence;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(fourcc: FourCc, stride: u32, bytes: Vec<u8>) -> Picture {
        let format = Format {
            fourcc,
            width: 2,
            height: 2,
            stride,
            planes: 1,
            chroma_stride: 0,
            field: 1,
            bt709: false,
            full_range: true,
        };
        Picture {
            format: Some(format),
            bytes,
            time: Duration::from_millis(40),
            sequence: 7,
        }
    }

    #[test]
    fn every_format_becomes_rgb() {
        let grey = [
            (FourCc::YUYV, 4, vec![9, 128, 9, 128, 9, 128, 9, 128]),
            (FourCc::UYVY, 5, vec![128, 9, 128, 9, 0, 128, 9, 128, 9, 0]),
            (FourCc::NV12, 2, vec![9, 9, 9, 9, 128, 128]),
            (FourCc::NV12M, 2, vec![9, 9, 9, 9, 128, 128]),
            (FourCc::RGB24, 6, vec![9; 12]),
            (FourCc::GREY, 2, vec![9; 4]),
        ];
        for (fourcc, stride, bytes) in grey {
            let mut frame = Frame::default();
            picture(fourcc, stride, bytes).to_rgb(&mut frame).unwrap();
            assert_eq!(frame.pixels, [9; 12], "{fourcc}");
            assert_eq!(
                (frame.sequence, frame.time),
                (7, Some(Duration::from_millis(40)))
            );
        }
    }

    #[test]
    fn whole_jpegs_are_decoded_and_damaged_ones_refused() {
        let mut jpeg = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut jpeg, 90);
        let pixels: Vec<u8> = (0..64 * 48 * 3).map(|i| (i % 251) as u8).collect();
        encoder
            .encode(&pixels, 64, 48, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        let mut frame = Frame::default();
        picture(FourCc::MJPEG, 0, jpeg.clone())
            .to_rgb(&mut frame)
            .unwrap();
        assert_eq!((frame.width, frame.height), (64, 48));
        for part in [0.5, 0.9, 0.98] {
            let cut = jpeg[..(jpeg.len() as f64 * part) as usize].to_vec();
            let refused = picture(FourCc::MJPEG, 0, cut).to_rgb(&mut frame);
            assert!(refused.is_err(), "{part}");
        }
        let short = picture(FourCc::YUYV, 4, vec![0; 7]).to_rgb(&mut frame);
        let text = short.unwrap_err().to_string();
        assert_eq!(text, "a YUYV picture of 2x2 has 8 bytes, found 7");
    }

    #[test]
    fn sizes_and_rates_are_read() {
        assert_eq!(size("640x480"), Ok([640, 480]));
        for wrong in ["640", "0x4", "x", "1x99999", "-1x2"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rate("29.97"), Ok(29.97));
        for wrong in ["0", "nan", "inf", "fast", "-3"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
