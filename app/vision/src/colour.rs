//! One colour a class.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// The colour of a class: the same in every picture and run.
///
/// Hues are a golden ratio of the circle apart, so that neighbouring numbers look different however
/// many there are; brightness takes three turns, which keeps the later ones apart too.
pub fn of_class(class: usize) -> Rgb {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let hue = (0.02 + class as f64 * GOLDEN).fract();
    let (saturation, value) = [(0.82, 0.96), (0.62, 1.0), (0.95, 0.80)][class / 20 % 3];
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
