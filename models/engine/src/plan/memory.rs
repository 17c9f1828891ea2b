//! Which maps share memory: those that are never alive at the same time.

use std::ops::RangeInclusive;

/// A map that needs memory.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// Steps from the one that writes it to the last one that reads it.
    pub(super) steps: RangeInclusive<usize>,
    pub(super) bytes: usize,
}

/// The slot of each map, and the bytes of each slot.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Layout {
    pub(super) slots: Vec<usize>,
    pub(super) bytes: Vec<usize>,
}

/// Assigns slots in order of the steps that write the maps: the smallest free slot that is large
/// enough, else the largest free one, which grows, else a new one.
pub(super) fn assign(lives: &[Life]) -> Layout {
    let mut order: Vec<usize> = (0..lives.len()).collect();
    order.sort_by_key(|map| *lives[*map].steps.start());
    let mut layout = Layout {
        slots: vec![0; lives.len()],
        bytes: Vec::new(),
    };
    let mut busy_until: Vec<usize> = Vec::new();
    for map in order {
        let Life { steps, bytes } = &lives[map];
        let free = || (0..busy_until.len()).filter(|slot| busy_until[*slot] < *steps.start());
        let slot = free()
            .filter(|slot| layout.bytes[*slot] >= *bytes)
            .min_by_key(|slot| layout.bytes[*slot])
            .or_else(|| free().max_by_key(|slot| layout.bytes[*slot]))
            .unwrap_or(busy_until.len());
        if slot == busy_until.len() {
            busy_until.push(0);
            layout.bytes.push(0);
        }
        busy_until[slot] = *steps.end();
        layout.bytes[slot] = layout.bytes[slot].max(*bytes);
        layout.slots[map] = slot;
    }
    layout
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn life(first: usize, last: usize, bytes: usize) -> Life {
        Life {
            steps: first..=last,
            bytes,
        }
    }

    #[test]
    fn a_chain_needs_two_slots() {
        let lives = [
            life(0, 1, 80),
            life(1, 2, 40),
            life(2, 3, 60),
            life(3, 4, 30),
        ];
        let layout = assign(&lives);
        assert_eq!(layout.slots, [0, 1, 0, 1]);
        assert_eq!(layout.bytes, [80, 40]);
    }

    proptest! {
        #[test]
        fn maps_that_live_together_lie_apart(
            lives in prop::collection::vec((0usize..20, 0usize..6, 1usize..100), 1..30)
        ) {
            let lives: Vec<Life> = lives.iter().map(|(a, n, b)| life(*a, a + n, *b)).collect();
            let layout = assign(&lives);
            for (i, a) in lives.iter().enumerate() {
                prop_assert!(layout.bytes[layout.slots[i]] >= a.bytes);
                for (j, b) in lives.iter().enumerate().skip(i + 1) {
                    let together = a.steps.start() <= b.steps.end() && b.steps.start() <= a.steps.end();
                    prop_assert!(!together || layout.slots[i] != layout.slots[j]);
                }
            }
        }
    }
}
