//! What to do where there is no camera.

use crate::Error;
use std::path::Path;

/// What a system runs in, which decides how it comes by a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    /// The Windows Subsystem for Linux.
    Wsl,
    /// A container.
    Container,
    /// A machine.
    Machine,
}

impl Surroundings {
    /// Those of this program.
    pub fn find() -> Surroundings {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let marked = ["/.dockerenv", "/run/.containerenv"];
        if release.to_ascii_lowercase().contains("microsoft") {
            Surroundings::Wsl
        } else if marked.iter().any(|mark| Path::new(mark).exists()) {
            Surroundings::Container
        } else {
            Surroundings::Machine
        }
    }

    /// That there is no camera, and how to come by one.
    pub fn no_camera(self) -> Error {
        let remedy = match self {
            Surroundings::Wsl => {
                "attach one with usbipd, and run a kernel that has the module uvcvideo"
            }
            Surroundings::Container => {
                "start the container with --device /dev/video0 and --group-add video"
            }
            Surroundings::Machine => {
                "plug one in, and load its module if that is missing (USB cameras: modprobe uvcvideo)"
            }
        };
        Error::Camera {
            device: "no camera".into(),
            what: "there is no /dev/video*".into(),
            remedy: remedy.into(),
        }
    }
}

/// What to do when the system refuses a node, by what it says.
pub(super) fn remedy(error: &std::io::Error) -> &'static str {
    use nix::errno::Errno;
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EACCES | Errno::EPERM) => {
            "join the group video (sudo usermod -aG video $USER) and log in again"
        }
        Some(Errno::EBUSY) => "another program has it: end that (fuser -v /dev/video*)",
        Some(Errno::ENOTTY) => "is it a camera?",
        Some(Errno::EPIPE) => {
            "its pipeline is not set up: give all pads the same format (media-ctl -p shows them)"
        }
        Some(Errno::ENOSPC) => {
            "the USB bus has no room: a smaller size, a lower rate, MJPG, or another port"
        }
        _ => "plug it in again; the kernel's log (dmesg) may say more",
    }
}
