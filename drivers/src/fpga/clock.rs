//! The clocks of the logic, pl_clk0 to pl_clk3: a PLL over two divisors.
//!
//! Loading a bitstream does not set them: a design made for 250 MHz runs at whatever the boot
//! loader chose. No kernel driver of mainline sets them either.

use super::system::Block;
use crate::board::Board;
use crate::{Error, Result, Roots};

/// Clocks that there are.
pub const CLOCKS: usize = 4;

/// The boards' reference of the PLLs.
const REFERENCE_HZ: f64 = 33_333_333.0;

/// The largest divisor.
const MOST: u32 = 63;

/// How far below the wanted rate the set one may be.
const TOLERANCE: f64 = 0.05;

/// Rates in tables are rounded: 249.9998 MHz is called 250. So much above the wanted is the same.
const SAME: f64 = 1.0005;

/// A clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clock {
    /// Whether it is on.
    pub on: bool,
    /// What it is made of.
    pub source: Source,
    /// Its rate in Hz; none where the source's is not known.
    pub rate_hz: Option<f64>,
}

/// A PLL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The PLL of the peripherals.
    Io,
    /// The PLL of the real-time CPUs.
    Realtime,
    /// The PLL of the memory, whose rate is not looked at.
    Memory,
    /// A number without a meaning.
    Unknown,
}

impl Source {
    fn of(code: u32) -> Source {
        match code {
            0 => Source::Io,
            2 => Source::Realtime,
            3 => Source::Memory,
            _ => Source::Unknown,
        }
    }

    fn code(self) -> u32 {
        match self {
            Source::Io | Source::Unknown => 0,
            Source::Realtime => 2,
            Source::Memory => 3,
        }
    }

    /// The register of its PLL, if it is one that is looked at.
    fn register(self) -> Option<&'static str> {
        match self {
            Source::Io => Some("IOPLL_CTRL"),
            Source::Realtime => Some("RPLL_CTRL"),
            Source::Memory | Source::Unknown => None,
        }
    }
}

/// The clocks of the logic.
#[derive(Debug)]
pub struct Clocks {
    block: Block,
}

/// The clocks that are on.
///
/// # Errors
/// As [`Clocks::open`].
pub fn on(roots: &Roots, board: &Board) -> Result<Vec<(usize, Clock)>> {
    let mut clocks = Clocks::open(roots, board)?;
    let mut all = Vec::new();
    for index in 0..CLOCKS {
        let clock = clocks.read(index)?;
        all.extend(clock.on.then_some((index, clock)));
    }
    Ok(all)
}

impl Clocks {
    /// Maps their registers.
    ///
    /// # Errors
    /// If the board is of another kind, or the system refuses.
    pub fn open(roots: &Roots, board: &Board) -> Result<Clocks> {
        let block = Block::open(roots, board, "CRL_APB", 0)?;
        Ok(Clocks { block })
    }

    /// Reads a clock.
    ///
    /// # Errors
    /// If there is no such clock.
    pub fn read(&mut self, index: usize) -> Result<Clock> {
        let register = register(index)?;
        let mut field = |name: &str| self.block.get(&register, name);
        let source = Source::of(field("source")?);
        // A divisor of 0 divides by 1.
        let divisor = field("divisor0")?.max(1) * field("divisor1")?.max(1);
        let on = field("active")? == 1;
        let source_hz = self.source_hz(source)?;
        Ok(Clock {
            on,
            source,
            rate_hz: source_hz.map(|hz| hz / f64::from(divisor)),
        })
    }

    /// Switches a clock on, at the fastest rate that is not above the wanted one, and gives it as it
    /// is then.
    ///
    /// # Errors
    /// If there is no such clock, no such rate, or it does not keep it.
    pub fn set(&mut self, index: usize, hz: f64) -> Result<Clock> {
        let register = register(index)?;
        let before = self.read(index)?.source;
        let mut choices = Vec::new();
        for source in [before, Source::Io, Source::Realtime] {
            if let Some(source_hz) = self.source_hz(source)? {
                choices.extend(divisors(source_hz, hz).map(|found| (source, found)));
            }
        }
        // The first of equal ones: the source that it has.
        let rate = |choice: &(Source, Divided)| choice.1.rate_hz;
        let best = choices.iter().copied().reduce(|best, other| {
            if rate(&other) > rate(&best) {
                other
            } else {
                best
            }
        });
        let close = best.filter(|best| rate(best) >= hz * (1.0 - TOLERANCE));
        let Some((source, Divided { by, .. })) = close else {
            let nearest = best.map_or("none".into(), |best| megahertz(rate(&best)));
            return Err(Error::Logic {
                what: format!(
                    "{} cannot be had, the next below it is {nearest}",
                    megahertz(hz)
                ),
                remedy: "ask for that, or set the PLLs in the boot loader".into(),
            });
        };
        let fields = [
            ("source", source.code()),
            ("divisor0", by[0]),
            ("divisor1", by[1]),
            ("active", 1),
        ];
        self.block.set(&register, &fields)?;
        self.read(index)
    }

    fn source_hz(&mut self, source: Source) -> Result<Option<f64>> {
        let Some(register) = source.register() else {
            return Ok(None);
        };
        let mut field = |name: &str| self.block.get(register, name);
        if field("reset")? == 1 {
            return Ok(None);
        }
        if field("bypass")? == 1 {
            return Ok(Some(REFERENCE_HZ));
        }
        let half = if field("half")? == 1 { 2.0 } else { 1.0 };
        Ok(Some(REFERENCE_HZ * f64::from(field("multiplier")?) / half))
    }
}

fn register(index: usize) -> Result<String> {
    match index < CLOCKS {
        true => Ok(format!("PL{index}_REF_CTRL")),
        false => Err(Error::Logic {
            what: format!("there is no clock PL{index} of the logic"),
            remedy: "choose PL0 to PL3".into(),
        }),
    }
}

/// A source, divided.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Divided {
    by: [u32; 2],
    rate_hz: f64,
}

/// The fastest rate of a source that is not above the wanted one.
fn divisors(source_hz: f64, wanted_hz: f64) -> Option<Divided> {
    let pairs = (1..=MOST).flat_map(|one| (one..=MOST).map(move |two| [two, one]));
    let rates = pairs.map(|by| Divided {
        by,
        rate_hz: source_hz / f64::from(by[0] * by[1]),
    });
    let slow_enough = rates.filter(|divided| divided.rate_hz <= wanted_hz * SAME);
    slow_enough.reduce(|best, other| {
        if other.rate_hz > best.rate_hz {
            other
        } else {
            best
        }
    })
}

/// A rate for people, to the kilohertz.
pub fn megahertz(hz: f64) -> String {
    let text = format!("{:.3}", hz / 1e6);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} MHz")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_rate_that_is_not_above() {
        let found = |source: f64, wanted: f64| {
            let divided = divisors(source * 1e6, wanted * 1e6).unwrap();
            (divided.by, divided.rate_hz / 1e6)
        };
        // As the published design for the Ultra96 has it: 1,500 MHz / 6 / 1.
        assert_eq!(found(1500.0, 250.0), ([6, 1], 250.0));
        assert_eq!(found(1500.0, 100.0), ([15, 1], 100.0));
        assert_eq!(found(1500.0, 299.0), ([6, 1], 250.0));
        assert_eq!(found(1500.0, 1.0), ([60, 25], 1.0));
        // A source that is a little off is meant all the same.
        assert_eq!(found(1499.9985, 249.5).0, [7, 1]);
        assert_eq!(found(1500.1, 250.0).0, [6, 1]);
        assert!(divisors(1500e6, 1e5).is_none());
    }

    #[test]
    fn rates_for_people() {
        assert_eq!(megahertz(250e6), "250 MHz");
        assert_eq!(megahertz(249_999_997.5), "250 MHz");
        assert_eq!(megahertz(187.5e6), "187.5 MHz");
    }
}
