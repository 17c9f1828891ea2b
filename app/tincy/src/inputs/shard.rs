//! Every N-th input, to spread work over machines.

use std::fmt;
use std::str::FromStr;

/// Part `index` of `count`: the inputs number `index`, `index + count`, ..., from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// The whole.
    pub const WHOLE: Shard = Shard { index: 1, count: 1 };

    /// The items that fall to this part. The parts 1 to N together hold each item once.
    pub fn select<T>(self, items: Vec<T>) -> Vec<T> {
        let own = items.into_iter().skip(self.index - 1);
        own.step_by(self.count).collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let wrong = || format!("`{text}` is not K/N with 1 <= K <= N, as in 2/8");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let index = index.parse().map_err(|_| wrong())?;
        let count = count.parse().map_err(|_| wrong())?;
        if index == 0 || index > count {
            return Err(wrong());
        }
        Ok(Shard { index, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_each_item_once() {
        for count in 1..6 {
            let mut all: Vec<usize> = (1..=count)
                .flat_map(|index| Shard { index, count }.select((0..13).collect()))
                .collect();
            all.sort_unstable();
            assert_eq!(all, (0..13).collect::<Vec<_>>());
        }
        let second = "2/3".parse::<Shard>().unwrap();
        assert_eq!(second.select(vec!['a', 'b', 'c', 'd', 'e']), ['b', 'e']);
    }

    #[test]
    fn wrong_parts_are_refused() {
        for text in ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/2", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
