//! Holds convolution kernels to the reference on random and on extreme cases.
//!
//! Integer sums must agree bit for bit. Float sums may differ by [`TOLERANCE`] of the sum of the
//! products' magnitudes, and by one code where they are quantized.

mod case;
mod random;

pub(crate) use case::{Case, Finishing, Groups, Wanted, all_codes};
pub(crate) use random::Random;

use crate::kernel::{Kernel, Task};
use crate::kernels::reference;
use crate::team::Team;
use crate::tensor::{Buffer, Tensor};
use tincy_network::{Activation, Finish, Number, WeightKind, Weights, accumulator};

/// Largest error of a float sum, relative to the sum of its products' magnitudes.
pub(crate) const TOLERANCE: f32 = 2e-6;

/// Makes the kernel under test, or `None` where it does not serve the task.
pub(crate) type Make<'a> = &'a dyn Fn(&Task<'_>) -> Option<Box<dyn Kernel>>;

/// Checks `count` random cases; at least one must be served.
pub(crate) fn check_random(wanted: &Wanted, seed: u64, count: usize, make: Make<'_>) {
    let mut random = Random::new(seed);
    let served = (0..count).filter(|_| check(&wanted.case(&mut random), make));
    assert!(served.count() > 0, "no case was served");
}

/// Checks cases whose sums reach both ends of the accumulator's proved bound.
pub(crate) fn check_extremes(wanted: &Wanted, seed: u64, count: usize, make: Make<'_>) {
    let mut random = Random::new(seed);
    let mut served = 0;
    for i in 0..2 * count {
        let case = wanted.extreme(&mut random, i % 2 == 0);
        let Some(code) = case.number.code() else {
            continue;
        };
        let sums = reference::accumulate(&case.task(), case.input());
        let bound = accumulator::bound(&case.convolution, code);
        let end = if i % 2 == 0 { bound.max } else { bound.min };
        assert!(
            sums.iter().any(|sum| i64::from(*sum) == end),
            "{case:?} misses {end}"
        );
        served += usize::from(check(&case, make));
    }
    assert!(served > 0, "no case was served");
}

/// Checks one case on teams of 1 to 4; whether it was served.
pub(crate) fn check(case: &Case, make: Make<'_>) -> bool {
    let task = case.task();
    let Some(kernel) = make(&task) else {
        return false;
    };
    let expected = run(reference::convolution(&task).as_ref(), case, 1);
    let slack = slack(case);
    let (shape, number) = (task.output(), task.output_number());
    let first = run(kernel.as_ref(), case, 1);
    for i in 0..shape.elements() {
        let (found, expected) = (
            first.tensor(shape, number).get(i),
            expected.tensor(shape, number).get(i),
        );
        let allowed = slack.as_ref().map_or(0.0, |slack| slack[i]);
        assert!(
            found == expected || (found - expected).abs() <= allowed,
            "{}: element {i} of {shape} is {found}, not {expected} +- {allowed}, in {case:?}",
            kernel.name(),
        );
    }
    for threads in 2..=4 {
        let other = run(kernel.as_ref(), case, threads);
        assert!(
            first.slice::<u8>(first.bytes()) == other.slice::<u8>(other.bytes()),
            "{}: {threads} threads change the result of {case:?}",
            kernel.name(),
        );
    }
    true
}

/// Runs a kernel on scratch memory and an output that hold rubbish.
fn run(kernel: &dyn Kernel, case: &Case, threads: usize) -> Buffer {
    let task = case.task();
    let (shape, number) = (task.output(), task.output_number());
    let mut output = Buffer::new(shape.elements() * number.bytes());
    output
        .slice_mut::<u8>(shape.elements() * number.bytes())
        .fill(0x55);
    let bytes = kernel.scratch_bytes(threads);
    let mut scratch = Buffer::new(bytes);
    scratch.slice_mut::<u8>(bytes).fill(0xaa);
    kernel.run(
        &[case.input()],
        output.tensor_mut(shape, number),
        scratch.slice_mut(bytes),
        &Team::new(threads),
    );
    output
}

/// How far each element may be from the reference; `None` where sums are integers.
fn slack(case: &Case) -> Option<Vec<f32>> {
    if case.convolution.weights.kind() != WeightKind::F32 {
        return None;
    }
    let Finish::Affine(affine) = &case.convolution.finish else {
        return None;
    };
    let task = case.task();
    if affine.output != Number::F32 {
        return Some(vec![1.0; task.output().elements()]);
    }
    let magnitudes = magnitudes(case);
    // No activation is steeper than 1.1 or so; their own rounding is within the rest.
    Some(
        magnitudes
            .iter()
            .map(|m| 1.5 * TOLERANCE * (m + 1.0))
            .collect(),
    )
}

/// The convolution, pooled, with every weight, value, scale and bias made positive.
fn magnitudes(case: &Case) -> Vec<f32> {
    let mut case = case.clone();
    let absolute = |values: &[f32]| values.iter().map(|v| v.abs()).collect::<Vec<_>>();
    case.convolution.weights = Weights::floats(absolute(case.convolution.weights.as_floats()));
    if let Finish::Affine(affine) = &mut case.convolution.finish {
        affine.scale = absolute(&affine.scale).into();
        affine.bias = absolute(&affine.bias).into();
        affine.activation = Activation::Linear;
    }
    let zero = case.number.code().map_or(0, |code| code.zero) as f32;
    let input = case.input();
    let positive: Vec<f32> = (0..input.len())
        .map(|i| (input.get(i) - zero).abs())
        .collect();
    case.number = Number::F32;
    let task = case.task();
    let shape = task.output();
    let mut output = Buffer::new(4 * shape.elements());
    reference::convolution(&task).run(
        &[Tensor::F32(&positive)],
        output.tensor_mut(shape, Number::F32),
        &mut [],
        &Team::new(1),
    );
    output.slice::<f32>(shape.elements()).to_vec()
}

#[test]
fn the_reference_agrees_with_itself() {
    let make: Make<'_> = &|task| Some(reference::convolution(task));
    check_random(&Wanted::default(), 1, 60, make);
    check_extremes(&Wanted::default(), 2, 30, make);
    let depthwise = Wanted {
        groups: vec![Groups::Depthwise],
        ..Wanted::default()
    };
    check_random(&depthwise, 3, 20, make);
}
