//! Saturation, brightness and contrast.

use super::Chance;
use tincy_vision::Frame;

/// Logarithm of the largest factor, at full strength.
const SPREAD: f64 = 0.4;

/// How often colours are changed at all.
const OFTEN: f64 = 0.8;

/// Share of red, green and blue in what the eye sees as bright.
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// A change of colours: `own * sample + luma * brightness of the pixel + constant`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Jitter {
    /// Blends a pixel with its grey.
    saturation: f32,
    /// Scales all.
    brightness: f32,
    /// Blends the picture with its mean grey.
    contrast: f32,
}

impl Jitter {
    /// A change by chance, or none.
    pub(super) fn choose(chance: &mut Chance, strength: f64) -> Option<Jitter> {
        let happens = chance.happens(OFTEN);
        let mut factor = || chance.factor(SPREAD * strength) as f32;
        let jitter = Jitter {
            saturation: factor(),
            brightness: factor(),
            contrast: factor(),
        };
        (happens && strength > 0.0).then_some(jitter)
    }

    /// Changes a picture. All three are one sum, rounded and cut to 0..255 once.
    pub(super) fn apply(&self, frame: &mut Frame) {
        let all = self.contrast * self.brightness;
        let own = all * self.saturation;
        let grey = all - own;
        let middle = (1.0 - self.contrast) * self.brightness * mean_luma(frame) + 0.5;
        for pixel in frame.pixels.chunks_exact_mut(3) {
            let constant = grey * luma(pixel) + middle;
            for sample in pixel {
                *sample = (own * f32::from(*sample) + constant) as u8;
            }
        }
    }
}

fn luma(pixel: &[u8]) -> f32 {
    LUMA[0] * f32::from(pixel[0]) + LUMA[1] * f32::from(pixel[1]) + LUMA[2] * f32::from(pixel[2])
}

/// The mean brightness, 0 to 255.
fn mean_luma(frame: &Frame) -> f32 {
    let mut sums = [0u64; 3];
    for pixel in frame.pixels.chunks_exact(3) {
        for (sum, sample) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(*sample);
        }
    }
    let pixels = (frame.width * frame.height).max(1) as f64;
    let means = sums.map(|sum| (sum as f64 / pixels) as f32);
    LUMA[0] * means[0] + LUMA[1] * means[1] + LUMA[2] * means[2]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(saturation: f32, brightness: f32, contrast: f32, pixels: &[u8]) -> Vec<u8> {
        let mut frame = Frame {
            width: pixels.len() / 3,
            height: 1,
            pixels: pixels.to_vec(),
            ..Frame::default()
        };
        let jitter = Jitter {
            saturation,
            brightness,
            contrast,
        };
        jitter.apply(&mut frame);
        frame.pixels
    }

    #[test]
    fn each_by_hand() {
        let pixels = [100, 100, 100, 200, 0, 0];
        assert_eq!(changed(1.0, 1.0, 1.0, &pixels), pixels);
        assert_eq!(changed(1.0, 1.5, 1.0, &pixels), [150, 150, 150, 255, 0, 0]);
        // The grey of (200, 0, 0) is 59.8.
        assert_eq!(changed(0.0, 1.0, 1.0, &pixels), [100, 100, 100, 60, 60, 60]);
        // The mean grey is 79.9.
        assert_eq!(changed(1.0, 1.0, 0.5, &pixels), [90, 90, 90, 140, 40, 40]);
        assert_eq!(changed(1.0, 1.0, 0.0, &pixels), [80; 6]);
    }

    #[test]
    fn no_strength_no_change() {
        let mut chance = Chance::new(1, 0, 0);
        assert!((0..50).all(|_| Jitter::choose(&mut chance, 0.0).is_none()));
        let made = (0..1000)
            .filter_map(|_| Jitter::choose(&mut chance, 1.0))
            .count();
        assert!((700..900).contains(&made), "{made}");
    }
}
