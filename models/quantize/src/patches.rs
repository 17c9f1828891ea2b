//! What a convolution's windows look at, in the middle over a batch.

use crate::Error;
use crate::batch::Batch;
use crate::codes::Codes;
use crate::forms::Forms;
use std::collections::BTreeMap;
use tincy_engine::tensor::Tensor;
use tincy_engine::{Options, Plan, Session};
use tincy_network::{Code, Convolution, Network, Number, Shape};

/// Windows of each convolution that are looked at, in all inputs together.
const WINDOWS: usize = 8192;

/// The largest window whose products are kept: they take its square.
pub const LARGEST: usize = 1536;

/// The means over the windows of one convolution.
#[derive(Clone, Debug)]
pub struct Patches {
    /// Elements of a window, of one group.
    window: usize,
    /// Windows seen.
    count: usize,
    /// Sums of the float map's elements, `[group][window]`.
    exact: Vec<f64>,
    /// The same of what the map's codes stand for.
    rounded: Vec<f64>,
    /// Sums of products of two elements of a window as its codes stand for them: a row for each element,
    /// up to itself. Empty if not wanted.
    products: Vec<f32>,
}

impl Patches {
    fn new(convolution: &Convolution, input: Shape, wants_products: bool) -> Patches {
        let window = convolution.window(input.channels);
        let products = match wants_products && convolution.groups == 1 && window <= LARGEST {
            true => window * (window + 1) / 2,
            false => 0,
        };
        Patches {
            window,
            count: 0,
            exact: vec![0.0; convolution.groups * window],
            rounded: vec![0.0; convolution.groups * window],
            products: vec![0.0; products],
        }
    }

    /// The mean of each element of filter `o`'s window, and that of what the codes stand for.
    pub fn means(&self, convolution: &Convolution, o: usize) -> impl Iterator<Item = (f64, f64)> {
        let group = o * convolution.groups / convolution.out_channels;
        let start = group * self.window;
        let count = self.count.max(1) as f64;
        let exact = self.exact[start..].iter().take(self.window);
        let rounded = self.rounded[start..].iter();
        exact.zip(rounded).map(move |(e, r)| (e / count, r / count))
    }

    /// The mean products, row `i` up to element `i`; none if they were not kept.
    pub fn products(&self) -> Option<Vec<Vec<f64>>> {
        let count = self.count.max(1) as f64;
        let row = |i: usize| {
            let row = self.products[i * (i + 1) / 2..].iter().take(i + 1);
            row.map(|sum| f64::from(*sum) / count).collect()
        };
        (!self.products.is_empty()).then(|| (0..self.window).map(row).collect())
    }

    fn add(&mut self, exact: &[f32], rounded: &[f32]) {
        let sums = self.exact.iter_mut().zip(&mut self.rounded);
        for ((sum, rounded_sum), (exact, rounded)) in sums.zip(exact.iter().zip(rounded)) {
            *sum += f64::from(*exact);
            *rounded_sum += f64::from(*rounded);
        }
        self.count += 1;
        let mut rows = &mut self.products[..];
        for (i, value) in rounded.iter().enumerate() {
            let Some((row, rest)) = rows.split_at_mut_checked(i + 1) else {
                return;
            };
            rows = rest;
            if *value != 0.0 {
                let pairs = row.iter_mut().zip(rounded);
                pairs.for_each(|(sum, other)| *sum += value * other);
            }
        }
    }
}

/// Looks at the windows of all convolutions of a float network; products are kept where they are wanted.
///
/// # Errors
/// If the network cannot be run.
pub fn look(
    network: &Network,
    (forms, codes): (&Forms, &Codes),
    batch: &Batch,
    threads: usize,
    wants_products: bool,
) -> Result<BTreeMap<usize, Patches>, Error> {
    let options = Options {
        threads,
        keep_all: true,
        ..Options::default()
    };
    let mut session = Session::new(&Plan::new(network, &options)?);
    let mut patches = BTreeMap::new();
    let layers = || network.layers().iter().enumerate();
    for (index, layer) in layers() {
        if let (Some(convolution), None) = (layer.convolution(), forms.evens.before(index)) {
            let input = network.tensor(layer.inputs()[0]).0;
            let new = Patches::new(convolution, input, wants_products);
            patches.insert(index, new);
        }
    }
    let wanted = WINDOWS.div_ceil(batch.inputs.len());
    for index in 0..batch.inputs.len() {
        batch.fill(index, session.input_mut());
        session.run();
        for (layer, patches) in &mut patches {
            let source = network.layers()[*layer].inputs()[0];
            let (Some(convolution), Some(tensor)) = (
                network.layers()[*layer].convolution(),
                session.output(source),
            ) else {
                continue;
            };
            let map = Map {
                shape: network.tensor(source).0,
                values: values(tensor, network.tensor(source).1),
                code: codes.of(forms, source),
            };
            map.windows(
                convolution,
                network.layers()[*layer].shape(),
                wanted,
                patches,
            );
        }
    }
    Ok(patches)
}

fn values(tensor: Tensor<'_>, number: Number) -> Vec<f32> {
    let zero = number.code().map_or(0, |code| code.zero) as f32;
    (0..tensor.len()).map(|at| tensor.get(at) - zero).collect()
}

/// A map that a convolution reads.
struct Map {
    shape: Shape,
    values: Vec<f32>,
    code: Code,
}

impl Map {
    /// Hands about `wanted` windows on, evenly spaced over the output.
    fn windows(
        &self,
        convolution: &Convolution,
        output: Shape,
        wanted: usize,
        patches: &mut Patches,
    ) {
        let rounded: Vec<f32> = self
            .values
            .iter()
            .map(|value| self.rounded(*value))
            .collect();
        let length = convolution.groups * convolution.window(self.shape.channels);
        let (mut exact_window, mut rounded_window) = (vec![0.0; length], vec![0.0; length]);
        let every = output.pixels().div_ceil(wanted);
        // Not the same columns in every row.
        let every = every + usize::from(every > 1 && output.width.is_multiple_of(every));
        for pixel in (0..output.pixels()).step_by(every) {
            let at = [pixel / output.width, pixel % output.width];
            self.gather(convolution, at, &self.values, &mut exact_window);
            self.gather(convolution, at, &rounded, &mut rounded_window);
            patches.add(&exact_window, &rounded_window);
        }
    }

    /// What the code of a value stands for.
    fn rounded(&self, value: f32) -> f32 {
        (f64::from(self.code.quantize(value) - self.code.zero) * self.code.scale) as f32
    }

    /// The window of an output pixel, `[group][ky][kx][channel]`; zeros outside the map.
    fn gather(&self, c: &Convolution, at: [usize; 2], values: &[f32], window: &mut [f32]) {
        let channels = self.shape.channels / c.groups;
        window.fill(0.0);
        for (position, (ky, kx)) in (0..c.kernel[0])
            .flat_map(|ky| (0..c.kernel[1]).map(move |kx| (ky, kx)))
            .enumerate()
        {
            let y = (at[0] * c.stride[0] + ky * c.dilation[0]).checked_sub(c.padding.top);
            let x = (at[1] * c.stride[1] + kx * c.dilation[1]).checked_sub(c.padding.left);
            let (Some(y), Some(x)) = (y, x) else {
                continue;
            };
            if y >= self.shape.height || x >= self.shape.width {
                continue;
            }
            let pixel = &values[(y * self.shape.width + x) * self.shape.channels..];
            let groups = pixel[..self.shape.channels].chunks_exact(channels);
            for (group, part) in groups.enumerate() {
                let start = (group * c.kernel[0] * c.kernel[1] + position) * channels;
                window[start..start + channels].copy_from_slice(part);
            }
        }
    }
}
