//! Ten thousand starts of a core that fails by chance: no hang, no wrong code passed on, no leak.
//!
//! Alone in its program, since it looks at the memory and the files of the process.

mod shared;
mod small;

use shared::emulated;
use small::{expected, impatient, input, network, overlay, program};
use tincy_drivers::Error;
use tincy_drivers::accelerator::qnn_mo::emulator::fault::Faults;

const STARTS: u64 = 10_000;

/// Pages in memory, and open files.
fn held() -> (u64, usize) {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = statm.split(' ').nth(1).unwrap().parse().unwrap();
    (pages, std::fs::read_dir("/proc/self/fd").unwrap().count())
}

#[test]
fn ten_thousand_starts_with_faults() {
    let network = network();
    let (driver, core) = emulated(&overlay(), program(&network), impatient());
    // A line that does not always reset.
    let (line, mut tries) = (core.clone(), 0u64);
    let mut driver = driver.with_reset(Box::new(move || {
        tries += 1;
        if tries.is_multiple_of(3) {
            let device = "reset line".into();
            return Err(Error::NoInterrupt { device });
        }
        line.reset();
        Ok(())
    }));
    let mut seed = 1;
    let inputs: Vec<_> = (0..8).map(|_| input(&mut seed)).collect();
    let answers: Vec<_> = inputs
        .iter()
        .map(|input| expected(&network, input))
        .collect();
    core.set_faults(Faults::random(42, 25));
    let mut output = vec![0; answers[0].len()];
    let (mut right, mut failed, mut resets, mut frame) = (0u64, 0u64, 0u64, 0);
    let mut before = None;
    while core.starts() < STARTS {
        frame += 1;
        let which = frame % inputs.len();
        match driver.run(&inputs[which], &mut output) {
            Ok(()) => {
                assert!(
                    output == answers[which],
                    "frame {frame}: a wrong code was passed on"
                );
                right += 1;
            }
            Err(error) => {
                assert!(error.to_string().lines().count() == 1, "{error}");
                failed += 1;
                while driver.recover().is_err() {
                    resets += 1;
                    assert!(resets < 100_000, "it never comes back");
                }
            }
        }
        if frame == 200 {
            before = Some(held());
        }
    }
    let (pages, files) = held();
    let (pages_before, files_before) = before.expect("more than 200 frames");
    println!(
        "{} starts: {right} frames right, {failed} failed, {resets} recoveries tried again, \
         {pages_before} -> {pages} pages, {files_before} -> {files} files",
        core.starts()
    );
    assert!(right > 500 && failed > 100);
    assert!(
        pages < pages_before + 256,
        "{pages_before} pages before, {pages} after"
    );
    assert_eq!(files, files_before);
}
