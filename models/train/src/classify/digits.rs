//! Batches of digits, moved and bent by chance.

use crate::augment::Chance;
use crate::idx::Digits;

/// How digits are changed: each figure is the most that happens, all by chance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distortion {
    /// Pixels up, down and to the sides.
    pub shift: f64,
    /// Degrees around the middle.
    pub turn: f64,
    /// Part of the size, larger or smaller.
    pub scale: f64,
    /// Pixels that a coarse grid of points is moved by ("elastic"; Simard et al., 2003, in few
    /// waves).
    pub bend: f64,
}

impl Distortion {
    /// As much as leaves most digits easy to read.
    pub const STRONG: Distortion = Distortion {
        shift: 2.0,
        turn: 10.0,
        scale: 0.12,
        bend: 1.2,
    };
}

/// Writes a digit as the network reads it: 0 to 1.
pub fn write(digits: &Digits, number: usize, out: &mut [f32]) {
    for (pixel, out) in digits.picture(number).iter().zip(out) {
        *out = f32::from(*pixel) / 255.0;
    }
}

/// The same, distorted.
pub fn write_distorted(
    digits: &Digits,
    number: usize,
    distortion: &Distortion,
    chance: &mut Chance,
    out: &mut [f32],
) {
    if *distortion == Distortion::default() {
        return write(digits, number, out);
    }
    let way = Way::choose(digits, distortion, chance);
    let picture = digits.picture(number);
    for y in 0..digits.rows {
        for x in 0..digits.columns {
            let [from_y, from_x] = way.from(y as f64, x as f64);
            let value = between(picture, digits.rows, digits.columns, from_y, from_x);
            out[y * digits.columns + x] = (value / 255.0) as f32;
        }
    }
}

/// Where pixels come from.
struct Way {
    middle: [f64; 2],
    shift: [f64; 2],
    sine: f64,
    cosine: f64,
    /// For each axis a wave along y and one along x: size, waves a pixel, phase.
    waves: [[f64; 3]; 4],
}

impl Way {
    fn choose(digits: &Digits, distortion: &Distortion, chance: &mut Chance) -> Way {
        let mut within = |most: f64| chance.between(-most, most);
        let shift = [within(distortion.shift), within(distortion.shift)];
        let angle = within(distortion.turn).to_radians();
        let scale = 1.0 + within(distortion.scale);
        let mut wave = || {
            let size = within(distortion.bend);
            // From half a wave to one and a half over the picture.
            let waves = (1.0 + within(0.5)) / digits.rows as f64;
            let turn = std::f64::consts::TAU;
            [size, waves * turn, within(0.5) * turn]
        };
        Way {
            middle: [digits.rows, digits.columns].map(|side| (side as f64 - 1.0) / 2.0),
            shift,
            sine: angle.sin() / scale,
            cosine: angle.cos() / scale,
            waves: [wave(), wave(), wave(), wave()],
        }
    }

    /// The place in the picture that is shown at `y`, `x`.
    fn from(&self, y: f64, x: f64) -> [f64; 2] {
        let (dy, dx) = (y - self.middle[0], x - self.middle[1]);
        let wave = |[size, waves, phase]: [f64; 3], at: f64| size * (waves * at + phase).sin();
        let bend_y = (wave(self.waves[0], y) + wave(self.waves[1], x)) / 2.0;
        let bend_x = (wave(self.waves[2], y) + wave(self.waves[3], x)) / 2.0;
        [
            self.middle[0] + self.cosine * dy + self.sine * dx + self.shift[0] + bend_y,
            self.middle[1] + self.cosine * dx - self.sine * dy + self.shift[1] + bend_x,
        ]
    }
}

/// A picture's value between its pixels; 0 outside.
fn between(picture: &[u8], rows: usize, columns: usize, y: f64, x: f64) -> f64 {
    let (top, left) = (y.floor(), x.floor());
    let (down, across) = (y - top, x - left);
    let pixel = |y: f64, x: f64| {
        let inside = y >= 0.0 && x >= 0.0 && y < rows as f64 && x < columns as f64;
        if inside {
            f64::from(picture[y as usize * columns + x as usize])
        } else {
            0.0
        }
    };
    let row = |y: f64| pixel(y, left) * (1.0 - across) + pixel(y, left + 1.0) * across;
    row(top) * (1.0 - down) + row(top + 1.0) * down
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> Digits {
        let mut pixels = vec![0; 28 * 28];
        pixels[14 * 28 + 14] = 255;
        Digits {
            rows: 28,
            columns: 28,
            pixels,
            labels: vec![1],
        }
    }

    #[test]
    fn a_shift_moves_the_digit() {
        let digits = digits();
        let only_shift = Distortion {
            shift: 3.0,
            ..Distortion::default()
        };
        let mut out = vec![0.0; 28 * 28];
        let (mut sums, mut first) = (Vec::new(), Vec::new());
        for index in 0..20 {
            write_distorted(
                &digits,
                0,
                &only_shift,
                &mut Chance::new(1, 0, index),
                &mut out,
            );
            sums.push(out.iter().sum::<f32>());
            let brightest = out
                .iter()
                .enumerate()
                .max_by(|a, b| a.1.total_cmp(b.1))
                .unwrap()
                .0;
            let (y, x) = (brightest / 28, brightest % 28);
            assert!((11..=17).contains(&y) && (11..=17).contains(&x), "{y} {x}");
            first.push(brightest);
        }
        assert!(sums.iter().all(|sum| (sum - 1.0).abs() < 1e-5), "{sums:?}");
        assert!(first.iter().any(|place| *place != first[0]));
    }

    #[test]
    fn without_distortion_pixels_are_kept() {
        let (digits, mut out) = (digits(), vec![0.5; 28 * 28]);
        let mut chance = Chance::new(1, 0, 0);
        write_distorted(&digits, 0, &Distortion::default(), &mut chance, &mut out);
        assert_eq!((out[14 * 28 + 14], out.iter().sum::<f32>()), (1.0, 1.0));
        write_distorted(&digits, 0, &Distortion::STRONG, &mut chance, &mut out);
        assert!(out.iter().all(|sample| (0.0..=1.0).contains(sample)));
    }
}
