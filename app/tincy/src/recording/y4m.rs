//! YUV4MPEG2: a line of text, then uncompressed frames. No decoder needed.
//!
//! The format is described in yuv4mpeg(5) of the mjpegtools.

use super::reader::{Complaints, DEFAULT_RATE, MAX_FRAME_BYTES};
use super::{Error, Info, Rational, Reader};
use std::io::{BufRead, Read};
use tincy_vision::Frame;
use tincy_vision::pixel::{Range, Sampling, to_rgb};

/// The longest header line; those of real files have some 60 bytes.
const MAX_LINE: usize = 1024;

/// An open Y4M stream.
pub struct Y4m<R> {
    stream: R,
    info: Info,
    sampling: Sampling,
    range: Range,
    /// Bytes of planes after the colours, which are not used.
    alpha: usize,
    /// Bytes of the planes that are used.
    frame: usize,
    planes: Vec<u8>,
    sequence: u64,
    complaints: Complaints,
}

impl<R: BufRead + Send> Y4m<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// If it is none, or asks for what cannot be.
    pub fn new(mut stream: R) -> Result<Y4m<R>, Error> {
        let line = read_line(&mut stream)?.ok_or(Error::Empty)?;
        let header = Header::parse(&line)?;
        let rate = header.rate.unwrap_or(DEFAULT_RATE);
        let info = Info {
            width: header.width,
            height: header.height,
            rate,
            time_base: rate.inverse(),
            pixel_aspect: header.pixel_aspect,
            frames: None,
            sound: None,
        };
        Ok(Y4m {
            stream,
            frame: header.sampling.bytes(info.width, info.height),
            planes: Vec::new(),
            alpha: if header.alpha {
                info.width * info.height
            } else {
                0
            },
            info,
            sampling: header.sampling,
            range: header.range,
            sequence: 0,
            complaints: Complaints::default(),
        })
    }

    /// Reads `FRAME` and its parameters. False at the end.
    fn start_frame(&mut self) -> Result<bool, Error> {
        let Some(line) = read_line(&mut self.stream)? else {
            return Ok(false);
        };
        if line == b"FRAME" || line.starts_with(b"FRAME ") {
            return Ok(true);
        }
        let frame = self.sequence + 1;
        Err(Error::damaged(format!(
            "frame {frame} does not start with FRAME"
        )))
    }

    /// Reads the planes. False if the stream ends within them. Memory is taken as they come, not as
    /// the header claims.
    fn fill(&mut self) -> Result<bool, Error> {
        self.planes.clear();
        let mut planes = self.stream.by_ref().take(self.frame as u64);
        if planes.read_to_end(&mut self.planes)? < self.frame {
            return Ok(false);
        }
        let alpha = self.alpha as u64;
        let skipped = std::io::copy(&mut self.stream.by_ref().take(alpha), &mut std::io::sink())?;
        Ok(skipped == alpha)
    }
}

impl<R: BufRead + Send> Reader for Y4m<R> {
    fn info(&self) -> &Info {
        &self.info
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if !self.start_frame()? {
            return Ok(false);
        }
        if !self.fill()? {
            let number = self.sequence + 1;
            self.complaints
                .add(|| format!("cut short: frame {number} is not whole"));
            return Ok(false);
        }
        let size = (self.info.width, self.info.height);
        to_rgb(&self.planes, self.sampling, self.range, size, frame)
            .map_err(|error| Error::damaged(error.to_string()))?;
        frame.time = Some(self.info.time_base.seconds(self.sequence));
        self.sequence += 1;
        Ok(true)
    }

    fn complaints(&mut self) -> Vec<String> {
        self.complaints.list()
    }
}

/// A line without its end; `None` at the end of the stream.
fn read_line(stream: &mut impl BufRead) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    stream
        .by_ref()
        .take(MAX_LINE as u64)
        .read_until(b'\n', &mut line)?;
    match line.pop() {
        None => Ok(None),
        Some(b'\n') => Ok(Some(line)),
        Some(_) if line.len() + 1 == MAX_LINE => Err(Error::damaged(format!(
            "a header line is longer than {MAX_LINE} bytes"
        ))),
        Some(_) => Err(Error::damaged("the stream ends within a header line")),
    }
}

#[derive(Debug)]
struct Header {
    width: usize,
    height: usize,
    rate: Option<Rational>,
    pixel_aspect: Option<Rational>,
    sampling: Sampling,
    range: Range,
    alpha: bool,
}

impl Header {
    fn parse(line: &[u8]) -> Result<Header, Error> {
        let text =
            std::str::from_utf8(line).map_err(|_| Error::damaged("the header is no text"))?;
        let mut words = text.split(' ');
        if words.next() != Some("YUV4MPEG2") {
            return Err(Error::damaged("the header does not start with YUV4MPEG2"));
        }
        let mut header = Header {
            width: 0,
            height: 0,
            rate: None,
            pixel_aspect: None,
            sampling: Sampling::C420,
            range: Range::Limited,
            alpha: false,
        };
        for word in words.filter(|word| !word.is_empty()) {
            let (tag, value) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
            header.take(tag, value)?;
        }
        header.check()?;
        Ok(header)
    }

    fn take(&mut self, tag: &str, value: &str) -> Result<(), Error> {
        let number = || {
            let wrong = |_| Error::damaged(format!("`{tag}{value}` in the header is no size"));
            value.parse().map_err(wrong)
        };
        match tag {
            "W" => self.width = number()?,
            "H" => self.height = number()?,
            "F" => self.rate = ratio(value),
            "A" => self.pixel_aspect = ratio(value),
            "C" => self.colours(value)?,
            "X" if value == "COLORRANGE=FULL" => self.range = Range::Full,
            _ => {} // interlacing and extensions change nothing
        }
        Ok(())
    }

    fn colours(&mut self, value: &str) -> Result<(), Error> {
        self.alpha = value == "444alpha";
        self.sampling = match value {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => Sampling::C420,
            "422" => Sampling::C422,
            "444" | "444alpha" => Sampling::C444,
            "mono" => Sampling::Grey,
            _ => {
                let what = format!("colour format C{value} is not supported (420, 422, 444, mono)");
                return Err(Error::damaged(what));
            }
        };
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let (width, height) = (self.width, self.height);
        if width == 0 || height == 0 {
            return Err(Error::damaged(format!(
                "its header claims a size of {width}x{height}"
            )));
        }
        let bytes = (width as u64)
            .checked_mul(height as u64)
            .and_then(|n| n.checked_mul(3));
        if bytes.is_none_or(|bytes| bytes > MAX_FRAME_BYTES) {
            let what = format!("its header claims {width}x{height}, above the limit of 16K");
            return Err(Error::damaged(what));
        }
        Ok(())
    }
}

/// `N:D`; `None` where a part is 0 or no number.
fn ratio(text: &str) -> Option<Rational> {
    let (numerator, denominator) = text.split_once(':')?;
    Rational::new(numerator.parse().ok()?, denominator.parse().ok()?)
}
