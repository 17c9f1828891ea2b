//! Buffers of the u-dma-buf module: contiguous memory, cached, synchronised by range.
//!
//! `/sys/class/u-dma-buf/NAME/{size,phys_addr,sync_mode,...}` describes a buffer, `/dev/NAME` maps
//! it; older releases call the class `udmabuf`. (The kernel's own `/dev/udmabuf` is another thing.)
//! Opened without `O_SYNC`, modes 0 to 3 are cached; modes 4 and above are not, and one of them
//! kills a process that copies unaligned bytes, so that they are refused.

use super::mapping::{Kind, Mapping};
use super::{Direction, DmaMemory, Need, barrier, whole_lines};
use crate::{Error, Result, Roots, sysfs};
use std::fs::{File, OpenOptions};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The classes of the module, now and in older releases.
pub(super) const CLASSES: [&str; 2] = ["u-dma-buf", "udmabuf"];

/// What gets a node or its attributes to open.
const CLOSED: &str = "run as root, or give udev rules for SUBSYSTEM==\"u-dma-buf\"";

/// A mapped buffer.
#[derive(Debug)]
pub struct Udmabuf {
    mapping: Mapping,
    physical: u64,
    sync: Attributes,
}

/// The attributes that synchronise, kept open.
#[derive(Debug)]
struct Attributes {
    folder: PathBuf,
    offset: File,
    size: File,
    direction: File,
    for_cpu: File,
    for_device: File,
}

impl Udmabuf {
    /// Maps the buffer of a name, like `udmabuf0`.
    ///
    /// # Errors
    /// If there is none, it does not serve the need, or the system refuses.
    pub fn open(roots: &Roots, name: &str, need: Need) -> Result<Udmabuf> {
        let folder = find(roots, name, need)?;
        let physical = sysfs::number(&folder.join("phys_addr"))?;
        let size = sysfs::size(&folder.join("size"))?;
        need.check(name, physical, size, remedy(name, need))?;
        check_mode(&folder.join("sync_mode"))?;
        let node = roots.dev.join(name);
        let file = OpenOptions::new().read(true).write(true).open(&node);
        let file = file.map_err(Error::io(&node, CLOSED))?;
        let mapping = Mapping::map(name, &file, 0, (0, size), Kind::Normal);
        Ok(Udmabuf {
            mapping: mapping.map_err(Error::io(&node, CLOSED))?,
            physical,
            sync: Attributes::open(folder)?,
        })
    }
}

/// How to get a buffer that serves.
fn remedy(name: &str, need: Need) -> String {
    let Need { bytes, below } = need;
    let pool = bytes.div_ceil(1 << 20).next_multiple_of(64) + 64;
    format!(
        "load the module with `modprobe u-dma-buf {name}={bytes}`, and boot with cma={pool}M@0-{below:#x} \
         if the kernel log says that dma_alloc_coherent() failed"
    )
}

/// The folder of a buffer in either class.
fn find(roots: &Roots, name: &str, need: Need) -> Result<PathBuf> {
    let mut others = Vec::new();
    for class in CLASSES {
        for folder in sysfs::devices(&roots.sys.join("class").join(class))? {
            match sysfs::name(&folder) {
                found if found == name => return Ok(folder),
                found => others.push(found),
            }
        }
    }
    let found = match others.is_empty() {
        true => "the module u-dma-buf is not loaded".to_string(),
        false => format!("there are {}", others.join(", ")),
    };
    Err(Error::Absent {
        kind: "u-dma-buf buffer",
        name: name.to_string(),
        found,
        remedy: remedy(name, need),
    })
}

fn check_mode(path: &Path) -> Result<()> {
    match sysfs::number(path)? {
        0..=3 => Ok(()),
        mode => Err(Error::Attribute {
            path: path.to_path_buf(),
            found: mode.to_string(),
            expected: "a cached mode, 0 to 3; write 1 to it".into(),
        }),
    }
}

impl Attributes {
    fn open(folder: PathBuf) -> Result<Attributes> {
        let open = |name: &str| {
            let path = folder.join(name);
            let file = OpenOptions::new().write(true).open(&path);
            file.map_err(Error::io(&path, CLOSED))
        };
        Ok(Attributes {
            offset: open("sync_offset")?,
            size: open("sync_size")?,
            direction: open("sync_direction")?,
            for_cpu: open("sync_for_cpu")?,
            for_device: open("sync_for_device")?,
            folder,
        })
    }

    /// Names the range of the next call.
    fn choose(&self, range: &Range<usize>, direction: Direction) -> Result<()> {
        let direction = match direction {
            Direction::ToDevice => 1,
            Direction::FromDevice => 2,
        };
        self.put(
            &self.offset,
            "sync_offset",
            &format!("{:#x}\n", range.start),
        )?;
        self.put(&self.size, "sync_size", &format!("{}\n", range.len()))?;
        self.put(&self.direction, "sync_direction", &format!("{direction}\n"))
    }

    fn put(&self, file: &File, name: &str, text: &str) -> Result<()> {
        let written = file.write_all_at(text.as_bytes(), 0);
        written.map_err(Error::io(
            &self.folder.join(name),
            "is the module still loaded?",
        ))
    }
}

impl DmaMemory for Udmabuf {
    fn name(&self) -> &str {
        self.mapping.device()
    }

    fn size(&self) -> usize {
        self.mapping.size()
    }

    fn physical(&self) -> u64 {
        self.physical
    }

    fn read(&self, start: usize, bytes: &mut [u8]) -> Result<()> {
        self.mapping.read(start, bytes)
    }

    fn write(&mut self, start: usize, bytes: &[u8]) -> Result<()> {
        self.mapping.write(start, bytes)
    }

    fn sync_for_device(&mut self, range: Range<usize>, direction: Direction) -> Result<()> {
        // The module takes a range beyond the buffer without an error.
        whole_lines(self.name(), &range, self.size())?;
        self.sync.choose(&range, direction)?;
        self.sync
            .put(&self.sync.for_device, "sync_for_device", "1\n")?;
        barrier::full();
        Ok(())
    }

    fn sync_for_cpu(&mut self, range: Range<usize>, direction: Direction) -> Result<()> {
        whole_lines(self.name(), &range, self.size())?;
        barrier::full();
        self.sync.choose(&range, direction)?;
        self.sync.put(&self.sync.for_cpu, "sync_for_cpu", "1\n")
    }
}
