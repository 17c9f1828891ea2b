//! A fake system of cameras, for tests: there is no camera and no kernel in it.
//!
//! It keeps the rules that the kernel keeps (a buffer is queued once, only queued ones are filled,
//! memory of a queued one is not the program's, a format cannot change while it streams), and follows
//! a script of frames and faults. Time is its own: it passes by waiting only.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;
use tincy_drivers::camera::format::{Intervals, Sizes};
use tincy_drivers::camera::kernel::{Filled, Identity, Node, Part, System};
use tincy_drivers::camera::{Format, FourCc, Interval};
use tincy_drivers::memory::heap::Heap;
use tincy_drivers::{Result, Roots};

pub const EIO: i32 = 5;
pub const ENOMEM: i32 = 12;
pub const EFAULT: i32 = 14;
pub const ENXIO: i32 = 6;
pub const EACCES: i32 = 13;
pub const EBUSY: i32 = 16;
pub const ENODEV: i32 = 19;
pub const EINVAL: i32 = 22;
pub const ENOTTY: i32 = 25;

const CAPTURE: u32 = 0x1;
const CAPTURE_PLANES: u32 = 0x1000;
const META: u32 = 0x0080_0000;
const STREAMING: u32 = 0x0400_0000;

/// What happens next, from a wait to the next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Frames that are all there when the wait ends.
    Frames(Vec<Shot>),
    /// Nothing, for so long.
    Silence(Duration),
    /// Taking a buffer out fails with this number.
    Fail(i32),
    /// The camera is unplugged, and plugged in again after a while: as this node, at this bus.
    Unplug(Duration, &'static str, &'static str),
    /// The next queueing fails with this number.
    FailQueue(i32),
}

/// A frame.
#[derive(Clone, Debug)]
pub struct Shot {
    pub sequence: u32,
    pub bytes: Vec<u8>,
    /// Its second plane of memory.
    pub chroma: Vec<u8>,
    /// Where it begins in each plane.
    pub offset: u32,
    /// Where the driver says that its first plane ends, if not where it does.
    pub used: Option<u32>,
    pub damaged: bool,
    /// Whether the driver gives its time.
    pub timed: bool,
}

impl Shot {
    /// A whole frame of a fake's first mode, all bytes alike.
    pub fn whole(sequence: u32) -> Shot {
        Shot {
            sequence,
            bytes: vec![sequence as u8; 16 * 8 * 2],
            chroma: Vec::new(),
            offset: 0,
            used: None,
            damaged: false,
            timed: true,
        }
    }
}

/// A fake camera.
#[derive(Clone, Debug)]
pub struct Fake {
    pub path: PathBuf,
    pub identity: Identity,
    pub formats: Vec<(FourCc, Vec<[u32; 2]>, Vec<u32>)>,
    /// What setting a format gives, whatever is asked for.
    pub gives: Option<Format>,
    /// What setting a rate fails with.
    pub rate_fails: Option<i32>,
    /// What opening fails with.
    pub open_fails: Option<i32>,
    /// What a stream on buffers of a heap fails with.
    pub import_fails: Option<i32>,
    /// Whether it lists no sizes; this one is set.
    pub sizes_unlisted: Option<[u32; 2]>,
    pub present: bool,
    streaming: bool,
}

impl Fake {
    pub fn new(path: &str, card: &str, bus: &str) -> Fake {
        Fake {
            path: path.into(),
            identity: Identity {
                driver: "uvcvideo".into(),
                card: card.into(),
                bus: bus.into(),
                capabilities: CAPTURE | STREAMING,
            },
            formats: vec![(FourCc::YUYV, vec![[16, 8]], vec![30, 15])],
            gives: None,
            rate_fails: None,
            open_fails: None,
            import_fails: None,
            sizes_unlisted: None,
            present: true,
            streaming: false,
        }
    }

    /// A camera's second node.
    pub fn metadata(mut self) -> Fake {
        self.identity.capabilities = META | STREAMING;
        self
    }

    pub fn multi_planar(mut self) -> Fake {
        self.identity.capabilities = CAPTURE_PLANES | STREAMING;
        self
    }
}

/// What a fake does by itself.
pub fn format(fourcc: FourCc, [width, height]: [u32; 2]) -> Format {
    Format {
        fourcc,
        width,
        height,
        stride: fourcc.row_bytes(width).unwrap_or(0) as u32,
        planes: fourcc.planes() as u32,
        chroma_stride: 0,
        field: 1,
        bt709: false,
        full_range: false,
    }
}

#[derive(Debug, Default)]
pub struct World {
    pub fakes: Vec<Fake>,
    pub script: VecDeque<Step>,
    pub time: Duration,
    /// Unplugged cameras: when they are back.
    returns: Option<(Duration, usize)>,
    pub fail_queue: Option<i32>,
    /// Calls that were made, in words.
    pub log: Vec<String>,
    pub limit: u32,
    /// Frames that were taken out.
    pub taken: u64,
}

/// The world of fake cameras.
#[derive(Clone, Debug)]
pub struct FakeSystem(pub Rc<RefCell<World>>);

impl FakeSystem {
    pub fn new(fakes: Vec<Fake>, script: Vec<Step>) -> FakeSystem {
        FakeSystem(Rc::new(RefCell::new(World {
            fakes,
            script: script.into(),
            time: Duration::from_secs(1000),
            limit: 4,
            ..World::default()
        })))
    }

    /// Whether the script is at its end.
    pub fn is_over(&self) -> bool {
        self.0.borrow().script.is_empty()
    }

    pub fn passed(&self) -> Duration {
        self.0.borrow().time - Duration::from_secs(1000)
    }

    pub fn log(&self) -> Vec<String> {
        self.0.borrow().log.clone()
    }
}

impl World {
    fn pass(&mut self, time: Duration) {
        self.time += time;
        if let Some((when, index)) = self.returns
            && self.time >= when
        {
            self.fakes[index].present = true;
            self.returns = None;
        }
    }
}

fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

impl System for FakeSystem {
    type Node = FakeNode;

    fn nodes(&self) -> io::Result<Vec<PathBuf>> {
        let world = self.0.borrow();
        let present = world.fakes.iter().filter(|fake| fake.present);
        Ok(present.map(|fake| fake.path.clone()).collect())
    }

    fn open(&self, path: &Path) -> io::Result<FakeNode> {
        let mut world = self.0.borrow_mut();
        let is_this = |fake: &Fake| fake.present && fake.path == path;
        let index = world.fakes.iter().position(is_this);
        let index = index.ok_or_else(|| error(2))?;
        if let Some(number) = world.fakes[index].open_fails {
            return Err(error(number));
        }
        world.log.push(format!("open {}", path.display()));
        Ok(FakeNode {
            world: Rc::clone(&self.0),
            index,
            buffers: Vec::new(),
            queued: VecDeque::new(),
            ready: VecDeque::new(),
            fault: None,
            streaming: false,
            format: format(FourCc::YUYV, [16, 8]),
        })
    }

    /// A plain file, of which nothing is allocated.
    fn heap(&self, name: Option<&str>) -> Result<Heap> {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::under(root.path());
        std::fs::create_dir_all(roots.dev.join("dma_heap")).unwrap();
        std::fs::write(roots.dev.join("dma_heap/reserved"), "").unwrap();
        Heap::open(&roots, name)
    }

    fn now(&self) -> Duration {
        self.0.borrow().time
    }

    fn pause(&self, time: Duration) {
        self.0.borrow_mut().pass(time);
    }
}

/// An open fake.
#[derive(Debug)]
pub struct FakeNode {
    world: Rc<RefCell<World>>,
    index: usize,
    /// Memory, and whether it is the program's.
    buffers: Vec<([Vec<u8>; 2], bool)>,
    queued: VecDeque<u32>,
    ready: VecDeque<Shot>,
    fault: Option<i32>,
    streaming: bool,
    format: Format,
}

impl FakeNode {
    fn fake(&self) -> io::Result<Fake> {
        let fake = self.world.borrow().fakes[self.index].clone();
        match fake.present && self.fault != Some(ENODEV) {
            true => Ok(fake),
            false => Err(error(ENODEV)),
        }
    }

    fn unplug(&mut self, away: Duration, path: &str, bus: &str) {
        let mut world = self.world.borrow_mut();
        let index = self.index;
        world.returns = Some((world.time + away, index));
        world.fakes[index].present = false;
        world.fakes[index].path = path.into();
        world.fakes[index].identity.bus = bus.into();
        world.fakes[index].streaming = false;
        self.fault = Some(ENODEV);
    }
}

impl Node for FakeNode {
    fn identity(&self) -> io::Result<Identity> {
        Ok(self.fake()?.identity)
    }

    fn formats(&self) -> io::Result<Vec<(FourCc, String)>> {
        let formats = self.fake()?.formats;
        Ok(formats.iter().map(|f| (f.0, f.0.to_string())).collect())
    }

    fn sizes(&self, fourcc: FourCc) -> io::Result<Vec<Sizes>> {
        let fake = self.fake()?;
        if fake.sizes_unlisted.is_some() {
            return Err(error(ENOTTY));
        }
        let formats = fake.formats.into_iter();
        let sizes = formats.filter(|f| f.0 == fourcc).flat_map(|f| f.1);
        Ok(sizes.map(Sizes::One).collect())
    }

    fn intervals(&self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Vec<Intervals>> {
        let formats = self.fake()?.formats.into_iter();
        let rates = formats
            .filter(|f| f.0 == fourcc && f.1.contains(&size))
            .flat_map(|f| f.2);
        let intervals = rates.filter_map(|rate| Interval::new(1, rate));
        Ok(intervals.map(Intervals::One).collect())
    }

    fn size(&self) -> io::Result<[u32; 2]> {
        self.fake()?.sizes_unlisted.ok_or_else(|| error(EINVAL))
    }

    fn set_format(&mut self, fourcc: FourCc, size: [u32; 2]) -> io::Result<Format> {
        let fake = self.fake()?;
        if self.streaming || fake.streaming {
            return Err(error(EBUSY));
        }
        self.world
            .borrow_mut()
            .log
            .push(format!("set {fourcc} {}x{}", size[0], size[1]));
        self.format = fake.gives.unwrap_or_else(|| format(fourcc, size));
        Ok(self.format)
    }

    fn set_interval(&mut self, interval: Interval) -> io::Result<Interval> {
        match self.fake()?.rate_fails {
            Some(number) => Err(error(number)),
            None => Ok(interval),
        }
    }

    fn request_buffers(&mut self, count: u32, heap: Option<Heap>) -> io::Result<u32> {
        let fake = self.fake()?;
        if let Some(heap) = heap {
            let mut world = self.world.borrow_mut();
            world.log.push(format!("buffers of {}", heap.name()));
            if let Some(number) = fake.import_fails {
                return Err(error(number));
            }
        }
        Ok(count.min(self.world.borrow().limit))
    }

    fn map(&mut self, index: u32) -> io::Result<()> {
        assert_eq!(index as usize, self.buffers.len(), "mapped in turn");
        // A page more than a frame, as drivers do.
        let bytes = |plane| vec![0; self.format.least_bytes(plane).max(256) as usize + 4096];
        let second = match self.format.planes {
            2 => bytes(1),
            _ => Vec::new(),
        };
        self.buffers.push(([bytes(0), second], true));
        Ok(())
    }

    fn queue(&mut self, index: u32) -> io::Result<()> {
        self.fake()?;
        if let Some(number) = self.world.borrow_mut().fail_queue.take() {
            return Err(error(number));
        }
        let buffer = self
            .buffers
            .get_mut(index as usize)
            .ok_or_else(|| error(EINVAL))?;
        assert!(buffer.1, "buffer {index} is queued twice");
        buffer.1 = false;
        self.queued.push_back(index);
        Ok(())
    }

    fn start(&mut self) -> io::Result<()> {
        self.fake()?;
        self.streaming = true;
        let mut world = self.world.borrow_mut();
        world.fakes[self.index].streaming = true;
        world.log.push("start".into());
        Ok(())
    }

    fn stop(&mut self) -> io::Result<()> {
        self.fake()?;
        self.streaming = false;
        self.fault = None;
        self.ready.clear();
        self.queued.clear();
        self.buffers.iter_mut().for_each(|buffer| buffer.1 = true);
        let mut world = self.world.borrow_mut();
        world.fakes[self.index].streaming = false;
        world.log.push("stop".into());
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> io::Result<bool> {
        assert!(self.streaming, "waited for without streaming");
        if !self.ready.is_empty() || self.fault.is_some() {
            return Ok(true);
        }
        let step = self.world.borrow_mut().script.pop_front();
        match step {
            Some(Step::Frames(shots)) => {
                self.world.borrow_mut().pass(Duration::from_millis(33));
                self.ready.extend(shots);
                return Ok(true);
            }
            Some(Step::Fail(number)) => {
                self.fault = Some(number);
                return Ok(true);
            }
            Some(Step::Unplug(away, path, bus)) => {
                self.unplug(away, path, bus);
                return Ok(true);
            }
            Some(Step::FailQueue(number)) => self.world.borrow_mut().fail_queue = Some(number),
            Some(Step::Silence(left)) if left > time => {
                let rest = Step::Silence(left - time);
                self.world.borrow_mut().script.push_front(rest);
            }
            Some(Step::Silence(_)) | None => {}
        }
        self.world.borrow_mut().pass(time);
        Ok(false)
    }

    fn dequeue(&mut self) -> io::Result<Option<Filled>> {
        if !self.streaming {
            return Err(error(EINVAL));
        }
        match self.fault {
            Some(ENODEV) => return Err(error(ENODEV)),
            Some(number) => {
                self.fault = None;
                return Err(error(number));
            }
            None => self.fake()?,
        };
        // Without a queued buffer the driver loses the frame.
        let Some(shot) = self.ready.pop_front() else {
            return Ok(None);
        };
        let Some(index) = self.queued.pop_front() else {
            return Ok(None);
        };
        let (planes, ours) = &mut self.buffers[index as usize];
        *ours = true;
        let start = shot.offset;
        let mut parts = [Part::default(); 2];
        for (plane, bytes) in [&shot.bytes, &shot.chroma].into_iter().enumerate() {
            let memory = planes[plane].get_mut(start as usize..).unwrap_or_default();
            memory[..bytes.len()].copy_from_slice(bytes);
            let end = start + bytes.len() as u32;
            parts[plane] = Part { start, end };
        }
        parts[0].end = shot.used.unwrap_or(parts[0].end);
        self.world.borrow_mut().taken += 1;
        Ok(Some(Filled {
            index,
            parts,
            damaged: shot.damaged,
            sequence: shot.sequence,
            time: shot
                .timed
                .then(|| self.world.borrow().time - Duration::from_millis(5)),
        }))
    }

    fn memory(&self, index: u32, plane: usize) -> &[u8] {
        match self.buffers.get(index as usize) {
            Some((planes, true)) => &planes[plane],
            _ => &[],
        }
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        if self.streaming {
            self.world.borrow_mut().fakes[self.index].streaming = false;
        }
    }
}
