//! What was odd in the input: each kind counted, its first place named.

use std::fmt::{self, Display};

/// The odd things met so far, in the order in which they were first met.
#[derive(Clone, Debug, Default)]
pub struct Oddities(Vec<Oddity>);

#[derive(Clone, Debug)]
struct Oddity {
    what: &'static str,
    first: String,
    count: usize,
}

impl Oddities {
    /// Counts one more of a kind, met at `place`.
    pub fn note(&mut self, what: &'static str, place: impl Display) {
        match self.0.iter_mut().find(|oddity| oddity.what == what) {
            Some(oddity) => oddity.count += 1,
            None => self.0.push(Oddity {
                what,
                first: place.to_string(),
                count: 1,
            }),
        }
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A line for each kind.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(Oddity::to_string)
    }
}

impl Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Oddity { what, first, count } = self;
        match count {
            1 => write!(f, "{what}: {first}"),
            _ => write!(f, "{what}: {first} and {} more", count - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_one_line() {
        let mut oddities = Oddities::default();
        oddities.note("no picture", "a.xml");
        oddities.note("box without area", "b.xml");
        oddities.note("no picture", "c.xml");
        let lines: Vec<_> = oddities.lines().collect();
        assert_eq!(
            lines,
            ["no picture: a.xml and 1 more", "box without area: b.xml"]
        );
    }
}
