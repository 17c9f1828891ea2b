//! The networks, with first weights by chance.

use crate::augment::Chance;
use std::str::FromStr;
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Affine, Convolution, Error, Finish, Input, Network, Number, Op, Padding, Pool,
    Shape, Source, Weights,
};

/// A network by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `cnn-8-16-16-64`: three 3x3 convolutions of these widths, the first two followed by pooling,
    /// then a hidden layer.
    Cnn([usize; 4]),
    /// `mlp-1024-1024`: hidden layers of these widths.
    Mlp(Vec<usize>),
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        let wrong = || {
            format!(
                "`{text}` is no network; there are cnn-C1-C2-C3-H and mlp-H1-H2..., with widths"
            )
        };
        let (name, widths) = text.split_once('-').ok_or_else(wrong)?;
        let width = |text: &str| {
            text.parse()
                .ok()
                .filter(|width| (1..=1 << 14).contains(width))
        };
        let widths: Option<Vec<usize>> = widths.split('-').map(width).collect();
        let widths = widths.ok_or_else(wrong)?;
        match name {
            "cnn" => widths.try_into().map(Kind::Cnn).map_err(|_| wrong()),
            "mlp" => Ok(Kind::Mlp(widths)),
            _ => Err(wrong()),
        }
    }
}

impl Kind {
    /// The network for grey pictures of 28 x 28, 0 to 1, and ten classes. Its layers are `conv0`,
    /// ... or `full0`, ..., the last `classes`.
    ///
    /// # Errors
    /// None for widths that [`Kind`] allows.
    pub fn build(&self, seed: u64) -> Result<Network, Error> {
        let mut drawing = Drawing::new(seed)?;
        let mut at = Source::Input;
        match self {
            Kind::Cnn([first, second, third, hidden]) => {
                at = drawing.convolution("conv0", at, *first, 3, 1)?;
                at = drawing.pool("pool0", at)?;
                at = drawing.convolution("conv1", at, *second, 3, 1)?;
                at = drawing.pool("pool1", at)?;
                at = drawing.convolution("conv2", at, *third, 3, 1)?;
                at = drawing.convolution("full3", at, *hidden, 7, 0)?;
            }
            Kind::Mlp(widths) => {
                for (number, width) in widths.iter().enumerate() {
                    let side = if number == 0 { SIDE } else { 1 };
                    at = drawing.convolution(&format!("full{number}"), at, *width, side, 0)?;
                }
            }
        }
        drawing.classes(at)
    }
}

/// Rows and columns of a picture.
const SIDE: usize = 28;

struct Drawing {
    builder: Builder,
    chance: Chance,
}

impl Drawing {
    fn new(seed: u64) -> Result<Drawing, Error> {
        let mut input = Input::rgb(SIDE, SIDE);
        input.shape = Shape::new(SIDE, SIDE, 1);
        Ok(Drawing {
            builder: Builder::new("digits", input)?,
            chance: Chance::new(seed, 0, 0),
        })
    }

    /// A convolution of `side` x `side` and a ReLU.
    fn convolution(
        &mut self,
        name: &str,
        from: Source,
        width: usize,
        side: usize,
        padding: usize,
    ) -> Result<Source, Error> {
        let op = self.layer(from, width, side, padding, Activation::Relu);
        self.builder.layer(name, op, &[from])
    }

    fn layer(
        &mut self,
        from: Source,
        width: usize,
        side: usize,
        padding: usize,
        activation: Activation,
    ) -> Op {
        let window = side * side * self.builder.tensor(from).0.channels;
        // He et al., 2015: the sums of a layer vary as much as those of the layer before.
        let spread = (2.0 / window as f64).sqrt();
        let weights = (0..width * window).map(|_| (spread * self.chance.normal()) as f32);
        Op::Convolution(Convolution {
            out_channels: width,
            kernel: [side; 2],
            stride: [1; 2],
            dilation: [1; 2],
            padding: Padding::same(padding),
            groups: 1,
            weights: Weights::floats(weights.collect()),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: vec![0.0; width].into(),
                activation,
                output: Number::F32,
            }),
        })
    }

    fn pool(&mut self, name: &str, from: Source) -> Result<Source, Error> {
        let pool = Pool {
            size: [2; 2],
            stride: [2; 2],
            padding: Padding::same(0),
        };
        self.builder.layer(name, Op::MaxPool(pool), &[from])
    }

    fn classes(mut self, from: Source) -> Result<Network, Error> {
        let op = self.layer(from, 10, 1, 0, Activation::Linear);
        let classes = self.builder.layer("classes", op, &[from])?;
        self.builder.output_tensor(classes);
        self.builder
            .classes((0..10).map(|digit| digit.to_string()).collect());
        self.builder.build()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_by_name() {
        let cnn: Kind = "cnn-8-16-16-64".parse().unwrap();
        let network = cnn.build(1).unwrap();
        assert_eq!(network.layers().len(), 7);
        assert_eq!(network.tensor(network.outputs()[0]).0, Shape::new(1, 1, 10));
        assert_ne!(cnn.build(2).unwrap(), network);
        let mlp: Kind = "mlp-32-16".parse().unwrap();
        assert_eq!(mlp.build(1).unwrap().layers().len(), 3);
        for wrong in ["", "cnn", "cnn-8", "mlp-0", "mlp-8-x", "rnn-8"] {
            assert!(
                wrong
                    .parse::<Kind>()
                    .unwrap_err()
                    .contains("there are cnn-")
            );
        }
    }
}
