//! The queue of buffers: the newest frame wins.
//!
//! A buffer is the driver's (queued), or the program's: filled, taken out, and put back when the frame
//! in it has been read. Frames that wait behind a newer one are put back at once, so that whoever is
//! slow sees what is now, not what was.

use super::Counts;
use super::format::Format;
use super::kernel::{Filled, Node};
use crate::memory::heap::Heap;
use std::io;
use std::time::Duration;

/// A node that streams.
#[derive(Debug)]
pub struct Stream<N: Node> {
    node: N,
    format: Format,
    buffers: u32,
    /// The driver's number of its last frame.
    last: Option<u32>,
    /// Frames that the driver has captured, over all starts.
    sequence: u64,
    /// A failure that is said when the frame before it has been handed out.
    trouble: Option<io::Error>,
}

/// A frame that is the program's until its buffer is put back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its buffer.
    pub filled: Filled,
    /// Number of the frame, from 0, over all starts; frames that were lost are counted.
    pub sequence: u64,
}

/// Why a frame cannot be used.
enum Fault {
    Flagged,
    Short,
    Corrupt,
}

impl<N: Node> Stream<N> {
    /// Makes the buffers, of a heap's memory if one is given, queues all and starts. `sequence` numbers
    /// the first frame.
    ///
    /// # Errors
    /// What the system says, or that it gives no buffer.
    pub fn start(
        mut node: N,
        format: Format,
        (buffers, heap): (u32, Option<Heap>),
        sequence: u64,
    ) -> io::Result<Stream<N>> {
        let buffers = node.request_buffers(buffers, heap)?;
        if buffers == 0 {
            return Err(io::Error::other("the driver gives no buffers"));
        }
        for index in 0..buffers {
            node.map(index)?;
        }
        let mut stream = Stream {
            node,
            format,
            buffers,
            last: None,
            sequence,
            trouble: None,
        };
        stream.fill()?;
        Ok(stream)
    }

    /// Stops, queues all buffers and starts again.
    ///
    /// # Errors
    /// What the system says.
    pub fn restart(&mut self) -> io::Result<()> {
        self.trouble = None;
        self.last = None;
        self.node.stop()?;
        self.fill()
    }

    fn fill(&mut self) -> io::Result<()> {
        for index in 0..self.buffers {
            self.node.queue(index)?;
        }
        self.node.start()
    }

    /// The newest good frame, if one comes within a time. All others that are there are put back and
    /// counted.
    ///
    /// # Errors
    /// What the system says; the stream is then to be started anew.
    pub fn newest(&mut self, within: Duration, counts: &mut Counts) -> io::Result<Option<Taken>> {
        if let Some(trouble) = self.trouble.take() {
            return Err(trouble);
        }
        if !self.node.wait(within)? {
            return Ok(None);
        }
        let mut newest: Option<Taken> = None;
        // Not more than there are buffers, so that a camera faster than this loop cannot hold it.
        for _ in 0..self.buffers {
            let filled = match self.node.dequeue() {
                Ok(Some(filled)) => filled,
                Ok(None) => break,
                Err(error) => {
                    self.trouble = Some(error);
                    break;
                }
            };
            let taken = self.number(filled, counts);
            if let Some(fault) = self.fault(&filled) {
                fault.count(counts);
                self.put_back(&taken);
            } else if let Some(late) = newest.replace(taken) {
                counts.late += 1;
                self.put_back(&late);
            }
        }
        match self.trouble.take_if(|_| newest.is_none()) {
            Some(trouble) => Err(trouble),
            None => Ok(newest),
        }
    }

    /// Numbers a frame. The driver's number may jump (frames are missing), start anew or stand still.
    fn number(&mut self, filled: Filled, counts: &mut Counts) -> Taken {
        if let Some(last) = self.last {
            let step = filled.sequence.wrapping_sub(last);
            if (2..=LARGEST_GAP).contains(&step) {
                let missed = u64::from(step - 1);
                counts.missed += missed;
                self.sequence += missed;
            }
        }
        self.last = Some(filled.sequence);
        let sequence = self.sequence;
        self.sequence += 1;
        Taken { filled, sequence }
    }

    fn fault(&self, filled: &Filled) -> Option<Fault> {
        if filled.damaged {
            return Some(Fault::Flagged);
        }
        for plane in 0..self.format.fourcc.planes() {
            let bytes = self.part(filled, plane).unwrap_or_default();
            if (bytes.len() as u64) < self.format.least_bytes(plane) {
                return Some(Fault::Short);
            }
        }
        let jpeg = self.format.fourcc.is_jpeg();
        let start = self.part(filled, 0).unwrap_or_default();
        (jpeg && !start.starts_with(&[0xFF, 0xD8, 0xFF])).then_some(Fault::Corrupt)
    }

    /// What the driver says that it has written to a plane; `None` if that lies outside of it.
    fn part(&self, filled: &Filled, plane: usize) -> Option<&[u8]> {
        let part = filled.parts.get(plane)?;
        let memory = self.node.memory(filled.index, plane);
        memory.get(part.start as usize..part.end as usize)
    }

    /// The bytes of a frame that has not been put back, in a plane of memory; none where there is no
    /// such plane.
    pub fn bytes(&self, taken: &Taken, plane: usize) -> &[u8] {
        self.part(&taken.filled, plane).unwrap_or_default()
    }

    /// Puts a frame's buffer back. A failure is said by [`newest`](Stream::newest) when it is called
    /// next.
    pub fn put_back(&mut self, taken: &Taken) {
        if let Err(error) = self.node.queue(taken.filled.index) {
            self.trouble = Some(error);
        }
    }

    /// What it streams.
    pub fn format(&self) -> &Format {
        &self.format
    }

    /// The number of the next frame.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }
}

impl Fault {
    fn count(self, counts: &mut Counts) {
        match self {
            Fault::Flagged => counts.flagged += 1,
            Fault::Short => counts.short += 1,
            Fault::Corrupt => counts.corrupt += 1,
        }
    }
}

/// The largest step of a driver's numbers that is taken for lost frames: a minute at 60 a second.
const LARGEST_GAP: u32 = 3600;
