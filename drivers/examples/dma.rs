//! Proves a board's registers, interrupt and memory with the chip's own DMA engine: copies what it wrote
//! to another place, many times, and looks at every byte.
//!
//! ```text
//! dma [UIO NAME] [BYTES] [TIMES]
//! ```
//!
//! The UIO device has a channel's registers, its interrupt, and reserved memory as its second region.

use std::error::Error;
use std::time::{Duration, Instant};
use tincy_drivers::Roots;
use tincy_drivers::accelerator::zdma::{REGISTERS, Zdma};
use tincy_drivers::memory::reserved::Reserved;
use tincy_drivers::memory::{DmaMemory, Need};
use tincy_drivers::registers::uio::Uio;
use tincy_drivers::registers::{RegisterMap, Registers};

/// What a transfer is given.
const WITHIN: Duration = Duration::from_secs(5);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().unwrap_or("tincy-dma".into());
    let bytes: usize = arguments.next().map_or(Ok(1 << 20), |text| text.parse())?;
    let times: u64 = arguments.next().map_or(Ok(20), |text| text.parse())?;

    let (roots, map) = (Roots::default(), RegisterMap::parse(REGISTERS)?);
    let half = bytes.next_multiple_of(64);
    let need = Need {
        bytes: 2 * half,
        below: 1 << 32,
    };
    let mut memory = Reserved::open(&roots, &name, 1, need)?;
    let registers = Uio::open(&roots, &name, 0, map.window_bytes as usize)?;
    let mut channel = Zdma::new(registers, &map)?;

    // Nothing was started: a wait must end by itself.
    channel.registers_mut().arm()?;
    let since = Instant::now();
    let came = channel.registers_mut().wait(Duration::from_millis(20))?;
    println!(
        "a wait without a start: {} after {:?}",
        said(came),
        since.elapsed()
    );

    let at = memory.physical();
    let (mut sum, mut worst, mut back) = (Duration::ZERO, Duration::ZERO, vec![0; bytes]);
    for time in 0..times {
        let content: Vec<u8> = (0..bytes)
            .map(|i| (i * 7 + i / 251 + time as usize) as u8)
            .collect();
        memory.write(0, &content)?;
        let since = Instant::now();
        channel.copy(at, at + half as u64, bytes, WITHIN)?;
        let took = since.elapsed();
        (sum, worst) = (sum + took, worst.max(took));
        memory.read(half, &mut back)?;
        if back != content {
            return Err(format!("copy {time}: what arrived is not what was sent").into());
        }
    }
    println!(
        "{times} copies of {bytes} bytes, {} interrupts: mean {:?}, worst {worst:?}",
        channel.interrupts(),
        sum / times.max(1) as u32,
    );
    Ok(())
}

fn said(came: bool) -> &'static str {
    if came { "an interrupt" } else { "no interrupt" }
}
