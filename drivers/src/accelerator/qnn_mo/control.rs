//! The sequence of registers of a start, polled with a time-out.
//!
//! The core's interrupt is connected to nothing, so that its control register is polled: some times
//! at once, then with naps that grow. Reading the register clears `done`. Only a `done` that was
//! seen counts: a core that is idle may as well never have begun.

use super::geometry::Geometry;
use crate::memory::barrier;
use crate::registers::{RegisterMap, Registers};
use crate::{Error, Result};
use std::time::{Duration, Instant};

const GONE: &str = "bits that the register does not have: the device is gone, or another design \
                    is loaded; check that the FPGA state is `operating`, its clock and the address";
const IDLE: &str = "idle: the start was lost, or another program read the register and so took \
                    `done`; only one may poll it";
const WORKING: &str = "working: an address or dimensions that do not fit starve it, or its clock \
                       is slow or off; check them, then reset the logic or load it again";

/// How to wait for the core.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// Reads of the register without a nap.
    pub spins: u32,
    /// The first nap; each is twice as long as the one before.
    pub first_nap: Duration,
    /// The longest nap.
    pub longest_nap: Duration,
    /// Time that a start is given. The longest pass of the published networks takes 1,038,336
    /// cycles: 10.4 ms at 100 MHz.
    pub timeout: Duration,
}

impl Default for Polling {
    fn default() -> Polling {
        Polling {
            spins: 20,
            first_nap: Duration::from_micros(20),
            longest_nap: Duration::from_micros(500),
            timeout: Duration::from_millis(250),
        }
    }
}

/// A core, by its registers.
#[derive(Debug)]
pub struct Control<R> {
    registers: R,
    places: Places,
    polling: Polling,
}

/// Where the registers of the map are.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) control: u32,
    pub(super) in1: [u32; 2],
    pub(super) in2: [u32; 2],
    pub(super) out: [u32; 2],
    pub(super) do_init: u32,
    pub(super) layer_type: u32,
    pub(super) kernel: u32,
    pub(super) stride: u32,
    pub(super) inputs: u32,
    pub(super) outputs: u32,
    pub(super) size: u32,
    pub(super) padded: u32,
    pub(super) sums: u32,
    pub(super) pool_in: u32,
    pub(super) pool_out: u32,
    pub(super) pool_stride: u32,
    pub(super) start: u32,
    pub(super) done: u32,
    pub(super) idle: u32,
    pub(super) ready: u32,
    pub(super) known: u32,
    pub(super) load: u32,
}

impl Places {
    pub(super) fn new(map: &RegisterMap) -> Result<Places> {
        let at = |name: &str| map.register(name).map(|register| register.offset);
        let control = |field: &str| map.mask("CTRL", field);
        Ok(Places {
            control: at("CTRL")?,
            in1: [at("IN1_LOW")?, at("IN1_HIGH")?],
            in2: [at("IN2_LOW")?, at("IN2_HIGH")?],
            out: [at("OUT_LOW")?, at("OUT_HIGH")?],
            do_init: at("DO_INIT")?,
            layer_type: at("LAYER_TYPE")?,
            kernel: at("KERNEL_DIM")?,
            stride: at("STRIDE")?,
            inputs: at("IFM_CH")?,
            outputs: at("OFM_CH")?,
            size: at("IFM_DIM")?,
            padded: at("PADDED_DIM")?,
            sums: at("OFM_DIM")?,
            pool_in: at("POOL_IN_DIM")?,
            pool_out: at("POOL_OUT_DIM")?,
            pool_stride: at("POOL_STRIDE")?,
            start: control("start")?,
            done: control("done")?,
            idle: control("idle")?,
            ready: control("ready")?,
            known: map.register("CTRL")?.known_bits(),
            load: map.mask("DO_INIT", "load")?,
        })
    }

    /// Offsets of the registers that a start reads.
    pub(super) fn data(&self) -> impl Iterator<Item = u32> + use<> {
        let addresses = [self.in1, self.in2, self.out].into_iter().flatten();
        let numbers = [
            self.do_init,
            self.layer_type,
            self.kernel,
            self.stride,
            self.inputs,
            self.outputs,
            self.size,
            self.padded,
            self.sums,
            self.pool_in,
            self.pool_out,
            self.pool_stride,
        ];
        addresses.chain(numbers)
    }
}

impl<R: Registers> Control<R> {
    /// A core behind these registers.
    ///
    /// # Errors
    /// If the map lacks a register of the core.
    pub fn new(registers: R, map: &RegisterMap, polling: Polling) -> Result<Control<R>> {
        Ok(Control {
            registers,
            places: Places::new(map)?,
            polling,
        })
    }

    /// Loads weights: the physical addresses of both buffers, and the side of the kernel.
    ///
    /// # Errors
    /// If the core cannot be started or does not finish.
    pub fn load(&mut self, pass: &str, buffers: [u64; 2], kernel: usize) -> Result<()> {
        let p = self.places.clone();
        self.ready(pass)?;
        self.address(p.in1, buffers[0])?;
        self.address(p.in2, buffers[1])?;
        self.registers.write(p.do_init, p.load)?;
        self.registers.write(p.layer_type, 1)?;
        self.number(p.kernel, kernel)?;
        self.start(&format!("{pass}: loading weights"))
    }

    /// Computes a map: its physical address and that of the map to write.
    ///
    /// # Errors
    /// If the core cannot be started or does not finish.
    pub fn compute(&mut self, pass: &str, geometry: &Geometry, maps: [u64; 2]) -> Result<()> {
        self.ready(pass)?;
        let p = self.places.clone();
        self.address(p.in1, maps[0])?;
        self.address(p.out, maps[1])?;
        self.registers.write(p.do_init, 0)?;
        let g = geometry;
        let kind = if g.pool.is_some() { 2 } else { 1 };
        let stride = g.pool.map_or(0, |pool| pool.stride.ilog2() as usize);
        let numbers = [
            (p.layer_type, kind),
            (p.kernel, g.kernel),
            // Strides are written as logarithms.
            (p.stride, 0),
            (p.inputs, g.inputs),
            (p.outputs, g.outputs),
            (p.size, g.size),
            (p.padded, g.padded),
            (p.sums, g.sums),
            (p.pool_in, g.pool.map_or(g.sums, |pool| pool.padded)),
            (p.pool_out, g.written()),
            (p.pool_stride, stride),
        ];
        for (register, number) in numbers {
            self.number(register, number)?;
        }
        self.start(&format!("{pass}: computing"))
    }

    /// Waits until a core that did not finish comes to rest.
    ///
    /// # Errors
    /// If it does not in the time of a start: only a reset of the logic can help.
    pub fn drain(&mut self) -> Result<()> {
        self.poll("waiting for rest", |places| places.idle)
    }

    /// The registers.
    pub fn registers_mut(&mut self) -> &mut R {
        &mut self.registers
    }

    /// Makes sure that the core is there and idle. The read clears a `done` of an earlier start that
    /// came too late, which the next one would take for its own.
    fn ready(&mut self, step: &str) -> Result<()> {
        let control = self.registers.read(self.places.control)?;
        match self.trouble(control) {
            None => Ok(()),
            Some(check) => Err(Error::NotReady {
                step: step.to_string(),
                control,
                check,
            }),
        }
    }

    fn start(&mut self, step: &str) -> Result<()> {
        // The core must find in memory what was written before it.
        barrier::full();
        self.registers
            .write(self.places.control, self.places.start)?;
        let done = self.poll(step, |places| places.done);
        barrier::full();
        done
    }

    /// Reads the control register until a bit of it is set.
    fn poll(&mut self, step: &str, bit: impl Fn(&Places) -> u32) -> Result<()> {
        let (start, bit) = (Instant::now(), bit(&self.places));
        let mut nap = self.polling.first_nap;
        for read in 0u32.. {
            // Before the read: a thread that was kept from its core until the time was over looks once more.
            let late = start.elapsed() >= self.polling.timeout;
            let control = self.registers.read(self.places.control)?;
            let known = control & !self.places.known == 0;
            if known && control & bit != 0 {
                return Ok(());
            }
            if !known || late {
                return Err(self.unfinished(step, control, start.elapsed()));
            }
            if read >= self.polling.spins {
                std::thread::sleep(nap);
                nap = (2 * nap).min(self.polling.longest_nap);
            }
        }
        unreachable!("a time-out comes before 2^32 reads with naps between them")
    }

    fn unfinished(&self, step: &str, control: u32, waited: Duration) -> Error {
        Error::Unfinished {
            step: step.to_string(),
            control,
            waited_ms: waited.as_millis(),
            check: self.trouble(control).unwrap_or(IDLE),
        }
    }

    /// What is wrong with a core that should be idle.
    fn trouble(&self, control: u32) -> Option<&'static str> {
        let Places {
            known, idle, start, ..
        } = self.places;
        if control & !known != 0 {
            Some(GONE)
        } else if control & idle == 0 || control & start != 0 {
            Some(WORKING)
        } else {
            None
        }
    }

    fn number(&mut self, register: u32, number: usize) -> Result<()> {
        // Geometries are bounded by the overlay's limits, far below 2^32.
        self.registers.write(register, number as u32)
    }

    /// Writes both halves of a physical address.
    fn address(&mut self, [low, high]: [u32; 2], physical: u64) -> Result<()> {
        self.registers.write(low, physical as u32)?;
        self.registers.write(high, (physical >> 32) as u32)
    }
}
