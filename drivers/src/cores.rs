//! Which CPU cores a thread may run on: sched_setaffinity(2).

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{Error, ErrorKind, Result};

/// Cores that the calling thread may run on, in order: those of the machine that are on, less what a
/// container or `taskset` leaves out.
///
/// # Errors
/// What the system says.
pub fn allowed() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    let is_set = |core: &usize| set.is_set(*core).unwrap_or(false);
    Ok((0..CpuSet::count()).filter(is_set).collect())
}

/// Lets the calling thread, and those that it starts from now on, run on these cores only.
///
/// # Errors
/// If none of them is there, or the system refuses.
pub fn pin(cores: &[usize]) -> Result<()> {
    let mut set = CpuSet::new();
    for core in cores {
        let beyond = |_| Error::new(ErrorKind::InvalidInput, format!("there is no core {core}"));
        set.set(*core).map_err(beyond)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_and_its_children_stay_where_they_are_put() {
        let before = allowed().unwrap();
        assert!(!before.is_empty());
        let last = *before.last().unwrap();
        let pinned = std::thread::spawn(move || {
            pin(&[last]).unwrap();
            let child = std::thread::spawn(|| allowed().unwrap());
            (allowed().unwrap(), child.join().unwrap())
        });
        assert_eq!(pinned.join().unwrap(), (vec![last], vec![last]));
        assert_eq!(allowed().unwrap(), before, "others are where they were");
        let beyond = pin(&[1 << 20]).unwrap_err().to_string();
        assert_eq!(beyond, "there is no core 1048576");
        assert!(pin(&[]).is_err());
    }
}
