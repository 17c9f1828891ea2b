//! The kernel's user-space I/O: `/sys/class/uio/uioN/{name,maps/mapK/{addr,size,offset}}` tells what
//! a device is, `/dev/uioN` gives its registers and its interrupt.
//!
//! The numbers of nodes are not stable, so devices are found by name. Region K is mapped at the file
//! offset `K * page`, whatever its size. Needs `uio_pdrv_genirq` with `of_id=` set to the node's
//! `compatible`: without it no node appears, and nothing is logged.

use super::Registers;
use super::interrupt::Interrupt;
use super::window::Window;
use crate::{Error, Result, Roots, sysfs};
use nix::unistd::{SysconfVar, sysconf};
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What gets a device to appear.
const ABSENT: &str = "load uio_pdrv_genirq with of_id=generic-uio, and check `compatible` and \
                      `linux,uio-name` of its device-tree node";

/// What gets a device to open.
const CLOSED: &str =
    "run as root, or give udev the rule SUBSYSTEM==\"uio\", GROUP=\"tincy\", MODE=\"0660\"";

/// A UIO device that was found.
#[derive(Clone, Debug)]
pub struct Device {
    folder: PathBuf,
    node: PathBuf,
    name: String,
}

/// One region of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its number.
    pub index: usize,
    /// Physical address of its first byte.
    pub physical: u64,
    /// Bytes from the start of its first page to its first byte.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
}

impl Device {
    /// The device of a name, with or without the unit address that some kernels add (`accel` also
    /// finds `accel@a0000000`).
    ///
    /// # Errors
    /// If there is none, or more than one.
    pub fn find(roots: &Roots, name: &str) -> Result<Device> {
        let all = Device::all(roots)?;
        let same = |device: &&Device| device.name == name || device.short_name() == name;
        let found: Vec<_> = all.iter().filter(same).collect();
        let absent = |found: String, remedy: &str| Error::Absent {
            kind: "UIO device",
            name: name.to_string(),
            found,
            remedy: remedy.to_string(),
        };
        match found[..] {
            [device] => Ok(device.clone()),
            [] if all.is_empty() => Err(absent("there are no UIO devices".into(), ABSENT)),
            [] => Err(absent(format!("there are {}", names(&all)), ABSENT)),
            _ => {
                let remedy = "name it with its unit address";
                Err(absent(format!("{} are so named", names(&all)), remedy))
            }
        }
    }

    /// All devices, in the order of their folders.
    ///
    /// # Errors
    /// If one of them cannot be read.
    pub fn all(roots: &Roots) -> Result<Vec<Device>> {
        let folders = sysfs::devices(&roots.sys.join("class/uio"))?;
        let devices = folders.into_iter().map(|folder| {
            Ok(Device {
                node: roots.dev.join(sysfs::name(&folder)),
                name: sysfs::text(&folder.join("name"))?,
                folder,
            })
        });
        devices.collect()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its node.
    pub fn node(&self) -> &Path {
        &self.node
    }

    /// Region `index`.
    ///
    /// # Errors
    /// If the device does not have it, or describes it wrongly.
    pub fn region(&self, index: usize) -> Result<Region> {
        let folder = self.folder.join(format!("maps/map{index}"));
        if !folder.is_dir() {
            return Err(Error::Absent {
                kind: "UIO region",
                name: format!("map{index} of {}", self.name),
                found: "the device has fewer".into(),
                remedy: "add it to `reg` of the device-tree node".into(),
            });
        }
        Ok(Region {
            index,
            physical: sysfs::number(&folder.join("addr"))?,
            offset: sysfs::size(&folder.join("offset"))?,
            size: sysfs::size(&folder.join("size"))?,
        })
    }

    /// Whether its device-tree node has an interrupt; none where it has no such node.
    pub fn has_interrupt(&self) -> Option<bool> {
        let node = self.folder.join("device/of_node");
        node.is_dir().then(|| node.join("interrupts").exists())
    }

    /// Opens the node.
    pub(crate) fn open(&self) -> Result<File> {
        let file = OpenOptions::new().read(true).write(true).open(&self.node);
        file.map_err(Error::io(&self.node, CLOSED))
    }

    fn short_name(&self) -> &str {
        self.name.split('@').next().unwrap_or_default()
    }
}

fn names(devices: &[Device]) -> String {
    let names: Vec<_> = devices.iter().map(Device::name).collect();
    names.join(", ")
}

impl Region {
    /// Where the node has the region.
    pub(crate) fn file_offset(&self) -> u64 {
        self.index as u64 * page_bytes()
    }
}

/// Bytes of a page.
fn page_bytes() -> u64 {
    let bytes = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    bytes
        .and_then(|bytes| u64::try_from(bytes).ok())
        .unwrap_or(4096)
}

/// The registers and the interrupt of a UIO device.
#[derive(Debug)]
pub struct Uio {
    window: Window,
    interrupt: Interrupt,
}

impl Uio {
    /// Maps region `index` of the device of a name, of which at least `bytes` are needed.
    ///
    /// # Errors
    /// If there is no such device or region, it is too small, or the system refuses.
    pub fn open(roots: &Roots, name: &str, index: usize, bytes: usize) -> Result<Uio> {
        let device = Device::find(roots, name)?;
        let region = device.region(index)?;
        if region.size < bytes {
            return Err(Error::Attribute {
                path: device.folder.join(format!("maps/map{index}/size")),
                found: format!("{:#x}", region.size),
                expected: format!("{bytes:#x} bytes of registers at least"),
            });
        }
        let file = device.open()?;
        let (at, start) = (region.file_offset(), region.offset);
        let window = Window::map(name, &file, at, start, region.size);
        let window = window.map_err(Error::io(&device.node, "does another driver hold it?"))?;
        let interrupt = Interrupt::new(file, name);
        Ok(Uio { window, interrupt })
    }
}

impl Registers for Uio {
    fn name(&self) -> &str {
        self.window.device()
    }

    fn read(&mut self, offset: u32) -> Result<u32> {
        self.window.read(offset)
    }

    fn write(&mut self, offset: u32, value: u32) -> Result<()> {
        self.window.write(offset, value)
    }

    fn arm(&mut self) -> Result<()> {
        self.interrupt.arm()
    }

    fn wait(&mut self, timeout: Duration) -> Result<bool> {
        self.interrupt.wait(timeout)
    }
}
