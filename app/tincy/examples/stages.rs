//! Does one stage of `tincy run` over and over, for those who count what it costs: `scripts/predict-board`.
//!
//! `stages MODEL STAGE TIMES`, where STAGE is
//!
//! | stage | what it does to one frame |
//! | --- | --- |
//! | `fit` | 640 x 480 YUYV to the network's input |
//! | `network` | the whole network on one core |
//! | `around` | the network without the layers that the published overlay runs, but with its pixels packed and unpacked |
//! | `boxes` | the last map to boxes, those that overlap left out |
//! | `picture` | 640 x 480 YUYV to RGB |
//! | `draw` | boxes, labels and a line of figures |
//! | `screen` | RGB to a screen's 1280 x 720 pixels of 32 bits |
//!
//! All stages run once first; then the stage runs so many times.

use anyhow::{Context, Result, bail};
use std::convert::Infallible;
use std::ops::Range;
use std::path::Path;
use tincy::detector::{Detector, Model};
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::qnn_mo::{Program, pixel};
use tincy_drivers::display::Picture;
use tincy_drivers::display::format::Format;
use tincy_drivers::display::layout::Layout as ScreenLayout;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Offload, Options};
use tincy_vision::raw::Layout;
use tincy_vision::{Detection, Filter, Frame, RawFrame, annotate, caption};

const CAMERA: (usize, usize) = (640, 480);
const SCREEN: (usize, usize) = (1280, 720);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, stage, times] = arguments.as_slice() else {
        bail!("usage: stages MODEL STAGE TIMES");
    };
    let network = tincy::model::open(Path::new(model), &tincy_import::Options::default())?;
    let model = Model::new(network, &Options::default())?;
    let mut stages = Stages::new(&model, stage == "around")?;
    for stage in ["fit", "network", "boxes", "picture", "draw", "screen"] {
        stages.run(stage)?;
    }
    for _ in 0..times.parse()? {
        stages.run(stage)?;
    }
    Ok(())
}

/// What the stages hand to each other.
struct Stages<'a> {
    detector: Detector,
    names: &'a [String],
    camera: Vec<u8>,
    found: Vec<Detection>,
    frame: Frame,
    screen: Vec<u8>,
}

impl Stages<'_> {
    fn new(model: &Model, is_around: bool) -> Result<Stages<'_>> {
        let filter = Filter {
            // Some boxes of whatever is in the noise: three is what a street has.
            threshold: 0.02,
            ..Filter::default()
        };
        let mut detector = Detector::new(model, filter);
        if is_around {
            detector
                .session()
                .set_offload(Box::new(Packing::new(model)?))?;
        }
        Ok(Stages {
            detector,
            names: model.names(),
            camera: noise(2 * CAMERA.0 * CAMERA.1),
            found: Vec::new(),
            frame: Frame::default(),
            screen: vec![0; 4 * SCREEN.0 * SCREEN.1],
        })
    }

    fn run(&mut self, stage: &str) -> Result<()> {
        let raw = RawFrame::new(Layout::Yuyv, CAMERA, 2 * CAMERA.0, &self.camera)?;
        match stage {
            "fit" => self.detector.fit_raw(&raw)?,
            "network" | "around" => self.detector.session().run(),
            "boxes" => {
                self.found = self.detector.found()?;
                self.found.truncate(3);
            }
            "picture" => raw.to_rgb(&mut self.frame),
            "draw" => {
                annotate(&mut self.frame, &self.found, self.names);
                caption(&mut self.frame, "30.0 frames/s, 33 ms");
            }
            "screen" => self.show(),
            other => bail!("no stage {other}"),
        }
        Ok(())
    }

    /// As a screen's buffer is written, row by row.
    fn show(&mut self) {
        let layout = ScreenLayout::new(CAMERA, SCREEN);
        let picture = Picture {
            width: CAMERA.0,
            height: CAMERA.1,
            rgb: &self.frame.pixels,
        };
        let start = layout.start(Format::Argb8888);
        let screen = &mut self.screen;
        let drawn = layout.draw(picture, Format::Argb8888, &mut Vec::new(), |at, row| {
            screen[at * 4 * SCREEN.0 + start..][..row.len()].copy_from_slice(row);
            Ok::<_, Infallible>(())
        });
        let Ok(()) = drawn;
    }
}

/// Bytes as a noisy camera has them, the same each time.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(next).collect()
}

/// The overlay's pixels written and read as its driver does, and nothing computed between.
struct Packing {
    layers: Range<usize>,
    channels: [usize; 2],
    pixels: [Vec<u8>; 2],
    pixel_bytes: usize,
    bits: usize,
}

impl Packing {
    fn new(model: &Model) -> Result<Packing> {
        let overlays = Overlay::published().into_iter();
        let mut runs = overlays.filter_map(|overlay| {
            let layers = Program::longest(model.network(), &overlay)?;
            Some((layers, overlay))
        });
        let (layers, overlay) = runs.next().context("no layer for the overlay")?;
        let program = Program::new(model.network(), layers.clone(), &overlay)?;
        let maps = [program.input(), program.output()];
        let bits = overlay.activation_bits as usize;
        let pixel_bytes = pixel::bytes(overlay.max_inputs as usize, bits);
        Ok(Packing {
            layers,
            channels: maps.map(|map| map.channels),
            pixels: maps.map(|map| vec![0; map.pixels() * pixel_bytes]),
            pixel_bytes,
            bits,
        })
    }
}

impl Offload for Packing {
    fn name(&self) -> &str {
        "packing"
    }

    fn layers(&self) -> Range<usize> {
        self.layers.clone()
    }

    fn run(&mut self, input: Tensor<'_>, output: TensorMut<'_>) -> bool {
        let (Tensor::U8(input), TensorMut::U8(output)) = (input, output) else {
            return false;
        };
        let [reads, gives] = self.channels;
        let pixels = self.pixels[0].chunks_exact_mut(self.pixel_bytes);
        for (codes, pixel) in input.chunks_exact(reads).zip(pixels) {
            pixel::pack(
                codes,
                self.bits,
                &mut pixel[..pixel::bytes(reads, self.bits)],
            );
        }
        let pixels = self.pixels[1].chunks_exact(self.pixel_bytes);
        for (codes, pixel) in output.chunks_exact_mut(gives).zip(pixels) {
            pixel::unpack(pixel, self.bits, codes);
        }
        true
    }
}
