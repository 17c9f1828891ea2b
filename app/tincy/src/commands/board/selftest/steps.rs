//! The steps, from the logic's state to whole networks.

use super::networks::{Case, Chance, Reference, cases};
use super::{Step, Verdict, faults};
use crate::accelerator::core::{BELOW, Core, Opened};
use anyhow::{Result, bail};
use std::time::{Duration, Instant};
use tincy_drivers::accelerator::qnn_mo::control::Control;
use tincy_drivers::accelerator::qnn_mo::weights::Layout;
use tincy_drivers::accelerator::qnn_mo::{Polling, Program, QnnMo};
use tincy_drivers::memory::{Direction, LINE};

/// Bytes of memory that are tried.
const MEMORY: usize = 1 << 20;

/// Frames of a network: the first one's weights are loaded, the others must not change.
const FRAMES: usize = 3;

/// What a step tries: what it notes, or why it failed.
type Try = fn(&Core) -> Result<String>;

impl Step {
    /// Goes a step: what it notes, or why it failed.
    pub(super) fn take(name: impl Into<String>, step: impl FnOnce() -> Result<String>) -> Step {
        let start = Instant::now();
        let done = step();
        let (verdict, note) = match done {
            Ok(note) => (Verdict::Ok, note),
            Err(error) => (Verdict::Failed, crate::outcome::one_line(&error)),
        };
        Step {
            name: name.into(),
            verdict,
            time: start.elapsed(),
            note,
        }
    }

    pub(super) fn left_out(name: impl Into<String>, why: &str) -> Step {
        Step {
            name: name.into(),
            verdict: Verdict::LeftOut,
            time: Duration::ZERO,
            note: why.to_string(),
        }
    }

    fn is_ok(&self) -> bool {
        self.verdict == Verdict::Ok
    }
}

/// All steps of a core. What stands on a step that failed is left out.
pub(super) fn all(core: &Core) -> Vec<Step> {
    let first: [(&str, Try); 5] = [
        // Reading logic that does not run would stop the board: this one is asked before all else.
        ("logic", |core| Ok(core.check_running()?)),
        ("registers", registers),
        ("completion", completion),
        ("memory", memory),
        ("weights", weights),
    ];
    let mut steps = Vec::new();
    for (name, step) in first {
        match steps.iter().all(Step::is_ok) {
            true => steps.push(Step::take(name, || step(core))),
            false => steps.push(Step::left_out(name, "the step before it failed")),
        }
    }
    let sound = steps.iter().all(Step::is_ok);
    for case in cases(&core.overlay) {
        steps.push(match sound {
            true => Step::take(case.name(), || network(core, &case)),
            false => Step::left_out(case.name(), "a step before it failed"),
        });
    }
    steps.extend(match core.is_emulated() {
        true => faults::steps(core),
        false => vec![Step::left_out("faults", "not provoked on a board")],
    });
    steps
}

/// The control register has the bits of this core, and says that it is idle.
fn registers(core: &Core) -> Result<String> {
    let Opened { mut registers, .. } = core.open(LINE)?;
    let control = core.map.register("CTRL")?;
    let value = registers.read(control.offset)?;
    if value & !control.known_bits() != 0 {
        bail!(
            "control register {value:#010x}: bits that the core does not have; is another design \
             loaded?"
        );
    }
    Control::new(registers, &core.map, Polling::default())?.drain()?;
    Ok(format!(
        "control register {value:#04x}, idle; {} bytes",
        core.map.window_bytes
    ))
}

/// How it is known that a start is done.
fn completion(core: &Core) -> Result<String> {
    let Opened { mut registers, .. } = core.open(LINE)?;
    if !core.map.interrupt {
        return Ok("polled: the published core's interrupt is connected to nothing".into());
    }
    registers.arm()?;
    Ok("by interrupt, which can be armed".into())
}

/// What is written comes back through the device's view, at both ends and everywhere between.
fn memory(core: &Core) -> Result<String> {
    let Opened { mut memory, .. } = core.open(MEMORY)?;
    let mut chance = Chance(1);
    let pattern: Vec<u8> = (0..MEMORY).map(|_| chance.below(256) as u8).collect();
    memory.write(0, &pattern)?;
    memory.sync_for_device(0..MEMORY, Direction::ToDevice)?;
    memory.sync_for_cpu(0..MEMORY, Direction::FromDevice)?;
    let mut back = vec![0; MEMORY];
    memory.read(0, &mut back)?;
    if let Some(at) = pattern.iter().zip(&back).position(|(a, b)| a != b) {
        bail!(
            "byte {at}: {:#04x} was written, {:#04x} is read",
            pattern[at],
            back[at]
        );
    }
    let (name, size) = (memory.name().to_string(), memory.size());
    let physical = memory.physical();
    Ok(format!(
        "{name}: {size} bytes at {physical:#x}, below {BELOW:#x}"
    ))
}

/// A set of weights is taken.
fn weights(core: &Core) -> Result<String> {
    let kernel = core.overlay.max_kernel as usize;
    let bytes = Layout::new(&core.overlay, kernel)
        .bytes()
        .next_multiple_of(LINE);
    let Opened {
        registers,
        mut memory,
        ..
    } = core.open(2 * bytes)?;
    memory.write(0, &vec![0; 2 * bytes])?;
    memory.sync_for_device(0..2 * bytes, Direction::ToDevice)?;
    let buffers = [memory.physical(), memory.physical() + bytes as u64];
    let mut control = Control::new(registers, &core.map, Polling::default())?;
    control.load("weights", buffers, kernel)?;
    Ok(format!("2 buffers of {bytes} bytes loaded"))
}

/// A network's codes are the reference's.
fn network(core: &Core, case: &Case) -> Result<String> {
    let (network, input) = case.network(&core.overlay)?;
    let expected = Reference::new(&network)?.run(&input)?;
    let layers = 0..network.layers().len();
    let program = Program::new(&network, layers, &core.overlay)?;
    let passes = program.passes();
    let Opened {
        registers, memory, ..
    } = core.open(program.bytes())?;
    let mut driver = QnnMo::new(
        registers,
        &core.map,
        memory,
        BELOW,
        program,
        Polling::default(),
    )?;
    let mut output = vec![0; expected.len()];
    for frame in 0..FRAMES {
        driver.run(&input, &mut output)?;
        same(&output, &expected).map_err(|error| error.context(format!("frame {frame}")))?;
    }
    let plural = if passes == 1 { "" } else { "es" };
    Ok(format!(
        "{passes} pass{plural}, {} codes equal the CPU's, {FRAMES} frames",
        expected.len()
    ))
}

/// Refuses codes that are not the reference's.
pub(super) fn same(found: &[u8], expected: &[u8]) -> Result<()> {
    let wrong = found.iter().zip(expected).filter(|(a, b)| a != b).count();
    match wrong {
        0 => Ok(()),
        _ => bail!("{wrong} of {} codes are not the CPU's", expected.len()),
    }
}
