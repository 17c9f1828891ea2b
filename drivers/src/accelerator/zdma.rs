//! A channel of the chip's own DMA engine, which copies memory and raises an interrupt.
//!
//! It needs no logic, so that it proves a board's registers, interrupt and memory before any bitstream
//! is loaded (UG1087, module ZDMA; `bitstreams/ps/zdma.json`). Only transfers that registers describe,
//! no lists of them.

use crate::memory::barrier;
use crate::registers::{RegisterMap, Registers};
use crate::{Error, Result};
use std::time::{Duration, Instant};

/// The registers of a channel, by name.
pub const REGISTERS: &str = tincy_bitstreams::ZDMA_REGISTERS;

/// The longest transfer, in bytes.
pub const MOST_BYTES: usize = (1 << 30) - 1;

const LOST: &str = "the status is `done`: the interrupt was lost; check `interrupts` of its \
                    device-tree node, and that no other program waits for it";
const BUSY: &str = "it still works: check both addresses and that its clock is on";
const FAILED: &str = "it ended with an error: check that both addresses are memory";

/// A channel.
#[derive(Debug)]
pub struct Zdma<R> {
    registers: R,
    places: Places,
    interrupts: u64,
}

#[derive(Debug)]
struct Places {
    events: u32,
    enable: u32,
    disable: u32,
    kind: u32,
    status: u32,
    source: [u32; 4],
    target: [u32; 4],
    start: u32,
    all: u32,
    done: u32,
    errors: u32,
    overfetch: u32,
    go: u32,
}

impl Places {
    fn new(map: &RegisterMap) -> Result<Places> {
        let at = |name: &str| map.register(name).map(|register| register.offset);
        let side = |name: &str| {
            let part = |part: &str| at(&format!("{name}_{part}"));
            Ok([
                part("LOW")?,
                part("HIGH")?,
                part("BYTES")?,
                part("CONTROL")?,
            ])
        };
        let all = map.register("ISR")?.known_bits();
        let event = |name: &str| map.mask("ISR", name);
        let harmless = event("source_descriptor")? | event("target_descriptor")? | event("paused")?;
        let done = event("done")?;
        Ok(Places {
            events: at("ISR")?,
            enable: at("IEN")?,
            disable: at("IDS")?,
            kind: at("CTRL0")?,
            status: at("STATUS")?,
            source: side("SOURCE")?,
            target: side("TARGET")?,
            start: at("CTRL2")?,
            all,
            done,
            errors: all & !harmless & !done,
            overfetch: map.mask("CTRL0", "overfetch")?,
            go: map.mask("CTRL2", "enable")?,
        })
    }
}

impl<R: Registers> Zdma<R> {
    /// A channel behind these registers, which have its interrupt.
    ///
    /// # Errors
    /// If the map lacks a register of a channel.
    pub fn new(registers: R, map: &RegisterMap) -> Result<Zdma<R>> {
        Ok(Zdma {
            registers,
            places: Places::new(map)?,
            interrupts: 0,
        })
    }

    /// Interrupts that ended a transfer.
    pub fn interrupts(&self) -> u64 {
        self.interrupts
    }

    /// The registers.
    pub fn registers_mut(&mut self) -> &mut R {
        &mut self.registers
    }

    /// Copies bytes from one physical address to another. The caller hands both ranges over before
    /// and takes the target back after it.
    ///
    /// # Errors
    /// If there are too many bytes, the channel does not finish in time, or it meets a bus error.
    pub fn copy(&mut self, source: u64, target: u64, bytes: usize, within: Duration) -> Result<()> {
        if bytes == 0 || bytes > MOST_BYTES {
            return Err(Error::Range {
                device: self.registers.name().to_string(),
                start: 0,
                end: bytes,
                size: MOST_BYTES,
                expected: "1 byte at least and below 2^30 expected",
            });
        }
        // What is left of an earlier transfer would end this one at once.
        self.registers.write(self.places.disable, self.places.all)?;
        self.registers.write(self.places.events, self.places.all)?;
        self.registers.arm()?;
        let wanted = self.places.done | self.places.errors;
        self.registers.write(self.places.enable, wanted)?;
        self.registers
            .write(self.places.kind, self.places.overfetch)?;
        self.side(self.places.source, source, bytes)?;
        self.side(self.places.target, target, bytes)?;
        barrier::full();
        self.registers.write(self.places.start, self.places.go)?;
        self.finish(within)
    }

    fn side(&mut self, [low, high, size, control]: [u32; 4], at: u64, bytes: usize) -> Result<()> {
        self.registers.write(low, at as u32)?;
        self.registers.write(high, (at >> 32) as u32)?;
        // Below 2^30 as checked.
        self.registers.write(size, bytes as u32)?;
        self.registers.write(control, 0)
    }

    /// Waits for the interrupt, and clears its cause so that the line falls.
    fn finish(&mut self, within: Duration) -> Result<()> {
        let start = Instant::now();
        let came = self.registers.wait(within)?;
        barrier::full();
        let events = self.registers.read(self.places.events)?;
        self.registers.write(self.places.disable, self.places.all)?;
        self.registers.write(self.places.events, self.places.all)?;
        if came && events & self.places.errors == 0 && events & self.places.done != 0 {
            self.interrupts += 1;
            return Ok(());
        }
        let status = self.registers.read(self.places.status)?;
        let check = match status & 3 {
            2 => BUSY,
            3 => FAILED,
            _ if events & self.places.errors != 0 => FAILED,
            _ => LOST,
        };
        Err(Error::Unfinished {
            step: format!("{}: copying", self.registers.name()),
            control: events,
            waited_ms: start.elapsed().as_millis(),
            check,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A channel that copies in memory of its own, or fails.
    #[derive(Default)]
    struct Fake {
        registers: BTreeMap<u32, u32>,
        memory: Vec<u8>,
        /// Errors that a start gives.
        fails: u32,
        /// The interrupt does not come.
        is_deaf: bool,
        /// The start does nothing.
        is_dead: bool,
        armed: bool,
    }

    impl Fake {
        fn number(&self, offset: u32) -> usize {
            self.registers.get(&offset).copied().unwrap_or(0) as usize
        }
    }

    impl Registers for Fake {
        fn name(&self) -> &str {
            "fake channel"
        }

        fn read(&mut self, offset: u32) -> Result<u32> {
            Ok(self.number(offset) as u32)
        }

        fn write(&mut self, offset: u32, value: u32) -> Result<()> {
            match offset {
                0x100 => *self.registers.entry(0x100).or_default() &= !value,
                0x200 if self.is_dead => drop(self.registers.insert(0x11c, 2)),
                0x200 => {
                    let (from, to) = (self.number(0x128), self.number(0x138));
                    let end = from + self.number(0x130);
                    self.memory.copy_within(from..end, to);
                    let (event, state) = if self.fails > 0 {
                        (self.fails, 3)
                    } else {
                        (1 << 10, 0)
                    };
                    self.registers.insert(0x100, event);
                    self.registers.insert(0x11c, state);
                }
                _ => drop(self.registers.insert(offset, value)),
            }
            Ok(())
        }

        fn arm(&mut self) -> Result<()> {
            // Armed with a cause still pending it would fire at once.
            assert_eq!(self.number(0x100), 0);
            self.armed = true;
            Ok(())
        }

        fn wait(&mut self, _: Duration) -> Result<bool> {
            let armed = std::mem::take(&mut self.armed);
            Ok(armed && !self.is_deaf && self.number(0x100) & self.number(0x108) != 0)
        }
    }

    fn channel(fake: Fake) -> Zdma<Fake> {
        Zdma::new(fake, &RegisterMap::parse(REGISTERS).unwrap()).unwrap()
    }

    #[test]
    fn bytes_arrive_and_interrupts_are_counted() {
        let memory = (0..=255).collect();
        let mut channel = channel(Fake {
            memory,
            ..Fake::default()
        });
        for target in [128, 160] {
            channel.copy(3, target, 29, Duration::ZERO).unwrap();
            let memory = &channel.registers_mut().memory;
            assert_eq!(
                memory[target as usize..][..29],
                (3..32).collect::<Vec<u8>>()
            );
        }
        assert_eq!(channel.interrupts(), 2);
    }

    #[test]
    fn what_went_wrong_is_said() {
        let memory = vec![0; 64];
        let fake = |fails, is_deaf, is_dead| Fake {
            memory: memory.clone(),
            fails,
            is_deaf,
            is_dead,
            ..Fake::default()
        };
        for (fake, text) in [
            (fake(1 << 8, false, false), "it ended with an error"),
            (fake(0, true, false), "the interrupt was lost"),
            (fake(0, false, true), "it still works"),
        ] {
            let mut channel = channel(fake);
            let error = channel
                .copy(0, 32, 8, Duration::ZERO)
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with("fake channel: copying") && error.contains(text),
                "{error}"
            );
            assert_eq!(channel.interrupts(), 0);
        }
        let error = channel(fake(0, false, false)).copy(0, 32, 1 << 30, Duration::ZERO);
        assert!(error.unwrap_err().to_string().contains("below 2^30"));
    }
}
