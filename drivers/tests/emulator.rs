//! The emulated core fails as the real one would. Driven by its registers, without the driver.

mod shared;
mod small;

use shared::{PHYSICAL, read, registers, shared, unpack};
use std::time::Duration;
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::qnn_mo::control::Control;
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::{Fault, Faults};
use tincy_drivers::accelerator::qnn_mo::geometry::{Geometry, Pooled};
use tincy_drivers::accelerator::qnn_mo::{Polling, weights::Layout};
use tincy_drivers::memory::bus::Bus;
use tincy_drivers::memory::plain::Plain;
use tincy_drivers::registers::Registers;

/// Control register: start and done bits.
const START: u32 = 1;
const DONE: u32 = 2;
const IDLE: u32 = 4;

/// Where the tests put things, from the start of the memory on.
const WEIGHTS: [u64; 2] = [PHYSICAL, PHYSICAL + 0x2_0000];
const MAPS: [u64; 2] = [PHYSICAL + 0x4_0000, PHYSICAL + 0x8_0000];

/// A start of the small core that is right.
const RIGHT: Geometry = Geometry {
    kernel: 3,
    inputs: 64,
    outputs: 32,
    size: 4,
    padded: 6,
    sums: 4,
    pool: None,
};

const POOL: Pooled = Pooled {
    padded: 4,
    stride: 2,
    size: 2,
};

/// A core with memory, zero but for what a test writes.
fn core(overlay: &Overlay) -> (Emulator, Bus) {
    let bus = Plain::new(PHYSICAL, 0x10_0000).bus();
    bus.write(PHYSICAL, &vec![0; 0x10_0000]).unwrap();
    (
        Emulator::new(overlay, &registers(), bus.clone()).unwrap(),
        bus,
    )
}

fn control(core: &Emulator) -> Control<Emulator> {
    let polling = Polling {
        spins: u32::MAX,
        timeout: Duration::from_millis(1),
        ..Polling::default()
    };
    Control::new(core.clone(), &registers(), polling).unwrap()
}

fn loaded(overlay: &Overlay) -> (Control<Emulator>, Emulator, Bus) {
    let (core, bus) = core(overlay);
    let mut control = control(&core);
    control.load("test", WEIGHTS, 3).unwrap();
    (control, core, bus)
}

/// Published files as the published host program puts them into a buffer: `first` is the first of
/// its 16 elements.
fn published_buffer(set: usize, first: usize, layout: &Layout) -> Option<Vec<u8>> {
    let folder = shared("tinier-yolo/binparam-tinier-yolo-nopool")?;
    let mut buffer = Vec::new();
    let kinds = [
        ("weights", layout.weight_words),
        ("thres", layout.rows * layout.threshold_words),
    ];
    for (kind, words) in kinds {
        for element in first..first + 16 {
            let mut bytes = read(&folder.join(format!("{set}-{element}-{kind}.bin")));
            bytes.resize(8 * words, 0);
            buffer.extend(bytes);
        }
    }
    Some(buffer)
}

/// The published files on the published map give the published map: nothing here was packed,
/// transposed or sorted by code of ours.
#[test]
fn published_buffers_give_a_published_map() {
    let [overlay, _] = Overlay::published();
    let layout = Layout::new(&overlay, 3);
    let (Some(low), Some(high), Some(vectors)) = (
        published_buffer(4, 0, &layout),
        published_buffer(4, 16, &layout),
        shared("tinier-yolo/vectors/test"),
    ) else {
        return;
    };
    let (core, bus) = core(&overlay);
    for (physical, buffer) in WEIGHTS.into_iter().zip([low, high]) {
        bus.write(physical, &buffer).unwrap();
    }
    let input = read(&vectors.join("pool3.bin"));
    for (index, pixel) in input.chunks_exact(48).enumerate() {
        // Rubbish in the bytes that the core does not use.
        let mut whole = [0xee; 192];
        whole[..48].copy_from_slice(pixel);
        bus.write(MAPS[0] + 192 * index as u64, &whole).unwrap();
    }
    let geometry = Geometry {
        kernel: 3,
        inputs: 128,
        outputs: 256,
        size: 26,
        padded: 28,
        sums: 26,
        pool: Some(Pooled {
            padded: 26,
            stride: 2,
            size: 13,
        }),
    };
    let mut control = control(&core);
    control.load("conv4", WEIGHTS, 3).unwrap();
    let patient = Polling::default();
    let mut control = Control::new(core.clone(), &registers(), patient).unwrap();
    control.compute("conv4", &geometry, MAPS).unwrap();
    let found = bus.read(MAPS[1], 169 * 192).unwrap();
    let expected = unpack(&read(&vectors.join("pool4.bin")), 3, 256, 96);
    assert!(unpack(&found, 3, 256, 192) == expected, "codes differ");
    assert!(
        found
            .chunks_exact(192)
            .all(|pixel| pixel[96..].iter().all(|byte| *byte == 0))
    );
}

#[test]
fn dimensions_that_do_not_fit_starve_the_core() {
    let pooled = |pool: Pooled| Geometry {
        pool: Some(pool),
        ..RIGHT
    };
    let cases = [
        (
            Geometry { sums: 5, ..RIGHT },
            "OFM_DIM is 5, 4 fits the input",
        ),
        (
            Geometry { sums: 3, ..RIGHT },
            "OFM_DIM is 3, 4 fits the input",
        ),
        (Geometry { padded: 3, ..RIGHT }, "IFM_DIM is 4, at most 3"),
        (
            Geometry {
                padded: 17,
                ..RIGHT
            },
            "PADDED_DIM is 17, at most 16",
        ),
        (
            Geometry {
                inputs: 129,
                ..RIGHT
            },
            "IFM_CH is 129, at most 128",
        ),
        (
            Geometry {
                outputs: 65,
                ..RIGHT
            },
            "OFM_CH is 65, at most 64",
        ),
        (Geometry { inputs: 0, ..RIGHT }, "IFM_CH is 0"),
        (
            Geometry { kernel: 4, ..RIGHT },
            "KERNEL_DIM is 4, at most 3",
        ),
        (
            Geometry {
                kernel: 1,
                size: 1,
                padded: 1,
                sums: 1,
                ..RIGHT
            },
            "a kernel of 1 on a map of 1",
        ),
        (
            pooled(Pooled { stride: 4, ..POOL }),
            "POOL_STRIDE is 2, at most 1",
        ),
        (
            pooled(Pooled { padded: 3, ..POOL }),
            "POOL_IN_DIM is 3, OFM_DIM is 4",
        ),
        (
            pooled(Pooled { size: 3, ..POOL }),
            "POOL_OUT_DIM is 3, POOL_IN_DIM is 4",
        ),
    ];
    for (geometry, text) in cases {
        let (mut control, core, _) = loaded(&small::overlay());
        let error = control
            .compute("test", &geometry, MAPS)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("test: computing: not done after"),
            "{error}"
        );
        assert_eq!(core.complaints(), [text]);
        // For good: nothing but a reset helps.
        assert!(control.drain().is_err() && control.compute("test", &RIGHT, MAPS).is_err());
        core.reset();
        assert!(control.drain().is_ok());
    }
}

#[test]
fn addresses_without_memory_starve_the_core() {
    let outside = PHYSICAL + 0x10_0000 - 64;
    for maps in [
        [outside, MAPS[1]],
        [MAPS[0], outside],
        [0, MAPS[1]],
        [MAPS[0], 1 << 40],
    ] {
        let (mut control, core, _) = loaded(&small::overlay());
        assert!(control.compute("test", &RIGHT, maps).is_err());
        let complaints = core.complaints();
        assert!(complaints[0].starts_with("no "), "{complaints:?}");
    }
    let (core, _) = core(&small::overlay());
    assert!(
        control(&core)
            .load("test", [outside, WEIGHTS[1]], 3)
            .is_err()
    );
    assert!(core.complaints()[0].starts_with("no weights at 0x600fffc0"));
}

#[test]
fn computing_without_weights_is_done_and_wrong() {
    let (core, _) = core(&small::overlay());
    control(&core).compute("test", &RIGHT, MAPS).unwrap();
    assert_eq!(core.complaints(), ["computing without weights"]);
    let (mut control, core, _) = loaded(&small::overlay());
    let other = Geometry {
        kernel: 1,
        padded: 4,
        ..RIGHT
    };
    control.compute("test", &other, MAPS).unwrap();
    assert_eq!(core.complaints(), ["weights of a kernel of 3 for one of 1"]);
}

#[test]
fn a_stride_register_that_is_not_zero_is_done_and_wrong() {
    let (_, mut core, _) = loaded(&small::overlay());
    let stride = registers().register("STRIDE").unwrap().offset;
    control(&core).compute("test", &RIGHT, MAPS).unwrap();
    core.write(stride, 1).unwrap();
    core.write(0, START).unwrap();
    assert_eq!(
        core.complaints(),
        ["a stride register that is not 0: the numbers are wrong"]
    );
}

#[test]
fn done_is_cleared_by_reading_and_a_start_while_working_is_ignored() {
    let (_, mut core, _) = loaded(&small::overlay());
    assert_eq!(core.read(0).unwrap(), IDLE);
    core.set_faults(Faults::script(&[Fault::LateDone { reads: 3 }]));
    let starts = core.starts();
    core.write(0, START).unwrap();
    core.write(0, START).unwrap();
    assert_eq!(core.starts(), starts + 1);
    assert_eq!(core.read(0).unwrap() & (DONE | IDLE), 0);
    assert_eq!(core.read(0).unwrap() & (DONE | IDLE), 0);
    assert_eq!(core.read(0).unwrap() & (DONE | IDLE), DONE | IDLE);
    assert_eq!(core.read(0).unwrap() & (DONE | IDLE), IDLE);
    // Data registers are write-only, others do not exist.
    assert_eq!(core.read(0x44).unwrap(), 0);
    assert!(core.read(0x100).is_err() && core.write(2, 0).is_err());
    assert!(core.arm().is_err() && core.wait(Duration::ZERO).is_err());
}
