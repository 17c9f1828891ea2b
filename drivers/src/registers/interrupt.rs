//! The interrupt of a UIO node: writing 1 enables it, reading gives how many there were.

use crate::{Error, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// How long to ask again and again before sleeping: going to sleep and waking up takes longer.
const SPIN: Duration = Duration::from_micros(50);

/// The node of a UIO device, for its interrupts.
#[derive(Debug)]
pub(crate) struct Interrupt {
    file: File,
    device: String,
    count: Option<u32>,
}

impl Interrupt {
    pub(crate) fn new(file: File, device: &str) -> Interrupt {
        Interrupt {
            file,
            device: device.to_string(),
            count: None,
        }
    }

    /// Enables it once; the kernel disables it when it comes.
    pub(crate) fn arm(&mut self) -> Result<()> {
        let written = self.file.write_all(&1u32.to_ne_bytes());
        written.map_err(|error| self.refused(error))
    }

    /// Waits until one comes; false if none did in time.
    pub(crate) fn wait(&mut self, timeout: Duration) -> Result<bool> {
        let start = Instant::now();
        loop {
            let left = timeout.saturating_sub(start.elapsed());
            let nap = if start.elapsed() < SPIN.min(timeout) {
                Duration::ZERO
            } else {
                left
            };
            if self.readable(nap)? && self.count_moved()? {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Whether there is something to read, within a time that is cut to whole milliseconds.
    fn readable(&self, within: Duration) -> Result<bool> {
        let mut polled = [PollFd::new(self.file.as_fd(), PollFlags::POLLIN)];
        // Rounded up, so that a rest below a millisecond is not asked for a thousand times.
        let milliseconds = within.as_nanos().div_ceil(1_000_000);
        let within = PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX);
        match poll(&mut polled, within) {
            Ok(0) | Err(Errno::EINTR) => Ok(false),
            Ok(_) => match polled[0].revents() {
                Some(events) if events.contains(PollFlags::POLLIN) => Ok(true),
                _ => Err(self.no_interrupt()),
            },
            Err(error) => Err(self.refused(error.into())),
        }
    }

    /// Reads the count, which may have moved by more than one, or not at all since the last time.
    fn count_moved(&mut self) -> Result<bool> {
        let mut count = [0; 4];
        let read = self.file.read_exact(&mut count);
        read.map_err(|error| self.refused(error))?;
        let count = Some(u32::from_ne_bytes(count));
        Ok(std::mem::replace(&mut self.count, count) != count)
    }

    fn refused(&self, source: io::Error) -> Error {
        // What the kernel says where the device tree gives no interrupt, or one without control.
        if [Errno::EIO, Errno::ENOSYS]
            .map(|e| Some(e as i32))
            .contains(&source.raw_os_error())
        {
            return self.no_interrupt();
        }
        Error::Io {
            path: self.device.clone().into(),
            source,
            remedy: "was its driver unbound?".into(),
        }
    }

    fn no_interrupt(&self) -> Error {
        Error::NoInterrupt {
            device: self.device.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    /// A node whose kernel side the test plays.
    fn node() -> (Interrupt, UnixStream) {
        let (ours, kernel) = UnixStream::pair().unwrap();
        (
            Interrupt::new(File::from(OwnedFd::from(ours)), "uio7"),
            kernel,
        )
    }

    #[test]
    fn an_interrupt_is_armed_waited_for_and_counted() {
        let (mut interrupt, mut kernel) = node();
        interrupt.arm().unwrap();
        let mut written = [0; 4];
        kernel.read_exact(&mut written).unwrap();
        assert_eq!(u32::from_ne_bytes(written), 1);
        assert!(!interrupt.wait(Duration::from_millis(2)).unwrap());
        kernel.write_all(&7u32.to_ne_bytes()).unwrap();
        assert!(interrupt.wait(Duration::from_secs(5)).unwrap());
        // The same count again is no interrupt; one that jumped is one.
        kernel.write_all(&7u32.to_ne_bytes()).unwrap();
        assert!(!interrupt.wait(Duration::from_millis(2)).unwrap());
        kernel.write_all(&9u32.to_ne_bytes()).unwrap();
        assert!(interrupt.wait(Duration::ZERO).unwrap());
    }

    #[test]
    fn an_interrupt_that_comes_while_sleeping_wakes() {
        let (mut interrupt, mut kernel) = node();
        let late = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            kernel.write_all(&1u32.to_ne_bytes()).unwrap();
            kernel
        });
        assert!(interrupt.wait(Duration::from_secs(20)).unwrap());
        drop(late.join().unwrap());
    }

    #[test]
    fn a_device_that_went_away_is_an_error_not_an_endless_wait() {
        let (mut interrupt, kernel) = node();
        drop(kernel);
        let error = interrupt
            .wait(Duration::from_secs(5))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("uio7: ") && error.ends_with("was its driver unbound?"),
            "{error}"
        );
    }

    #[test]
    fn no_interrupt_in_the_device_tree() {
        let (interrupt, _kernel) = node();
        let error = interrupt.refused(io::Error::from_raw_os_error(Errno::EIO as i32));
        assert_eq!(
            error.to_string(),
            "uio7: it has no interrupt; give its device-tree node `interrupts`, or poll it"
        );
    }
}
