//! Fitting against values computed with numpy by the definitions of `shared/tinier-yolo/FORMAT.md`
//! section 5 (aligned corners, f32) and `shared/tinyyolo-w1a4/FORMAT.md` (half pixels, 8 bits).

use tincy_network::{ChannelOrder, Code, Fit, Input, Number, Picture, Resample, Shape};
use tincy_vision::{Error, Fitting, Frame};

const LETTERBOX: Fit = Fit::Letterbox { fill: 0.5 };

/// The picture that the values were computed from.
fn pattern(width: usize, height: usize) -> Frame {
    let sample = |y: usize, x: usize, c: usize| (x * 7 + y * 13 + c * 50 + x * y * (c + 1)) as u8;
    let pixels = (0..3 * width * height).map(|i| sample(i / 3 / width, i / 3 % width, i % 3));
    Frame {
        width,
        height,
        pixels: pixels.collect(),
        ..Frame::default()
    }
}

fn input(width: usize, height: usize, fit: Fit, resample: Resample) -> Input {
    Input {
        shape: Shape::new(height, width, 3),
        number: Number::F32,
        picture: Some(Picture {
            fit,
            resample,
            ..Picture::default()
        }),
    }
}

fn floats(input: &Input, frame: &Frame) -> Vec<f32> {
    let mut output = vec![f32::NAN; input.shape.elements()];
    let mut fitting = Fitting::new(input, frame.width, frame.height).unwrap();
    fitting.apply(frame, &mut output).unwrap();
    // A second frame through the same fitting gives the same.
    let once = output.clone();
    fitting.apply(frame, &mut output).unwrap();
    assert_eq!(output, once);
    output
}

fn checksum(words: impl Iterator<Item = u32>) -> u32 {
    words.fold(0, |sum: u32, word| sum.wrapping_mul(31).wrapping_add(word))
}

fn bits(values: &[f32]) -> u32 {
    checksum(values.iter().map(|v| v.to_bits()))
}

fn bytes(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| (v * 255.0).round() as u32).collect()
}

type Stretched = ([usize; 4], u32, [f32; 3], u32, [u32; 3]);

/// Old and new size, then checksum and middle pixel by each rule.
const STRETCHED: [Stretched; 8] = [
    (
        [37, 23, 20, 14],
        0xb266ff08,
        [0.19556993, 0.26793638, 0.29559398],
        0x5f5496e7,
        [59, 77, 79],
    ),
    (
        [20, 14, 37, 23],
        0x19f42ccb,
        [0.8343137, 0.2686274, 0.7068627],
        0xe20e9c24,
        [213, 69, 180],
    ),
    (
        [64, 48, 13, 13],
        0x7e613acd,
        [0.6990196, 0.5352941, 0.37156862],
        0x6f26ab36,
        [178, 137, 95],
    ),
    (
        [5, 5, 5, 5],
        0x615edf26,
        [0.17254902, 0.38431373, 0.59607846],
        0x4bbfb0a2,
        [44, 98, 152],
    ),
    (
        [1, 1, 4, 3],
        0x8f588800,
        [0.0, 0.19607843, 0.39215687],
        0x1a9c8080,
        [0, 50, 100],
    ),
    (
        [100, 1, 9, 4],
        0x76e60740,
        [0.35490197, 0.55098045, 0.74705887],
        0x2822afc0,
        [91, 141, 191],
    ),
    (
        [1, 100, 4, 9],
        0x1149da40,
        [0.5156863, 0.7117647, 0.9078431],
        0xcb93ef80,
        [132, 182, 232],
    ),
    (
        [333, 250, 48, 32],
        0xfeb2a813,
        [0.4980421, 0.52668524, 0.3127923],
        0x14f53267,
        [121, 123, 70],
    ),
];

#[test]
fn stretched_to_the_bit() {
    for ([width, height, new_width, new_height], aligned, middle, half, middle_half) in STRETCHED {
        let frame = pattern(width, height);
        let at = 3 * (new_height / 2 * new_width + new_width / 2);
        let fit = |resample| {
            floats(
                &input(new_width, new_height, Fit::Stretch, resample),
                &frame,
            )
        };
        let output = fit(Resample::AlignedCorners);
        assert_eq!(output[at..at + 3], middle, "{width}x{height}");
        assert_eq!(bits(&output), aligned, "{width}x{height}");
        let output = bytes(&fit(Resample::HalfPixel));
        assert_eq!(output[at..at + 3], middle_half, "{width}x{height}");
        assert_eq!(checksum(output.into_iter()), half, "{width}x{height}");
    }
}

#[test]
fn letterboxed_to_the_bit() {
    // Checksums of the floats, and of 7-bit codes with bars of grey 127.
    let cases = [
        ([37, 23], 0x6f79e91a, 0x3706ad89),
        ([23, 37], 0x8222e6b8, 0x7674d023),
        ([130, 100], 0x6a0136ca, 0xaab55958),
    ];
    for ([width, height], expected, expected_codes) in cases {
        let frame = pattern(width, height);
        let output = floats(&input(64, 64, LETTERBOX, Resample::AlignedCorners), &frame);
        assert_eq!(bits(&output), expected, "{width}x{height}");

        let grey = Fit::Letterbox {
            fill: 127.0 / 255.0,
        };
        let mut input = input(64, 64, grey, Resample::HalfPixel);
        input.number = Number::Code(Code::unsigned(7, 1.0 / 128.0));
        let mut codes = vec![0u8; input.shape.elements()];
        let mut fitting = Fitting::new(&input, width, height).unwrap();
        fitting.apply(&frame, &mut codes).unwrap();
        let found = checksum(codes.into_iter().map(u32::from));
        assert_eq!(found, expected_codes, "{width}x{height}");
    }
}

#[test]
fn every_pixel_becomes_the_published_seven_bit_code() {
    let pixels = (0..=255u8).flat_map(|byte| [byte; 3]).collect();
    let frame = Frame {
        width: 256,
        height: 1,
        pixels,
        ..Frame::default()
    };
    for resample in [Resample::AlignedCorners, Resample::HalfPixel] {
        let mut input = input(256, 1, Fit::Stretch, resample);
        input.number = Number::Code(Code::unsigned(7, 1.0 / 128.0));
        let mut codes = vec![0u8; 768];
        let mut fitting = Fitting::new(&input, 256, 1).unwrap();
        fitting.apply(&frame, &mut codes).unwrap();
        for (byte, pixel) in codes.chunks_exact(3).enumerate() {
            assert_eq!(usize::from(pixel[1]), ((byte * 256 + 255) / 510).min(127));
        }
    }
}

#[test]
fn channels_are_swapped_scaled_and_quantized() {
    let frame = Frame {
        width: 1,
        height: 1,
        pixels: vec![255, 0, 51],
        ..Frame::default()
    };
    let mut input = input(1, 1, Fit::Stretch, Resample::HalfPixel);
    let picture = input.picture.as_mut().unwrap();
    picture.order = ChannelOrder::Bgr;
    picture.mean = [0.2, 0.5, 0.5];
    picture.std = [0.5, 0.25, 2.0];
    // Blue 51 / 255 is 0.2, green 0, red 1.
    assert_eq!(floats(&input, &frame), [0.0, -2.0, 0.25]);
    input.number = Number::Code(Code {
        bits: 8,
        signed: true,
        scale: 1.0 / 32.0,
        zero: 3,
    });
    let mut codes = [0i8; 3];
    let mut fitting = Fitting::new(&input, 1, 1).unwrap();
    fitting.apply(&frame, &mut codes).unwrap();
    assert_eq!(codes, [3, -61, 11]);
}

#[test]
fn one_channel_is_luma() {
    let frame = Frame {
        width: 3,
        height: 1,
        pixels: vec![255, 255, 255, 255, 0, 0, 0, 0, 255],
        ..Frame::default()
    };
    let mut input = input(3, 1, Fit::Stretch, Resample::HalfPixel);
    input.shape.channels = 1;
    // (77 r + 150 g + 29 b) >> 8
    assert_eq!(bytes(&floats(&input, &frame)), [255, 76, 28]);
}

#[test]
fn extreme_sizes() {
    for (width, height) in [(1, 1), (1000, 1), (1, 1000), (16, 16), (7680, 4320)] {
        let frame = Frame {
            width,
            height,
            pixels: vec![51; 3 * width * height],
            ..Frame::default()
        };
        for resample in [Resample::AlignedCorners, Resample::HalfPixel] {
            let input = input(416, 416, LETTERBOX, resample);
            let output = floats(&input, &frame);
            let at = Fitting::new(&input, width, height).unwrap().placement();
            let inside = |i: usize| {
                let (y, x) = (i / 3 / 416, i / 3 % 416);
                (at.top..at.top + at.height).contains(&y)
                    && (at.left..at.left + at.width).contains(&x)
            };
            // Darknet's last row is dark where its place is rounded to above the last one.
            let last = at.top + at.height - 1;
            let dark = |i: usize| resample == Resample::AlignedCorners && i / 3 / 416 == last;
            for (i, &value) in output.iter().enumerate() {
                let expected = if inside(i) { 0.2 } else { 0.5 };
                let right = (value - expected).abs() < 1e-6 || inside(i) && dark(i) && value < 0.2;
                assert!(right, "{width}x{height} {i} {value}");
            }
        }
    }
}

#[test]
fn what_does_not_fit_is_named() {
    let input = input(4, 4, LETTERBOX, Resample::AlignedCorners);
    assert!(matches!(
        Fitting::new(&input, 0, 5),
        Err(Error::Size { .. })
    ));
    assert!(matches!(
        Fitting::new(&input, usize::MAX, 2),
        Err(Error::Size { .. })
    ));
    let mut fitting = Fitting::new(&input, 8, 8).unwrap();
    let mut short = pattern(8, 8);
    short.pixels.pop();
    let mut output = vec![0.0; 48];
    for frame in [pattern(8, 9), short] {
        assert!(matches!(
            fitting.apply(&frame, &mut output),
            Err(Error::Frame { .. })
        ));
    }
    let frame = pattern(8, 8);
    assert!(matches!(
        fitting.apply(&frame, &mut output[1..]),
        Err(Error::Output { .. })
    ));
    assert!(matches!(
        fitting.apply(&frame, &mut [0u8; 48]),
        Err(Error::Type { .. })
    ));
    let maps = Input {
        picture: None,
        ..input
    };
    assert!(matches!(Fitting::new(&maps, 8, 8), Err(Error::NotAPicture)));
}

/// A camera's picture fitted as it is gives what it gives as RGB, for every layout, rule, order and
/// number of channels.
#[test]
fn a_cameras_picture_is_fitted_as_its_rgb_is() {
    use tincy_vision::RawFrame;
    use tincy_vision::pixel::{Encoding, Range};
    use tincy_vision::raw::Layout;
    let layouts = [
        Layout::Yuyv,
        Layout::Uyvy,
        Layout::Nv12,
        Layout::Rgb,
        Layout::Grey,
    ];
    let sizes = [(1, 1), (2, 1), (37, 23), (64, 48), (161, 90)];
    let inputs = [Resample::AlignedCorners, Resample::HalfPixel].map(|rule| {
        [Fit::Stretch, LETTERBOX].map(|fit| {
            let colour = input(48, 32, fit, rule);
            let mut codes = colour.clone();
            codes.number = Number::Code(Code::unsigned(8, 1.0 / 255.0));
            let mut grey = colour.clone();
            grey.shape.channels = 1;
            [colour, codes, grey]
        })
    });
    for (layout, (width, height)) in layouts.iter().flat_map(|l| sizes.map(|size| (*l, size))) {
        let stride = layout.row_bytes(width) + 7;
        let data: Vec<u8> = (0..stride * height * 2)
            .map(|i| (i * 31 + i / 7 * i) as u8)
            .collect();
        let raw = RawFrame::new(layout, (width, height), stride, &data).unwrap();
        let raw = raw.coded(Encoding::Bt709, Range::Full);
        let mut frame = Frame::default();
        raw.to_rgb(&mut frame);
        for input in inputs.iter().flatten().flatten() {
            let mut fitting = Fitting::new(input, width, height).unwrap();
            let elements = input.shape.elements();
            if input.number == Number::F32 {
                let (mut direct, mut by_rgb) = (vec![f32::NAN; elements], vec![f32::NAN; elements]);
                fitting.apply_raw(&raw, &mut direct).unwrap();
                fitting.apply(&frame, &mut by_rgb).unwrap();
                assert_eq!(bits(&direct), bits(&by_rgb), "{layout:?} {width}x{height}");
            } else {
                let (mut direct, mut by_rgb) = (vec![1u8; elements], vec![2u8; elements]);
                fitting.apply_raw(&raw, &mut direct).unwrap();
                fitting.apply(&frame, &mut by_rgb).unwrap();
                assert_eq!(direct, by_rgb, "{layout:?} {width}x{height}");
            }
        }
        let other = Fitting::new(&inputs[0][0][0], width + 1, height);
        let refused = other.unwrap().apply_raw(&raw, &mut vec![0.0; 48 * 32 * 3]);
        assert!(matches!(refused, Err(Error::Frame { .. })));
    }
}
