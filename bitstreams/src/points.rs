//! Published points: the rows of a CSV file with the columns of [`Point`].

use crate::Error;
use std::path::Path;

/// One row. Empty fields are `None`; columns that no model here predicts are not read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Point {
    /// Name of the network or engine.
    pub network: String,
    /// As in `W1A3`.
    pub precision: String,
    /// Board, or what is known of it.
    pub platform: String,
    /// How it was built.
    pub architecture: String,
    /// Clock.
    pub clock_mhz: Option<f64>,
    /// Six-input look-up tables.
    pub lut: Option<f64>,
    /// 36-kbit block RAMs.
    pub bram36: Option<f64>,
    /// Frames a second.
    pub fps: Option<f64>,
    /// 10^9 operations a second.
    pub gops: Option<f64>,
    /// Time of one frame.
    pub latency_us: Option<f64>,
    /// Reported, measured or predicted.
    pub kind: String,
}

/// The points of a file.
///
/// # Errors
/// If it cannot be read, a column is missing, or a number is none: the line.
pub fn read(path: &Path) -> Result<Vec<Point>, Error> {
    let fail = |what: String| Error::File {
        path: path.to_path_buf(),
        what,
    };
    let text = std::fs::read_to_string(path).map_err(|e| fail(e.to_string()))?;
    let mut lines = text.lines();
    let head = fields(lines.next().unwrap_or_default());
    let row =
        |(i, line)| point(&head, line).map_err(|what| fail(format!("line {}: {what}", i + 2)));
    lines.enumerate().map(row).collect()
}

fn point(head: &[String], line: &str) -> Result<Point, String> {
    let fields = fields(line);
    let text = |name: &str| {
        let column = head.iter().position(|column| column == name);
        let field = column.and_then(|column| fields.get(column));
        field.cloned().ok_or_else(|| format!("no column {name}"))
    };
    let number = |name: &str| {
        let field = text(name)?;
        match field.as_str() {
            "" => Ok(None),
            digits => digits
                .parse()
                .map(Some)
                .map_err(|_| format!("{name} {field}: not a number")),
        }
    };
    Ok(Point {
        network: text("network")?,
        precision: text("precision")?,
        platform: text("platform")?,
        architecture: text("architecture")?,
        clock_mhz: number("clock_mhz")?,
        lut: number("lut")?,
        bram36: number("bram36")?,
        fps: number("fps")?,
        gops: number("gops")?,
        latency_us: number("latency_us")?,
        kind: text("kind")?,
    })
}

/// The fields of a line; quotes hold commas together, twice they are one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => fields[last].extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_commas() {
        assert_eq!(fields(r#"a,"b, ""c""",,d"#), ["a", r#"b, "c""#, "", "d"]);
    }

    #[test]
    fn a_wrong_number_and_a_missing_column_are_named() {
        let head = fields("network,precision,platform,architecture,clock_mhz");
        assert_eq!(
            point(&head, "a,b,c,d,x").unwrap_err(),
            "clock_mhz x: not a number"
        );
        assert_eq!(point(&head, "a,b,c,d,1").unwrap_err(), "no column lut");
    }
}
