//! Designs whose folding is public, and the LUTs that were reported for some of them.
//!
//! Sources: the generators' own configurations in the public repositories of BNN-PYNQ, QNN-MO-PYNQ
//! and the FINN of 2018 (papers.md 2.5); the LUTs are the vendor's reports there, on a Z7020.

use crate::cycles::Folding;
use crate::fit::Observation;
use crate::overlay::Overlay;
use crate::resources;
use crate::work::Work;
use tincy_network::{Padding, Pool, Shape};

/// A network with the folding that it was built with.
pub type Design = Vec<(Work, Folding)>;

/// LUTs that a vendor's tool reported for a whole design.
#[derive(Clone, Debug)]
pub struct Reported {
    /// Name and precision, as in `CNV W1A1`.
    pub name: &'static str,
    /// What was built.
    pub design: Design,
    /// Six-input look-up tables.
    pub lut: f64,
}

/// Every whole design that the constants of [`lut_design`](resources::lut_design) are fitted to.
/// An older revision of LFC W1A1 (31,046 LUTs) is left out: it is the same design once more.
pub fn reported() -> [Reported; 7] {
    let [w1a3, w1a2] = Overlay::published().map(|overlay| engine(&overlay));
    let point = |name, design, lut| Reported { name, design, lut };
    [
        point("CNV W1A1", cnv(1, 1), 26_072.0),
        point("CNV W1A2", cnv(1, 2), 40_321.0),
        point("CNV W2A2", cnv(2, 2), 37_302.0),
        point("LFC W1A1", lfc(1), 28_360.0),
        point("LFC W1A2", lfc(2), 48_981.0),
        point("multi-layer offload engine W1A2", w1a2, 43_043.0),
        point("multi-layer offload engine W1A3", w1a3, 46_888.0),
    ]
}

/// The same as what [`fit`](crate::fit) takes.
pub fn observations() -> Vec<Observation<2>> {
    let observation = |point: &Reported| {
        let terms = point
            .design
            .iter()
            .map(|(work, folding)| resources::design_terms(work, *folding));
        Observation {
            terms: terms.fold([0.0; 2], |[x, y], [products, replay]| {
                [x + products, y + replay]
            }),
            measured: point.lut,
        }
    };
    reported().iter().map(observation).collect()
}

/// Relative errors when none of a point's own family (CNV, LFC, engine) is seen by the fit.
pub fn family_left_out() -> Vec<f64> {
    let (points, all) = (reported(), observations());
    let family = |i: usize| points[i].name.split(' ').next();
    let error = |i: usize| {
        let others = (0..all.len()).filter(|other| family(*other) != family(i));
        let others: Vec<_> = others.map(|other| all[other]).collect();
        all[i].error(&crate::fit::least_squares(&others))
    };
    (0..all.len()).map(error).collect()
}

/// BNN-PYNQ's CNV: six convolutions without padding on 32 x 32, three fully connected layers; 8-bit
/// input. One folding for 1-bit weights, one for 2-bit ones.
pub fn cnv(weight_bits: u64, activation_bits: u64) -> Design {
    const ONE: [[u64; 2]; 9] = [
        [3, 16],
        [32, 32],
        [32, 16],
        [32, 16],
        [32, 4],
        [32, 1],
        [4, 1],
        [8, 1],
        [1, 4],
    ];
    const TWO: [[u64; 2]; 9] = [
        [3, 8],
        [16, 16],
        [16, 8],
        [16, 8],
        [8, 4],
        [8, 1],
        [2, 1],
        [2, 2],
        [1, 4],
    ];
    let bits = |i: usize| if i == 0 { 8 } else { activation_bits };
    let foldings = if weight_bits == 1 { ONE } else { TWO };
    let works = cnv_shapes().into_iter().enumerate();
    works
        .map(|(i, work)| {
            (
                work.bits(weight_bits, [bits(i), activation_bits]),
                folding(foldings[i]),
            )
        })
        .collect()
}

/// The layers of CNV, which do not say how they are built.
pub(crate) fn cnv_shapes() -> [Work; 9] {
    [
        convolution(3, 64, 32, 30),
        convolution(64, 64, 30, 28),
        convolution(64, 128, 14, 12),
        convolution(128, 128, 12, 10),
        convolution(128, 256, 5, 3),
        convolution(256, 256, 3, 1),
        fully_connected(256, 512),
        fully_connected(512, 512),
        fully_connected(512, 64),
    ]
}

/// BNN-PYNQ's LFC: four fully connected layers on 28 x 28 binary pixels (832 with what fills the
/// last word up); ten classes in 64 outputs.
pub fn lfc(activation_bits: u64) -> Design {
    let a = activation_bits;
    vec![
        (
            fully_connected(832, 1024).bits(1, [1, a]),
            folding([64, 32]),
        ),
        (
            fully_connected(1024, 1024).bits(1, [a, a]),
            folding([32, 64]),
        ),
        (
            fully_connected(1024, 1024).bits(1, [a, a]),
            folding([64, 32]),
        ),
        (fully_connected(1024, 64).bits(1, [a, a]), folding([8, 16])),
    ]
}

/// Tincy YOLO as the FINN of 2018 folded it for a VU9P in its tests, costs at one bit.
pub fn tincy_yolo_vu9p() -> Design {
    let last = Work {
        kernel: 1,
        ..convolution(512, 125, 13, 13)
    };
    vec![
        (
            strided(convolution(3, 16, 418, 208), 3, 2),
            folding([3, 16]),
        ),
        (convolution(16, 64, 210, 208), folding([16, 64])),
        (convolution(64, 64, 106, 104), folding([32, 32])),
        (convolution(64, 128, 54, 52), folding([32, 16])),
        (convolution(128, 256, 28, 26), folding([32, 16])),
        (convolution(256, 512, 15, 13), folding([32, 16])),
        (convolution(512, 512, 15, 13), folding([32, 32])),
        (convolution(512, 512, 15, 13), folding([32, 32])),
        (last, folding([8, 25])),
    ]
}

/// The pruned DoReFa-Net as the FINN of 2018 folded it for a VU9P in its tests, costs at one bit.
pub fn dorefa_net_vu9p() -> Design {
    let pixels = |[simd, pe]: [u64; 2], pixels| Folding { pe, simd, pixels };
    let [conv1, conv2, conv3, conv4] = dorefa_net_hidden();
    vec![
        (
            strided(convolution(3, 68, 227, 54), 12, 4),
            pixels([3, 68], 18),
        ),
        (conv1.bits(1, [1, 1]), pixels([34, 90], 3)),
        (conv2.bits(1, [1, 1]), pixels([45, 136], 3)),
        (conv3.bits(1, [1, 1]), folding([34, 64])),
        (conv4.bits(1, [1, 1]), folding([64, 32])),
        (fully_connected(9216, 4096), folding([64, 32])),
        (fully_connected(4096, 4096), folding([64, 16])),
        (fully_connected(4096, 1000), folding([8, 32])),
    ]
}

/// The convolutions of the pruned DoReFa-Net that the W1A2 overlay runs.
pub fn dorefa_net_hidden() -> [Work; 4] {
    let halves = |work: Work| Work { groups: 2, ..work };
    [
        pooled(halves(strided(convolution(34, 90, 58, 54), 5, 1)), 27),
        pooled(convolution(180, 272, 29, 27), 14),
        halves(convolution(136, 192, 16, 14)),
        pooled(halves(convolution(192, 128, 16, 14)), 6),
    ]
    .map(|work| work.bits(1, [2, 2]))
}

/// The seven layers of Tinier-YOLO that the W1A3 overlay runs.
pub fn tinier_yolo_hidden() -> [Work; 7] {
    [
        pooled(convolution(16, 64, 210, 208), 104),
        pooled(convolution(64, 64, 106, 104), 52),
        pooled(convolution(64, 128, 54, 52), 26),
        pooled(convolution(128, 256, 28, 26), 13),
        pooled(convolution(256, 512, 15, 13), 13),
        convolution(512, 512, 15, 13),
        convolution(512, 512, 15, 13),
    ]
    .map(|work| work.bits(1, [3, 3]))
}

/// An overlay's engine as the largest layer that it can hold: what its memories are made for.
fn engine(overlay: &Overlay) -> Design {
    let work = Work {
        kernel: overlay.max_kernel,
        ..convolution(
            overlay.max_inputs,
            overlay.max_outputs,
            overlay.max_size,
            overlay.max_size,
        )
    };
    let bits = [overlay.activation_bits; 2];
    vec![(
        work.bits(overlay.weight_bits, bits),
        folding([overlay.simd, overlay.pe]),
    )]
}

/// From `[SIMD, PE]`, the order of the generators' files.
fn folding([simd, pe]: [u64; 2]) -> Folding {
    Folding {
        pe,
        simd,
        pixels: 1,
    }
}

fn strided(work: Work, kernel: u64, stride: u64) -> Work {
    Work {
        kernel,
        stride,
        ..work
    }
}

fn pooled(work: Work, size: usize) -> Work {
    let pool = Pool {
        size: [2, 2],
        stride: [2, 2],
        padding: Padding::same(0),
    };
    let shape = Shape::new(size, size, (work.outputs * work.groups) as usize);
    Work {
        pool: Some((pool, shape)),
        ..work
    }
}

/// A layer of 3 x 3 kernels and stride 1, all of one bit, with thresholds.
fn convolution(inputs: u64, outputs: u64, padded: u64, size: u64) -> Work {
    Work {
        name: String::new(),
        kernel: 3,
        stride: 1,
        inputs,
        outputs,
        in_size: [padded; 2],
        out_size: [size; 2],
        groups: 1,
        weight_bits: 1,
        input_bits: 1,
        output_bits: 1,
        thresholds: true,
        pool: None,
    }
}

pub(crate) fn fully_connected(inputs: u64, outputs: u64) -> Work {
    Work {
        kernel: 1,
        ..convolution(inputs, outputs, 1, 1)
    }
}

impl Work {
    /// With other weight bits, input and output bits.
    fn bits(self, weight_bits: u64, [input_bits, output_bits]: [u64; 2]) -> Work {
        Work {
            weight_bits,
            input_bits,
            output_bits,
            ..self
        }
    }
}
