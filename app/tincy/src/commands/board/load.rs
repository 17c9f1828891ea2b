//! `tincy board load`: a bitstream, or an overlay with its bitstream, into the logic.
//!
//! The file is checked against the board's device first; clocks and widths of ports are set after the
//! loading, in a step of their own (both at once reset an Ultra96).

use crate::outcome::{Outcome, Usage};
use anyhow::Result;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use tincy_bitstreams::device::{self, Device};
use tincy_drivers::Roots;
use tincy_drivers::board::Board;
use tincy_drivers::fpga::clock::{Clock, Clocks, megahertz};
use tincy_drivers::fpga::overlay::{Design, NAME};
use tincy_drivers::fpga::port::Port;
use tincy_drivers::fpga::{Bitstream, Manager, Overlays};

/// Arguments of `tincy board load`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A .bit or .bit.bin file, or a .dtbo overlay with the one it names beside it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The device to check the file against, where the board is not recognised: xczu3eg
    #[arg(short, long, value_name = "NAME")]
    device: Option<String>,
    /// A clock of the logic to set afterwards: PL2=250
    #[arg(long, value_name = "PLn=MHZ")]
    clock: Vec<ClockRate>,
    /// A width of a port to set afterwards: HP0=128
    #[arg(long, value_name = "PORT=BITS")]
    port: Vec<PortWidth>,
    /// Writes the checked .bit.bin there and loads nothing
    #[arg(long, value_name = "FILE", conflicts_with_all = ["clock", "port"])]
    convert: Option<PathBuf>,
}

/// A clock and its rate.
#[derive(Clone, Debug, PartialEq)]
struct ClockRate {
    index: usize,
    megahertz: f64,
}

impl FromStr for ClockRate {
    type Err = String;

    fn from_str(text: &str) -> Result<ClockRate, String> {
        let wrong = || "a clock and its MHz, as in PL2=250".to_string();
        let (name, rate) = text.split_once('=').ok_or_else(wrong)?;
        let number = name.to_ascii_uppercase();
        let index = number
            .strip_prefix("PL")
            .and_then(|index| index.parse().ok());
        let megahertz: f64 = rate.parse().map_err(|_| wrong())?;
        let possible = (0.1..=1000.0).contains(&megahertz);
        match index.filter(|index| *index < 4 && possible) {
            Some(index) => Ok(ClockRate { index, megahertz }),
            None => Err("PL0 to PL3, and 0.1 to 1000 MHz".into()),
        }
    }
}

/// A port and its width.
#[derive(Clone, Debug, PartialEq)]
struct PortWidth {
    name: String,
    bits: u32,
}

impl FromStr for PortWidth {
    type Err = String;

    fn from_str(text: &str) -> Result<PortWidth, String> {
        let wrong = || "a port and its bits, as in HP0=128".to_string();
        let (name, bits) = text.split_once('=').ok_or_else(wrong)?;
        let known =
            tincy_drivers::fpga::port::names().find(|known| known.eq_ignore_ascii_case(name));
        let names = || {
            tincy_drivers::fpga::port::names()
                .collect::<Vec<_>>()
                .join(", ")
        };
        let name = known
            .ok_or_else(|| format!("one of the ports {}", names()))?
            .to_string();
        match bits.parse() {
            Ok(bits @ (32 | 64 | 128)) => Ok(PortWidth { name, bits }),
            _ => Err("32, 64 or 128 bits".into()),
        }
    }
}

/// Runs it.
///
/// # Errors
/// If the file is none for this board, nothing can load it, or it does not run afterwards.
pub(super) fn run(args: &Args, roots: &Roots) -> Result<Outcome> {
    let board = Board::read(roots)?;
    let device = match &args.device {
        Some(name) => Some(named(name)?),
        None => board.device.clone(),
    };
    let settings = Settings::open(args, roots, &board)?;
    let mut out = std::io::stdout().lock();
    if Design::is(&args.file) {
        let design = Design::read(&args.file, roots)?;
        if let Some(bitstream) = design.bitstream() {
            check(bitstream, device.as_ref())?;
        }
        if args.convert.is_some() {
            return Err(
                Usage("--convert: give the bitstream, an overlay is not converted".into()).into(),
            );
        }
        Overlays::find(roots)?.load(&design, roots)?;
        let loaded = design.bitstream().map_or(String::new(), described);
        writeln!(
            out,
            "{}: applied as overlay {NAME}{loaded}",
            args.file.display()
        )?;
    } else {
        let bitstream = Bitstream::read(&args.file)?;
        check(&bitstream, device.as_ref())?;
        if let Some(path) = &args.convert {
            return convert(&bitstream, path);
        }
        let state = directly(&bitstream, roots)?;
        let loaded = described(&bitstream);
        writeln!(out, "{}: {state}{loaded}", args.file.display())?;
    }
    settings.apply(&mut out)?;
    Ok(Outcome::Done)
}

/// The device of a name.
fn named(name: &str) -> Result<Device> {
    let devices = device::known();
    let found = device::find(&devices, name).map_err(|_| {
        let names: Vec<_> = devices.iter().map(|d| d.name.to_lowercase()).collect();
        Usage(format!(
            "--device {name}: choose one of {}",
            names.join(", ")
        ))
    })?;
    Ok(found.clone())
}

/// Holds a file to the device, as far as that is known.
fn check(bitstream: &Bitstream, device: Option<&Device>) -> Result<()> {
    let warning = match device {
        Some(device) => bitstream.check(device)?,
        None => Some(format!(
            "{}: not checked for this device, which is not known; give --device NAME",
            bitstream.file().display()
        )),
    };
    if let Some(warning) = warning {
        log::warn!("{warning}");
    }
    Ok(())
}

fn directly(bitstream: &Bitstream, roots: &Roots) -> Result<String> {
    let manager = Manager::find(roots)?;
    manager.check_loads()?;
    // Nodes of an overlay stand for the design that would be taken away from under them.
    if let Ok(overlays) = Overlays::find(roots)
        && overlays.all()?.iter().any(|overlay| overlay.name == NAME)
    {
        anyhow::bail!(
            "overlay {NAME} is loaded, and its devices need its design; take it away first: `tincy \
             board unload`"
        );
    }
    Ok(manager.load(bitstream)?)
}

/// What a bitstream is, for a line.
fn described(bitstream: &Bitstream) -> String {
    let design = bitstream.header().map(|header| {
        let name = header.design.split(';').next().unwrap_or_default();
        format!("design {name} for {}, ", header.part)
    });
    format!(
        "; {}IDCODE {}, {} bytes",
        design.unwrap_or_default(),
        bitstream.idcode(),
        bitstream.bytes()
    )
}

fn convert(bitstream: &Bitstream, path: &Path) -> Result<Outcome> {
    use anyhow::Context;
    let bytes = bitstream.swapped();
    std::fs::write(path, &bytes).with_context(|| path.display().to_string())?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{}: {} bytes, for the kernel's FPGA manager",
        path.display(),
        bytes.len()
    )?;
    Ok(Outcome::Done)
}

/// Registers of what is to be set after the loading, opened before it: what cannot be set is known
/// while nothing is done yet.
struct Settings<'a> {
    ports: Vec<(&'a PortWidth, Port)>,
    clocks: Option<Clocks>,
    rates: &'a [ClockRate],
}

impl<'a> Settings<'a> {
    fn open(args: &'a Args, roots: &Roots, board: &Board) -> Result<Settings<'a>> {
        let ports = args.port.iter().map(|width| {
            let port = Port::open(roots, board, &width.name)?;
            Ok((width, port))
        });
        Ok(Settings {
            ports: ports.collect::<Result<_>>()?,
            clocks: match args.clock.is_empty() {
                true => None,
                false => Some(Clocks::open(roots, board)?),
            },
            rates: &args.clock,
        })
    }

    fn apply(self, out: &mut impl Write) -> Result<()> {
        for (PortWidth { name, bits }, mut port) in self.ports {
            port.set(*bits)?;
            writeln!(out, "port {name}: {} bits", port.width()?)?;
        }
        let Some(mut clocks) = self.clocks else {
            return Ok(());
        };
        for ClockRate { index, megahertz } in self.rates {
            let clock = clocks.set(*index, megahertz * 1e6)?;
            writeln!(out, "clock PL{index}: {}", rate(&clock))?;
        }
        Ok(())
    }
}

/// A clock's rate, for people.
pub(crate) fn rate(clock: &Clock) -> String {
    clock.rate_hz.map_or("at an unknown rate".into(), megahertz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_ports_of_the_command_line() {
        let clock = |text: &str| text.parse::<ClockRate>();
        assert_eq!(
            clock("pl2=250"),
            Ok(ClockRate {
                index: 2,
                megahertz: 250.0
            })
        );
        for wrong in [
            "", "PL2", "PL4=100", "CLK0=100", "PL0=-1", "PL0=nan", "PL0=2000", "PL0=fast",
        ] {
            assert!(clock(wrong).is_err(), "{wrong}");
        }
        let port = |text: &str| text.parse::<PortWidth>();
        assert_eq!(
            port("hp0=128"),
            Ok(PortWidth {
                name: "HP0".into(),
                bits: 128
            })
        );
        for wrong in ["", "HP0", "HP9=64", "HP0=48", "HP0=wide"] {
            assert!(port(wrong).is_err(), "{wrong}");
        }
    }
}
