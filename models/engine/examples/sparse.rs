//! Times sparse ternary layers by the best dense kernel and by the sparse ones, one line a layer and
//! sparsity: `cargo run --release -p tincy-engine --example sparse -- [ROUNDS] [BACKEND]`.
//!
//! Weights, codes and thresholds are random. The kernels of a line take turns on one thread, so
//! that what else the machine does falls on all; a figure is the least of all rounds, by the
//! thread's own CPU time.

use nix::time::{ClockId, clock_gettime};
use std::error::Error;
use std::time::Duration;
use tincy_engine::isa::Isa;
use tincy_engine::kernel::{Kernel, Task};
use tincy_engine::kernels::sparse::{self, Lanes};
use tincy_engine::kernels::{integer, lowbit};
use tincy_engine::team::Team;
use tincy_engine::tensor::{Buffer, Tensor};
use tincy_network::{
    Code, Convolution, Finish, Number, Padding, Shape, Thresholds, WeightKind, Weights,
};

/// A layer: its name, side of the map, channels in and out, side of the kernel, bits of its codes.
type Layer = (&'static str, usize, [usize; 2], usize, u8);

const LAYERS: [Layer; 3] = [
    ("3x3 128->128 on 26x26, 3 bits", 26, [128, 128], 3, 3),
    ("1x1 256->256 on 13x13, 3 bits", 13, [256, 256], 1, 3),
    ("dense 2048->2048, 2 bits", 1, [2048, 2048], 1, 2),
];

/// Weights that are zero, in percent.
const SPARSITIES: [u64; 6] = [50, 75, 90, 95, 98, 99];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let rounds = arguments.next().map_or(Ok(200), |n| n.parse())?;
    let isa = match arguments.next().as_deref() {
        Some("portable") => Isa::Portable,
        #[cfg(target_arch = "x86_64")]
        Some("avx2") => Isa::Avx2(tincy_engine::isa::Avx2::detect().ok_or("no AVX2")?),
        _ => Isa::best(),
    };
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for (name, side, channels, kernel, bits) in LAYERS {
        println!("{name}");
        let shape = Shape::new(side, side, channels[0]);
        let code = Code::unsigned(bits, 1.0);
        let codes: Vec<u8> = (0..shape.elements())
            .map(|_| (random.next() >> (64 - bits)) as u8)
            .collect();
        for sparsity in SPARSITIES {
            let convolution = layer(channels, kernel, code, sparsity, &mut random)?;
            let task = Task {
                convolution: &convolution,
                input: shape,
                number: Number::Code(code),
                pool: None,
            };
            report(&task, isa, sparsity, &codes, rounds);
        }
    }
    Ok(())
}

/// Times the kernels of a task and prints a line.
fn report(task: &Task<'_>, isa: Isa, sparsity: u64, codes: &[u8], rounds: usize) {
    let dense = lowbit::kernel(task, isa).or_else(|| integer::kernel(task, isa));
    let kernels = [
        dense,
        sparse::kernel(task, isa, Lanes::Positions),
        sparse::kernel(task, isa, Lanes::Channels),
    ];
    let mut runs: Vec<Run> = kernels
        .into_iter()
        .flatten()
        .map(|k| Run::new(task, k))
        .collect();
    for _ in 0..rounds {
        runs.iter_mut().for_each(|run| run.round(codes));
    }
    let dense = runs[0].least.as_secs_f64();
    print!("  {sparsity} %");
    for run in &runs {
        let time = run.least.as_secs_f64();
        print!(
            "  {} {:.1} us ({:.2})",
            run.kernel.name(),
            time * 1e6,
            dense / time
        );
    }
    let chosen = match sparse::pays(task, isa) {
        None => 0,
        Some(Lanes::Positions) => 1,
        Some(Lanes::Channels) => 2,
    };
    println!("  a plan takes {}", runs[chosen].kernel.name());
}

/// A kernel, what it works on, and its least time.
struct Run {
    kernel: Box<dyn Kernel>,
    shape: Shape,
    number: Number,
    output: Buffer,
    scratch: Buffer,
    team: Team,
    least: Duration,
}

impl Run {
    fn new(task: &Task<'_>, kernel: Box<dyn Kernel>) -> Run {
        let (shape, number) = (task.output(), task.output_number());
        Run {
            output: Buffer::new(shape.elements() * number.bytes()),
            scratch: Buffer::new(kernel.scratch_bytes(1)),
            team: Team::new(1),
            least: Duration::MAX,
            kernel,
            shape,
            number,
        }
    }

    fn round(&mut self, codes: &[u8]) {
        let bytes = self.scratch.bytes();
        let scratch = self.scratch.slice_mut(bytes);
        let output = self.output.tensor_mut(self.shape, self.number);
        let start = cpu_time();
        self.kernel
            .run(&[Tensor::U8(codes)], output, scratch, &self.team);
        self.least = self.least.min(cpu_time() - start);
    }
}

/// Ternary weights, and thresholds among the sums that they give.
fn layer(
    [inputs, outputs]: [usize; 2],
    kernel: usize,
    code: Code,
    sparsity: u64,
    random: &mut Random,
) -> Result<Convolution, Box<dyn Error>> {
    let window = kernel * kernel * inputs;
    let mut draw = || match random.next() % 100 < sparsity {
        true => 0,
        false => 1 - 2 * (random.next() >> 63) as i8,
    };
    let weights: Vec<i8> = (0..outputs * window).map(|_| draw()).collect();
    let left = window as f64 * (100 - sparsity) as f64 / 100.0;
    let step = (left.sqrt() * f64::from(code.max()) / 4.0).max(1.0) as i32;
    let thresholds: Vec<i32> = (0..outputs)
        .flat_map(|_| (0..code.max()).map(move |i| (i - code.max() / 2) * step))
        .collect();
    Ok(Convolution {
        out_channels: outputs,
        kernel: [kernel; 2],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights: Weights::integers(WeightKind::Ternary, &weights)?,
        finish: Finish::Thresholds(Thresholds {
            code,
            values: thresholds.into(),
        }),
    })
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Into::into)
}

/// Xorshift.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}
