//! What `tincy run --record` decided, beside the frames: `NAME.jsonl` beside `NAME.nut`.
//!
//! JSON Lines. The first one says what was recorded and how it was looked at ([`Header`]); then, in
//! the order of the frames, one for each that was put out, just as `--json` writes it, and one for each
//! that came and was not, `{"frame":7,"time":0.28,"dropped":"busy"}`. Numbers without a line never
//! came: the driver lost or discarded them. `"recorded":false` at the end of a line says that the
//! frame's pixels are not in the recording. The last line counts.

use super::Rational;
use crate::live::Dropped;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader, Result, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Version of the form.
const VERSION: u32 = 1;

/// The longest line that is read; those of a full picture have some 100 kB.
const MAX_LINE: u64 = 1 << 24;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the form.
    pub recording: u32,
    /// The camera or file, as reports call it.
    pub source: String,
    /// Nominal frames a second: above and below the line.
    pub rate: [u32; 2],
    /// Seconds that times are multiples of: above and below the line.
    pub time_base: [u32; 2],
    /// Name of the model.
    pub model: String,
    /// Smallest score that counts.
    pub threshold: f32,
}

impl Header {
    /// Of a source with this rate and these times.
    pub fn new(source: String, rate: Rational, time_base: Rational) -> Header {
        Header {
            recording: VERSION,
            source,
            rate: [rate.numerator, rate.denominator],
            time_base: [time_base.numerator, time_base.denominator],
            model: String::new(),
            threshold: 0.0,
        }
    }
}

/// Where the decisions about a recording are.
pub fn path(recording: &Path) -> PathBuf {
    recording.with_extension("jsonl")
}

/// Writes them.
#[derive(Debug)]
pub struct Writer<W> {
    stream: W,
}

#[derive(Serialize)]
struct Untaken {
    frame: u64,
    time: f64,
    dropped: &'static str,
}

impl<W: Write> Writer<W> {
    /// Writes the first line.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(stream: W, header: &Header) -> Result<Writer<W>> {
        let mut writer = Writer { stream };
        writer.json(header)?;
        Ok(writer)
    }

    /// The line of a frame that was put out, as `--json` has it.
    ///
    /// # Errors
    /// If writing fails.
    pub fn put_out(&mut self, line: &str, is_recorded: bool) -> Result<()> {
        let line = line.trim_end();
        match line.strip_suffix('}').filter(|_| !is_recorded) {
            Some(open) => writeln!(self.stream, "{open},\"recorded\":false}}"),
            None => writeln!(self.stream, "{line}"),
        }
    }

    /// A frame that was not.
    ///
    /// # Errors
    /// If writing fails.
    pub fn dropped(&mut self, dropped: &Dropped) -> Result<()> {
        self.json(&Untaken {
            frame: dropped.sequence,
            time: dropped.time.as_secs_f64(),
            dropped: dropped.why.name(),
        })
    }

    /// The last line.
    ///
    /// # Errors
    /// If writing fails.
    pub fn finish(&mut self, counts: &impl Serialize) -> Result<()> {
        self.json(counts)?;
        self.stream.flush()
    }

    /// Hands over what has been written.
    ///
    /// # Errors
    /// If writing fails.
    pub fn flush(&mut self) -> Result<()> {
        self.stream.flush()
    }

    fn json(&mut self, what: &impl Serialize) -> Result<()> {
        serde_json::to_writer(&mut self.stream, what)?;
        self.stream.write_all(b"\n")
    }
}

/// A frame whose pixels are in the recording.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// Its number.
    pub frame: u64,
    /// Its time in seconds.
    pub time: f64,
    /// The whole line.
    pub line: String,
}

impl Recorded {
    /// Whether it is the frame of this time.
    pub fn is_at(&self, time: Duration) -> bool {
        self.time == time.as_secs_f64()
    }
}

/// Reads them.
#[derive(Debug)]
pub struct Decisions {
    stream: BufReader<File>,
    header: Header,
}

#[derive(Deserialize)]
struct Line {
    frame: u64,
    time: f64,
    detections: Option<IgnoredAny>,
    recorded: Option<bool>,
}

impl Decisions {
    /// Opens those beside a recording; `None` if there are none.
    ///
    /// # Errors
    /// If they are there and cannot be read.
    pub fn beside(recording: &Path) -> Result<Option<Decisions>> {
        let file = match File::open(path(recording)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut stream = BufReader::new(file);
        let header = line(&mut stream)?.and_then(|line| serde_json::from_str(&line).ok());
        let known = header.filter(|header: &Header| header.recording == VERSION);
        Ok(known.map(|header| Decisions { stream, header }))
    }

    /// The first line.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The next frame whose pixels are in the recording; `None` at the end, or where a line was cut.
    ///
    /// # Errors
    /// If reading fails.
    pub fn next_recorded(&mut self) -> Result<Option<Recorded>> {
        while let Some(text) = line(&mut self.stream)? {
            let Ok(line) = serde_json::from_str::<Line>(&text) else {
                continue; // the last line, which counts, or one that was cut
            };
            if line.detections.is_some() && line.recorded != Some(false) {
                return Ok(Some(Recorded {
                    frame: line.frame,
                    time: line.time,
                    line: text,
                }));
            }
        }
        Ok(None)
    }
}

/// A line without its end; `None` at the end of the file.
fn line(stream: &mut impl BufRead) -> Result<Option<String>> {
    let mut line = Vec::new();
    let read = std::io::Read::take(&mut *stream, MAX_LINE).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
    }
    Ok((read > 0).then(|| String::from_utf8_lossy(&line).into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Why;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let recording = folder.path().join("a.nut");
        assert!(Decisions::beside(&recording).unwrap().is_none());
        let rate = Rational::new(30, 1).unwrap();
        let header = Header::new("cam".into(), rate, rate.inverse());
        let file = File::create(path(&recording)).unwrap();
        let mut writer = Writer::new(file, &header).unwrap();
        let put_out = |frame| format!("{{\"frame\":{frame},\"time\":0.5,\"detections\":[]}}");
        writer.put_out(&put_out(4), true).unwrap();
        let dropped = Dropped {
            sequence: 5,
            time: Duration::from_millis(280),
            why: Why::Busy,
        };
        writer.dropped(&dropped).unwrap();
        writer.put_out(&put_out(6), false).unwrap();
        writer.put_out(&put_out(7), true).unwrap();
        writer.finish(&[1]).unwrap();
        let text = std::fs::read_to_string(path(&recording)).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[1], put_out(4));
        assert_eq!(lines[2], r#"{"frame":5,"time":0.28,"dropped":"busy"}"#);
        assert!(lines[3].ends_with(r#""detections":[],"recorded":false}"#));
        // Cut within the line of frame 7, and whole.
        for (cut, expected) in [(text.len(), vec![4, 7]), (text.len() - 10, vec![4])] {
            std::fs::write(path(&recording), &text.as_bytes()[..cut]).unwrap();
            let mut read = Decisions::beside(&recording).unwrap().unwrap();
            assert_eq!(read.header(), &header);
            let mut frames = Vec::new();
            while let Some(recorded) = read.next_recorded().unwrap() {
                assert!(recorded.is_at(Duration::from_millis(500)));
                assert_eq!(recorded.line, put_out(recorded.frame));
                frames.push(recorded.frame);
            }
            assert_eq!(frames, expected);
        }
        std::fs::write(path(&recording), "{\"recording\":2}\n").unwrap();
        assert!(Decisions::beside(&recording).unwrap().is_none());
    }
}
