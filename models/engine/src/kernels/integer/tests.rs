use super::kernel;
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
