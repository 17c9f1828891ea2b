//! Memory that the accelerator could use.

use super::finding::Finding;
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::Path;
use tincy_drivers::Roots;
use tincy_drivers::board::BUFFER;
use tincy_drivers::memory::contiguous;

/// What the published overlay needs for the published network.
const NEEDED: u64 = 12_500_000;

/// How to get a buffer.
const REMEDY: &str = "build and load u-dma-buf (github.com/ikwzm/udmabuf): `modprobe u-dma-buf \
                      tincy-buf0=16777216`, or give the accelerator's node a second `reg` in \
                      reserved no-map memory";

/// What lets others than root open a buffer.
const RULE: &str =
    "run as root, or give udev the rule SUBSYSTEM==\"u-dma-buf\", GROUP=\"tincy\", MODE=\"0660\"";

pub(super) fn findings(roots: &Roots) -> Vec<Finding> {
    vec![buffer(roots), reserved(roots), pool(roots), physical(roots)]
}

fn buffer(roots: &Roots) -> Finding {
    let buffers = match contiguous::buffers(roots) {
        Ok(buffers) => buffers,
        Err(error) => return Finding::error("buffer", &error),
    };
    let shown = |buffer: &contiguous::Buffer| {
        let contiguous::Buffer {
            name,
            size,
            physical,
        } = buffer;
        format!("{name}, {} at {physical:#x}", mebibytes(*size))
    };
    let all: Vec<_> = buffers.iter().map(shown).collect();
    match buffers.iter().find(|buffer| buffer.name == BUFFER) {
        Some(ours) if ours.size < NEEDED => Finding::note(
            "buffer",
            format!("u-dma-buf {}", shown(ours)),
            format!(
                "the published Tinier-YOLO needs {} of it",
                mebibytes(NEEDED)
            ),
        ),
        Some(ours) => match opens(&roots.dev.join(BUFFER)) {
            Ok(()) => Finding::ok("buffer", format!("u-dma-buf {}", shown(ours))),
            Err(error) => {
                let text = format!("u-dma-buf {}: {error}", shown(ours));
                Finding::missing("buffer", text, RULE)
            }
        },
        None if second_region(roots) => Finding::ok(
            "buffer",
            "the second region of the accelerator's UIO device",
        ),
        None if all.is_empty() => {
            Finding::missing("buffer", format!("no u-dma-buf {BUFFER}"), REMEDY)
        }
        None => {
            let text = format!("no u-dma-buf {BUFFER}, but {}", all.join(", "));
            Finding::missing("buffer", text, REMEDY)
        }
    }
}

fn second_region(roots: &Roots) -> bool {
    use tincy_drivers::registers::uio::Device;
    let device = Device::find(roots, tincy_drivers::board::ACCELERATOR);
    device.is_ok_and(|device| device.region(1).is_ok())
}

fn reserved(roots: &Roots) -> Finding {
    match contiguous::reserved(roots) {
        Ok(ranges) if ranges.is_empty() => Finding::note(
            "reserved",
            "no memory is reserved by the device tree",
            "only needed where the pool below does not serve: a node in /reserved-memory of the boot \
             loader's tree (not of an overlay)",
        ),
        Ok(ranges) => Finding::ok("reserved", ranges.join(", ")),
        Err(error) => Finding::error("reserved", &error),
    }
}

fn pool(roots: &Roots) -> Finding {
    match contiguous::pool(roots) {
        Some(pool) if pool.free < NEEDED => Finding::missing(
            "pool",
            format!(
                "CMA: {} free of {}",
                mebibytes(pool.free),
                mebibytes(pool.total)
            ),
            "boot with cma=128M@0-0x80000000",
        ),
        Some(pool) => Finding::ok(
            "pool",
            format!(
                "CMA: {} free of {}",
                mebibytes(pool.free),
                mebibytes(pool.total)
            ),
        ),
        None => Finding::missing(
            "pool",
            "no contiguous memory (CMA) in /proc/meminfo",
            "a kernel with CONFIG_DMA_CMA, booted with cma=128M@0-0x80000000",
        ),
    }
}

/// Whether registers can be looked at without a driver.
fn physical(roots: &Roots) -> Finding {
    let use_of_it = "clocks and ports of the logic are read by it, nothing else needs it";
    match opens(&roots.dev.join("mem")) {
        Ok(()) => Finding::ok(
            "/dev/mem",
            "opens; a strict kernel may still refuse addresses",
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Finding::note(
            "/dev/mem",
            "is not there",
            format!("a kernel with CONFIG_DEVMEM; {use_of_it}"),
        ),
        Err(error) => Finding::note(
            "/dev/mem",
            error.to_string(),
            format!("run as root; {use_of_it}"),
        ),
    }
}

/// Whether a node opens for reading and writing.
pub(super) fn opens(node: &Path) -> std::io::Result<()> {
    let opened = OpenOptions::new().read(true).write(true).open(node);
    opened.map(|_| ())
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
