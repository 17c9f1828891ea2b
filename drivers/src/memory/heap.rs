//! Memory that several devices share, from the kernel's dma-heap: `/dev/dma_heap/NAME`.
//!
//! A heap's buffer is a file that other drivers can be given (a camera's, for its frames), and that the
//! CPU maps cached. Around each look of the CPU the kernel is told, so that caches are brought in line.
//! A heap tells no physical address; for a device that needs one there is [`udmabuf`](super::udmabuf).
//!
//! The heap `system` gives pages from anywhere, which hardware without an IOMMU cannot use unless it
//! gathers; those over the kernel's CMA area (`reserved`, `linux,cma`, `default_cma_region` by the age
//! of the kernel) give one piece.
#![allow(unsafe_code)]

use crate::{Error, Result, Roots, sysfs};
use memmap2::{MmapOptions, MmapRaw};
use nix::errno::Errno;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// `struct dma_heap_allocation_data` of the kernel's `dma-heap.h`.
#[repr(C)]
struct Allocation {
    len: u64,
    fd: u32,
    fd_flags: u32,
    heap_flags: u64,
}

mod request {
    #![allow(unreachable_pub, reason = "the macros write pub")]

    nix::ioctl_readwrite!(allocate, b'H', 0, super::Allocation);
    // `struct dma_buf_sync` of `dma-buf.h` is this number.
    nix::ioctl_write_ptr!(synchronise, b'b', 0, u64);
}

/// DMA_BUF_SYNC_READ: the CPU reads.
const READ: u64 = 1;
/// DMA_BUF_SYNC_END: it has read; it is about to without.
const END: u64 = 4;

/// Heaps that serve any hardware, as kernels of different age call them; first is best.
const CONTIGUOUS: [&str; 4] = ["default_cma_region", "linux,cma", "reserved", "cma"];

/// A heap.
#[derive(Debug)]
pub struct Heap {
    name: String,
    file: File,
}

impl Heap {
    /// Opens a heap: the one of a name, or the first that is contiguous, or any.
    ///
    /// # Errors
    /// If there is no such heap, or the system refuses it.
    pub fn open(roots: &Roots, name: Option<&str>) -> Result<Heap> {
        let folder = roots.dev.join("dma_heap");
        let name = find(&folder, name)?;
        let path = folder.join(&name);
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(Error::io(
            &path,
            "run as root, or let the group video use heaps (udev: SUBSYSTEM==\"dma_heap\", \
             GROUP=\"video\", MODE=\"0660\")",
        ))?;
        Ok(Heap { name, file })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A buffer of so many bytes, rounded up to pages.
    ///
    /// # Errors
    /// If there is not so much left, or it cannot be mapped.
    pub fn allocate(&self, bytes: usize) -> io::Result<Buffer> {
        const CLOEXEC_READ_WRITE: u32 = (nix::libc::O_CLOEXEC | nix::libc::O_RDWR) as u32;
        let mut wanted = Allocation {
            len: bytes as u64,
            fd: 0,
            fd_flags: CLOEXEC_READ_WRITE,
            heap_flags: 0,
        };
        // SAFETY: the request's number has the size of `Allocation`, which the kernel reads and writes;
        // it is made of numbers.
        unsafe { request::allocate(self.file.as_raw_fd(), &raw mut wanted)? };
        let fd = RawFd::try_from(wanted.fd).map_err(io::Error::other)?;
        // SAFETY: the kernel has opened it for this call, so that nobody else has it.
        Buffer::map(unsafe { OwnedFd::from_raw_fd(fd) }, bytes)
    }
}

/// The name of a heap that there is.
fn find(folder: &Path, name: Option<&str>) -> Result<String> {
    let there = sysfs::devices(folder)?;
    let there: Vec<String> = there.iter().map(|path| sysfs::name(path)).collect();
    let has = |name: &str| there.iter().any(|heap| heap == name);
    let found = match name {
        Some(name) => has(name).then_some(name),
        None => CONTIGUOUS.into_iter().find(|name| has(name)),
    };
    let any = || there.first().filter(|_| name.is_none()).map(String::as_str);
    if let Some(found) = found.or_else(any) {
        return Ok(found.to_string());
    }
    if there.is_empty() {
        return Err(Error::Memory {
            device: folder.display().to_string(),
            what: "no heap is there".into(),
            remedy:
                "it needs a kernel with CONFIG_DMABUF_HEAPS; without --buffers the driver's own \
                     buffers serve"
                    .into(),
        });
    }
    Err(Error::Absent {
        kind: "dma-heap",
        name: name.unwrap_or_default().into(),
        found: format!("there are {}", there.join(", ")),
        remedy: "name one of them".into(),
    })
}

/// A buffer of a heap, mapped for reading.
#[derive(Debug)]
pub struct Buffer {
    map: MmapRaw,
    fd: OwnedFd,
}

impl Buffer {
    fn map(fd: OwnedFd, bytes: usize) -> io::Result<Buffer> {
        let map = MmapOptions::new().len(bytes).map_raw_read_only(&fd)?;
        Ok(Buffer { map, fd })
    }

    /// Its mapping. What is read there is right between [`begin`](Buffer::begin) and
    /// [`end`](Buffer::end).
    pub(crate) fn mapping(&self) -> &MmapRaw {
        &self.map
    }

    /// Before the CPU reads what a device has written.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn begin(&self) -> io::Result<()> {
        self.synchronise(READ)
    }

    /// After that, before a device writes again.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn end(&self) -> io::Result<()> {
        self.synchronise(READ | END)
    }

    fn synchronise(&self, flags: u64) -> io::Result<()> {
        loop {
            // SAFETY: the kernel reads the number, whose size is the request's.
            match unsafe { request::synchronise(self.fd.as_raw_fd(), &raw const flags) } {
                // A signal, or a device that still works on it.
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => return Ok(()),
            }
        }
    }
}

/// What other drivers are given.
impl AsFd for Buffer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Heaps that are plain files.
    fn heaps(names: &[&str]) -> (tempfile::TempDir, Roots) {
        let root = tempfile::tempdir().unwrap();
        let roots = Roots::under(root.path());
        let folder = roots.dev.join("dma_heap");
        std::fs::create_dir_all(&folder).unwrap();
        for name in names {
            std::fs::write(folder.join(name), "").unwrap();
        }
        (root, roots)
    }

    #[test]
    fn requests_are_the_kernels() {
        let allocate = nix::request_code_readwrite!(b'H', 0, size_of::<Allocation>());
        let synchronise = nix::request_code_write!(b'b', 0, size_of::<u64>());
        assert_eq!((allocate, synchronise), (0xc018_4800, 0x4008_6200));
    }

    #[test]
    fn the_named_heap_is_opened_or_a_contiguous_one() {
        for (there, named, expected) in [
            (vec!["system", "reserved"], None, "reserved"),
            (vec!["reserved", "linux,cma", "system"], None, "linux,cma"),
            (vec!["system", "reserved"], Some("system"), "system"),
            (vec!["system"], None, "system"),
        ] {
            let (_root, roots) = heaps(&there);
            assert_eq!(Heap::open(&roots, named).unwrap().name(), expected);
        }
    }

    #[test]
    fn what_is_missing_is_said_in_one_line() {
        let (root, roots) = heaps(&["system", "reserved"]);
        let said = |name| Heap::open(&roots, name).unwrap_err().to_string();
        assert_eq!(
            said(Some("../zero")),
            "no dma-heap named ../zero: there are reserved, system; name one of them"
        );
        std::fs::remove_dir_all(root.path().join("dev")).unwrap();
        let folder = root.path().join("dev/dma_heap");
        let expected = format!(
            "{}: no heap is there; it needs a kernel with CONFIG_DMABUF_HEAPS; without --buffers the \
             driver's own buffers serve",
            folder.display()
        );
        assert_eq!(said(None), expected);
        assert_eq!(said(Some("system")), expected);
    }

    #[test]
    fn a_file_that_is_no_heap_gives_no_memory() {
        let (_root, roots) = heaps(&["system"]);
        let heap = Heap::open(&roots, None).unwrap();
        let refused = heap.allocate(4096).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::ENOTTY as i32));
    }

    /// A buffer is mapped to its length and asks the kernel before and after a look; a plain file is
    /// mapped alike, and has nothing to bring in line.
    #[test]
    fn a_buffer_is_mapped_and_asks_before_it_is_read() {
        let file = tempfile::tempfile().unwrap();
        file.set_len(8192).unwrap();
        let buffer = Buffer::map(file.into(), 6000).unwrap();
        assert_eq!(buffer.mapping().len(), 6000);
        for refused in [buffer.begin(), buffer.end()] {
            let number = refused.unwrap_err().raw_os_error();
            assert_eq!(number, Some(Errno::ENOTTY as i32));
        }
    }
}
