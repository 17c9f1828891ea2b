//! Small networks of weights by chance that fit an overlay, and what the CPU's reference makes of
//! them.

use anyhow::{Context, Result, bail};
use std::sync::Arc;
use tincy_bitstreams::overlay::Overlay;
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{
    Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding, Pool, Shape, Source,
    Thresholds, WeightKind, Weights,
};

/// Where all chance begins: a run is like the one before.
const SEED: u64 = 0x7e57;

/// A convolution, and a pool behind it.
#[derive(Clone, Copy, Debug)]
struct Stage {
    kernel: usize,
    outputs: usize,
    /// Step of the pool.
    pool: Option<usize>,
}

/// A network to be made.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// Side of the map.
    size: usize,
    inputs: usize,
    stages: Vec<Stage>,
}

/// The networks for an overlay: those of its kernels, of channels that fill nothing evenly, of more
/// channels than it holds at once, and layers in a row.
pub(super) fn cases(overlay: &Overlay) -> Vec<Case> {
    let most = overlay.max_kernel as usize;
    let several = (overlay.max_outputs + 64).min(overlay.max_inputs) as usize;
    let stage = |kernel: usize, outputs: usize, pool: Option<usize>| Stage {
        kernel,
        outputs,
        pool,
    };
    let case = |size: usize, inputs: usize, stages: &[Stage]| Case {
        size,
        inputs,
        stages: stages.to_vec(),
    };
    vec![
        case(26, 16, &[stage(3, 64, Some(2))]),
        case(13, 100, &[stage(1, 40, None)]),
        case(7, 3, &[stage(most, 1, None)]),
        case(13, 64, &[stage(3, several, Some(1))]),
        case(
            12,
            10,
            &[
                stage(3, 40, Some(2)),
                stage(1, 100, None),
                stage(3, 32, Some(1)),
            ],
        ),
    ]
}

impl Case {
    /// What it is, in a table's cell.
    pub(super) fn name(&self) -> String {
        let mut name = format!("{0}x{0}x{1}", self.size, self.inputs);
        for stage in &self.stages {
            name += &format!(", {0}x{0} to {1}", stage.kernel, stage.outputs);
            if let Some(step) = stage.pool {
                name += &format!(" + pool /{step}");
            }
        }
        name
    }

    /// The network, and an input for it.
    pub(super) fn network(&self, overlay: &Overlay) -> Result<(Network, Vec<u8>)> {
        let mut chance = Chance(SEED);
        let code = Code::unsigned(overlay.activation_bits as u8, 1.0);
        let input = Input {
            shape: Shape::new(self.size, self.size, self.inputs),
            number: Number::Code(code),
            picture: None,
        };
        let mut builder = Builder::new("selftest", input)?;
        let (mut source, mut inputs) = (Source::Input, self.inputs);
        for (index, stage) in self.stages.iter().enumerate() {
            let convolution = convolution(&mut chance, inputs, stage, code)?;
            source = builder.layer(format!("conv{index}"), convolution, &[source])?;
            if let Some(step) = stage.pool {
                let pool = pool(overlay.pool_size as usize, step);
                source = builder.layer(format!("pool{index}"), pool, &[source])?;
            }
            inputs = stage.outputs;
        }
        let network = builder.build()?;
        let count = self.size * self.size * self.inputs;
        let codes = 1 << overlay.activation_bits;
        let input = (0..count).map(|_| chance.below(codes) as u8).collect();
        Ok((network, input))
    }
}

/// A convolution of random signs, its thresholds where its sums lie.
fn convolution(chance: &mut Chance, inputs: usize, stage: &Stage, code: Code) -> Result<Op> {
    let Stage {
        kernel, outputs, ..
    } = *stage;
    let products = kernel * kernel * inputs;
    let signs = (0..products * outputs).map(|_| 1 - 2 * chance.below(2) as i8);
    let signs: Vec<i8> = signs.collect();
    let steps = (1usize << code.bits) - 1;
    // Sums of n products of +-1 and codes up to `steps` rarely go beyond this.
    let reach = (products as f64).sqrt() * steps as f64;
    let mut thresholds = Vec::with_capacity(outputs * steps);
    for _ in 0..outputs {
        let wide = 2 * reach as u64 + 1;
        let mut channel: Vec<i32> = (0..steps)
            .map(|_| chance.below(wide) as i32 - reach as i32)
            .collect();
        channel.sort_unstable();
        thresholds.extend(channel);
    }
    Ok(Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights: Weights::integers(WeightKind::Binary, &signs)?,
        finish: Finish::Thresholds(Thresholds {
            code,
            values: thresholds.into(),
        }),
    }))
}

/// A pool that leaves an even map's half, or keeps its size.
fn pool(window: usize, step: usize) -> Op {
    Op::MaxPool(Pool {
        size: [window; 2],
        stride: [step; 2],
        padding: Padding::split(window - step.min(window)),
    })
}

/// The CPU's reference of a network.
pub(super) struct Reference {
    session: Session,
    output: Source,
}

impl Reference {
    pub(super) fn new(network: &Network) -> Result<Reference> {
        let options = Options {
            backend: Backend::Reference,
            ..Options::default()
        };
        let plan: Arc<Plan> = Plan::new(network, &options)?;
        Ok(Reference {
            session: Session::new(&plan),
            output: network.outputs()[0],
        })
    }

    /// The codes that it makes of an input.
    pub(super) fn run(&mut self, input: &[u8]) -> Result<Vec<u8>> {
        match self.session.input_mut() {
            TensorMut::U8(codes) => codes.copy_from_slice(input),
            _ => bail!("a network of codes reads something else"),
        }
        self.session.run();
        let output = self.session.output(self.output);
        Ok(output.context("an output is kept")?.unsigned().to_vec())
    }
}

/// Numbers by chance. SplitMix64: Steele, Lea, Flood, OOPSLA 2014.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}
