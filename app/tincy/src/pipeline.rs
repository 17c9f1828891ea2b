//! Items through several workers, out in the order in which they went in.
//!
//! A fixed number of items circulates: the producer fills free ones, workers work on them, the
//! consumer takes them in order and gives them back. So memory is bounded, nothing is lost, and
//! whoever is slow makes the others wait.

use anyhow::{Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::thread::{Builder, Scope};

/// Where a consumer puts items that it is done with.
pub type Free<T> = Sender<T>;

/// Runs until `produce` returns false or `consume` an error. `pool` are the items; each of
/// `workers` gets a thread, the producer another, and the caller's thread consumes.
///
/// # Errors
/// That of the consumer, or if no thread can be started.
pub fn ordered<T: Send, W: FnMut(&mut T) + Send>(
    pool: Vec<T>,
    mut produce: impl FnMut(&mut T) -> bool + Send,
    workers: Vec<W>,
    consume: impl FnMut(T, &Free<T>) -> Result<()>,
) -> Result<()> {
    let (free, free_items) = bounded(pool.len());
    let (todo, todo_items) = bounded(pool.len());
    let (done, done_items) = bounded(pool.len());
    for item in pool {
        free.send(item).map_err(|_| anyhow!("the pool is closed"))?;
    }
    // `free` moves in, so that it ends with the consumer and a waiting producer with it.
    std::thread::scope(move |scope| {
        let free = free;
        spawn(scope, "capture".into(), move || {
            for (number, mut item) in (0u64..).zip(free_items) {
                if !produce(&mut item) || todo.send((number, item)).is_err() {
                    break;
                }
            }
        })?;
        for (index, mut work) in workers.into_iter().enumerate() {
            let (todo_items, done) = (todo_items.clone(), done.clone());
            spawn(scope, format!("infer-{index}"), move || {
                for (number, mut item) in todo_items {
                    work(&mut item);
                    if done.send((number, item)).is_err() {
                        break;
                    }
                }
            })?;
        }
        drop((todo_items, done));
        in_order(done_items, &free, consume)
    })
}

fn spawn<'s>(scope: &'s Scope<'s, '_>, name: String, run: impl FnOnce() + Send + 's) -> Result<()> {
    Builder::new().name(name).spawn_scoped(scope, run)?;
    Ok(())
}

/// Hands items on by number. It owns the receiver and the consumer, so that all that hangs on
/// them ends when it returns.
fn in_order<T>(
    items: Receiver<(u64, T)>,
    free: &Free<T>,
    mut consume: impl FnMut(T, &Free<T>) -> Result<()>,
) -> Result<()> {
    let mut next = 0;
    let mut early = BTreeMap::new();
    for (number, item) in items {
        early.insert(number, item);
        while let Some(item) = early.remove(&next) {
            consume(item, free)?;
            next += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Counts to `count` through `workers` of different pace; what came out.
    fn count(count: u32, workers: usize, stop_at: Option<u32>) -> (Vec<u32>, Result<()>) {
        let mut fed = 0;
        let produce = |item: &mut u32| {
            fed += 1;
            *item = fed;
            fed <= count
        };
        let work = |_| {
            move |item: &mut u32| {
                std::thread::sleep(Duration::from_micros(u64::from(*item % 7) * 30));
                *item += 1000;
            }
        };
        let mut out = Vec::new();
        let result = ordered(
            vec![0; 2 * workers],
            produce,
            (0..workers).map(work).collect(),
            |item, free| {
                out.push(item);
                if stop_at == Some(item) {
                    return Err(anyhow!("stopped"));
                }
                let _ = free.send(item); // closed after the last one
                Ok(())
            },
        );
        (out, result)
    }

    #[test]
    fn nothing_is_lost_and_order_is_kept() {
        for workers in [1, 2, 5] {
            let (out, result) = count(200, workers, None);
            assert_eq!(out, (1001..=1200).collect::<Vec<_>>());
            assert!(result.is_ok());
        }
    }

    #[test]
    fn a_consumer_that_fails_ends_everything() {
        let (out, result) = count(200, 3, Some(1007));
        assert_eq!(out, (1001..=1007).collect::<Vec<_>>());
        assert_eq!(result.unwrap_err().to_string(), "stopped");
    }
}
