//! Who a node is and what it offers.

use super::super::format::{Interval, Intervals, Sizes};
use super::super::fourcc::FourCc;
use super::super::kernel::Identity;
use super::Device;
use super::call::{ENUM_FMT, QUERYCAP};
use nix::errno::Errno;
use std::io;
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::v4l_sys::{v4l2_capability, v4l2_fmtdesc};
use v4l::video::Capture;

impl Device {
    pub(super) fn who(&self) -> io::Result<Identity> {
        let mut found = v4l2_capability {
            driver: [0; 16],
            card: [0; 32],
            bus_info: [0; 32],
            version: 0,
            capabilities: 0,
            device_caps: 0,
            reserved: [0; 3],
        };
        self.call(&QUERYCAP, &mut found)?;
        const DEVICE_CAPS: u32 = 0x8000_0000;
        Ok(Identity {
            driver: text(&found.driver),
            card: text(&found.card),
            bus: text(&found.bus_info),
            // A USB camera has a second node, for metadata, and says what both can do together.
            capabilities: match found.capabilities & DEVICE_CAPS {
                0 => found.capabilities,
                _ => found.device_caps,
            },
        })
    }

    pub(super) fn offered_formats(&self) -> io::Result<Vec<(FourCc, String)>> {
        // As many as the list can have, for a driver that never ends it.
        let formats = (0..1024).map(|index| self.format(index).transpose());
        formats.map_while(|format| format).collect()
    }

    /// A format of the list; `None` behind its end.
    fn format(&self, index: u32) -> io::Result<Option<(FourCc, String)>> {
        let mut found = v4l2_fmtdesc {
            index,
            type_: self.interface.kind(),
            flags: 0,
            description: [0; 32],
            pixelformat: 0,
            mbus_code: 0,
            reserved: [0; 3],
        };
        match self.call(&ENUM_FMT, &mut found) {
            Err(error) if error.raw_os_error() == Some(Errno::EINVAL as i32) => Ok(None),
            Err(error) => Err(error),
            Ok(()) => Ok(Some((found.pixelformat.into(), text(&found.description)))),
        }
    }

    pub(super) fn offered_sizes(&self, fourcc: FourCc) -> io::Result<Vec<Sizes>> {
        let sizes = self
            .device
            .enum_framesizes(v4l::FourCC { repr: fourcc.0 })?;
        let sizes = sizes.into_iter().map(|size| match size.size {
            FrameSizeEnum::Discrete(size) => Sizes::One([size.width, size.height]),
            FrameSizeEnum::Stepwise(sizes) => Sizes::Steps {
                least: [sizes.min_width, sizes.min_height],
                most: [sizes.max_width, sizes.max_height],
                step: [sizes.step_width, sizes.step_height],
            },
        });
        Ok(sizes.collect())
    }

    pub(super) fn offered_intervals(
        &self,
        fourcc: FourCc,
        [width, height]: [u32; 2],
    ) -> io::Result<Vec<Intervals>> {
        let fourcc = v4l::FourCC { repr: fourcc.0 };
        let intervals = self.device.enum_frameintervals(fourcc, width, height)?;
        let interval = |of: v4l::Fraction| Interval::new(of.numerator, of.denominator);
        let intervals = intervals
            .into_iter()
            .filter_map(|found| match found.interval {
                FrameIntervalEnum::Discrete(one) => interval(one).map(Intervals::One),
                FrameIntervalEnum::Stepwise(some) => Some(Intervals::Steps {
                    shortest: interval(some.min)?,
                    longest: interval(some.max)?,
                }),
            });
        Ok(intervals.collect())
    }
}

/// Text that ends with a zero or with the field.
fn text(field: &[u8]) -> String {
    let end = field.iter().position(|byte| *byte == 0);
    String::from_utf8_lossy(&field[..end.unwrap_or(field.len())]).into_owned()
}
