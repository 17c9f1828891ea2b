//! Faults that are put into an emulated core, one start in so many, by a seeded generator.

/// What goes wrong with one start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The start is not taken.
    LostStart,
    /// The work is done, but `done` is never seen: another program read it.
    LostDone,
    /// The work takes this many reads of the control register.
    LateDone {
        /// Reads.
        reads: u32,
    },
    /// The core works for good.
    Hang,
    /// The output goes to another address.
    WrongAddress {
        /// Bytes behind the right one.
        bytes: u64,
    },
    /// The output stops early.
    WrongLength {
        /// Bytes that are missing at its end, whole words of 8.
        missing: usize,
    },
    /// The device is not there for a while: reads give ones, writes go nowhere.
    Gone {
        /// Reads and writes.
        accesses: u32,
    },
}

/// Faults by chance.
#[derive(Clone, Debug)]
pub struct Faults {
    state: u64,
    /// One start in so many fails; 0 for none.
    one_in: u64,
    script: Vec<Fault>,
}

impl Faults {
    /// None.
    pub fn none() -> Faults {
        Faults {
            state: 0,
            one_in: 0,
            script: Vec::new(),
        }
    }

    /// One start in `one_in` fails, in a way by chance.
    pub fn random(seed: u64, one_in: u64) -> Faults {
        Faults {
            state: seed,
            one_in,
            script: Vec::new(),
        }
    }

    /// These faults, at one start after the other; then none.
    pub fn script(faults: &[Fault]) -> Faults {
        Faults {
            script: faults.iter().rev().copied().collect(),
            ..Faults::none()
        }
    }

    /// What goes wrong with the next start.
    pub(super) fn next(&mut self) -> Option<Fault> {
        if let Some(fault) = self.script.pop() {
            return Some(fault);
        }
        if self.one_in == 0 || self.below(self.one_in) > 0 {
            return None;
        }
        Some(match self.below(7) {
            0 => Fault::LostStart,
            1 => Fault::LostDone,
            2 => Fault::LateDone {
                reads: 1 + self.below(20_000) as u32,
            },
            3 => Fault::Hang,
            4 => Fault::WrongAddress {
                bytes: 8 * (1 + self.below(1 << 8)),
            },
            5 => Fault::WrongLength {
                missing: 8 * (1 + self.below(1 << 7) as usize),
            },
            _ => Fault::Gone {
                accesses: 1 + self.below(200) as u32,
            },
        })
    }

    /// A number below `end`. SplitMix64: Steele, Lea, Flood, OOPSLA 2014.
    fn below(&mut self, end: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_faults_of_every_kind() {
        let draw = |seed| {
            let mut faults = Faults::random(seed, 4);
            (0..2000).map(|_| faults.next()).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let drawn: Vec<Fault> = draw(1).into_iter().flatten().collect();
        assert!((400..600).contains(&drawn.len()), "{}", drawn.len());
        let kinds = drawn.iter().map(std::mem::discriminant);
        assert_eq!(kinds.collect::<std::collections::HashSet<_>>().len(), 7);
    }
}
