//! The logic: whether a design is loaded, what could load one, what it is clocked by.

use super::finding::Finding;
use crate::commands::board::load;
use tincy_drivers::board::Board;
use tincy_drivers::fpga::overlay::NAME;
use tincy_drivers::fpga::port::{self, Port};
use tincy_drivers::fpga::{Manager, Overlays, clock, manager};
use tincy_drivers::{Error, Roots};

pub(super) fn findings(roots: &Roots, board: &Board) -> Vec<Finding> {
    let mut findings = manager_findings(roots);
    findings.push(overlays(roots));
    if board.is_zynqmp() {
        findings.push(clocks(roots, board));
        findings.push(ports(roots, board));
    }
    findings
}

/// Registers that cannot be looked at: the same reason for all of them.
fn unread(subject: &'static str, error: &Error) -> Finding {
    match error {
        Error::Io { source, .. } => Finding::note(
            subject,
            format!("not known: /dev/mem: {source}"),
            "run as root, on a kernel that allows these addresses in /dev/mem",
        ),
        error => Finding::error(subject, error),
    }
}

fn manager_findings(roots: &Roots) -> Vec<Finding> {
    let found = Manager::find(roots).and_then(|manager| {
        let (name, state) = (manager.name()?, manager.state()?);
        Ok((manager, name, state))
    });
    let (manager, name, state) = match found {
        Ok(found) => found,
        Err(error) => return vec![Finding::error("logic", &error)],
    };
    let loads = match manager.check_loads() {
        Ok(()) => Finding::ok("loading", "`tincy board load FILE` by the FPGA manager"),
        Err(error) => Finding::error("loading", &error),
    };
    let logic = match manager::is_operating(&state) {
        true => Finding::ok("logic", format!("{name}: {state}")),
        false => Finding::missing(
            "logic",
            format!("{name}: no design is loaded, state `{state}`"),
            "load one: `tincy board load FILE`; until then no address of the logic may be touched",
        ),
    };
    vec![logic, loads]
}

fn overlays(roots: &Roots) -> Finding {
    let all = match Overlays::find(roots).and_then(|overlays| overlays.all()) {
        Ok(all) => all,
        Err(error) => return Finding::error("overlays", &error),
    };
    let names: Vec<_> = all.iter().map(|overlay| overlay.name.as_str()).collect();
    match names[..] {
        [] => Finding::ok("overlays", "can be loaded, none is"),
        _ if names.contains(&NAME) => Finding::ok("overlays", names.join(", ")),
        _ => Finding::note(
            "overlays",
            format!("{}, loaded by others", names.join(", ")),
            "if it holds the logic, take it away first (`xmutil unloadapp` on a Kria)",
        ),
    }
}

fn clocks(roots: &Roots, board: &Board) -> Finding {
    match clock::on(roots, board) {
        Ok(on) if on.is_empty() => Finding::missing(
            "clocks",
            "all clocks of the logic are off",
            "switch on the design's: `tincy board load FILE --clock PLn=MHZ`",
        ),
        Ok(on) => {
            let on = on
                .iter()
                .map(|(index, clock)| format!("PL{index} {}", load::rate(clock)));
            Finding::ok("clocks", on.collect::<Vec<_>>().join(", "))
        }
        Err(error) => unread("clocks", &error),
    }
}

fn ports(roots: &Roots, board: &Board) -> Finding {
    let width = |name: &'static str| {
        let width = Port::open(roots, board, name)?.width()?;
        Ok::<_, Error>(format!("{name} {width}"))
    };
    match port::names().map(width).collect::<Result<Vec<_>, _>>() {
        Ok(widths) => Finding::note(
            "ports",
            format!("{} bits", widths.join(", ")),
            "a design built for others gets wrong data: `tincy board load FILE --port HP0=128`",
        ),
        Err(error) => unread("ports", &error),
    }
}
