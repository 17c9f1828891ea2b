//! A program on a core: codes in, codes out.

use super::control::{Control, Polling};
use super::pixel;
use super::program::{Join, Pass, Place, Program};
use crate::memory::{Direction, DmaMemory, LINE, Need};
use crate::registers::{RegisterMap, Registers};
use crate::{Error, Result};
use std::ops::Range;

/// What the first and the last word of a map hold before a pass writes it. The core has no status
/// but `done`: only here an output that went elsewhere or stopped early can be seen. That a real map
/// has this word there is one chance in 2^64, and would cost no more than a frame on the CPU.
const UNWRITTEN: [u8; 8] = [0x5a; 8];

/// The layers of a [`Program`] on a core and its memory. The steady state allocates nothing but the
/// names in errors.
pub struct QnnMo<R, M> {
    control: Control<R>,
    memory: M,
    program: Program,
    /// The pass whose weights are on the chip, as far as that is known.
    loaded: Option<usize>,
    reset: Option<Reset>,
    /// Room for a pixel.
    pixel: Vec<u8>,
}

/// Resets the logic, by a line or by loading it again.
pub type Reset = Box<dyn FnMut() -> Result<()> + Send>;

impl<R: Registers, M: DmaMemory> QnnMo<R, M> {
    /// A program on a core. `below` is the end of the addresses that the core reaches.
    ///
    /// # Errors
    /// If the memory does not serve, or the map lacks a register.
    pub fn new(
        registers: R,
        map: &RegisterMap,
        memory: M,
        below: u64,
        program: Program,
        polling: Polling,
    ) -> Result<QnnMo<R, M>> {
        let need = Need {
            bytes: program.bytes(),
            below,
        };
        let remedy = format!("{} bytes below {below:#x} are needed", need.bytes);
        need.check(memory.name(), memory.physical(), memory.size(), remedy)?;
        let mut core = QnnMo {
            control: Control::new(registers, map, polling)?,
            pixel: vec![0; program.pixel_bytes],
            memory,
            program,
            loaded: None,
            reset: None,
        };
        core.fill_memory()?;
        Ok(core)
    }

    /// Gives a way to reset the logic, for a core that does not come to rest.
    pub fn with_reset(mut self, reset: Reset) -> Self {
        self.reset = Some(reset);
        self
    }

    /// The program that runs.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Computes the output map from the input map, both one code a byte, row by row. After an error
    /// the output holds anything.
    ///
    /// # Errors
    /// If a map has another size, or the core fails; then [`recover`](QnnMo::recover) before the
    /// next run.
    pub fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<()> {
        let [reads, gives] = [self.program.input.shape, self.program.output.shape];
        sized("input map", reads.elements(), input.len())?;
        sized("output map", gives.elements(), output.len())?;
        self.write_input(input)?;
        for index in 0..self.program.passes.len() {
            self.pass(index)?;
        }
        self.read_output(output)
    }

    /// Brings a core that failed to rest, resetting the logic if it must, and writes its memory
    /// anew: a start that went astray may have written anywhere.
    ///
    /// # Errors
    /// If it does not come to rest.
    pub fn recover(&mut self) -> Result<()> {
        self.loaded = None;
        if let Err(error) = self.control.drain() {
            match &mut self.reset {
                Some(reset) => reset()?,
                None => return Err(error),
            }
            self.control.drain()?;
        }
        self.fill_memory()
    }

    /// Writes what stays from frame to frame: weights, and zeros where the input has no channels.
    fn fill_memory(&mut self) -> Result<()> {
        let Program {
            input, pixel_bytes, ..
        } = self.program;
        self.memory.write(0, &self.program.weights)?;
        self.pixel.fill(0);
        for pixel in 0..input.shape.pixels() {
            self.memory
                .write(input.start + pixel * pixel_bytes, &self.pixel)?;
        }
        let end = input.start + input.shape.pixels() * pixel_bytes;
        self.memory
            .sync_for_device(lines(0..end), Direction::ToDevice)
    }

    /// Only the bytes that hold channels are written; those behind them stay zero.
    fn write_input(&mut self, codes: &[u8]) -> Result<()> {
        let Program {
            input: Place { start, shape },
            bits,
            pixel_bytes,
            ..
        } = self.program;
        let used = &mut self.pixel[..pixel::bytes(shape.channels, bits)];
        for (index, codes) in codes.chunks_exact(shape.channels).enumerate() {
            pixel::pack(codes, bits, used);
            self.memory.write(start + index * pixel_bytes, used)?;
        }
        let end = start + shape.pixels() * pixel_bytes;
        self.memory
            .sync_for_device(lines(start..end), Direction::ToDevice)
    }

    fn pass(&mut self, index: usize) -> Result<()> {
        let physical = self.memory.physical();
        let at = |start: usize| physical + start as u64;
        let pass = &self.program.passes[index];
        if self.loaded != Some(index) {
            self.loaded = None;
            self.control
                .load(&pass.name, pass.weights.map(at), pass.geometry.kernel)?;
            self.loaded = Some(index);
        }
        let written = written(pass, &self.program);
        for guard in guards(&written) {
            self.memory.write(guard.start, &UNWRITTEN)?;
            self.memory
                .sync_for_device(lines(guard), Direction::ToDevice)?;
        }
        self.memory
            .sync_for_device(lines(written), Direction::FromDevice)?;
        let maps = [pass.source, pass.target].map(at);
        let done = self.control.compute(&pass.name, &pass.geometry, maps);
        if let Err(error) = done.and_then(|()| check(&mut self.memory, pass, &self.program)) {
            self.loaded = None;
            return Err(error);
        }
        match self.program.passes[index].join {
            Some(join) => self.join(index, join),
            None => Ok(()),
        }
    }

    /// Copies the channels of a pass to their place in the map that its first pass wrote.
    fn join(&mut self, index: usize, join: Join) -> Result<()> {
        let pass = &self.program.passes[index];
        let part = written(pass, &self.program);
        let map = join.map..join.map + part.len();
        self.memory
            .sync_for_cpu(lines(part.clone()), Direction::FromDevice)?;
        self.memory
            .sync_for_cpu(lines(map.clone()), Direction::FromDevice)?;
        let bytes = &mut self.pixel[..join.len];
        for pixel in (0..part.len()).step_by(self.program.pixel_bytes) {
            self.memory.read(part.start + pixel, bytes)?;
            self.memory.write(map.start + pixel + join.at, bytes)?;
        }
        // Also between joins: the next one takes the whole map back from the device.
        self.memory.sync_for_device(lines(map), Direction::ToDevice)
    }

    fn read_output(&mut self, codes: &mut [u8]) -> Result<()> {
        let Program {
            output: Place { start, shape },
            bits,
            pixel_bytes,
            ..
        } = self.program;
        let end = start + shape.pixels() * pixel_bytes;
        self.memory
            .sync_for_cpu(lines(start..end), Direction::FromDevice)?;
        let used = &mut self.pixel[..pixel::bytes(shape.channels, bits)];
        for (index, codes) in codes.chunks_exact_mut(shape.channels).enumerate() {
            self.memory.read(start + index * pixel_bytes, used)?;
            pixel::unpack(used, bits, codes);
        }
        Ok(())
    }
}

impl<R: std::fmt::Debug, M: std::fmt::Debug> std::fmt::Debug for QnnMo<R, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("QnnMo");
        text.field("control", &self.control)
            .field("memory", &self.memory);
        text.finish_non_exhaustive()
    }
}

fn sized(what: &'static str, expected: usize, found: usize) -> Result<()> {
    match found == expected {
        true => Ok(()),
        false => Err(Error::Codes {
            what,
            expected,
            found,
        }),
    }
}

/// The whole cache lines around a range; what lies in memory begins on one.
fn lines(range: Range<usize>) -> Range<usize> {
    range.start / LINE * LINE..range.end.next_multiple_of(LINE)
}

/// The bytes that a pass writes.
fn written(pass: &Pass, program: &Program) -> Range<usize> {
    let side = pass.geometry.written();
    pass.target..pass.target + side * side * program.pixel_bytes
}

/// The first and the last word of a map.
fn guards(map: &Range<usize>) -> [Range<usize>; 2] {
    let word = UNWRITTEN.len();
    [map.start..map.start + word, map.end - word..map.end]
}

/// Whether the last word of the map belongs to no channel, and so must be zero: channels are rounded
/// up to a multiple of 32.
fn ends_with_zeros(pass: &Pass, program: &Program) -> bool {
    let channels = pass.geometry.outputs.next_multiple_of(32);
    pixel::bytes(channels, program.bits) + UNWRITTEN.len() <= program.pixel_bytes
}

/// Whether both ends of the map were written.
fn check(memory: &mut impl DmaMemory, pass: &Pass, program: &Program) -> Result<()> {
    let mut words = [[0; 8]; 2];
    for (word, guard) in words.iter_mut().zip(guards(&written(pass, program))) {
        memory.sync_for_cpu(lines(guard.clone()), Direction::FromDevice)?;
        memory.read(guard.start, word)?;
    }
    let zeros = !ends_with_zeros(pass, program) || words[1] == [0; 8];
    if zeros && !words.contains(&UNWRITTEN) {
        return Ok(());
    }
    Err(Error::Unwritten {
        step: pass.name.clone(),
        physical: memory.physical() + pass.target as u64,
    })
}
