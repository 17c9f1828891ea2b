//! What happened to frames.

use serde::Serialize;

/// What happened to a camera's frames since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Handed out.
    pub delivered: u64,
    /// Given back unread because a newer one was there already.
    pub late: u64,
    /// Given back because fewer bytes were there than a frame has.
    pub short: u64,
    /// Given back because they should be a JPEG and are none.
    pub corrupt: u64,
    /// Given back because the driver said that they are damaged.
    pub flagged: u64,
    /// Never seen: the driver's numbers left them out.
    pub missed: u64,
    /// Times that no frame came in time.
    pub timeouts: u64,
    /// Calls that failed otherwise, a device that is gone left out.
    pub errors: u64,
    /// Times that the stream was started anew.
    pub restarts: u64,
    /// Times that the camera was lost: unplugged, or given up and closed.
    pub losses: u64,
    /// Times that it came back.
    pub returns: u64,
}

impl Counts {
    /// Frames that were captured and not handed out.
    pub fn dropped(&self) -> u64 {
        self.late + self.short + self.corrupt + self.flagged
    }
}
