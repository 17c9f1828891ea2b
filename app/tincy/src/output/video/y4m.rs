//! YUV4MPEG2, uncompressed: 4:2:0 with video levels, chroma in the middle of four pixels.

use super::VideoWriter;
use crate::recording::Info;
use anyhow::Result;
use std::io::Write;
use tincy_vision::Frame;

/// Writes Y4M.
pub struct Y4mWriter<W> {
    stream: W,
    planes: Vec<u8>,
}

impl<W: Write + Send> Y4mWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(mut stream: W, info: &Info) -> Result<Y4mWriter<W>> {
        let (width, height, rate) = (info.width, info.height, info.rate);
        let aspect = info
            .pixel_aspect
            .map_or((0, 0), |a| (a.numerator, a.denominator));
        writeln!(
            stream,
            "YUV4MPEG2 W{width} H{height} F{}:{} Ip A{}:{} C420jpeg",
            rate.numerator, rate.denominator, aspect.0, aspect.1
        )?;
        Ok(Y4mWriter {
            stream,
            planes: Vec::new(),
        })
    }
}

impl<W: Write + Send> VideoWriter for Y4mWriter<W> {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        to_420(frame, &mut self.planes);
        self.stream.write_all(b"FRAME\n")?;
        Ok(self.stream.write_all(&self.planes)?)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        Ok(self.stream.flush()?)
    }
}

/// Weights of red, green and blue in units of 2^-16 (BT.601, video levels).
const LUMA: [i32; 3] = [16829, 33039, 6416];
const BLUE: [i32; 3] = [-9714, -19070, 28784];
const RED: [i32; 3] = [28784, -24103, -4681];

/// The three planes of a frame, one after another.
fn to_420(frame: &Frame, planes: &mut Vec<u8>) {
    let (width, height) = (frame.width, frame.height);
    planes.clear();
    planes.extend(frame.pixels.chunks_exact(3).map(|pixel| {
        let rgb = [pixel[0], pixel[1], pixel[2]].map(i32::from);
        (16 + weighted(LUMA, rgb, 1)) as u8
    }));
    for weights in [BLUE, RED] {
        for y in (0..height).step_by(2) {
            for x in (0..width).step_by(2) {
                let (sum, count) = block(frame, x, y);
                planes.push((128 + weighted(weights, sum, count)).clamp(16, 240) as u8);
            }
        }
    }
}

/// Sum of the colours of up to four pixels, and how many they are.
fn block(frame: &Frame, x: usize, y: usize) -> ([i32; 3], i32) {
    let (mut sum, mut count) = ([0; 3], 0);
    for y in y..(y + 2).min(frame.height) {
        for x in x..(x + 2).min(frame.width) {
            let at = 3 * (y * frame.width + x);
            for (sum, sample) in sum.iter_mut().zip(&frame.pixels[at..at + 3]) {
                *sum += i32::from(*sample);
            }
            count += 1;
        }
    }
    (sum, count)
}

fn weighted(weights: [i32; 3], sum: [i32; 3], count: i32) -> i32 {
    let total: i32 = weights
        .iter()
        .zip(sum)
        .map(|(weight, sample)| weight * sample)
        .sum();
    (total + (count << 15)).div_euclid(count << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_colours() {
        // ITU-R BT.601: white, black, red, blue; green's chroma is computed by its formula.
        let cases = [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [81, 90, 240]),
            ([0, 0, 255], [41, 240, 110]),
            ([0, 255, 0], [145, 54, 34]),
        ];
        for (rgb, yuv) in cases {
            let pixels = [rgb; 9].concat();
            let frame = Frame {
                width: 3,
                height: 3,
                pixels,
                ..Frame::default()
            };
            let mut planes = Vec::new();
            to_420(&frame, &mut planes);
            let expected = [[yuv[0]; 9].to_vec(), vec![yuv[1]; 4], vec![yuv[2]; 4]].concat();
            assert_eq!(planes, expected, "{rgb:?}");
        }
    }
}
