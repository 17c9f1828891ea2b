//! A figure as SVG.

use super::{Anchor, Figure, Mark, Rgb};
use std::fmt::Write;

/// The document.
pub(super) fn render(figure: &Figure) -> String {
    let Figure {
        width,
        height,
        marks,
    } = figure;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"Helvetica, Arial, sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for mark in marks {
        // Writing to a string cannot fail.
        let _ = write_mark(&mut svg, mark);
    }
    svg.push_str("</svg>\n");
    svg
}

fn write_mark(svg: &mut String, mark: &Mark) -> std::fmt::Result {
    match mark {
        Mark::Line {
            points,
            colour,
            width,
        } => {
            let points: Vec<_> = points
                .iter()
                .map(|[x, y]| format!("{x:.1},{y:.1}"))
                .collect();
            writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" \
                 stroke-linejoin=\"round\" stroke-linecap=\"round\"/>",
                points.join(" "),
                hex(*colour)
            )
        }
        Mark::Text {
            at: [x, y],
            text,
            size,
            anchor,
            colour,
            upwards,
        } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            let turn = if *upwards {
                format!(" transform=\"rotate(-90 {x} {y})\"")
            } else {
                String::new()
            };
            writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\" \
                 fill=\"{}\"{turn}>{}</text>",
                hex(*colour),
                escape(text)
            )
        }
    }
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Text as XML allows it; characters that XML cannot hold are shown as a box.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c if c.is_control() => escaped.push('\u{25a1}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_well_formed_whatever_the_names() {
        let mut figure = Figure {
            width: 40.0,
            height: 30.0,
            marks: Vec::new(),
        };
        figure.line([[0.0, 1.25], [2.0, 3.0]], [255, 0, 16], 1.5);
        figure.text([1.0, 2.0], "<a&b>\u{0}", 12.0, Anchor::End, [0; 3]);
        figure.text_upwards([1.0, 2.0], "up", 12.0, [0; 3]);
        let svg = render(&figure);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let find = |tag: &str| {
            document
                .descendants()
                .find(|node| node.has_tag_name(tag))
                .unwrap()
        };
        assert_eq!(
            find("polyline").attribute("points"),
            Some("0.0,1.2 2.0,3.0")
        );
        assert_eq!(find("polyline").attribute("stroke"), Some("#ff0010"));
        assert_eq!(find("text").text(), Some("<a&b>\u{25a1}"));
        assert_eq!(find("text").attribute("text-anchor"), Some("end"));
    }
}
