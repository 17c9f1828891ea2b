//! A session's steady state allocates nothing.

use nix::unistd::{getpid, gettid};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use tincy_engine::{Options, Plan, Session};
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Finish, Input, Number, Op, Padding, Pool,
    Source, WeightKind, Weights,
};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// Whether this is the process's first thread: the test harness', which may still be at work on its
/// own list when the test begins.
fn is_harness() -> bool {
    gettid() == getpid()
}

// SAFETY: every call goes to the system's allocator, unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !is_harness() {
            ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn convolution(inputs: usize, outputs: usize, weights: Weights, output: Number) -> Op {
    assert_eq!(weights.count(), 9 * inputs * outputs);
    Op::Convolution(Convolution {
        out_channels: outputs,
        kernel: [3, 3],
        stride: [1, 1],
        dilation: [1, 1],
        padding: Padding::same(1),
        groups: 1,
        weights,
        finish: Finish::Affine(Affine {
            scale: vec![0.01; outputs].into(),
            bias: vec![0.1; outputs].into(),
            activation: Activation::Relu,
            output,
        }),
    })
}

fn network() -> tincy_network::Network {
    let mut net = Builder::new("mixed", Input::rgb(20, 20)).unwrap();
    let code = Number::Code(Code::unsigned(3, 0.1));
    let pool = Pool {
        size: [2, 2],
        stride: [2, 2],
        padding: Padding::default(),
    };
    let floats = |count: usize| Weights::floats(vec![0.25; count]);
    let first = convolution(3, 16, floats(432), code);
    let first = net.layer("first", first, &[Source::Input]).unwrap();
    let signs: Vec<i8> = (0..9 * 16 * 32)
        .map(|i| if i % 3 == 0 { -1 } else { 1 })
        .collect();
    let signs = Weights::integers(WeightKind::Binary, &signs).unwrap();
    let hidden = convolution(16, 32, signs, code);
    let hidden = net.layer("hidden", hidden, &[first]).unwrap();
    let pooled = net.layer("pool", Op::MaxPool(pool), &[hidden]).unwrap();
    let few: Vec<i8> = (0..9 * 32 * 32).map(|i| i8::from(i % 50 == 0)).collect();
    let few = Weights::integers(WeightKind::Ternary, &few).unwrap();
    let sparse = convolution(32, 32, few, code);
    let sparse = net.layer("sparse", sparse, &[pooled]).unwrap();
    let wide = convolution(32, 16, floats(9 * 32 * 16), Number::F32);
    let wide = net.layer("wide", wide, &[sparse]).unwrap();
    let half = Op::Slice { start: 8, count: 8 };
    let half = net.layer("half", half, &[wide]).unwrap();
    let both = net.layer("both", Op::Concat, &[wide, half]).unwrap();
    let large = Op::Upsample { factor: 2 };
    let large = net.layer("large", large, &[both]).unwrap();
    let swish = Op::Activation {
        activation: Activation::Swish,
    };
    net.layer("swish", swish, &[large]).unwrap();
    net.build().unwrap()
}

#[test]
fn a_run_allocates_nothing() {
    // On a thread of its own, whoever calls.
    std::thread::spawn(runs).join().unwrap();
}

fn runs() {
    let network = network();
    for threads in [1, 2] {
        let options = Options {
            threads,
            ..Options::default()
        };
        let mut session = Session::new(&Plan::new(&network, &options).unwrap());
        session.input_mut().floats().fill(0.5);
        session.run();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..5 {
            session.input_mut().floats()[0] += 0.1;
            session.run();
            assert!(session.output(network.outputs()[0]).is_some());
        }
        assert_eq!(
            ALLOCATIONS.load(Ordering::Relaxed) - before,
            0,
            "{threads} threads"
        );
    }
}
