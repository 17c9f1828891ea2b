//! Small networks, numbers and threads for tests.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use tincy_network::graph::Builder;
use tincy_network::{
    Activation, Affine, Convolution, Finish, Input, Number, Op, Padding, Shape, Source, Weights,
};

/// Numbers from -1 to 1, the same every time (xorshift).
pub(crate) struct Numbers(u32);

impl Numbers {
    pub(crate) fn new(seed: u32) -> Numbers {
        Numbers(seed.wrapping_mul(2_654_435_761) | 1)
    }

    pub(crate) fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (f64::from(self.0) / f64::from(u32::MAX) * 2.0 - 1.0) as f32
    }

    pub(crate) fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next()).collect()
    }
}

pub(crate) fn pool(threads: usize) -> Arc<rayon::ThreadPool> {
    Arc::new(
        rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap(),
    )
}

/// A builder for maps of this shape.
pub(crate) fn builder(height: usize, width: usize, channels: usize) -> Builder {
    let input = Input {
        shape: Shape::new(height, width, channels),
        number: Number::F32,
        picture: None,
    };
    Builder::new("test", input).unwrap()
}

/// A convolution that keeps the size where the stride is 1.
pub(crate) struct Conv {
    pub(crate) out: usize,
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) dilation: usize,
    pub(crate) groups: usize,
    pub(crate) activation: Activation,
}

impl Default for Conv {
    fn default() -> Conv {
        Conv {
            out: 4,
            kernel: 3,
            stride: 1,
            dilation: 1,
            groups: 1,
            activation: Activation::Linear,
        }
    }
}

impl Conv {
    pub(crate) fn add(
        &self,
        builder: &mut Builder,
        name: &str,
        from: Source,
        numbers: &mut Numbers,
    ) -> Source {
        let inputs = builder.tensor(from).0.channels;
        let window = self.kernel * self.kernel * inputs / self.groups;
        let mut weights = numbers.take(self.out * window);
        let size = (3.0 / window as f32).sqrt();
        weights.iter_mut().for_each(|w| *w *= size);
        let op = Op::Convolution(Convolution {
            out_channels: self.out,
            kernel: [self.kernel; 2],
            stride: [self.stride; 2],
            dilation: [self.dilation; 2],
            padding: Padding::same(self.kernel / 2 * self.dilation),
            groups: self.groups,
            weights: Weights::floats(weights),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: numbers.take(self.out).into(),
                activation: self.activation,
                output: Number::F32,
            }),
        });
        builder.layer(name, op, &[from]).unwrap()
    }
}

/// A folder of `../shared`, or `None` with a word on what is skipped.
pub(crate) fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: needs ../shared/{name}");
    None
}
