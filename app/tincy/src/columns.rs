//! Tables of text with aligned columns, and numbers as people read them.

use std::fmt;

/// A table with a line of headings.
#[derive(Clone, Debug, Default)]
pub struct Columns {
    headings: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

/// Where a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

impl Columns {
    /// A table of these columns, without rows yet.
    pub fn new(headings: &[(&'static str, Align)]) -> Columns {
        Columns {
            headings: headings.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| letters(cell));
        cells
            .max()
            .unwrap_or(0)
            .max(letters(self.headings[column].0))
    }
}

fn letters(text: &str) -> usize {
    text.chars().count()
}

impl fmt::Display for Columns {
    /// Lines without blanks at their ends, the last one without a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|column| self.width(column))
            .collect();
        let line = |cell: &dyn Fn(usize) -> String| {
            let cells = self.headings.iter().zip(&widths).enumerate().map(
                |(column, ((_, align), width))| match align {
                    Align::Left => format!("{:width$}", cell(column)),
                    Align::Right => format!("{:>width$}", cell(column)),
                },
            );
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
        };
        f.write_str(&line(&|column| self.headings[column].0.to_string()))?;
        for row in &self.rows {
            write!(
                f,
                "\n{}",
                line(&|column| row.get(column).cloned().unwrap_or_default())
            )?;
        }
        Ok(())
    }
}

/// A whole number with commas: `4,385,931,264`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number in thousands, millions or billions with three or four digits: `4.39 G`.
pub fn rounded(number: u64) -> String {
    let units = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(unit, _)| number as f64 >= *unit) {
        Some((unit, name)) => {
            let scaled = number as f64 / unit;
            let digits = if scaled < 9.995 {
                2
            } else {
                usize::from(scaled < 99.95)
            };
            format!("{scaled:.digits$} {name}")
        }
        None => number.to_string(),
    }
}

/// The first letters of a text that is too long, and a sign that it goes on.
pub fn shorten(text: &str, most: usize) -> String {
    if letters(text) <= most {
        return text.to_string();
    }
    text.chars().take(most - 1).chain(['\u{2026}']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table() {
        let mut table = Columns::new(&[
            ("name", Align::Left),
            ("n", Align::Right),
            ("note", Align::Left),
        ]);
        table.row(["größer", "5", "x"].map(String::from));
        table.row(["a", "1,000"].map(String::from));
        assert_eq!(
            table.to_string(),
            "name        n  note\ngrößer      5  x\na       1,000"
        );
    }

    #[test]
    fn numbers() {
        assert_eq!(
            [0, 999, 1000, 4_385_931_264].map(grouped),
            ["0", "999", "1,000", "4,385,931,264"]
        );
        let cases = [
            (999, "999"),
            (1000, "1.00 k"),
            (59_012_096, "59.0 M"),
            (479_232_000, "479 M"),
            (4_385_931_264, "4.39 G"),
        ];
        for (number, expected) in cases {
            assert_eq!(rounded(number), expected);
        }
        assert_eq!(
            (shorten("person", 6), shorten("person", 4)),
            ("person".into(), "per…".into())
        );
    }
}
