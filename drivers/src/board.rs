//! Which board this is, by what the boot loader's device tree says.

use crate::{Result, Roots, sysfs};
use tincy_bitstreams::board as boards;
use tincy_bitstreams::device::{self, Device};

/// Name of the UIO device of the accelerator: `linux,uio-name` of its node.
pub const ACCELERATOR: &str = "tincy-accel";

/// Name of its memory: `device-name` of the u-dma-buf node.
pub const BUFFER: &str = "tincy-buf0";

/// A board.
#[derive(Clone, Debug, Default)]
pub struct Board {
    /// What it calls itself; none on a machine without a device tree.
    pub model: Option<String>,
    /// What it is compatible with, the most special first.
    pub compatible: Vec<String>,
    /// The name under which it is known here.
    pub name: Option<String>,
    /// Its device, if the board is known.
    pub device: Option<Device>,
}

impl Board {
    /// The board that this runs on.
    ///
    /// # Errors
    /// If the table of devices is damaged.
    pub fn read(roots: &Roots) -> Result<Board> {
        let tree = roots.sys.join("firmware/devicetree/base");
        let texts = |name: &str| {
            let text = sysfs::optional(&tree.join(name)).unwrap_or_default();
            let texts = text.split('\0').filter(|text| !text.is_empty());
            texts.map(str::to_string).collect::<Vec<_>>()
        };
        let compatible = texts("compatible");
        let boards = boards::known();
        let known = boards::find(&boards, &compatible);
        let device =
            known.and_then(|board| device::find(&device::known(), &board.device).ok().cloned());
        Ok(Board {
            model: texts("model").into_iter().next(),
            compatible,
            name: known.map(|board| board.name.clone()),
            device,
        })
    }

    /// Whether it is a Zynq UltraScale+.
    pub fn is_zynqmp(&self) -> bool {
        self.compatible.iter().any(|name| name == "xlnx,zynqmp")
    }

    /// Whether it has logic beside its CPUs, as far as its names say.
    pub fn is_zynq(&self) -> bool {
        self.is_zynqmp() || self.compatible.iter().any(|name| name == "xlnx,zynq-7000")
    }
}
