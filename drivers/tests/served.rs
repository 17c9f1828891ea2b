//! A core that another process plays: its registers and its memory are a file that both have mapped,
//! and the driver reaches them as it does on a board, by UIO.

mod shared;
mod small;

use shared::{BELOW, registers};
use small::{chance, expected, input, network, overlay, program};
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tincy_drivers::Roots;
use tincy_drivers::accelerator::qnn_mo::emulator::Emulator;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::{Fault, Faults};
use tincy_drivers::accelerator::qnn_mo::{Polling, QnnMo};
use tincy_drivers::memory::bus::Bus;
use tincy_drivers::memory::reserved::Reserved;
use tincy_drivers::memory::{DmaMemory, Need};
use tincy_drivers::registers::devmem::DevMem;
use tincy_drivers::registers::uio::Uio;

const PAGE: usize = 4096;
const PHYSICAL: u64 = 0x3300_0000;

/// A UIO device `tincy-accel` with a page of registers and memory behind it, in one file; the same file is
/// the other process's `/dev/mem`.
fn tree(root: &Path, bytes: usize) -> Roots {
    let roots = Roots::under(root);
    let folder = roots.sys.join("class/uio/uio0");
    for (map, address, size) in [(0, 0x3200_0000, PAGE as u64), (1, PHYSICAL, bytes as u64)] {
        let map = folder.join(format!("maps/map{map}"));
        fs::create_dir_all(&map).unwrap();
        for (name, number) in [("addr", address), ("size", size), ("offset", 0)] {
            fs::write(map.join(name), format!("{number:#x}\n")).unwrap();
        }
    }
    fs::write(folder.join("name"), "tincy-accel\n").unwrap();
    fs::create_dir_all(&roots.dev).unwrap();
    let node = roots.dev.join("uio0");
    fs::write(&node, vec![0; PAGE + bytes]).unwrap();
    std::os::unix::fs::symlink(node, roots.dev.join("mem")).unwrap();
    roots
}

/// The other process: a core that looks for starts until it is told to stop. Returns the starts.
fn play(mut core: Emulator, mut page: DevMem, stop: &AtomicBool) -> u64 {
    core.show(&mut page).unwrap();
    while !stop.load(Ordering::Relaxed) {
        if !core.serve(&mut page).unwrap() {
            std::thread::yield_now();
        }
    }
    core.starts()
}

/// Tells the other process to stop, also when the test fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn frames_and_faults_through_memory_that_two_have_mapped() {
    let (network, root) = (network(), tempfile::tempdir().unwrap());
    let bytes = program(&network).bytes().next_multiple_of(PAGE);
    let roots = tree(root.path(), bytes);

    let node = roots.dev.join("mem");
    let file = File::options().read(true).write(true).open(node).unwrap();
    let bus = Bus::shared(PHYSICAL, &file, PAGE as u64, bytes).unwrap();
    let core = Emulator::new(&overlay(), &registers(), bus).unwrap();
    let page = DevMem::open(&roots.dev, 0, 256).unwrap();

    let need = Need {
        bytes,
        below: BELOW,
    };
    let memory = Reserved::open(&roots, "tincy-accel", 1, need).unwrap();
    assert_eq!(memory.physical(), PHYSICAL);
    let registers_of_core = Uio::open(&roots, "tincy-accel", 0, 256).unwrap();
    let polling = Polling {
        timeout: Duration::from_millis(600),
        ..Polling::default()
    };
    let program = program(&network);
    let mut driver = QnnMo::new(
        registers_of_core,
        &registers(),
        memory,
        BELOW,
        program,
        polling,
    )
    .expect("memory that serves");

    let stop = AtomicBool::new(false);
    let (handle, mut seed) = (core.clone(), 11);
    let starts = std::thread::scope(|scope| {
        let other = scope.spawn(|| play(core, page, &stop));
        let stopping = Stop(&stop);
        for frame in 0..40 {
            let input = input(&mut seed);
            let answer = expected(&network, &input);
            let mut output = vec![0; answer.len()];
            let fault = match chance(&mut seed, 8) {
                0 => Some(Fault::LostStart),
                1 => Some(Fault::LostDone),
                2 => Some(Fault::WrongLength { missing: 8 }),
                3 => Some(Fault::Gone { accesses: 3 }),
                _ => None,
            };
            // The first start of a frame loads, the second computes.
            handle.set_faults(match fault {
                Some(fault) => Faults::script(&[Fault::LateDone { reads: 9 }, fault]),
                None => Faults::none(),
            });
            let answered = driver.run(&input, &mut output);
            assert_eq!(
                answered.is_err(),
                fault.is_some(),
                "frame {frame}: {answered:?}"
            );
            if answered.is_err() {
                handle.set_faults(Faults::none());
                // A core that was away is back when the other process next looks.
                let mut tries = (0..2000).map(|_| {
                    std::thread::sleep(Duration::from_millis(1));
                    driver.recover()
                });
                assert!(tries.any(|rest| rest.is_ok()), "frame {frame}: no rest");
                driver.run(&input, &mut output).expect("no fault is left");
            }
            assert_eq!(output, answer, "frame {frame}");
        }
        drop(stopping);
        other.join().unwrap()
    });
    assert!(starts >= 40 * 2 * 3, "{starts}");
}
