//! Faults that are provoked in an emulated core: each is told, costs its frame the accelerator only,
//! and leaves no wrong code.

use super::Step;
use super::networks::{Reference, cases};
use super::steps::same;
use crate::accelerator::core::{BELOW, Core, Opened};
use anyhow::{Context, Result, bail};
use log::LevelFilter;
use tincy_drivers::Error;
use tincy_drivers::accelerator::fallback::{Fallback, MOST_FAILURES, Road};
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::{Fault, Faults};
use tincy_drivers::accelerator::qnn_mo::{Polling, Program, QnnMo};
use tincy_drivers::memory::DmaMemory;
use tincy_drivers::registers::Registers;

/// A fault's name, what it is, and a part of how it is told.
const FAULTS: [(&str, Fault, &str); 6] = [
    ("lost start", Fault::LostStart, "idle: the start was lost"),
    ("lost done", Fault::LostDone, "took `done`"),
    ("hang", Fault::Hang, "working: an address or dimensions"),
    (
        "device gone",
        Fault::Gone { accesses: 3 },
        "the device is gone",
    ),
    (
        "wrong address",
        Fault::WrongAddress { bytes: 8 },
        "its output is not written as a whole",
    ),
    (
        "wrong length",
        Fault::WrongLength { missing: 8 },
        "its output is not written as a whole",
    ),
];

pub(super) fn steps(core: &Core) -> Vec<Step> {
    // What is provoked is no news for the log.
    let level = log::max_level();
    log::set_max_level(LevelFilter::Off);
    let mut steps: Vec<_> = FAULTS
        .iter()
        .map(|(name, fault, told)| Step::take(*name, || survived(core, *fault, told)))
        .collect();
    steps.push(Step::take("no reset", || given_up(core)));
    log::set_max_level(level);
    steps
}

/// The road that a frame took, and why it left the accelerator's.
struct Frame {
    by: Road,
    error: Option<Error>,
}

/// The accelerator with the CPU behind it.
struct Bench {
    driver: QnnMo<Box<dyn Registers>, Box<dyn DmaMemory>>,
    emulator: Emulator,
    cpu: Reference,
    fallback: Fallback,
    input: Vec<u8>,
    expected: Vec<u8>,
}

impl Bench {
    fn new(core: &Core) -> Result<Bench> {
        let case = cases(&core.overlay).into_iter().next_back();
        let (network, input) = case.context("there are cases")?.network(&core.overlay)?;
        let mut cpu = Reference::new(&network)?;
        let expected = cpu.run(&input)?;
        let program = Program::new(&network, 0..network.layers().len(), &core.overlay)?;
        let Opened {
            registers,
            memory,
            emulator,
        } = core.open(program.bytes())?;
        let polling = Polling::default();
        Ok(Bench {
            driver: QnnMo::new(registers, &core.map, memory, BELOW, program, polling)?,
            emulator: emulator.context("faults are provoked in an emulated core")?,
            cpu,
            fallback: Fallback::new(),
            input,
            expected,
        })
    }

    /// Gives the core a line that resets it.
    fn with_reset(mut self) -> Bench {
        let line = self.emulator.clone();
        self.driver = self.driver.with_reset(Box::new(move || {
            line.reset();
            Ok(())
        }));
        self
    }

    /// Computes a frame by the accelerator if it can, else by the CPU; its codes are right either way.
    fn frame(&mut self) -> Result<Frame> {
        let mut codes = vec![0; self.expected.len()];
        let by = self.fallback.road();
        let done = match by {
            Road::Accelerator => self.driver.run(&self.input, &mut codes),
            Road::Reset => {
                let rest = self.driver.recover();
                rest.and_then(|()| self.driver.run(&self.input, &mut codes))
            }
            Road::Cpu => Ok(()),
        };
        if let Err(error) = &done {
            self.fallback.failed(error);
        } else {
            self.fallback.succeeded();
        }
        if done.is_err() || by == Road::Cpu {
            codes = self.cpu.run(&self.input)?;
        }
        same(&codes, &self.expected)?;
        Ok(Frame {
            by,
            error: done.err(),
        })
    }
}

/// A frame with a fault is the CPU's, the next one is the accelerator's again.
fn survived(core: &Core, fault: Fault, told: &str) -> Result<String> {
    let mut bench = Bench::new(core)?.with_reset();
    // A start that only loads has no output to go astray: the second one computes.
    let harmless = Fault::LateDone { reads: 1 };
    let script = match fault {
        Fault::WrongAddress { .. } | Fault::WrongLength { .. } => [harmless, fault],
        _ => [fault, harmless],
    };
    bench.emulator.set_faults(Faults::script(&script));
    let Some(error) = bench.frame()?.error else {
        bail!("it was not noticed");
    };
    let text = error.to_string();
    if !text.contains(told) {
        bail!("it was told as another one: {text}");
    }
    let next = bench.frame()?;
    match (next.by, next.error) {
        (Road::Reset, None) => Ok("told; that frame on the CPU; after a reset right again".into()),
        (_, Some(error)) => bail!("it did not come back: {error}"),
        (by, None) => bail!("it was not reset: {by:?}"),
    }
}

/// A core that nothing resets is given up, and the CPU goes on.
fn given_up(core: &Core) -> Result<String> {
    let mut bench = Bench::new(core)?;
    bench.emulator.set_faults(Faults::script(&[Fault::Hang]));
    let mut roads = Vec::new();
    for _ in 0..MOST_FAILURES + 2 {
        roads.push(bench.frame()?.by);
    }
    let cpu = roads.iter().filter(|road| **road == Road::Cpu).count();
    match cpu {
        2 => Ok(format!(
            "a hang for good: given up after {MOST_FAILURES} frames, all frames right by the CPU"
        )),
        _ => bail!("{cpu} frames went to the CPU at once, 2 expected: {roads:?}"),
    }
}
