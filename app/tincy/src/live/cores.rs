//! Which thread runs on which core: `--pin`.

use crate::outcome::Usage;
use anyhow::{Context, Result};
use serde::Serialize;
use std::str::FromStr;
use tincy_drivers::cores;

/// Cores as `0,2-3`; `all`, as none, for all that this process may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cores(Vec<usize>);

/// The highest number that the kernel's sets hold.
const MAX_CORE: usize = 1023;

impl FromStr for Cores {
    type Err = String;

    fn from_str(text: &str) -> Result<Cores, String> {
        let wrong = || format!("cores from 0 to {MAX_CORE} are expected, as in 0,2-3");
        let number = |text: &str| {
            let core = text.trim().parse::<usize>().ok();
            core.filter(|core| *core <= MAX_CORE).ok_or_else(wrong)
        };
        let mut cores = Vec::new();
        if text == "all" {
            return Ok(Cores(cores));
        }
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let range = number(first)?..=number(last)?;
            if range.is_empty() {
                return Err(wrong());
            }
            cores.extend(range);
        }
        Ok(Cores(cores))
    }
}

/// A thread and its cores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pinned {
    /// The thread's name.
    pub thread: String,
    /// Numbers of its cores.
    pub cores: Vec<usize>,
}

/// The cores of each thread; without any, threads run where the kernel puts them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    threads: Vec<Pinned>,
    /// All cores that are used.
    all: Vec<usize>,
}

impl Plan {
    /// Lets this thread, and so all that it starts, run on the given cores only, or on all that it may
    /// use; returns them.
    ///
    /// # Errors
    /// [`Usage`] if one is not there.
    pub fn enter(wanted: &Cores) -> Result<Vec<usize>> {
        let allowed = cores::allowed().context("--pin")?;
        if wanted.0.is_empty() {
            return Ok(allowed);
        }
        if let Some(core) = wanted.0.iter().find(|core| !allowed.contains(core)) {
            let allowed: Vec<_> = allowed.iter().map(usize::to_string).collect();
            let allowed = allowed.join(",");
            let what = format!("--pin: core {core} is not there; this process may use {allowed}");
            return Err(Usage(what).into());
        }
        cores::pin(&wanted.0).context("--pin")?;
        Ok(wanted.0.clone())
    }

    /// Threads by their names, each with how many cores it wants, take the cores in turn.
    pub fn in_turn(cores: &[usize], threads: impl IntoIterator<Item = (String, usize)>) -> Plan {
        let mut turn = cores.iter().copied().cycle();
        let pinned = |(thread, count): (String, usize)| Pinned {
            thread,
            cores: turn.by_ref().take(count.min(cores.len())).collect(),
        };
        Plan {
            threads: threads.into_iter().map(pinned).collect(),
            all: cores.to_vec(),
        }
    }

    /// Does something for a thread of this name, so that threads that it starts are on its cores.
    pub fn with<T>(&self, thread: &str, work: impl FnOnce() -> T) -> T {
        self.pin(thread);
        let result = work();
        if !self.all.is_empty() {
            put(thread, &self.all);
        }
        result
    }

    /// The threads with their cores.
    pub fn threads(&self) -> &[Pinned] {
        &self.threads
    }

    /// Puts the calling thread on the cores of the thread of this name, if it has some.
    pub fn pin(&self, thread: &str) {
        let Some(own) = self.threads.iter().find(|one| one.thread == thread) else {
            return;
        };
        put(thread, &own.cores);
    }
}

/// Puts the calling thread on these cores; one that goes offline meanwhile is no reason to end.
fn put(thread: &str, cores: &[usize]) {
    if let Err(error) = cores::pin(cores) {
        log::warn!("--pin: {thread} to core {cores:?}: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_and_ranges_are_read() {
        let read = |text: &str| text.parse::<Cores>().map(|cores| cores.0);
        assert_eq!(read("0,2-3"), Ok(vec![0, 2, 3]));
        assert_eq!(read("5"), Ok(vec![5]));
        for wrong in ["", "3-2", "a", "1,", "-1", "1-", "4096"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn threads_take_cores_in_turn() {
        let threads = [
            ("capture", 1),
            ("infer-0", 2),
            ("infer-1", 2),
            ("output", 1),
        ];
        let threads = threads.map(|(name, count)| (name.to_string(), count));
        let cores = |plan: &Plan| -> Vec<Vec<usize>> {
            plan.threads().iter().map(|one| one.cores.clone()).collect()
        };
        let plan = Plan::in_turn(&[0, 2, 3], threads.clone());
        assert_eq!(cores(&plan), [vec![0], vec![2, 3], vec![0, 2], vec![3]]);
        let plan = Plan::in_turn(&[7], threads);
        assert_eq!(cores(&plan), [vec![7], vec![7], vec![7], vec![7]]);
    }

    #[test]
    fn a_core_that_is_not_there_is_one_line() {
        let error = Plan::enter(&Cores(vec![1023])).unwrap_err().to_string();
        let start = "--pin: core 1023 is not there; this process may use ";
        assert!(error.starts_with(start), "{error}");
    }
}
