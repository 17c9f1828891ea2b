//! The calls of a DRM node.

use crate::memory::mapping::{Kind, Mapping};
use drm::buffer::{Buffer as _, DrmFourcc, DrmModifier, Handle, PlanarBuffer};
use drm::control::dumbbuffer::DumbBuffer;
use drm::control::{Device, FbCmd2Flags, ResourceHandles, crtc, framebuffer, plane};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// An open node, `/dev/dri/cardN`.
#[derive(Debug)]
pub(super) struct Card(pub(super) File);

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl drm::Device for Card {}
impl Device for Card {}

/// The value of a plane's property `type` for the one that a mode is set with.
const PRIMARY: u64 = 1;

impl Card {
    /// Codes of the formats that the main plane of an output takes.
    pub(super) fn formats(
        &self,
        resources: &ResourceHandles,
        output: crtc::Handle,
    ) -> io::Result<Vec<u32>> {
        for handle in self.plane_handles()? {
            let plane = self.get_plane(handle)?;
            let outputs = resources.filter_crtcs(plane.possible_crtcs());
            if outputs.contains(&output) && self.is_primary(handle)? {
                return Ok(plane.formats().to_vec());
            }
        }
        Ok(Vec::new())
    }

    fn is_primary(&self, plane: plane::Handle) -> io::Result<bool> {
        for (property, value) in self.get_properties(plane)? {
            if self.get_property(property)?.name().to_bytes() == b"type" {
                return Ok(value == PRIMARY);
            }
        }
        Ok(false)
    }
}

/// Memory that can be shown.
#[derive(Debug)]
pub(super) struct Buffer {
    dumb: DumbBuffer,
    pub(super) frame: framebuffer::Handle,
    pub(super) mapping: Mapping,
}

impl Buffer {
    /// Memory for a whole screen, black.
    pub(super) fn new(
        card: &Card,
        size: (u32, u32),
        format: super::format::Format,
    ) -> io::Result<Buffer> {
        let fourcc = DrmFourcc::try_from(format.fourcc()).map_err(io::Error::other)?;
        let dumb = card.create_dumb_buffer(size, fourcc, 8 * format.bytes() as u32)?;
        match Buffer::of(card, dumb, size, format) {
            Ok(buffer) => Ok(buffer),
            Err(error) => {
                // The error that matters is the first one.
                let _ = card.destroy_dumb_buffer(dumb);
                Err(error)
            }
        }
    }

    fn of(
        card: &Card,
        dumb: DumbBuffer,
        size: (u32, u32),
        format: super::format::Format,
    ) -> io::Result<Buffer> {
        let handle = u32::from(dumb.handle());
        let offset = drm_ffi::mode::dumbbuffer::map(card.as_fd(), handle, 0, 0)?.offset;
        let bytes = dumb.pitch() as usize * size.1 as usize;
        let mut mapping = Mapping::map("screen", &card.0, offset, (0, bytes), Kind::Normal)?;
        let width = size.0 as usize;
        let mut black = vec![0; width * format.bytes()];
        format.write(&vec![[0; 3]; width], &mut black);
        for row in 0..size.1 as usize {
            let start = row * dumb.pitch() as usize;
            mapping.write(start, &black).map_err(io::Error::other)?;
        }
        let frame = card.add_planar_framebuffer(&Plane(&dumb), FbCmd2Flags::empty())?;
        Ok(Buffer {
            dumb,
            frame,
            mapping,
        })
    }

    /// Bytes from one row to the next.
    pub(super) fn pitch(&self) -> usize {
        self.dumb.pitch() as usize
    }

    /// Gives the memory back.
    pub(super) fn free(&self, card: &Card) -> io::Result<()> {
        card.destroy_framebuffer(self.frame)?;
        card.destroy_dumb_buffer(self.dumb)
    }
}

/// A buffer of one plane: the older call that takes no format knows but a few.
struct Plane<'a>(&'a DumbBuffer);

impl PlanarBuffer for Plane<'_> {
    fn size(&self) -> (u32, u32) {
        self.0.size()
    }

    fn format(&self) -> DrmFourcc {
        self.0.format()
    }

    fn modifier(&self) -> Option<DrmModifier> {
        None
    }

    fn pitches(&self) -> [u32; 4] {
        [self.0.pitch(), 0, 0, 0]
    }

    fn handles(&self) -> [Option<Handle>; 4] {
        [Some(self.0.handle()), None, None, None]
    }

    fn offsets(&self) -> [u32; 4] {
        [0; 4]
    }
}
