//! Times the seven hidden layers of Tinier-YOLO on random data, one line a layer:
//! `cargo run --release -p tincy-engine --example hidden -- [rounds] [threads] [portable | avx2]`.
//!
//! CPU time of the thread for one thread, else wall-clock time; the least of all rounds of a layer,
//! which follow each other. Operations count multiply and add as two.

use std::time::{Duration, Instant};
use tincy_engine::isa::Isa;
use tincy_engine::kernel::{Kernel, Task};
use tincy_engine::kernels::lowbit;
use tincy_engine::team::Team;
use tincy_engine::tensor::Buffer;
use tincy_network::{
    Code, Convolution, Finish, Number, Padding, Pool, Shape, Thresholds, WeightKind, Weights,
};

/// Side of the map, channels in and out, stride of the 2x2 max pool.
const LAYERS: [(usize, usize, usize, Option<usize>); 7] = [
    (208, 16, 64, Some(2)),
    (104, 64, 64, Some(2)),
    (52, 64, 128, Some(2)),
    (26, 128, 256, Some(2)),
    (13, 256, 512, Some(1)),
    (13, 512, 512, None),
    (13, 512, 512, None),
];

const CODE: Code = Code::unsigned(3, 1.0);

struct Layer {
    kernel: Box<dyn Kernel>,
    output: Shape,
    operations: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| arguments.get(n).and_then(|a| a.parse().ok());
    let (rounds, threads) = (number(0).unwrap_or(20), number(1).unwrap_or(1));
    let wanted = arguments.get(2).map_or("best", String::as_str);
    let isa = match wanted {
        "portable" => Isa::Portable,
        #[cfg(target_arch = "x86_64")]
        "avx2" => Isa::Avx2(tincy_engine::isa::Avx2::detect().expect("a CPU with AVX2")),
        _ => Isa::best(),
    };
    let team = Team::new(threads);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let layers: Vec<Layer> = LAYERS.map(|layer| make(layer, isa, &mut random)).into();
    let mut input = Buffer::new(208 * 208 * 16);
    let first: &mut [u8] = input.slice_mut(208 * 208 * 16);
    first.fill_with(|| (random.next() >> 40 & 7) as u8);
    let mut best = [Duration::MAX; 7];
    let mut shape = Shape::new(208, 208, 16);
    for (layer, best) in layers.iter().zip(&mut best) {
        let mut output = Buffer::new(layer.output.elements());
        let mut scratch = Buffer::new(layer.kernel.scratch_bytes(threads));
        for _ in 0..rounds {
            let from = [input.tensor(shape, Number::Code(CODE))];
            let to = output.tensor_mut(layer.output, Number::Code(CODE));
            let bytes = scratch.bytes();
            let start = Clock::now(threads);
            layer.kernel.run(&from, to, scratch.slice_mut(bytes), &team);
            *best = (*best).min(start.elapsed());
        }
        (input, shape) = (output, layer.output);
    }
    report(&layers, &best);
}

fn report(layers: &[Layer], best: &[Duration]) {
    for (i, (layer, time)) in layers.iter().zip(best).enumerate() {
        let (ms, rate) = (
            time.as_secs_f64() * 1e3,
            layer.operations / time.as_secs_f64() * 1e-9,
        );
        println!(
            "conv{} {ms:.3} ms {rate:.0} Gop/s {}",
            i + 1,
            layer.kernel.name()
        );
    }
    let total: Duration = best.iter().sum();
    let operations: f64 = layers.iter().map(|layer| layer.operations).sum();
    let rate = operations / total.as_secs_f64() * 1e-9;
    println!(
        "sum of layers {:.3} ms, {rate:.0} Gop/s",
        total.as_secs_f64() * 1e3
    );
}

fn make(
    (side, channels, outputs, pool): (usize, usize, usize, Option<usize>),
    isa: Isa,
    random: &mut Random,
) -> Layer {
    let window = 9 * channels;
    let weights: Vec<i8> = (0..outputs * window)
        .map(|_| 1 - 2 * (random.next() >> 63) as i8)
        .collect();
    let deviation = ((window * 12) as f64).sqrt();
    let mut thresholds = Vec::new();
    for _ in 0..outputs {
        let middle = ((random.next() % 1000) as f64 / 1000.0 - 0.5) * deviation;
        let step = deviation * (0.25 + (random.next() % 100) as f64 * 0.003);
        thresholds.extend((0..7).map(|n| (middle + (f64::from(n) - 2.0) * step) as i32));
    }
    let convolution = Convolution {
        out_channels: outputs,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::same(1),
        groups: 1,
        weights: Weights::integers(WeightKind::Binary, &weights).expect("weights of one bit"),
        finish: Finish::Thresholds(Thresholds {
            code: CODE,
            values: thresholds.into(),
        }),
    };
    let pool = pool.map(|stride| Pool {
        size: [2, 2],
        stride: [stride, stride],
        padding: Padding {
            bottom: 2 - stride,
            right: 2 - stride,
            ..Padding::default()
        },
    });
    let task = Task {
        convolution: &convolution,
        input: Shape::new(side, side, channels),
        number: Number::Code(CODE),
        pool,
    };
    let side_out = if pool.is_some_and(|pool| pool.stride[0] == 2) {
        side / 2
    } else {
        side
    };
    Layer {
        kernel: lowbit::kernel(&task, isa).expect("the method serves these layers"),
        output: Shape::new(side_out, side_out, outputs),
        operations: 2.0 * (side * side * window * outputs) as f64,
    }
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// CPU time of this thread, or time itself where several threads work.
enum Clock {
    Cpu(Duration),
    Wall(Instant),
}

impl Clock {
    fn now(threads: usize) -> Clock {
        if threads == 1 {
            Clock::Cpu(cpu_time())
        } else {
            Clock::Wall(Instant::now())
        }
    }

    fn elapsed(&self) -> Duration {
        match self {
            Clock::Cpu(start) => cpu_time() - *start,
            Clock::Wall(start) => start.elapsed(),
        }
    }
}

fn cpu_time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.expect("Linux has this clock").into()
}
