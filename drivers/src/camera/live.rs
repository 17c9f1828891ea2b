//! A camera that survives time-outs, damage and being unplugged.
//!
//! | what happens | what is done |
//! | --- | --- |
//! | a frame is short, damaged or no JPEG | it is put back and counted |
//! | no frame in time, or a call fails (EIO: loss of signal) | the stream is started anew, twice at most until a frame comes |
//! | the same again, or the device is gone (ENODEV) | the node is closed and the camera looked for |
//!
//! It is looked for by driver, name and bus, since nodes change their numbers, and by driver and name
//! where only one is alike: it may have been plugged in elsewhere. That one must be alone at two tries in
//! a row, as of two cameras behind a hub that comes back one appears before the other. Pauses between
//! tries double, from a tenth of a second to five, until a frame has come.

use super::choice::Request;
use super::counts::Counts;
use super::format::{Format, Interval};
use super::kernel::{Identity, Node, System};
use super::stream::{Stream, Taken};
use super::video4linux::{Device, Video4Linux};
use super::{listing, setup};
use crate::{Error, Result};
use nix::errno::Errno;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A camera that gives frames until it is told to stop.
#[derive(Debug)]
pub struct Camera<S: System = Video4Linux> {
    system: S,
    request: Request,
    path: PathBuf,
    identity: Identity,
    format: Format,
    interval: Option<Interval>,
    /// Absent while the camera is.
    stream: Option<Stream<S::Node>>,
    /// Number of the first frame after the camera has come back.
    sequence: u64,
    counts: Counts,
    /// Failures since the last frame.
    failures: u32,
    /// When the stream was started or gave its last frame.
    alive: Duration,
    /// When the last frame came, or the camera was opened.
    seen: Duration,
    /// Before the next try to open it.
    pause: Duration,
    /// The only one like it, at the last try.
    alike: Option<PathBuf>,
}

/// Waits are cut into these, so that a wish to stop is heard.
const SLICE: Duration = Duration::from_millis(100);

/// Times that a stream is started anew before the camera is given up and opened again.
const RESTARTS: u32 = 2;

/// Before the first try to open a camera again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Between two tries at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Camera {
    /// Opens a camera of this machine, sets its mode and starts it.
    ///
    /// # Errors
    /// If there is no such camera, it cannot be used or the system refuses.
    pub fn open(request: &Request) -> Result<Camera> {
        Camera::open_on(Video4Linux::default(), request)
    }
}

impl<S: System> Camera<S> {
    /// The same where device nodes are somewhere else, or fake.
    ///
    /// # Errors
    /// As [`open`](Camera::open).
    pub fn open_on(system: S, request: &Request) -> Result<Camera<S>> {
        let (path, node, identity) = listing::find(&system, request)?;
        let set = setup::set(&path, node, request)?;
        let (format, interval) = (set.format, set.interval);
        let now = system.now();
        Ok(Camera {
            stream: Some(set.start(&system, &path, request, 0)?),
            system,
            request: request.clone(),
            path,
            identity,
            format,
            interval,
            sequence: 0,
            counts: Counts::default(),
            failures: 0,
            alive: now,
            seen: now,
            pause: FIRST_PAUSE,
            alike: None,
        })
    }

    /// The newest frame: waits until there is one, however long that takes and whatever happens to
    /// the camera meanwhile. `None` once `stop` says so, which is asked every tenth of a second.
    ///
    /// # Errors
    /// If the camera was lost for longer than [`Request::patience`].
    pub fn next(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Captured<'_, S::Node>>> {
        let Some(taken) = self.newest(stop)? else {
            return Ok(None);
        };
        let time = taken.filled.time.unwrap_or(self.seen);
        let stream = self.stream.as_mut();
        Ok(stream.map(|stream| Captured {
            stream,
            taken,
            time,
        }))
    }

    fn newest(&mut self, stop: &dyn Fn() -> bool) -> Result<Option<Taken>> {
        while !stop() {
            let Some(stream) = &mut self.stream else {
                self.come_back(stop)?;
                continue;
            };
            match stream.newest(SLICE, &mut self.counts) {
                Ok(Some(taken)) => {
                    self.counts.delivered += 1;
                    self.failures = 0;
                    self.pause = FIRST_PAUSE;
                    self.alive = self.system.now();
                    self.seen = self.alive;
                    return Ok(Some(taken));
                }
                Ok(None) if self.system.now() - self.alive < self.request.timeout => {}
                Ok(None) => {
                    self.counts.timeouts += 1;
                    self.fail(io::ErrorKind::TimedOut.into());
                }
                Err(error) if is_gone(&error) => self.lose(&error),
                Err(error) => {
                    self.counts.errors += 1;
                    self.fail(error);
                }
            }
        }
        Ok(None)
    }

    /// Starts the stream anew, or gives it up.
    fn fail(&mut self, error: io::Error) {
        let Some(stream) = &mut self.stream else {
            return;
        };
        log::debug!("{}: {error}", self.path.display());
        self.failures += 1;
        if self.failures > RESTARTS {
            return self.lose(&error);
        }
        self.counts.restarts += 1;
        match stream.restart() {
            Ok(()) => self.alive = self.system.now(),
            Err(error) => self.lose(&error),
        }
    }

    fn lose(&mut self, error: &io::Error) {
        if let Some(stream) = self.stream.take() {
            self.sequence = stream.sequence();
            self.counts.losses += 1;
            let (path, card) = (self.path.display(), &self.identity.card);
            log::warn!("{path}: {card} is lost ({error}); looking for it");
        }
    }

    /// Tries once to open it again, after a pause.
    fn come_back(&mut self, stop: &dyn Fn() -> bool) -> Result<()> {
        let until = self.system.now() + self.pause;
        self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        while self.system.now() < until {
            if stop() {
                return Ok(());
            }
            self.system.pause(SLICE.min(until - self.system.now()));
        }
        let error = match self.open_again() {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        log::debug!("{error}");
        match self.request.patience {
            Some(patience) if self.system.now() - self.seen >= patience => Err(error),
            _ => Ok(()),
        }
    }

    fn open_again(&mut self) -> Result<()> {
        let (path, node) = self.find_again()?;
        let set = setup::set(&path, node, &self.request)?;
        (self.format, self.interval) = (set.format, set.interval);
        self.stream = Some(set.start(&self.system, &path, &self.request, self.sequence)?);
        self.counts.returns += 1;
        self.failures = 0;
        self.alive = self.system.now();
        let card = &self.identity.card;
        log::info!("{}: {card} is back", path.display());
        self.path = path;
        Ok(())
    }

    /// The same camera at its place, or the only one like it.
    fn find_again(&mut self) -> Result<(PathBuf, S::Node)> {
        let before = self.alike.take();
        let mut paths = listing::nodes(&self.system)?;
        // A name that was given, a link perhaps, before those of the kernel.
        paths.retain(|path| *path != self.path);
        paths.insert(0, self.path.clone());
        let mut alike = Vec::new();
        let mut problem = None;
        for path in paths {
            match listing::open(&self.system, &path) {
                Ok((_, identity)) if listing::usable(&path, &identity).is_err() => {}
                Ok((node, identity)) if identity.is_same(&self.identity) => {
                    return Ok((path, node));
                }
                Ok((node, identity)) if identity.is_alike(&self.identity) => {
                    alike.push((path, node));
                }
                Ok(_) => {}
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        let only = alike.pop().filter(|_| alike.is_empty());
        self.alike = only.as_ref().map(|(path, _)| path.clone());
        match only {
            Some(only) if before.as_ref() == Some(&only.0) => Ok(only),
            _ => Err(problem.unwrap_or_else(|| Error::Camera {
                device: self.path.display().to_string(),
                what: format!("{} is gone", self.identity.card),
                remedy: "plug it in again".into(),
            })),
        }
    }

    /// What it gives; after it has come back that may be something else.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The frame interval that the driver says it keeps, if it says one. In the dark many cameras
    /// take longer.
    pub fn interval(&self) -> Option<Interval> {
        self.interval
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Its device node.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What happened to frames so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The time now, by the clock of [`Captured::time`].
    pub fn now(&self) -> Duration {
        self.system.now()
    }
}

/// Whether the device is no longer there.
pub(super) fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::ENODEV, Errno::ENXIO, Errno::EBADF];
    let code = error.raw_os_error().map(Errno::from_raw);
    code.is_some_and(|code| gone.contains(&code))
}

/// A frame in the driver's memory. Its buffer goes back when this is dropped.
#[derive(Debug)]
pub struct Captured<'a, N: Node = Device> {
    stream: &'a mut Stream<N>,
    taken: Taken,
    time: Duration,
}

impl<N: Node> Captured<'_, N> {
    /// The frame's bytes in its first plane of memory, for most formats the only one:
    /// [`Format::least_bytes`] at least, and as many as the driver says.
    pub fn bytes(&self) -> &[u8] {
        self.plane(0)
    }

    /// The same for any plane; none where there is no such plane.
    pub fn plane(&self, plane: usize) -> &[u8] {
        self.stream.bytes(&self.taken, plane)
    }

    /// Copies the frame. Planes that lie apart are joined, all rows [`Format::stride`] apart, so that
    /// NV12M becomes NV12.
    pub fn copy_to(&self, bytes: &mut Vec<u8>) {
        bytes.clear();
        match self.format().fourcc.planes() {
            1 => bytes.extend_from_slice(self.bytes()),
            planes => (0..planes)
                .for_each(|plane| self.format().append_plane(plane, self.plane(plane), bytes)),
        }
    }

    /// How to read them.
    pub fn format(&self) -> &Format {
        self.stream.format()
    }

    /// When it was captured, by CLOCK_MONOTONIC: from the driver, or when it was taken out where that
    /// does not say.
    pub fn time(&self) -> Duration {
        self.time
    }

    /// Its number, from 0 at the opening; numbers of lost and dropped frames are left out, and it
    /// goes on after the camera was lost.
    pub fn sequence(&self) -> u64 {
        self.taken.sequence
    }
}

impl<N: Node> Drop for Captured<'_, N> {
    fn drop(&mut self) {
        self.stream.put_back(&self.taken);
    }
}
