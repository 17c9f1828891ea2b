//! One colour a class.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The colour of a class: the same in every picture and run.
///
/// Hues are a golden ratio of the circle apart, so that neighbouring numbers look different however
/// many there are. Numbers that are 8 or 13 apart come close in hue: three kinds of brightness
/// in turn keep those apart.
pub fn of_class(class: usize) -> Rgb {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    const KINDS: [(f64, f64); 3] = [(0.80, 0.96), (0.50, 1.0), (0.94, 0.80)];
    let hue = (0.02 + class as f64 * GOLDEN).fract();
    let (saturation, value) = KINDS[class % 3];
    hsv(hue, saturation, value)
}

/// Black or white, whichever reads better on `background`.
pub fn text_on(background: Rgb) -> Rgb {
    if luminance(background) > 0.36 {
        [16, 16, 16]
    } else {
        [255, 255, 255]
    }
}

/// Relative luminance by ITU-R BT.709 with a gamma of 2, 0 to 1.
fn luminance(colour: Rgb) -> f64 {
    let linear = colour.map(|sample| (f64::from(sample) / 255.0).powi(2));
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

/// Hue, saturation and value, each 0 to 1.
fn hsv(hue: f64, saturation: f64, value: f64) -> Rgb {
    [5.0, 3.0, 1.0].map(|offset: f64| {
        let k = (offset + hue * 6.0) % 6.0;
        let level = value * (1.0 - saturation * k.min(4.0 - k).clamp(0.0, 1.0));
        (level * 255.0).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_voc_and_coco_are_distinct() {
        let distance = |a: Rgb, b: Rgb| -> u32 {
            let differences = a.iter().zip(b).map(|(&x, y)| u32::from(x.abs_diff(y)));
            differences.sum()
        };
        for (count, least) in [(20, 80), (80, 15)] {
            for a in 0..count {
                for b in 0..a {
                    let apart = distance(of_class(a), of_class(b));
                    assert!(apart >= least, "{a} {b} {apart}");
                }
            }
        }
    }

    #[test]
    fn primaries() {
        assert_eq!(hsv(0.0, 1.0, 1.0), [255, 0, 0]);
        assert_eq!(hsv(1.0 / 3.0, 1.0, 1.0), [0, 255, 0]);
        assert_eq!(hsv(2.0 / 3.0, 0.5, 1.0), [128, 128, 255]);
        assert_eq!(text_on([255, 230, 0]), [16, 16, 16]);
        assert_eq!(text_on([90, 0, 160]), [255, 255, 255]);
    }
}
