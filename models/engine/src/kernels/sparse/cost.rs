//! Whether the method is faster than the dense ones, by counting.
//!
//! The times are those of one core of an EPYC of the Zen 4 kind, from `examples/sparse` with layers of
//! 64 to 2048 channels; those for NEON are guesses from the operation counts of a Cortex-A53. Only what
//! they are to each other matters, and near the break-even the choice does not.

use super::lookups;
use super::planes::Planes;
use super::vector::Vector;
use super::{Lanes, arch::Arch};
use crate::isa::Isa;
use crate::kernel::Task;
use crate::kernels::integer::portable::Portable;
use tincy_network::{Finish, WeightKind};

/// Maps of so few pixels may be done with a lane for each channel.
const FEW_PIXELS: usize = 4;

/// Weights of more bits are too many additions each.
const MOST_BITS: u8 = 3;

/// What things take, in nanoseconds.
struct Costs {
    /// A term, for a vector of positions.
    row: f32,
    /// A look-up, for a vector of channels.
    slot: f32,
    /// An element, in or out, of planes that are made and codes that are put back.
    element: f32,
    /// A product of the dense look-ups, which have two planes of indices for ternary weights.
    look_up: f32,
    /// A product of the dense kernel by 16-bit products or dot products.
    product: f32,
}

impl Costs {
    fn of(isa: Isa) -> Costs {
        match isa {
            Isa::Portable => Costs {
                row: 0.4,
                slot: 5.5,
                element: 2.1,
                look_up: 0.4,
                product: 0.1,
            },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => Costs {
                row: 0.33,
                slot: 0.7,
                element: 0.33,
                look_up: 0.0033,
                product: 0.012,
            },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => Costs {
                row: 0.33,
                slot: 1.5,
                element: 0.33,
                look_up: 0.0026,
                product: 0.0055,
            },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon(_) => Costs {
                row: 3.5,
                slot: 6.0,
                element: 3.0,
                look_up: 0.077,
                product: 0.2,
            },
        }
    }
}

/// Of an element in or out, what the tables and the finish of dense look-ups take.
const DENSE_ELEMENT: f32 = 0.6;

/// Of an element out, what sums take that are not finished where they are summed.
const SPREAD: f32 = 3.0;

/// Of an element out, what a pool takes that could have been done in the same pass.
const POOL: f32 = 0.5;

/// How lanes are best used, if the task is done faster so than by the dense kernels. They may take the
/// task's pool along; this one leaves it to a step of its own.
pub fn pays(task: &Task<'_>, isa: Isa) -> Option<Lanes> {
    task.number.code()?;
    match task.convolution.weights.kind() {
        WeightKind::Ternary => (),
        WeightKind::Int { bits } if bits <= MOST_BITS => (),
        _ => return None,
    }
    match isa {
        Isa::Portable => best::<Portable>(task, isa),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(_) => best::<crate::isa::Avx2>(task, isa),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(_) => best::<crate::isa::Avx512>(task, isa),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(_) => best::<crate::isa::Neon>(task, isa),
    }
}

fn best<A: Arch>(task: &Task<'_>, isa: Isa) -> Option<Lanes> {
    let costs = Costs::of(isa);
    let dense = dense(task, &costs);
    let mut ways = vec![(positions::<A>(task, &costs), Lanes::Positions)];
    if task.sums().pixels() <= FEW_PIXELS {
        ways.push((channels::<A>(task, &costs), Lanes::Channels));
    }
    let best = ways.into_iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 < dense).then_some(best.1)
}

fn positions<A: Arch>(task: &Task<'_>, costs: &Costs) -> f32 {
    let weights = task.convolution.weights.unpack();
    let terms: u64 = weights.iter().map(|w| u64::from(w.unsigned_abs())).sum();
    let vectors = Planes::new(task).vectors(A::Positions::LANES);
    let outputs = task.sums().elements() as f32;
    let spread = match task.convolution.finish {
        Finish::Thresholds(_) => 0.0,
        _ => SPREAD,
    };
    let pool = if task.pool.is_some() { POOL } else { 0.0 };
    let elements = task.input.elements() as f32 + outputs * (1.0 + spread + pool);
    terms as f32 * vectors as f32 * costs.row + elements * costs.element
}

fn channels<A: Arch>(task: &Task<'_>, costs: &Costs) -> f32 {
    let slots = lookups::slots::<A::Channels>(task) * task.sums().pixels();
    let elements = task.input.elements() + task.sums().elements();
    slots as f32 * costs.slot + elements as f32 * costs.element
}

/// What the dense kernel takes that would serve the task.
fn dense(task: &Task<'_>, costs: &Costs) -> f32 {
    let c = task.convolution;
    let (inputs, outputs) = (task.input.channels / c.groups, c.out_channels / c.groups);
    let positions = c.groups * c.kernel[0] * c.kernel[1];
    let sums = task.sums();
    if looks_up(task) {
        let products = inputs.next_multiple_of(4) * outputs.next_multiple_of(64);
        let pixels = sums.pixels().next_multiple_of(4);
        let elements = task.input.elements() + sums.elements();
        return (products * positions * pixels) as f32 * costs.look_up
            + elements as f32 * costs.element * DENSE_ELEMENT;
    }
    let products = match c.is_depthwise(task.input.channels) {
        true => 1,
        false => inputs.next_multiple_of(4) * outputs.next_multiple_of(16),
    };
    let pixels = sums.pixels().next_multiple_of(4);
    (products * positions * pixels) as f32 * costs.product
}

/// Whether the dense kernel is that of look-ups.
fn looks_up(task: &Task<'_>) -> bool {
    let plain = |code: tincy_network::Code| !code.signed && code.zero == 0 && code.bits <= 4;
    task.number.code().is_some_and(plain)
        && task.convolution.weights.kind() == WeightKind::Ternary
        && !matches!(task.convolution.finish, Finish::Requantize(_))
}
