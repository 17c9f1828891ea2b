//! The place for one frame between a source that does not wait and those that work: the newest wins.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A place for one item. Items that are taken are numbered, so that they can be put in order again.
#[derive(Debug)]
pub struct Mailbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    item: Option<T>,
    taken: u64,
    closed: bool,
}

impl<T> Default for Mailbox<T> {
    fn default() -> Mailbox<T> {
        Mailbox {
            state: Mutex::new(State {
                item: None,
                taken: 0,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }
}

impl<T> Mailbox<T> {
    /// Puts an item in; the one that it displaces comes back, after `inherit` has given the new one
    /// (first) what it needs of the old one.
    pub fn put(&self, mut item: T, inherit: impl FnOnce(&mut T, &mut T)) -> Option<T> {
        let mut state = self.lock();
        if let Some(old) = &mut state.item {
            inherit(&mut item, old);
        }
        let displaced = state.item.replace(item);
        drop(state);
        self.changed.notify_one();
        displaced
    }

    /// Takes the item out, and its number among those taken, from 0. Waits until there is one;
    /// `None` once the mailbox is closed and empty.
    pub fn take(&self) -> Option<(u64, T)> {
        let idle = |state: &mut State<T>| state.item.is_none() && !state.closed;
        let state = self.changed.wait_while(self.lock(), idle);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        let item = state.item.take()?;
        let number = state.taken;
        state.taken += 1;
        Some((number, item))
    }

    /// Nothing more comes.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// An item or none is there whatever thread has crashed.
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn the_newest_wins_and_the_last_one_is_not_lost() {
        let mailbox = Mailbox::default();
        let add = |new: &mut i32, old: &mut i32| *new += 10 * *old;
        assert_eq!(mailbox.put(1, add), None);
        assert_eq!(mailbox.put(2, add), Some(1));
        assert_eq!(mailbox.take(), Some((0, 12)));
        mailbox.put(3, add);
        mailbox.close();
        assert_eq!(mailbox.take(), Some((1, 3)));
        assert_eq!(mailbox.take(), None);
    }

    #[test]
    fn each_item_is_taken_or_displaced_once_and_in_order() {
        const COUNT: u32 = 2000;
        let mailbox = Mailbox::default();
        let (mut displaced, mut taken) = (Vec::new(), Vec::new());
        thread::scope(|scope| {
            let takers: Vec<_> = (0..3)
                .map(|_| scope.spawn(|| std::iter::from_fn(|| mailbox.take()).collect::<Vec<_>>()))
                .collect();
            for item in 0..COUNT {
                displaced.extend(mailbox.put(item, |_, _| {}));
                if item % 7 == 0 {
                    thread::sleep(Duration::from_micros(20));
                }
            }
            mailbox.close();
            taken = takers
                .into_iter()
                .flat_map(|taker| taker.join().unwrap())
                .collect();
        });
        taken.sort_unstable();
        assert!(taken.is_sorted_by(|a, b| a.0 + 1 == b.0 && a.1 < b.1));
        let mut all: Vec<_> = taken.iter().map(|item| item.1).chain(displaced).collect();
        all.sort_unstable();
        assert_eq!(all, (0..COUNT).collect::<Vec<_>>());
        assert_eq!(taken.last().map(|item| item.1), Some(COUNT - 1));
    }
}
