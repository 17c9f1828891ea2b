//! Operators between layers to functions of single numbers.
//!
//! Definitions of the quantizers are those of the `qonnx` package, version 1.0.

use super::super::activation;
use super::super::node::NodeAt;
use super::super::tensor::{Data, INT8, Tensor, UINT8, is_integer};
use super::fold::Constants;
use super::step::{Rounding, Step};
use crate::Result;

/// The most bits that a code can be quantized to.
const MAX_BITS: f32 = 32.0;

/// Functions with constants of the file.
pub(super) type Steps = Vec<Step<Tensor>>;

/// What a node does to each number of its input `data`, a tensor of `rank` axes; `None` if it is no such
/// node.
pub(super) fn steps(
    node: NodeAt<'_>,
    constants: &Constants<'_>,
    data: usize,
    rank: usize,
) -> Result<Option<Steps>> {
    let at = Operator { node, constants };
    Ok(Some(match node.op() {
        "Identity" | "Dropout" => Vec::new(),
        "Cast" if !is_integer(node.integer("to", 1)?) => Vec::new(),
        "Add" | "Sub" | "Mul" | "Div" => at.arithmetic(data)?,
        "BatchNormalization" => at.batch_norm(rank)?,
        "Clip" => {
            let [low, high] = [at.limit(1, "min")?, at.limit(2, "max")?];
            let (low, high) = (
                low.unwrap_or(f32::NEG_INFINITY),
                high.unwrap_or(f32::INFINITY),
            );
            vec![Step::Clip(low, high)]
        }
        "Quant" | "IntQuant" => at.quant()?,
        "BipolarQuant" => vec![Step::Sign, Step::Multiply(at.tensor(1)?)],
        "Trunc" => at.trunc()?,
        "MultiThreshold" => at.thresholds()?,
        "QuantizeLinear" => at.quantize_linear(rank)?,
        "DequantizeLinear" => {
            let scale = along(at.tensor(1)?, node.integer("axis", 1)?, rank);
            let mut steps = vec![Step::Multiply(scale)];
            if node.optional_input(2).is_some() {
                let zero = along(at.tensor(2)?, node.integer("axis", 1)?, rank);
                steps.insert(0, Step::Add(negated(zero)));
            }
            steps
        }
        _ => match activation::unary(node)? {
            Some(activation) => vec![Step::Function(activation)],
            None => return Ok(None),
        },
    }))
}

/// A node and the constants it may read.
struct Operator<'a> {
    node: NodeAt<'a>,
    constants: &'a Constants<'a>,
}

impl Operator<'_> {
    /// Input `i`: finite constant numbers, as floats.
    fn tensor(&self, i: usize) -> Result<Tensor> {
        let tensor = self.constants.of_node(self.node, i)?;
        let numbers = tensor.numbers().filter(|numbers| !numbers.is_empty());
        let finite = numbers.filter(|numbers| numbers.iter().all(|x| x.is_finite()));
        let numbers = finite.ok_or_else(|| {
            let found = tensor.describe();
            self.node.wrong(format!(
                "input {i}: finite numbers are expected, found {found}"
            ))
        })?;
        Ok(Tensor::new(tensor.dims.clone(), Data::Floats(numbers)))
    }

    /// Input `i`: a single number.
    fn number(&self, i: usize) -> Result<f32> {
        let tensor = self.tensor(i)?;
        match tensor.floats() {
            Some([number]) => Ok(*number),
            _ => {
                let found = tensor.describe();
                Err(self
                    .node
                    .wrong(format!("input {i}: one number is expected, found {found}")))
            }
        }
    }

    /// A limit: an attribute before opset 11, then an input.
    fn limit(&self, i: usize, name: &str) -> Result<Option<f32>> {
        match self.node.optional_input(i) {
            Some(_) => self.number(i).map(Some),
            None if self.node.node.attributes.contains_key(name) => {
                self.node.float(name, 0.0).map(Some)
            }
            None => Ok(None),
        }
    }

    fn rounding(&self, default: &'static str) -> Result<Rounding> {
        let name = self.node.text("rounding_mode", default)?;
        Rounding::named(name).ok_or_else(|| {
            self.node
                .wrong(format!("rounding_mode {name} is not known"))
        })
    }

    fn arithmetic(&self, data: usize) -> Result<Steps> {
        let constant = self.tensor(1 - data)?;
        Ok(match (self.node.op(), data) {
            ("Add", _) => vec![Step::Add(constant)],
            ("Mul", _) => vec![Step::Multiply(constant)],
            ("Sub", 0) => vec![Step::Add(negated(constant))],
            ("Sub", _) => vec![Step::Multiply(single(-1.0)), Step::Add(constant)],
            (_, 0) if constant.floats().is_some_and(|c| c.contains(&0.0)) => {
                return Err(self.node.wrong("it divides by zero"));
            }
            (_, 0) => vec![Step::Divide(constant)],
            _ => {
                return Err(self
                    .node
                    .wrong("a constant divided by a map is not supported"));
            }
        })
    }

    /// As ONNX Runtime computes it: one product, one sum.
    fn batch_norm(&self, rank: usize) -> Result<Steps> {
        let [gamma, beta, mean, variance] = [1, 2, 3, 4].map(|i| self.tensor(i));
        let lists = [gamma?, beta?, mean?, variance?];
        if self.node.integer("training_mode", 0)? != 0 {
            return Err(self
                .node
                .wrong("training_mode is not supported; export it for inference"));
        }
        let epsilon = self.node.float("epsilon", 1e-5)?;
        let [gamma, beta, mean, variance] = lists.map(|list| list.numbers().unwrap_or_default());
        let count = gamma.len();
        if [&beta, &mean, &variance]
            .iter()
            .any(|list| list.len() != count)
        {
            return Err(self.node.wrong("lists of different lengths"));
        }
        let scale = |o: usize| gamma[o] * (1.0 / (variance[o] + epsilon).sqrt());
        let scales: Vec<f32> = (0..count).map(scale).collect();
        if let Some(o) = scales.iter().position(|scale| !scale.is_finite()) {
            return Err(self
                .node
                .wrong(format!("variance {} in channel {o}", variance[o])));
        }
        let offsets: Vec<f32> = (0..count).map(|o| beta[o] - mean[o] * scales[o]).collect();
        let list = |values| along(Tensor::new(vec![count], Data::Floats(values)), 1, rank);
        Ok(vec![Step::Multiply(list(scales)), Step::Add(list(offsets))])
    }

    fn quant(&self) -> Result<Steps> {
        let (scale, zero, bits) = (self.scale(1)?, self.tensor(2)?, self.bits(3)?);
        let signed = self.node.integer("signed", 1)? != 0;
        let narrow = self.node.integer("narrow", 0)? != 0;
        let [low, high] = range(signed, narrow, bits);
        let mut steps = vec![Step::Divide(scale.clone()), Step::Add(zero.clone())];
        match signed && bits == 1.0 {
            true => steps.push(Step::Sign),
            // Limits come first, which shows where they are no whole numbers.
            false => steps.extend([Step::Clip(low, high), Step::Round(self.rounding("ROUND")?)]),
        }
        steps.extend([Step::Add(negated(zero)), Step::Multiply(scale)]);
        Ok(steps)
    }

    /// Positive numbers.
    fn scale(&self, i: usize) -> Result<Tensor> {
        let scale = self.tensor(i)?;
        match scale.floats() {
            Some(scales) if scales.iter().all(|scale| *scale > 0.0) => Ok(scale),
            _ => Err(self.node.wrong("scales must be positive")),
        }
    }

    fn bits(&self, i: usize) -> Result<f32> {
        let bits = self.number(i)?;
        match (1.0..=MAX_BITS).contains(&bits) {
            true => Ok(bits),
            false => Err(self
                .node
                .wrong(format!("{bits} bits; 1 to {MAX_BITS} are expected"))),
        }
    }

    /// Both versions of the operator: with five inputs, and with six.
    fn trunc(&self) -> Result<Steps> {
        let (scale, zero) = (self.scale(1)?, self.tensor(2)?);
        let mut steps = vec![Step::Divide(scale.clone()), Step::Add(zero.clone())];
        let (bits, rounding) = (self.bits(3)?, self.rounding("FLOOR")?);
        if self.node.optional_input(5).is_none() {
            let share = (bits - self.bits(4)?).exp2();
            // What the bits cannot hold is not there; whether they have a sign is not said.
            let held = Step::Clip(-(bits - 1.0).exp2(), bits.exp2() - 1.0);
            let whole = [
                held,
                Step::Round(Rounding::HalfEven),
                Step::Divide(single(share)),
            ];
            steps.extend(whole);
            steps.extend([
                Step::Round(rounding),
                Step::Add(negated(zero)),
                Step::Multiply(scale),
            ]);
            return Ok(steps);
        }
        let signed = self.node.integer("signed", 1)? != 0;
        let narrow = self.node.integer("narrow", 0)? != 0;
        let (wide, bits) = (self.number(4)?, self.bits(5)?);
        let share = (wide / self.number(1)?).log2().round_ties_even().exp2();
        if !(share.is_finite() && share > 0.0) {
            return Err(self.node.wrong("scales must be positive"));
        }
        let [low, high] = range(signed, narrow, bits);
        let left = -self.number(2)? / share;
        steps.extend([
            Step::Round(Rounding::HalfEven),
            Step::Divide(single(share)),
            Step::Clip(low, high),
            Step::Round(rounding),
            Step::Add(single(left)),
            Step::Multiply(single(wide)),
        ]);
        Ok(steps)
    }

    fn thresholds(&self) -> Result<Steps> {
        let tensor = self.constants.of_node(self.node, 1)?;
        let (scale, bias) = (
            self.node.float("out_scale", 1.0)?,
            self.node.float("out_bias", 0.0)?,
        );
        let mut steps = vec![self.count(tensor)?];
        if scale != 1.0 {
            steps.push(Step::Multiply(single(scale)));
        }
        if bias != 0.0 {
            steps.push(Step::Add(single(bias)));
        }
        Ok(steps)
    }

    fn count(&self, tensor: &Tensor) -> Result<Step<Tensor>> {
        let wrong = || {
            let found = tensor.describe();
            self.node.wrong(format!(
                "thresholds of channels x steps are expected, found {found}"
            ))
        };
        let values = tensor.numbers().ok_or_else(wrong)?;
        match tensor.dims[..] {
            [lists, steps] if lists > 0 && steps > 0 && !values.iter().any(|t| t.is_nan()) => {
                Ok(Step::Count { lists, values })
            }
            _ => Err(wrong()),
        }
    }

    fn quantize_linear(&self, rank: usize) -> Result<Steps> {
        let axis = self.node.integer("axis", 1)?;
        let scale = along(self.scale(1)?, axis, rank);
        let (kind, zero) = match self.node.optional_input(2) {
            Some(_) => (self.constants.of_node(self.node, 2)?.kind, self.tensor(2)?),
            None => (UINT8, single(0.0)),
        };
        let [low, high] = match kind {
            UINT8 => [0.0, 255.0],
            INT8 => [-128.0, 127.0],
            _ => return Err(self.node.wrong("only uint8 and int8 are supported")),
        };
        Ok(vec![
            Step::Divide(scale),
            // Beyond any type and zero point; so the levels have an end.
            Step::Clip(-512.0, 512.0),
            Step::Round(Rounding::HalfEven),
            Step::Add(along(zero, axis, rank)),
            Step::Clip(low, high),
        ])
    }
}

/// FINN's thresholds of a fused layer: their number and the codes they make are counted up from `start`.
pub(super) fn counted(
    node: NodeAt<'_>,
    tensor: &Tensor,
    constants: &Constants<'_>,
) -> Result<Step<Tensor>> {
    Operator { node, constants }.count(tensor)
}

/// Smallest and largest integer of so many bits; they need not be whole.
fn range(signed: bool, narrow: bool, bits: f32) -> [f32; 2] {
    let narrow = f32::from(u8::from(narrow));
    match signed {
        true => [-(bits - 1.0).exp2() + narrow, (bits - 1.0).exp2() - 1.0],
        false => [0.0, bits.exp2() - 1.0 - narrow],
    }
}

/// A single number.
pub(super) fn single(value: f32) -> Tensor {
    Tensor::new(Vec::new(), Data::Floats(vec![value]))
}

/// A list that belongs to an axis of a tensor.
fn along(mut tensor: Tensor, axis: i64, rank: usize) -> Tensor {
    let axis = if axis < 0 { axis + rank as i64 } else { axis };
    if let [count] = tensor.dims[..]
        && count > 1
        && let Ok(axis) = usize::try_from(axis)
    {
        let after = rank.saturating_sub(axis + 1);
        tensor.dims.extend(std::iter::repeat_n(1, after));
    }
    tensor
}

fn negated(mut tensor: Tensor) -> Tensor {
    if let Data::Floats(floats) = &mut tensor.data {
        floats.iter_mut().for_each(|x| *x = -*x);
    }
    tensor
}
