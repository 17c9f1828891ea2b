//! Linear layers: their constant weights in the order of a convolution.

use super::layout::{Axis, Layout, size};
use super::lower::Lowering;
use super::step::Step;
use super::value::{Base, Chain, Map, Patches, Sum, Value, Windows};
use super::{broadcast, nodes};
use crate::Result;
use crate::onnx::convolution::padding;
use crate::onnx::node::NodeAt;
use crate::onnx::tensor::{Data, Tensor};
use std::rc::Rc;
use tincy_network::{Padding, Shape};

/// `Conv`: weights `[out][in / groups][ky][kx]`.
pub(super) fn convolution<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let input = lowering.picture(node, 0)?;
    let weights = lowering.weights(node, 1)?;
    let [outputs, inputs, height, width] = weights.dims[..] else {
        let found = weights.describe();
        return Err(node.wrong(format!("weights of four sizes are expected, found {found}")));
    };
    let kernel = [height, width];
    if node.sizes("kernel_shape", kernel)? != kernel {
        return Err(node.wrong("kernel_shape is not that of the weights"));
    }
    let (stride, dilation) = (
        node.sizes("strides", [1, 1])?,
        node.sizes("dilations", [1, 1])?,
    );
    let windows = Windows {
        kernel,
        stride,
        dilation,
        padding: padding(node, input.shape, kernel, stride, dilation)?,
    };
    let groups = usize::try_from(node.integer("group", 1)?).unwrap_or(0);
    let channels = input.shape.channels;
    if groups == 0 || inputs.checked_mul(groups) != Some(channels) || outputs % groups != 0 {
        let what = format!(
            "weights for {groups} groups of {inputs} channels, the input is {}",
            input.shape
        );
        return Err(node.wrong(what));
    }
    let places = broadcast::transposed(&weights.dims, &[0, 2, 3, 1]);
    let weights = places.into_iter().map(|i| weights.values[i]).collect();
    let input = match windows.is_padded() {
        true => lowering.zeroed(node, input)?,
        false => input,
    };
    let value = sum(node, input, windows, groups, outputs, weights)?;
    lowering.with_bias(node, value, 2)
}

/// `MatMul` by constant weights `[in][out]`.
pub(super) fn mat_mul<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let weights = lowering.weights(node, 1)?;
    product(lowering, node, &weights)
}

/// `Gemm`, whose weights may be transposed.
pub(super) fn gemm<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    if node.integer("transA", 0)? != 0 {
        return Err(node.wrong("transA is not supported"));
    }
    let mut weights = lowering.weights(node, 1)?;
    if node.integer("transB", 0)? != 0 {
        weights = weights.turned(node)?;
    }
    let [alpha, beta] = [node.float("alpha", 1.0)?, node.float("beta", 1.0)?];
    let mut value = product(lowering, node, &weights)?;
    if alpha != 1.0 {
        value.chain.push(Step::Multiply(vec![alpha]));
    }
    if beta != 1.0 && node.optional_input(2).is_some() {
        return Err(node.wrong(format!("beta {beta} is not supported, only 1")));
    }
    lowering.with_bias(node, value, 2)
}

/// FINN's layer in hardware: a product, then thresholds. Weights are `[in][out]`.
pub(super) fn mvau<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let mut weights = lowering.weights(node, 1)?;
    let is_bits = node.integer("binaryXnorMode", 0)? != 0;
    if node.text("inputDataType", "")? == "BIPOLAR" && !is_bits {
        lowering.push(node, 0, Step::Sign)?;
    }
    let mut ones = vec![0.0; weights.dims.last().copied().unwrap_or(0)];
    if is_bits {
        // Of bits, those that are equal are counted: w x + (1 - w)(1 - x).
        let outputs = ones.len().max(1);
        for (i, weight) in weights.values.iter_mut().enumerate() {
            ones[i % outputs] += 1.0 - *weight;
            *weight = 2.0 * *weight - 1.0;
        }
    }
    let mut value = product(lowering, node, &weights)?;
    if is_bits {
        value.chain.push(Step::Add(ones));
    }
    if node.integer("noActivation", 0)? != 0 {
        return Ok(value);
    }
    let thresholds = lowering.constants.of_node(node, 2)?;
    let count = nodes::counted(node, thresholds, &lowering.constants)?;
    let channels = value.layout.rank().checked_sub(1);
    lowering.push_all(node, &mut value, vec![count], channels)?;
    let start = node.integer("ActVal", 0)? as f32;
    match node.text("outputDataType", "")? {
        "BIPOLAR" => value
            .chain
            .extend([Step::Multiply(vec![2.0]), Step::Add(vec![-1.0])]),
        _ => value.chain.push(Step::Add(vec![start])),
    }
    Ok(value)
}

/// `Im2Col` of `[1, height, width, channels]`.
pub(super) fn patches<'a>(lowering: &mut Lowering<'a>, node: NodeAt<'a>) -> Result<Value<'a>> {
    let (input, layout) = lowering.map_with_layout(node, 0)?;
    if layout != Layout::channels_last(input.shape) {
        return Err(node.wrong("a map of 1 x height x width x channels is expected"));
    }
    if node.integer("pad_value", 0)? != 0 {
        return Err(node.wrong("only a pad_value of 0 is supported"));
    }
    let kernel = node.sizes("kernel_size", [1, 1])?;
    let [top, left, bottom, right] = node.sizes("pad_amount", [0; 4])?;
    let windows = Windows {
        kernel,
        stride: node.sizes("stride", [1, 1])?,
        dilation: node.sizes("dilations", [1, 1])?,
        padding: Padding {
            top,
            left,
            bottom,
            right,
        },
    };
    let channels = kernel[0]
        .saturating_mul(kernel[1])
        .saturating_mul(input.shape.channels);
    let shape = windows.shape(input.shape, channels);
    let shape = shape.ok_or_else(|| node.wrong(format!("no window fits {}", input.shape)))?;
    Ok(Value {
        base: Base::Patches(Rc::new(Patches {
            input,
            windows,
            shape,
        })),
        chain: Chain::new(),
        layout: Layout::channels_last(shape),
        node: Some(node),
    })
}

/// Constant weights, as floats.
pub(super) struct Matrix {
    pub(super) dims: Vec<usize>,
    pub(super) values: Vec<f32>,
}

impl Matrix {
    /// From a constant; `None` if it has no numbers.
    pub(super) fn new(tensor: &Tensor) -> Option<Matrix> {
        Some(Matrix {
            dims: tensor.dims.clone(),
            values: tensor.numbers()?,
        })
    }

    fn describe(&self) -> String {
        Tensor::new(self.dims.clone(), Data::Floats(Vec::new())).describe()
    }

    fn turned(&self, node: NodeAt<'_>) -> Result<Matrix> {
        let [rows, columns] = self.matrix(node)?;
        let places = broadcast::transposed(&[rows, columns], &[1, 0]);
        Ok(Matrix {
            dims: vec![columns, rows],
            values: places.into_iter().map(|i| self.values[i]).collect(),
        })
    }

    /// Rows and columns; other sizes must be 1.
    fn matrix(&self, node: NodeAt<'_>) -> Result<[usize; 2]> {
        match self.dims[..] {
            [.., rows, columns] if rows.checked_mul(columns) == Some(self.values.len()) => {
                Ok([rows, columns])
            }
            _ => {
                let found = self.describe();
                Err(node.wrong(format!("a matrix of weights is expected, found {found}")))
            }
        }
    }
}

/// Input 0 of a node times weights `[in][out]`: over all elements where the last axis holds all of them,
/// else pixel by pixel.
fn product<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    weights: &Matrix,
) -> Result<Value<'a>> {
    let [inputs, outputs] = weights.matrix(node)?;
    let value = lowering.readable(node, 0)?;
    let (shape, layout) = (value.shape(), value.layout.clone());
    let width = layout.dims(shape).last().copied().unwrap_or(1);
    if width != inputs || outputs == 0 {
        let what = format!("weights of {inputs} x {outputs} for {width} numbers");
        return Err(node.wrong(what));
    }
    let patches = match &value.base {
        Base::Patches(patches) if value.chain.is_empty() => Some(patches.clone()),
        _ => None,
    };
    let (input, windows, places) = match patches {
        // What `depthwise` says is for hardware: the order is the same.
        Some(patches) => (
            patches.input.clone(),
            patches.windows,
            (0..inputs).collect(),
        ),
        None => {
            let map = lowering.map(node, 0)?;
            let (windows, places) = whole_or_pixel(node, shape, &layout)?;
            (map, windows, places)
        }
    };
    let mut ordered = vec![0.0; weights.values.len()];
    for (i, weight) in weights.values.iter().enumerate() {
        ordered[i % outputs * inputs + places[i / outputs]] = *weight;
    }
    let mut value = sum(node, input, windows, 1, outputs, ordered)?;
    value.layout = match windows == Windows::whole([shape.height, shape.width]) {
        true => Layout::vector(value.shape()).deeper(layout.rank()),
        false => Layout::channels_last(value.shape()),
    };
    Ok(value)
}

/// What a product with the last axis reads, and for each number of that axis its place in `[ky][kx][in]`.
fn whole_or_pixel(
    node: NodeAt<'_>,
    shape: Shape,
    layout: &Layout,
) -> Result<(Windows, Vec<usize>)> {
    let last = layout.last();
    let width: usize = last.iter().map(|axis| size(shape, *axis)).product();
    if width == shape.elements() {
        let sizes: Vec<usize> = last.iter().map(|axis| size(shape, *axis)).collect();
        let step = |axis: &Axis| match axis {
            Axis::Row => shape.width * shape.channels,
            Axis::Column => shape.channels,
            Axis::Channel => 1,
        };
        let place = |mut i: usize| {
            let mut place = 0;
            for (axis, size) in last.iter().zip(&sizes).rev() {
                place += i % size * step(axis);
                i /= size;
            }
            place
        };
        let places = (0..width).map(place).collect();
        return Ok((Windows::whole([shape.height, shape.width]), places));
    }
    match last {
        [Axis::Channel] => Ok((Windows::PIXELS, (0..width).collect())),
        _ => Err(node.wrong("a product along rows or columns of a map is not supported")),
    }
}

fn sum<'a>(
    node: NodeAt<'a>,
    input: Map,
    windows: Windows,
    groups: usize,
    outputs: usize,
    weights: Vec<f32>,
) -> Result<Value<'a>> {
    let shape = windows
        .shape(input.shape, outputs)
        .filter(|_| !weights.is_empty());
    let shape = shape.ok_or_else(|| {
        let kernel = windows.kernel;
        node.wrong(format!(
            "a window of {kernel:?} does not fit {}",
            input.shape
        ))
    })?;
    if let Some(odd) = weights.iter().find(|weight| !weight.is_finite()) {
        return Err(node.wrong(format!("a weight of {odd}")));
    }
    Ok(Value {
        base: Base::Sum(Rc::new(Sum {
            input,
            windows,
            groups,
            weights,
            shape,
        })),
        chain: Chain::new(),
        layout: Layout::channels_first(shape),
        node: Some(node),
    })
}
