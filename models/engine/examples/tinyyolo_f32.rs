//! Times the float layers of Tiny YOLOv2 and Tinier-YOLO one by one, on random numbers.
//!
//! ```text
//! cargo run --release -p tincy-engine --example tinyyolo_f32 -- [THREADS] [ROUNDS] [NAME]
//! ```
//!
//! With a name, only layers that have it in theirs. Each figure is the least of all rounds, in which the layers take turns. One thread is timed by
//! its own CPU time, several by the clock on the wall.

use nix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};
use tincy_engine::isa::Isa;
use tincy_engine::kernel::{Kernel, Task};
use tincy_engine::kernels::float;
use tincy_engine::team::Team;
use tincy_engine::tensor::Buffer;
use tincy_network::shape::window_positions;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Number, Padding, Shape, Weights,
};

/// A layer to time: its name, input size and channels, output channels, kernel size, stride,
/// whether it is by channel, and number types.
struct Layer(
    &'static str,
    usize,
    usize,
    usize,
    usize,
    usize,
    bool,
    Number,
    Number,
);

const F32: Number = Number::F32;
const CODE: Number = Number::Code(Code::unsigned(3, 4.0 / 7.0));

const LAYERS: [Layer; 16] = [
    Layer("tiny-yolov2 conv1", 416, 3, 16, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv2", 208, 16, 32, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv3", 104, 32, 64, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv4", 52, 64, 128, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv5", 26, 128, 256, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv6", 13, 256, 512, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv7", 13, 512, 1024, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv8", 13, 1024, 1024, 3, 1, false, F32, F32),
    Layer("tiny-yolov2 conv9", 13, 1024, 125, 1, 1, false, F32, F32),
    Layer("tinier-yolo conv0", 416, 3, 16, 3, 2, false, F32, CODE),
    Layer("tinier-yolo conv8", 13, 512, 125, 1, 1, false, CODE, F32),
    Layer("pointwise 96 to 24", 52, 96, 24, 1, 1, false, F32, F32),
    Layer("pointwise 24 to 144", 52, 24, 144, 1, 1, false, F32, F32),
    Layer("depthwise 3x3", 52, 144, 144, 3, 1, true, F32, F32),
    Layer("depthwise 3x3 by 2", 52, 144, 144, 3, 2, true, F32, F32),
    Layer("depthwise 5x5", 26, 192, 192, 5, 1, true, F32, F32),
];

/// The network whose layers are added up.
const NETWORK: &str = "tiny-yolov2";

/// Seeded numbers from -1 to 1.
fn floats(count: usize) -> Vec<f32> {
    let mut state = 0x9e37_79b9u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// A layer ready to run.
struct Bench {
    name: &'static str,
    kernel: Box<dyn Kernel>,
    input: (Shape, Number, Buffer),
    output: (Shape, Number, Buffer),
    scratch: Buffer,
    /// Multiply-adds, padding counted.
    products: usize,
    least: Duration,
}

impl Bench {
    fn new(layer: &Layer, threads: usize) -> Option<Bench> {
        let &Layer(name, size, inputs, outputs, kernel, stride, by_channel, number, output) = layer;
        let groups = if by_channel { inputs } else { 1 };
        let input = Shape::new(size, size, inputs);
        let products = outputs * kernel * kernel * inputs / groups;
        let convolution = Convolution {
            out_channels: outputs,
            kernel: [kernel; 2],
            stride: [stride; 2],
            dilation: [1, 1],
            padding: Padding::same(kernel / 2),
            groups,
            weights: Weights::floats(floats(products)),
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: floats(outputs).into(),
                activation: if output == F32 {
                    Activation::LEAKY
                } else {
                    Activation::Relu
                },
                output,
            }),
        };
        let task = Task {
            convolution: &convolution,
            input,
            number,
            pool: None,
        };
        let kernel_for = float::kernel(&task, Isa::best())?;
        let side = window_positions(size + 2 * (kernel / 2), kernel, 1, stride)?;
        let shape = Shape::new(side, side, outputs);
        let map = match number {
            Number::F32 => Buffer::from_slice(&floats(input.elements())),
            Number::Code(_) => Buffer::from_slice(&vec![5u8; input.elements()]),
        };
        Some(Bench {
            name,
            scratch: Buffer::new(kernel_for.scratch_bytes(threads)),
            kernel: kernel_for,
            input: (input, number, map),
            output: (
                shape,
                output,
                Buffer::new(shape.elements() * output.bytes()),
            ),
            products: products * shape.pixels(),
            least: Duration::MAX,
        })
    }

    fn round(&mut self, team: &Team) {
        let bytes = self.scratch.bytes();
        let start = Clock::now(team.size());
        self.kernel.run(
            &[self.input.2.tensor(self.input.0, self.input.1)],
            self.output.2.tensor_mut(self.output.0, self.output.1),
            self.scratch.slice_mut(bytes),
            team,
        );
        self.least = self.least.min(start.elapsed());
    }
}

/// CPU time of this thread, or time on the wall.
enum Clock {
    Cpu(Duration),
    Wall(Instant),
}

impl Clock {
    fn now(threads: usize) -> Clock {
        match cpu_time() {
            Some(time) if threads == 1 => Clock::Cpu(time),
            _ => Clock::Wall(Instant::now()),
        }
    }

    fn elapsed(&self) -> Duration {
        match self {
            Clock::Cpu(start) => cpu_time().unwrap_or(*start).saturating_sub(*start),
            Clock::Wall(start) => start.elapsed(),
        }
    }
}

/// CPU time of this thread.
fn cpu_time() -> Option<Duration> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).ok()?;
    Some(time.into())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, otherwise| {
        let argument = arguments.get(i).and_then(|a| a.parse::<usize>().ok());
        argument.unwrap_or(otherwise)
    };
    let (threads, rounds) = (number(0, 1), number(1, 20));
    let name = arguments.get(2).map_or("", String::as_str);
    let team = Team::new(threads);
    let layers = LAYERS.iter().filter(|layer| layer.0.contains(name));
    let mut benches: Vec<Bench> = layers.filter_map(|l| Bench::new(l, threads)).collect();
    for _ in 0..rounds {
        benches.iter_mut().for_each(|bench| bench.round(&team));
    }
    report(&benches);
}

fn report(benches: &[Bench]) {
    println!(
        "{:<22} {:<22} {:>9} {:>10}",
        "layer", "kernel", "ms", "GMAC/s"
    );
    for b in benches {
        let rate = b.products as f64 / b.least.as_secs_f64() / 1e9;
        let ms = b.least.as_secs_f64() * 1e3;
        println!(
            "{:<22} {:<22} {ms:>9.3} {rate:>10.1}",
            b.name,
            b.kernel.name()
        );
    }
    let network = benches.iter().filter(|b| b.name.starts_with(NETWORK));
    let whole: Duration = network.map(|b| b.least).sum();
    println!(
        "{NETWORK}, all convolutions: {:.2} ms",
        whole.as_secs_f64() * 1e3
    );
}
