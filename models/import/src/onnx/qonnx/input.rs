//! The input of a network, by its sizes, its data type and the nodes that read it.

use super::layout::Layout;
use super::own::Own;
use super::step::Step;
use super::value::{Base, Chain, Levels, Map, Value};
use crate::Result;
use crate::onnx::graph::Graph;
use crate::onnx::message::ValueInfo;
use crate::onnx::picture;
use crate::onnx::tensor::FLOAT32;
use tincy_network::{Code, Input, Number, Shape, Source};

/// The input, and what it is at first.
pub(super) fn input<'a>(graph: &'a Graph, own: Option<&Own>) -> Result<(Input, Value<'a>)> {
    let ValueInfo { name, dims, .. } = graph.input()?;
    let mut input = declared(graph, own)?;
    let layout = match dims.len() {
        2 => Layout::vector(input.shape),
        _ if reads_last(graph, name) => Layout::channels_last(input.shape),
        _ => Layout::channels_first(input.shape),
    };
    let mut chain = Chain::new();
    match graph.kinds.get(name.as_str()).map(String::as_str) {
        _ if own.is_some() => {}
        Some("BIPOLAR") => chain.push(Step::Sign),
        Some(kind) => {
            if let Some(mut code) = data_type(kind) {
                // The samples of a picture are 255 times what they stand for.
                if input.picture.is_some() && (code.bits, code.signed) == (8, false) {
                    code.scale = 1.0 / 255.0;
                }
                input.number = Number::Code(code);
            }
        }
        None => {}
    }
    let value = Value {
        base: Base::Map(Map {
            source: Source::Input,
            shape: input.shape,
            levels: input.number.code().map(|code| Levels {
                offset: vec![f64::from(code.zero)],
                ..Levels::plain()
            }),
        }),
        chain,
        layout,
        node: None,
    };
    Ok((input, value))
}

/// The network's input, of numbers where the file says nothing else.
fn declared(graph: &Graph, own: Option<&Own>) -> Result<Input> {
    let ValueInfo { name, kind, dims } = graph.input()?;
    let shape = match (own, &dims[..]) {
        (Some(own), _) => return Ok(own.input.clone()),
        (_, [Some(1) | None, Some(count)]) if *kind == FLOAT32 => Shape::new(1, 1, *count),
        (_, [Some(1) | None, Some(height), Some(width), Some(channels)])
            if *kind == FLOAT32 && reads_last(graph, name) =>
        {
            Shape::new(*height, *width, *channels)
        }
        _ => {
            return Ok(Input {
                number: Number::F32,
                ..picture::input(graph, None, None)?.0
            });
        }
    };
    Ok(Input {
        shape,
        number: Number::F32,
        picture: None,
    })
}

/// The code of QONNX's data types `UINT1` to `UINT8` and `INT1` to `INT8`.
pub(super) fn data_type(kind: &str) -> Option<Code> {
    let (signed, bits) = match kind.strip_prefix("UINT") {
        Some(bits) => (false, bits),
        None => (true, kind.strip_prefix("INT")?),
    };
    let bits = bits.parse().ok().filter(|bits| (1..=8).contains(bits))?;
    Some(Code {
        bits,
        signed,
        scale: 1.0,
        zero: 0,
    })
}

/// Whether channels come last in the input, by the nodes that read it.
fn reads_last(graph: &Graph, input: &str) -> bool {
    graph.readers(input).iter().any(|index| {
        let node = graph.node(*index);
        node.op() == "Im2Col"
            || node
                .text("data_layout", "")
                .is_ok_and(|layout| layout == "NHWC")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_types_of_inputs() {
        let bits = |kind| data_type(kind).map(|code| (code.bits, code.signed));
        assert_eq!(bits("UINT8"), Some((8, false)));
        assert_eq!(bits("INT4"), Some((4, true)));
        for kind in ["UINT9", "INT32", "FLOAT32", "TERNARY", "UINT", "UINT0"] {
            assert_eq!(bits(kind), None, "{kind}");
        }
    }
}
