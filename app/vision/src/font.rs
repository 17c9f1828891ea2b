//! The letters of labels: strokes of a round pen, so that they scale to any picture.
//!
//! Drawn for this project on a grid of 8 units from the capitals' top (0) to the base line (8);
//! small letters begin at 3, descenders end at 10. A glyph is written as strokes separated by
//! spaces; a stroke is points of two hexadecimal digits, x and y.

/// Units from the top of the capitals to the base line.
pub const CAPITALS: usize = 8;

/// Units below the base line.
pub(crate) const DESCENT: usize = 2;

/// Units between the strokes of two letters.
const SPACING: usize = 2;

/// Space to tilde.
const GLYPHS: [&str; 95] = [
    "",                                    // space
    "0005 0808",                           // !
    "0002 2022",                           // "
    "1018 3038 0242 0646",                 // #
    "413010010314344547381807 2028",       // $
    "10212213020110 65767768575665 1860",  // %
    "581211203041420507183855",            // &
    "0002",                                // '
    "20020628",                            // (
    "00222608",                            // )
    "2125 0244 4204",                      // *
    "2327 0545",                           // +
    "180a",                                // ,
    "0535",                                // -
    "0808",                                // .
    "0840",                                // /
    "103041473818070110",                  // 0
    "022028 0848",                         // 1
    "0201103041430848",                    // 2
    "01103041433414 344547381807",         // 3
    "38300646",                            // 4
    "400003334447381807",                  // 5
    "413010010718384745341405",            // 6
    "004018",                              // 7
    "103041433414030110 1405071838474534", // 8
    "071838474130100103143443",            // 9
    "0404 0808",                           // :
    "1414 180a",                           // ;
    "420548",                              // <
    "0343 0646",                           // =
    "024508",                              // >
    "01103041422425 2828",                 // ?
    "6828060220507275665553 534334354655", // @
    "083068 1555",                         // A
    "080040515344 0444 4455574808",        // B
    "5140100107184857",                    // C
    "00305256380800",                      // D
    "50000858 0444",                       // E
    "500008 0444",                         // F
    "51401001071848575434",                // G
    "0008 5058 0454",                      // H
    "0020 1018 0828",                      // I
    "4047381807",                          // J
    "0008 5005 2358",                      // K
    "000848",                              // L
    "0800346068",                          // M
    "08005850",                            // N
    "104051574818070110",                  // O
    "08004051534404",                      // P
    "104051574818070110 3658",             // Q
    "08004051534404 2458",                 // R
    "514010010314445557481807",            // S
    "0060 3038",                           // T
    "000718485750",                        // U
    "003860",                              // V
    "0028426880",                          // W
    "0058 5008",                           // X
    "003460 3438",                         // Y
    "00500858",                            // Z
    "20000828",                            // [
    "0048",                                // \
    "00202808",                            // ]
    "022042",                              // ^
    "0959",                                // _
    "0011",                                // `
    "4433130407183847 4348",               // a
    "0008 0413334447381807",               // b
    "4433130407183847",                    // c
    "4048 4433130407183847",               // d
    "06464433130407183847",                // e
    "30201118 0333",                       // f
    "4433130407183847 43493a1a",           // g
    "0008 0413334448",                     // h
    "0308 0101",                           // i
    "13190a 1111",                         // j
    "0008 4307 2548",                      // k
    "000718",                              // l
    "0308 0413233438 3443536468",          // m
    "0308 0413334448",                     // n
    "133344473818070413",                  // o
    "030a 0413334447381807",               // p
    "434a 4433130407183847",               // q
    "0308 041333",                         // r
    "44331304153647381807",                // s
    "11172838 0333",                       // t
    "0307183847 4348",                     // u
    "032843",                              // v
    "0318345863",                          // w
    "0348 4308",                           // x
    "0328 431a",                           // y
    "03430848",                            // z
    "302011130415172838",                  // {
    "000a",                                // |
    "001021233425271808",                  // }
    "051424354554",                        // ~
];

/// An empty box, for characters beyond ASCII.
const MISSING: &str = "0040480800";

/// Two ends of a straight piece of a stroke, in units.
pub type Segment = [[usize; 2]; 2];

fn glyph(character: char) -> &'static str {
    let index = (character as usize).wrapping_sub(' ' as usize);
    GLYPHS.get(index).copied().unwrap_or(MISSING)
}

/// Units that a text is wide, from the middle of its first stroke to the middle of its last.
pub fn width(text: &str) -> usize {
    let advances = text.chars().map(|character| extent(character) + SPACING);
    advances.sum::<usize>().saturating_sub(SPACING)
}

fn extent(character: char) -> usize {
    if character == ' ' {
        return 1;
    }
    points(glyph(character)).map(|[x, _]| x).max().unwrap_or(0)
}

/// The straight pieces of a text, from x = 0 on.
pub fn segments(text: &str) -> impl Iterator<Item = Segment> {
    let mut pen = 0;
    text.chars().flat_map(move |character| {
        let at = pen;
        pen += extent(character) + SPACING;
        let strokes = glyph(character).split_ascii_whitespace();
        strokes.flat_map(move |stroke| {
            let shifted = move |[x, y]: [usize; 2]| [at + x, y];
            points(stroke)
                .zip(points(stroke).skip(1))
                .map(move |(from, to)| [shifted(from), shifted(to)])
        })
    })
}

/// The points of strokes.
fn points(strokes: &'static str) -> impl Iterator<Item = [usize; 2]> {
    let digits = strokes.bytes().filter(u8::is_ascii_hexdigit);
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as usize;
    let mut digits = digits.map(digit);
    std::iter::from_fn(move || Some([digits.next()?, digits.next()?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glyph_is_whole_strokes_on_the_grid() {
        for strokes in GLYPHS.iter().chain(&[MISSING]) {
            for stroke in strokes.split_ascii_whitespace() {
                assert!(stroke.len() >= 4 && stroke.len() % 2 == 0, "{strokes}");
                assert!(stroke.bytes().all(|byte| byte.is_ascii_hexdigit()));
                assert!(points(stroke).all(|[x, y]| x <= 8 && y <= CAPITALS + DESCENT));
            }
        }
        let distinct: std::collections::HashSet<_> = GLYPHS.iter().collect();
        assert_eq!(distinct.len(), GLYPHS.len());
    }

    #[test]
    fn widths() {
        // d 4, o 4, g 4 and two spaces between.
        assert_eq!(width("dog"), 16);
        assert_eq!(width(""), 0);
        assert_eq!(width("日"), 4);
        let right = segments("dog 86%").flatten().map(|[x, _]| x).max();
        assert_eq!(right, Some(width("dog 86%")));
    }
}
