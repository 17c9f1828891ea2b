use super::kernel;
#[cfg(target_arch = "x86_64")]
use super::{Integer, Kernel, Task, maddubs};
use crate::isa::Isa;
use crate::kernels::tester::{Groups, Wanted, check_extremes, check_random};
use tincy_network::{Number, WeightKind};

fn isas() -> impl Iterator<Item = Isa> {
    Isa::all().into_iter()
}

fn integers() -> Wanted {
    let mut wanted = Wanted::default();
    wanted.weights.retain(|kind| *kind != WeightKind::F32);
    wanted.inputs.retain(|number| *number != Number::F32);
    wanted.pools = vec![None];
    wanted
}

#[test]
fn all_kinds_of_convolutions_are_exact() {
    for isa in isas() {
        check_random(&integers(), 11, 250, &|task| kernel(task, isa));
    }
}

#[test]
fn convolutions_by_channel_are_exact() {
    let wanted = Wanted {
        groups: vec![Groups::Depthwise],
        ..integers()
    };
    for isa in isas() {
        check_random(&wanted, 12, 60, &|task| kernel(task, isa));
    }
}

#[test]
fn the_largest_sums_are_exact() {
    for isa in isas() {
        check_extremes(&integers(), 13, 60, &|task| kernel(task, isa));
    }
}

/// Whether or not it pays: so weights of all sizes are split.
#[cfg(target_arch = "x86_64")]
#[test]
fn products_added_in_16_bits_are_exact() {
    let Some(avx2) = crate::isa::Avx2::detect() else {
        return;
    };
    let by_pairs = |task: &Task<'_>| -> Option<Box<dyn Kernel>> {
        let code = task.number.code()?;
        let kernel = Integer::by_pairs(maddubs::Maddubs(avx2), task, code, |_, _| true)?;
        Some(Box::new(kernel))
    };
    check_random(&integers(), 14, 250, &by_pairs);
    check_extremes(&integers(), 15, 60, &by_pairs);
}
