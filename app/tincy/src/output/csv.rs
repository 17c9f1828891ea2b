//! CSV (RFC 4180 but with plain line ends): `image,class,score,x1,y1,x2,y2`, one line an object;
//! for recordings with `frame,time` after the name.

use super::report::{Found, Report, Stream, class_name};
use anyhow::Result;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

/// Writes a line an object.
pub struct Csv {
    stream: Stream,
    names: Arc<[String]>,
    timed: bool,
}

impl Csv {
    /// Writes the heading; `timed` adds the columns for recordings.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new(mut stream: Stream, names: Arc<[String]>, timed: bool) -> Result<Csv> {
        let more = if timed { "frame,time," } else { "" };
        writeln!(stream, "image,{more}class,score,x1,y1,x2,y2")?;
        Ok(Csv {
            stream,
            names,
            timed,
        })
    }
}

impl Report for Csv {
    fn add(&mut self, found: &Found) -> Result<()> {
        let mut start = quoted(found.source).into_owned();
        if self.timed {
            let seconds = found.time.unwrap_or_default().as_secs_f64();
            write!(start, ",{},{seconds}", found.frame)?;
        }
        for d in found.detections {
            let class = class_name(&self.names, d.class);
            let (class, score, rect) = (quoted(&class), d.score, d.rect);
            let [left, top, right, bottom] = [rect.left, rect.top, rect.right, rect.bottom];
            let line = format!("{start},{class},{score},{left},{top},{right},{bottom}\n");
            self.stream.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.stream.flush()?)
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")).into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_where_they_must_be() {
        assert_eq!(quoted("dog.jpg"), "dog.jpg");
        assert_eq!(quoted("a,\"b\".jpg"), "\"a,\"\"b\"\".jpg\"");
    }
}
