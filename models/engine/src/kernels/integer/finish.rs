//! Sums to outputs, a panel's sixteen channels at once, by the reference's arithmetic exactly.

use super::arch::LANES;
use super::levels::{Levels, ROUND};
use super::pack::Panel;
use crate::kernels::activate::activate;
use tincy_network::{Activation, Affine, Code, Convolution, Thresholds};

/// Thresholds up to which all are compared; beyond, they are searched.
const MOST_COMPARED: usize = 15;

/// What becomes of the sums, laid out by panel.
#[derive(Debug)]
pub(in crate::kernels) enum Finish {
    /// A sum, a product, a shift and a table, in integers: a tile at a time.
    Requantize(Box<Levels>),
    /// Everything else: a pixel at a time.
    Pixel(PixelFinish),
}

/// What becomes of one pixel's sums.
#[derive(Debug)]
pub(in crate::kernels) enum PixelFinish {
    /// The thresholds of each panel, step by step.
    Compare {
        steps: usize,
        values: Vec<[i32; LANES]>,
    },
    /// The thresholds as they are, and the first channel of each panel.
    Search {
        thresholds: Thresholds,
        first: Vec<usize>,
    },
    /// A product, a sum, an activation, and rounding.
    Affine {
        scale: Vec<[f32; LANES]>,
        bias: Vec<[f32; LANES]>,
        activation: Activation,
        code: Option<Code>,
    },
}

/// Where a pixel's finished channels go.
pub(in crate::kernels) enum Row<'a> {
    F32(&'a mut [f32]),
    /// Signed codes too: their bytes.
    Codes(&'a mut [u8]),
}

impl Finish {
    pub(in crate::kernels) fn new(convolution: &Convolution, panels: &[Panel]) -> Finish {
        match &convolution.finish {
            tincy_network::Finish::Affine(affine) => {
                Finish::Pixel(PixelFinish::affine(affine, panels))
            }
            tincy_network::Finish::Thresholds(thresholds) => {
                Finish::Pixel(PixelFinish::count(thresholds, panels))
            }
            tincy_network::Finish::Requantize(r) => {
                Finish::Requantize(Box::new(Levels::new(r, panels)))
            }
        }
    }
}

impl PixelFinish {
    fn affine(affine: &Affine, panels: &[Panel]) -> PixelFinish {
        let list = |values: &[f32]| -> Vec<[f32; LANES]> {
            let lanes =
                |panel: &Panel| lanes(panel, 1.0, |o| values.get(o).copied().unwrap_or(1.0));
            panels.iter().map(lanes).collect()
        };
        PixelFinish::Affine {
            scale: list(&affine.scale),
            bias: list(&affine.bias),
            activation: affine.activation,
            code: affine.output.code(),
        }
    }

    fn count(thresholds: &Thresholds, panels: &[Panel]) -> PixelFinish {
        let steps = thresholds.steps();
        if steps > MOST_COMPARED {
            return PixelFinish::Search {
                thresholds: thresholds.clone(),
                first: panels.iter().map(|panel| panel.outputs.start).collect(),
            };
        }
        let step = |panel, step: usize| lanes(panel, i32::MAX, |o| thresholds.channel(o)[step]);
        let values = panels
            .iter()
            .flat_map(|panel| (0..steps).map(move |s| step(panel, s)));
        PixelFinish::Compare {
            steps,
            values: values.collect(),
        }
    }

    /// Finishes the sums of one pixel and panel.
    #[inline(always)]
    pub(super) fn apply(&self, panel: usize, sums: &[i32; LANES], row: &mut Row<'_>) {
        match self {
            PixelFinish::Compare { steps, values } => {
                let mut counts = [0i32; LANES];
                for thresholds in &values[panel * steps..][..*steps] {
                    for lane in 0..LANES {
                        counts[lane] += i32::from(sums[lane] >= thresholds[lane]);
                    }
                }
                row.codes(&counts);
            }
            PixelFinish::Search { thresholds, first } => {
                let mut counts = [0i32; LANES];
                for (lane, count) in counts.iter_mut().enumerate().take(row.len()) {
                    let channel = thresholds.channel(first[panel] + lane);
                    *count = channel.partition_point(|t| *t <= sums[lane]) as i32;
                }
                row.codes(&counts);
            }
            PixelFinish::Affine {
                scale,
                bias,
                activation,
                code,
            } => {
                let (scale, bias) = (&scale[panel], &bias[panel]);
                let mut values = [0.0; LANES];
                for lane in 0..LANES {
                    values[lane] = sums[lane] as f32 * scale[lane] + bias[lane];
                }
                activate(*activation, &mut values[..row.len()]);
                match code {
                    Some(code) => row.codes(&quantize(*code, &values)),
                    None => row.floats(&values),
                }
            }
        }
    }
}

fn lanes<T: Copy>(panel: &Panel, rest: T, value: impl Fn(usize) -> T) -> [T; LANES] {
    let mut lanes = [rest; LANES];
    for (lane, output) in lanes.iter_mut().zip(panel.outputs.clone()) {
        *lane = value(output);
    }
    lanes
}

/// [`Code::quantize`] of every lane.
#[inline(always)]
fn quantize(code: Code, values: &[f32; LANES]) -> [i32; LANES] {
    let inverse = code.inverse_scale();
    let low = (code.min() - code.zero) as f32;
    let high = (code.max() - code.zero) as f32;
    values.map(|value| {
        let steps = value * inverse;
        let steps = if steps.is_nan() { 0.0 } else { steps };
        let cut = steps.max(low).min(high);
        ((cut + ROUND) - ROUND) as i32 + code.zero
    })
}

impl Row<'_> {
    fn len(&self) -> usize {
        match self {
            Row::F32(row) => row.len(),
            Row::Codes(row) => row.len(),
        }
    }

    #[inline(always)]
    fn floats(&mut self, values: &[f32; LANES]) {
        if let Row::F32(row) = self {
            row.copy_from_slice(&values[..row.len()]);
        }
    }

    #[inline(always)]
    fn codes(&mut self, values: &[i32; LANES]) {
        if let Row::Codes(row) = self {
            let bytes = values.map(|value| value as u8);
            row.copy_from_slice(&bytes[..row.len()]);
        }
    }
}
