//! The shapes that layers produce, and what does not fit.

use crate::shape::window_positions;
use crate::{Activation, Error, Number, Padding, Shape};

/// The most pixels of padding on a side: more than any detector, less than any overflow.
const MAX_PADDING: usize = 4096;

pub(crate) fn windows(
    input: Shape,
    size: [usize; 2],
    dilation: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
) -> Result<(usize, usize), Error> {
    let Padding {
        top,
        left,
        bottom,
        right,
    } = padding;
    if [top, left, bottom, right]
        .iter()
        .any(|side| *side > MAX_PADDING)
    {
        let found = format!("{top} {left} {bottom} {right}");
        return Err(Error::layer(
            "padding",
            format!("at most {MAX_PADDING}"),
            found,
        ));
    }
    if dilation.contains(&0) {
        return Err(Error::layer("dilation", "at least 1", 0));
    }
    let (height, width) = (input.height + top + bottom, input.width + left + right);
    let rows = window_positions(height, size[0], dilation[0], stride[0]);
    let columns = window_positions(width, size[1], dilation[1], stride[1]);
    rows.zip(columns).ok_or_else(|| {
        let found = format!(
            "{}x{} with stride {}x{}",
            size[0], size[1], stride[0], stride[1]
        );
        Error::layer("window", format!("one that fits {height}x{width}"), found)
    })
}

pub(crate) fn expect<T: PartialEq + std::fmt::Display>(
    what: &'static str,
    expected: T,
    found: T,
) -> Result<(), Error> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::layer(what, expected, found))
    }
}

pub(crate) fn upsampled(shape: Shape, factor: usize) -> Result<Shape, Error> {
    if !(1..=64).contains(&factor) {
        return Err(Error::layer("factor", "1 to 64", factor));
    }
    Ok(Shape::new(
        shape.height * factor,
        shape.width * factor,
        shape.channels,
    ))
}

pub(crate) fn concatenated(inputs: &[(Shape, Number)]) -> Result<Shape, Error> {
    let (first, number) = inputs[0];
    let mut channels = 0usize;
    for (shape, other) in inputs {
        expect("rows of an input", first.height, shape.height)?;
        expect("columns of an input", first.width, shape.width)?;
        if *other != number {
            return Err(Error::layer("number type of an input", number, other));
        }
        channels = channels.saturating_add(shape.channels);
    }
    Ok(Shape::new(first.height, first.width, channels))
}

pub(crate) fn sliced(shape: Shape, start: usize, count: usize) -> Result<Shape, Error> {
    if count == 0
        || start
            .checked_add(count)
            .is_none_or(|end| end > shape.channels)
    {
        let found = format!("{count} from {start} on");
        return Err(Error::layer(
            "channels",
            format!("within {}", shape.channels),
            found,
        ));
    }
    Ok(Shape::new(shape.height, shape.width, count))
}

pub(crate) fn gathered(shape: Shape, channels: &[u32]) -> Result<Shape, Error> {
    let odd = channels.iter().find(|c| **c as usize >= shape.channels);
    if channels.is_empty() || odd.is_some() {
        let found = odd.map_or("none".into(), u32::to_string);
        let range = format!("0 to {}", shape.channels - 1);
        return Err(Error::layer("channels", range, found));
    }
    Ok(Shape::new(shape.height, shape.width, channels.len()))
}

pub(crate) fn added(first: Shape, second: Shape) -> Result<Shape, Error> {
    let samples = first.width.is_multiple_of(second.width)
        && first.height == second.height * (first.width / second.width);
    let spreads = second.width.is_multiple_of(first.width)
        && second.height == first.height * (second.width / first.width);
    if samples || spreads {
        Ok(first)
    } else {
        Err(Error::layer(
            "second input",
            format!("{first} or a multiple"),
            second,
        ))
    }
}

/// Whether two maps of codes can be added.
pub(crate) fn added_codes(inputs: &[(Shape, Number)], activation: Activation) -> Result<(), Error> {
    let [(first, number), (second, other)] = inputs else {
        return Err(Error::layer("number of inputs", 2, inputs.len()));
    };
    expect("second input", *first, *second)?;
    if number != other {
        let what = "number type of an input";
        return Err(Error::layer(
            what,
            format!("{number:?}"),
            format!("{other:?}"),
        ));
    }
    if activation != Activation::Linear {
        let found = format!("{activation:?}");
        return Err(Error::layer("activation of codes", "linear", found));
    }
    Ok(())
}

pub(crate) fn reorganised(shape: Shape, stride: usize) -> Result<Shape, Error> {
    let square = stride.saturating_mul(stride);
    let divides = stride > 0
        && shape.height.is_multiple_of(stride)
        && shape.width.is_multiple_of(stride)
        && shape.channels.is_multiple_of(square);
    if !divides {
        return Err(Error::layer(
            "stride",
            format!("one that divides {shape}"),
            stride,
        ));
    }
    Ok(Shape::new(
        shape.height / stride,
        shape.width / stride,
        shape.channels * square,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn darknets_shortcut_accepts_multiples_only() {
        assert!(added(Shape::new(8, 8, 4), Shape::new(8, 8, 4)).is_ok());
        assert!(added(Shape::new(8, 8, 4), Shape::new(4, 4, 9)).is_ok());
        assert!(added(Shape::new(4, 4, 9), Shape::new(8, 8, 4)).is_ok());
        assert!(added(Shape::new(8, 8, 4), Shape::new(3, 3, 4)).is_err());
    }
}
