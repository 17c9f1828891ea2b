//! Times the seven hidden layers of Tinier-YOLO on random data, one line a layer:
//! `cargo run --release -p tincy-engine --example hidden -- [rounds] [threads] [portable | avx2 | best] [bits]`.
//!
//! Each layer runs in turn without and with a multiplier a kernel position, on activations of 3 bits or as
//! many as are told. CPU time of the thread for one thread, else wall-clock time; the least of all rounds of a
//! layer, which follow each other. Operations count multiply and add as two.

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

struct Layer {
    /// Without and with multipliers.
    kernels: [Box<dyn Kernel>; 2],
    output: Shape,
    operations: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |n: usize| arguments.get(n).and_then(|a| a.parse().ok());
    let (rounds, threads) = (number(0).unwrap_or(20), number(1).unwrap_or(1));
    let code = Code::unsigned(number(3).unwrap_or(3) as u8, 1.0);
    let wanted = arguments.get(2).map_or("best", String::as_str);
    let isa = match wanted {
        "portable" => Isa::Portable,
        #[cfg(target_arch = "x86_64")]
        "avx2" => Isa::Avx2(tincy_engine::isa::Avx2::detect().expect("a CPU with AVX2")),
        _ => Isa::best(),
    };
    let team = Team::new(threads);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let layers: Vec<Layer> = LAYERS
        .map(|layer| make(layer, code, isa, &mut random))
        .into();
    let mut input = Buffer::new(208 * 208 * 16);
    let first: &mut [u8] = input.slice_mut(208 * 208 * 16);
    first.fill_with(|| (random.next() >> 40) as u8 & code.max() as u8);
    let mut best = [[Duration::MAX; 2]; 7];
    let mut shape = Shape::new(208, 208, 16);
    for (layer, best) in layers.iter().zip(&mut best) {
        let mut outputs = [0, 1].map(|_| Buffer::new(layer.output.elements()));
        let scratch = layer.kernels.iter().map(|k| k.scratch_bytes(threads));
        let mut scratch = Buffer::new(scratch.max().unwrap_or(0));
        for _ in 0..rounds {
            for ((kernel, output), best) in layer.kernels.iter().zip(&mut outputs).zip(&mut *best) {
                let from = [input.tensor(shape, Number::Code(code))];
                let to = output.tensor_mut(layer.output, Number::Code(code));
                let bytes = scratch.bytes();
                let start = Clock::now(threads);
                kernel.run(&from, to, scratch.slice_mut(bytes), &team);
                *best = (*best).min(start.elapsed());
            }
        }
        let [output, _] = outputs;
        (input, shape) = (output, layer.output);
    }
    report(&layers, &best);
}

fn report(layers: &[Layer], best: &[[Duration; 2]]) {
    for (i, (layer, times)) in layers.iter().zip(best).enumerate() {
        let names = layer.kernels.each_ref().map(|kernel| kernel.name());
        line(&format!("conv{}", i + 1), layer.operations, *times, names);
    }
    let total = [0, 1].map(|n| best.iter().map(|times| times[n]).sum());
    let operations = layers.iter().map(|layer| layer.operations).sum();
    line("sum of layers", operations, total, ["", "with multipliers"]);
}

fn line(what: &str, operations: f64, times: [Duration; 2], names: [&str; 2]) {
    let [plain, multiplied] = times.map(|time| time.as_secs_f64());
    println!(
        "{what} {:.3} ms {:.0} Gop/s {}; {:.3} ms {}, {:.2} times",
        plain * 1e3,
        operations / plain * 1e-9,
        names[0],
        multiplied * 1e3,
        names[1],
        multiplied / plain,
    );
}

fn make(
    (side, channels, outputs, pool): (usize, usize, usize, Option<usize>),
    code: Code,
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
        let steps = 0..code.max();
        thresholds.extend(steps.map(|n| (middle + f64::from(n - 2) * step) as i32));
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
            code,
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
    let multipliers = (0..9).map(|_| 1 + (random.next() % 127) as u8).collect();
    let weights = convolution.weights.clone();
    let weights = weights.with_multipliers(channels, multipliers);
    let multiplied = Convolution {
        weights: weights.expect("nine multipliers"),
        ..convolution.clone()
    };
    let kernel = |convolution: &Convolution| {
        let task = Task {
            convolution,
            input: Shape::new(side, side, channels),
            number: Number::Code(code),
            pool,
        };
        lowbit::kernel(&task, isa).expect("the method serves these layers")
    };
    let side_out = if pool.is_some_and(|pool| pool.stride[0] == 2) {
        side / 2
    } else {
        side
    };
    Layer {
        kernels: [kernel(&convolution), kernel(&multiplied)],
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
