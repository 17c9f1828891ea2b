//! What contiguous memory there is for devices: the kernel's pool, reserved ranges, and buffers.

use super::udmabuf;
use crate::{Result, Roots, sysfs};

/// The kernel's pool of contiguous memory (CMA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that are free.
    pub free: u64,
}

/// A buffer of u-dma-buf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Physical address.
    pub physical: u64,
}

/// The pool; none where the kernel has none.
pub fn pool(roots: &Roots) -> Option<Pool> {
    let text = sysfs::optional(&roots.proc.join("meminfo"))?;
    let kilobytes = |key: &str| -> Option<u64> {
        let line = text.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse().ok()
    };
    Some(Pool {
        total: 1024 * kilobytes("CmaTotal:")?,
        free: 1024 * kilobytes("CmaFree:")?,
    })
}

/// Names of the ranges that the device tree reserves.
///
/// # Errors
/// If they cannot be listed.
pub fn reserved(roots: &Roots) -> Result<Vec<String>> {
    let folder = roots.sys.join("firmware/devicetree/base/reserved-memory");
    let entries = sysfs::devices(&folder)?;
    let nodes = entries.iter().filter(|entry| entry.is_dir());
    Ok(nodes.map(|node| sysfs::name(node)).collect())
}

/// The buffers of u-dma-buf; none where its module is not loaded.
///
/// # Errors
/// If one of them cannot be read.
pub fn buffers(roots: &Roots) -> Result<Vec<Buffer>> {
    let mut buffers = Vec::new();
    for class in udmabuf::CLASSES {
        for folder in sysfs::devices(&roots.sys.join("class").join(class))? {
            buffers.push(Buffer {
                name: sysfs::name(&folder),
                size: sysfs::number(&folder.join("size"))?,
                physical: sysfs::number(&folder.join("phys_addr"))?,
            });
        }
    }
    Ok(buffers)
}
