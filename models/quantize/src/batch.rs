//! The inputs that everything is found from.

use crate::{Error, range};
use tincy_engine::tensor::TensorMut;
use tincy_network::{Code, Input, Number, Picture};

/// The most bytes that a batch may take.
const MAX_BYTES: usize = 1 << 30;

/// Bits of the input's codes: those of a pixel.
const BITS: u8 = 8;

/// A batch of inputs in codes, one byte each.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What the codes stand for.
    pub code: Code,
    /// The inputs.
    pub inputs: Vec<Vec<u8>>,
}

impl Batch {
    /// Takes all inputs: real values, or codes as numbers where the network reads codes.
    ///
    /// # Errors
    /// If there are none or too many, or one has another size than the network's input.
    pub fn take(input: &Input, inputs: &mut dyn Iterator<Item = Vec<f32>>) -> Result<Batch, Error> {
        let size = input.shape.elements();
        let most = (MAX_BYTES / size).max(1);
        let mut values = inputs.map(|values| match values.len() == size {
            true => Ok(values),
            false => {
                let found = values.len();
                Err(Error::Batch(format!(
                    "an input of {found} values, not {size}"
                )))
            }
        });
        let (code, first) = match (input.number, &input.picture) {
            (Number::Code(code), _) => (code, Vec::new()),
            (Number::F32, Some(picture)) => (of_pixels(picture, input.shape.channels), Vec::new()),
            (Number::F32, None) => {
                let all = values.by_ref().take(most).collect::<Result<Vec<_>, _>>()?;
                (of_values(&all), all)
            }
        };
        let bytes = |values: Vec<f32>| match input.number {
            Number::F32 => values.iter().map(|v| code.quantize(*v) as u8).collect(),
            Number::Code(_) => values.iter().map(|v| *v as i32 as u8).collect(),
        };
        let mut inputs: Vec<Vec<u8>> = first.into_iter().map(bytes).collect();
        for values in values {
            if inputs.len() == most {
                let what = format!("more than {most} inputs; choose fewer");
                return Err(Error::Batch(what));
            }
            inputs.push(bytes(values?));
        }
        if inputs.is_empty() {
            return Err(Error::Batch("no input to find ranges from".into()));
        }
        Ok(Batch { code, inputs })
    }

    /// Writes an input to where a session reads it.
    pub fn fill(&self, index: usize, input: TensorMut<'_>) {
        input.bytes().copy_from_slice(&self.inputs[index]);
    }
}

/// The code of every pixel that a picture may have, black to white.
fn of_pixels(picture: &Picture, channels: usize) -> Code {
    let ends = picture.mean.iter().zip(&picture.std).take(channels);
    let ends = ends.flat_map(|(mean, std)| [-mean / std, (1.0 - mean) / std]);
    let (low, high) = ends.fold((0.0f32, 0.0f32), |(l, h), v| (l.min(v), h.max(v)));
    range::code(BITS, low, high)
}

fn of_values(inputs: &[Vec<f32>]) -> Code {
    let values = inputs.iter().flatten().filter(|value| value.is_finite());
    let (low, high) = values.fold((0.0f32, 0.0f32), |(l, h), v| (l.min(*v), h.max(*v)));
    range::code(BITS, low, high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_network::Shape;

    #[test]
    fn pixels_are_their_own_codes() {
        let input = Input::rgb(1, 1);
        let values = vec![0.0, 128.0 / 255.0, 1.0];
        let batch = Batch::take(&input, &mut [values].into_iter()).unwrap();
        assert_eq!(batch.inputs, [[0, 128, 255]]);
        assert!((batch.code.scale - 1.0 / 255.0).abs() < 1e-9);
    }

    #[test]
    fn a_mean_moves_the_zero_point() {
        let mut input = Input::rgb(1, 1);
        let picture = Picture {
            mean: [0.5; 3],
            std: [0.25; 3],
            ..Picture::default()
        };
        input.picture = Some(picture);
        let batch = Batch::take(&input, &mut [vec![-2.0, 0.0, 2.0]].into_iter()).unwrap();
        assert_eq!(batch.code.zero, 128);
        assert_eq!(batch.inputs, [[0, 128, 255]]);
    }

    #[test]
    fn feature_maps_tell_their_range_themselves() {
        let input = Input {
            shape: Shape::new(1, 1, 2),
            number: Number::F32,
            picture: None,
        };
        let inputs = [vec![-1.0, 0.0], vec![0.0, 4.1]];
        let batch = Batch::take(&input, &mut inputs.into_iter()).unwrap();
        assert_eq!(batch.inputs, [[0, 50], [50, 255]]);
    }

    #[test]
    fn wrong_batches_are_named() {
        let input = Input::rgb(1, 1);
        let none = Batch::take(&input, &mut std::iter::empty());
        assert!(none.unwrap_err().to_string().contains("no input"));
        let short = Batch::take(&input, &mut [vec![0.0]].into_iter());
        assert!(short.unwrap_err().to_string().contains("1 values, not 3"));
    }
}
