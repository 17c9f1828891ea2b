//! Each fault of the core by name, and when it is given up.

mod shared;
mod small;

use shared::{BELOW, emulated, registers};
use small::{expected, impatient, input, network, overlay, program};
use tincy_drivers::Error;
use tincy_drivers::accelerator::fallback::{Fallback, Road};
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::{Fault, Faults};
use tincy_drivers::accelerator::qnn_mo::{Polling, QnnMo};
use tincy_drivers::memory::plain::Plain;

#[test]
fn each_fault_is_named_and_survived() {
    let network = network();
    let cases: [(Fault, &str); 7] = [
        (Fault::LostStart, "loading weights: not done after"),
        (
            Fault::LostDone,
            "control register 0x0004: idle: the start was lost, or another program",
        ),
        (
            Fault::LateDone { reads: u32::MAX },
            "control register 0x0001: working: an address",
        ),
        (
            Fault::Hang,
            "control register 0x0001: working: an address or dimensions",
        ),
        (
            Fault::Gone { accesses: 3 },
            "control register 0xffffffff: bits that the register does not have",
        ),
        (
            Fault::WrongAddress { bytes: 8 },
            "done, but its output is not written as a whole",
        ),
        (Fault::WrongLength { missing: 8 }, "address 0x60"),
    ];
    let mut seed = 3;
    let input = input(&mut seed);
    let answer = expected(&network, &input);
    for (fault, text) in cases {
        let (mut driver, core) = emulated(&overlay(), program(&network), impatient());
        let mut output = vec![0; answer.len()];
        // Starts that only load have no output; the second start computes.
        let loading = !matches!(
            fault,
            Fault::WrongAddress { .. } | Fault::WrongLength { .. }
        );
        let first = if loading {
            fault
        } else {
            Fault::LateDone { reads: 1 }
        };
        core.set_faults(Faults::script(&[first, fault]));
        let error = driver.run(&input, &mut output).expect_err(text);
        assert!(error.to_string().contains(text), "{fault:?}: {error}");
        core.set_faults(Faults::none());
        driver.recover().expect("a reset helps");
        driver.run(&input, &mut output).expect("no fault is left");
        assert_eq!(output, answer);
    }
}

#[test]
fn a_hung_core_without_a_reset_is_given_up_after_three_frames() {
    let network = network();
    let (driver, core) = emulated(&overlay(), program(&network), impatient());
    let mut driver = driver.with_reset(Box::new(|| {
        Err(Error::NoInterrupt {
            device: "no reset line".into(),
        })
    }));
    core.set_faults(Faults::script(&[Fault::Hang]));
    let input = input(&mut 3);
    let mut output = vec![0; driver.program().output().elements()];
    let mut fallback = Fallback::new();
    let mut roads = Vec::new();
    for _ in 0..5 {
        roads.push(fallback.road());
        let answer = match fallback.road() {
            Road::Cpu => continue,
            Road::Reset => driver
                .recover()
                .and_then(|()| driver.run(&input, &mut output)),
            Road::Accelerator => driver.run(&input, &mut output),
        };
        match answer {
            Ok(()) => fallback.succeeded(),
            Err(error) => fallback.failed(&error),
        }
    }
    assert_eq!(
        roads,
        [
            Road::Accelerator,
            Road::Reset,
            Road::Reset,
            Road::Cpu,
            Road::Cpu
        ]
    );
}

#[test]
fn maps_of_another_size_and_memory_that_does_not_serve_are_refused() {
    let network = network();
    let (mut driver, _) = emulated(&overlay(), program(&network), impatient());
    let error = driver
        .run(&[0; 249], &mut [0; 900])
        .unwrap_err()
        .to_string();
    assert_eq!(error, "input map: 250 codes expected, found 249");
    let program = program(&network);
    let memory = Plain::new(BELOW - 4096, program.bytes());
    let core = Emulator::new(&overlay(), &registers(), memory.bus());
    let map = registers();
    let driver = QnnMo::new(
        core.unwrap(),
        &map,
        memory,
        BELOW,
        program,
        Polling::default(),
    );
    let error = driver.unwrap_err().to_string();
    assert!(
        error.contains("the device reaches addresses below 0x80000000"),
        "{error}"
    );
}
