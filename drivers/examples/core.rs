//! Plays the core of an overlay for a board that an emulator plays, whose memory is a file.
//!
//! ```text
//! core MEMORY OVERLAY REGISTERS BUFFERS BYTES [SEED ONE_IN]
//! ```
//!
//! The file stands for memory from the physical address 0 on. REGISTERS is the address of the page that
//! the board's driver has as registers, BUFFERS and BYTES the memory that the core reaches; addresses in
//! hexadecimal. With SEED and ONE_IN one start in so many fails. It ends with its standard input and
//! tells what it did.

use std::error::Error;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tincy_bitstreams::overlay::{Overlay, QNN_MO_REGISTERS};
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::Faults;
use tincy_drivers::memory::bus::Bus;
use tincy_drivers::registers::RegisterMap;
use tincy_drivers::registers::devmem::DevMem;

/// Between two looks for a start.
const NAP: Duration = Duration::from_micros(50);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [memory, overlay, page, buffers, bytes, faults @ ..] = arguments.as_slice() else {
        return Err("usage: core MEMORY OVERLAY REGISTERS BUFFERS BYTES [SEED ONE_IN]".into());
    };
    let overlay = named(overlay)?;
    let map = RegisterMap::parse(QNN_MO_REGISTERS)?;
    let (page, buffers, bytes) = (address(page)?, address(buffers)?, address(bytes)?);
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(memory)?;
    let bus = Bus::shared(buffers, &file, buffers, usize::try_from(bytes)?)?;
    let folder = Path::new(memory).parent().unwrap_or(Path::new("."));
    let mut page = DevMem::open(folder, page, map.window_bytes as usize)?;
    let mut core = Emulator::new(&overlay, &map, bus)?;
    if let [seed, one_in] = faults {
        core.set_faults(Faults::random(seed.parse()?, one_in.parse()?));
    }
    core.show(&mut page)?;
    let ended = watch_input();
    while !ended.load(Ordering::Relaxed) {
        if !core.serve(&mut page)? {
            std::thread::sleep(NAP);
        }
    }
    println!("core: {} starts", core.starts());
    core.complaints()
        .iter()
        .for_each(|why| println!("core: {why}"));
    Ok(())
}

fn named(name: &str) -> Result<Overlay, String> {
    let mut all = Overlay::published().into_iter();
    let found = all.find(|overlay| overlay.name == name);
    found.ok_or_else(|| {
        let names = Overlay::published().map(|overlay| overlay.name);
        format!("no overlay {name}: there are {}", names.join(", "))
    })
}

fn address(text: &str) -> Result<u64, String> {
    let digits = text.trim_start_matches("0x");
    u64::from_str_radix(digits, 16).map_err(|error| format!("{text}: {error}"))
}

/// Becomes true when the standard input ends.
fn watch_input() -> Arc<AtomicBool> {
    let ended = Arc::new(AtomicBool::new(false));
    let flag = ended.clone();
    std::thread::spawn(move || {
        // Whatever is wrong with it, it has ended.
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        flag.store(true, Ordering::Relaxed);
    });
    ended
}
