//! The kernel's FPGA manager: `/sys/class/fpga_manager/fpga0/{name,state,flags,firmware}`.
//!
//! The vendor's kernel loads what its attribute `firmware` is told: the name of a file in
//! `/lib/firmware`. Mainline's class has no such attribute: there only an overlay or the boot
//! loader loads. What `state` says afterwards counts: the write itself may succeed and nothing happen.

use super::bitstream::Bitstream;
use crate::{Error, Result, Roots, sysfs};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The file that is loaded directly.
pub const FILE: &str = "tincy.bit.bin";

/// What gets the attributes and the folder to open.
const CLOSED: &str = "run as root";

/// What a kernel without the manager needs.
const ABSENT: &str = "boot the vendor's kernel (PetaLinux, PYNQ, Ubuntu for Zynq), or one with \
                      CONFIG_FPGA, CONFIG_FPGA_MGR_ZYNQMP_FPGA and its `pcap` node in the device tree";

/// What a kernel needs that cannot be told to load.
const MAINLINE: &str = "this is a mainline kernel's: load an overlay instead (`tincy board load \
                        FILE.dtbo`), by the boot loader (U-Boot: `fpga load 0 ADDRESS SIZE`), or \
                        boot the vendor's kernel";

/// The manager of the logic.
#[derive(Clone, Debug)]
pub struct Manager {
    folder: PathBuf,
    firmware: PathBuf,
}

/// Whether a state says that a design runs.
pub fn is_operating(state: &str) -> bool {
    state == "operating"
}

impl Manager {
    /// The first manager; boards of this kind have one.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(roots: &Roots) -> Result<Manager> {
        let folders = sysfs::devices(&roots.sys.join("class/fpga_manager"))?;
        let first = folders.into_iter().next();
        let folder = first.ok_or_else(|| Error::Logic {
            what: "no FPGA manager in /sys/class/fpga_manager".into(),
            remedy: ABSENT.into(),
        })?;
        Ok(Manager {
            folder,
            firmware: roots.firmware.clone(),
        })
    }

    /// Name of the driver.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn name(&self) -> Result<String> {
        sysfs::text(&self.folder.join("name"))
    }

    /// The kernel's word for the state: `operating` if a design is loaded, `unknown` if none is,
    /// else how far the last loading came.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn state(&self) -> Result<String> {
        sysfs::text(&self.folder.join("state"))
    }

    /// Whether it can be told to load.
    ///
    /// # Errors
    /// If it cannot: what to do instead.
    pub fn check_loads(&self) -> Result<()> {
        match self.folder.join("firmware").exists() {
            true => Ok(()),
            false => Err(Error::Logic {
                what: format!("{} has no attribute `firmware`", self.folder.display()),
                remedy: MAINLINE.into(),
            }),
        }
    }

    /// Loads a whole design, in place of whatever runs, and gives the state after it.
    ///
    /// # Errors
    /// If the system refuses, or the state is another one than `operating` afterwards.
    pub fn load(&self, bitstream: &Bitstream) -> Result<String> {
        self.check_loads()?;
        self.place(FILE, &bitstream.swapped())?;
        // No flags: whole, neither encrypted nor authenticated.
        let flags = self.folder.join("flags");
        if flags.exists() {
            sysfs::write(&flags, "0\n", CLOSED)?;
        }
        let remedy = "run as root; `dmesg` has the kernel's reason if it is another one";
        match sysfs::write(&self.folder.join("firmware"), &format!("{FILE}\n"), remedy) {
            Ok(()) => self.check_operating(),
            Err(error) if is_forbidden(&error) => Err(error),
            // Where the loading failed, its state says more than the write's error.
            Err(error) => self.check_operating().and(Err(error)),
        }
    }

    /// Makes sure that a design runs now, and gives the state.
    ///
    /// # Errors
    /// If it does not.
    pub fn check_operating(&self) -> Result<String> {
        let state = self.state()?;
        if is_operating(&state) {
            return Ok(state);
        }
        let remedy = match state.as_str() {
            "write init error" => {
                "the firmware refused the file: is it for this device, and whole?"
            }
            "write error" | "write complete error" => {
                "the device did not start: is the file for this device? `dmesg` may say more"
            }
            "firmware request error" => "the kernel did not find the file in /lib/firmware",
            _ => "`dmesg` may say more",
        };
        Err(Error::Logic {
            what: format!("the logic is not loaded: the FPGA manager's state is `{state}`"),
            remedy: remedy.into(),
        })
    }

    /// Writes a file to where the kernel looks for it.
    pub(super) fn place(&self, name: &str, bytes: &[u8]) -> Result<()> {
        place(&self.firmware, name, bytes)
    }
}

fn is_forbidden(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::PermissionDenied)
}

/// Writes a whole file or none into the folder of firmware.
pub(super) fn place(firmware: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let (path, part) = (firmware.join(name), firmware.join(format!("{name}.part")));
    let written = fs::create_dir_all(firmware)
        .and_then(|()| fs::write(&part, bytes))
        .and_then(|()| fs::rename(&part, &path));
    written.map_err(|error| {
        // Half a file would fill the disk that it did not fit on.
        let _ = fs::remove_file(&part);
        Error::io(
            &path,
            "run as root, with room on a disk that can be written",
        )(error)
    })
}
