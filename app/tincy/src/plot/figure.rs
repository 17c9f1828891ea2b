//! What a plot is made of.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Lines and texts on white, in the order in which they are drawn. Units are pixels, from the left
/// and top edge.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Width of the whole.
    pub width: f64,
    /// Height of the whole.
    pub height: f64,
    /// What is drawn.
    pub marks: Vec<Mark>,
}

/// One thing that is drawn.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Where it bends.
        points: Vec<[f64; 2]>,
        /// Its colour.
        colour: Rgb,
        /// Its width.
        width: f64,
    },
    /// A line of text.
    Text {
        /// Where its base line begins, or what it is centred on, or where it ends.
        at: [f64; 2],
        /// What it says.
        text: String,
        /// Height of the font.
        size: f64,
        /// Which of the three `at` is.
        anchor: Anchor,
        /// Its colour.
        colour: Rgb,
        /// Turned to read upwards.
        upwards: bool,
    },
}

/// The place in a text that is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Where it begins.
    Start,
    /// Its centre.
    Middle,
    /// Where it ends.
    End,
}

impl Figure {
    /// Draws a line.
    pub fn line(&mut self, points: impl Into<Vec<[f64; 2]>>, colour: Rgb, width: f64) {
        self.marks.push(Mark::Line {
            points: points.into(),
            colour,
            width,
        });
    }

    /// Writes a text.
    pub fn text(
        &mut self,
        at: [f64; 2],
        text: impl Into<String>,
        size: f64,
        anchor: Anchor,
        colour: Rgb,
    ) {
        self.marks.push(Mark::Text {
            at,
            text: text.into(),
            size,
            anchor,
            colour,
            upwards: false,
        });
    }

    /// Writes a text that reads upwards, centred on `at`.
    pub fn text_upwards(&mut self, at: [f64; 2], text: impl Into<String>, size: f64, colour: Rgb) {
        let anchor = Anchor::Middle;
        self.marks.push(Mark::Text {
            at,
            text: text.into(),
            size,
            anchor,
            colour,
            upwards: true,
        });
    }
}
