//! A picture of any size in the middle of a screen: as large as it fits, black around it.

use super::Picture;
use super::format::Format;
use std::ops::Range;

/// Where a picture of one size goes on a screen of another, and which of its columns each pixel shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    picture: (usize, usize),
    columns: Range<usize>,
    rows: Range<usize>,
    /// The picture's column of each of `columns`.
    sources: Vec<usize>,
}

impl Layout {
    /// For pictures and a screen of these columns and rows.
    ///
    /// # Panics
    /// If the picture has none.
    pub fn new(picture: (usize, usize), screen: (usize, usize)) -> Layout {
        let (width, height) = picture;
        assert!(width > 0 && height > 0, "a picture has pixels");
        // The side that fits more tightly decides.
        let size = match screen.0 * height <= screen.1 * width {
            true => (screen.0, (screen.0 * height / width).max(1).min(screen.1)),
            false => ((screen.1 * width / height).max(1).min(screen.0), screen.1),
        };
        let middle = |all: usize, part: usize| (all - part) / 2..(all - part) / 2 + part;
        Layout {
            picture,
            columns: middle(screen.0, size.0),
            rows: middle(screen.1, size.1),
            sources: (0..size.0).map(|x| nearest(x, size.0, width)).collect(),
        }
    }

    /// Size of the pictures that it is for.
    pub fn picture(&self) -> (usize, usize) {
        self.picture
    }

    /// The rows of the screen that the picture covers; the others stay black.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// First byte of a screen's row that [`row`](Layout::row) fills.
    pub fn start(&self, format: Format) -> usize {
        self.columns.start * format.bytes()
    }

    /// The row of the picture that a row of the screen shows.
    pub fn source(&self, row: usize) -> usize {
        nearest(row - self.rows.start, self.rows.len(), self.picture.1)
    }

    /// Draws a picture: `write` gets each row of the screen that it covers, and the bytes that lie there from
    /// [`start`](Layout::start) on. `row` is memory that is used again.
    ///
    /// # Errors
    /// That of `write`.
    ///
    /// # Panics
    /// If the picture has another size.
    pub fn draw<E>(
        &self,
        picture: Picture<'_>,
        format: Format,
        row: &mut Vec<u8>,
        mut write: impl FnMut(usize, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut last = None;
        for at in self.rows() {
            let source = self.source(at);
            if last != Some(source) {
                self.row(picture, source, format, row);
                last = Some(source);
            }
            write(at, row)?;
        }
        Ok(())
    }

    /// Writes row `source` of a picture as it lies on the screen.
    ///
    /// # Panics
    /// If the picture has another size.
    pub fn row(&self, picture: Picture<'_>, source: usize, format: Format, out: &mut Vec<u8>) {
        assert_eq!((picture.width, picture.height), self.picture);
        let pixels = &picture.rgb[3 * picture.width * source..][..3 * picture.width];
        let (pixels, _) = pixels.as_chunks::<3>();
        // The whole row in the screen's format lies behind what is shown of it, for a moment.
        let shown = self.sources.len() * format.bytes();
        out.resize(shown + pixels.len() * format.bytes(), 0);
        let (out_row, whole) = out.split_at_mut(shown);
        format.write(pixels, whole);
        match format.bytes() {
            2 => pick::<2>(whole, &self.sources, out_row),
            3 => pick::<3>(whole, &self.sources, out_row),
            _ => pick::<4>(whole, &self.sources, out_row),
        }
        out.truncate(shown);
    }
}

/// Writes the pixels of these columns, N bytes each.
fn pick<const N: usize>(row: &[u8], columns: &[usize], out: &mut [u8]) {
    let ((row, _), (out, _)) = (row.as_chunks::<N>(), out.as_chunks_mut::<N>());
    for (out, column) in out.iter_mut().zip(columns) {
        *out = row[*column];
    }
}

/// The source pixel whose middle is nearest to that of pixel `at` of `count`.
fn nearest(at: usize, count: usize, sources: usize) -> usize {
    ((2 * at + 1) * sources / (2 * count)).min(sources - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_centred_and_keep_their_shape() {
        for (picture, screen, columns, rows) in [
            ((640, 480), (1024, 768), 0..1024, 0..768),
            ((640, 480), (1280, 720), 160..1120, 0..720),
            ((1920, 1080), (1024, 768), 0..1024, 96..672),
            ((3, 1), (10, 10), 0..10, 3..6),
            ((1, 1000), (8, 4), 3..4, 0..4),
            ((1000, 1), (4, 8), 0..4, 3..4),
        ] {
            let layout = Layout::new(picture, screen);
            assert_eq!(
                (layout.columns, layout.rows),
                (columns, rows),
                "{picture:?}"
            );
        }
    }

    #[test]
    fn every_pixel_is_that_of_its_place() {
        let rgb: Vec<u8> = (0..2 * 2 * 3).collect();
        let picture = Picture {
            width: 2,
            height: 2,
            rgb: &rgb,
        };
        let layout = Layout::new((2, 2), (6, 4));
        assert_eq!((layout.rows(), layout.start(Format::Bgr888)), (0..4, 3));
        let mut row = Vec::new();
        let shown: Vec<Vec<u8>> = layout
            .rows()
            .map(|at| {
                layout.row(picture, layout.source(at), Format::Bgr888, &mut row);
                row.clone()
            })
            .collect();
        let doubled = |row: [u8; 6]| {
            let [a, b, c, d, e, f] = row;
            vec![a, b, c, a, b, c, d, e, f, d, e, f]
        };
        let (above, below) = (doubled([0, 1, 2, 3, 4, 5]), doubled([6, 7, 8, 9, 10, 11]));
        assert_eq!(shown, [above.clone(), above, below.clone(), below]);
        // Smaller: the pixel nearest to the middle.
        let layout = Layout::new((2, 2), (1, 1));
        layout.row(picture, layout.source(0), Format::Bgr888, &mut row);
        assert_eq!(row, [9, 10, 11]);
    }
}
