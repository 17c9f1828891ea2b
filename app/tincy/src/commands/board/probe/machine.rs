//! The board itself, its CPUs, its kernel.

use super::finding::Finding;
use tincy_drivers::Roots;
use tincy_drivers::board::Board;
use tincy_engine::Backend;

pub(super) fn findings(roots: &Roots, board: &Board) -> Vec<Finding> {
    vec![the_board(board), cpu(), kernel(roots)]
}

fn the_board(board: &Board) -> Finding {
    let Some(model) = &board.model else {
        let text = "no device tree: not a board with programmable logic";
        return Finding::missing("board", text, "none is needed: everything runs on the CPU");
    };
    match (&board.name, &board.device) {
        (Some(name), Some(device)) => {
            Finding::ok("board", format!("{model}: {name}, {}", device.name))
        }
        _ if board.is_zynq() => Finding::note(
            "board",
            format!("{model}: a Zynq, its device is not known"),
            "name the device where bitstreams are loaded: `tincy board load FILE --device NAME`",
        ),
        _ => Finding::missing(
            "board",
            format!("{model}: no Zynq"),
            "none is needed: everything runs on the CPU",
        ),
    }
}

/// The kernels that the CPU can run, the fastest last.
pub(super) fn kernels() -> String {
    let plain = [Backend::Auto, Backend::Reference];
    let names = Backend::available().filter(|backend| !plain.contains(backend));
    names.map(Backend::name).collect::<Vec<_>>().join(", ")
}

fn cpu() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plural = if cores == 1 { "" } else { "s" };
    let arch = std::env::consts::ARCH;
    Finding::ok(
        "cpu",
        format!("{arch}, {cores} core{plural}, kernels {}", kernels()),
    )
}

fn kernel(roots: &Roots) -> Finding {
    let release = std::fs::read_to_string(roots.proc.join("sys/kernel/osrelease"));
    match release {
        Ok(release) => Finding::ok("kernel", release.trim()),
        Err(error) => Finding::missing("kernel", format!("unknown: {error}"), "mount /proc"),
    }
}
