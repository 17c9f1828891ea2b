//! `[region]` and `[yolo]`: what the map before them means.

use super::cfg::Section;
use crate::Result;
use tincy_network::HeadKind;

/// Keys of a head that would change how its map is read. All others of its many keys are for
/// training, or for thresholds that are the user's to choose.
const NEUTRAL: &[(&str, f32)] = &[
    ("coords", 4.0),
    ("background", 0.0),
    ("embedding_layer", 0.0),
];

/// Keys of a head that ask for word trees or renumbered classes.
const REFUSED: &[&str] = &["tree", "softmax_tree", "map"];

/// `[region]`: its classes and arithmetic.
pub(super) fn region(section: &Section) -> Result<(usize, HeadKind)> {
    check(section)?;
    let (anchors, classes) = (section.anchors()?, section.number_or("classes", 20)?);
    let num: usize = section.number_or("num", 1)?;
    if anchors.len() < num || num == 0 {
        return Err(section.wrong(format!("num={num}, but {} anchors", anchors.len())));
    }
    let kind = HeadKind::Region {
        anchors: anchors[..num].to_vec(),
        softmax: section.flag("softmax")?,
    };
    Ok((classes, kind))
}

/// `[yolo]`: its classes and arithmetic.
pub(super) fn yolo(section: &Section) -> Result<(usize, HeadKind)> {
    check(section)?;
    let (all, classes) = (section.anchors()?, section.number_or("classes", 20)?);
    let num: usize = section.number_or("num", 1)?;
    let mut mask: Vec<usize> = section.list("mask")?;
    if mask.is_empty() {
        mask = (0..num.min(all.len())).collect();
    }
    let anchors = mask.iter().map(|index| {
        let anchor = all.get(*index).filter(|_| *index < num);
        let found = all.len().min(num);
        anchor
            .copied()
            .ok_or_else(|| section.wrong(format!("mask: anchor {index} of {found}")))
    });
    let anchors = anchors.collect::<Result<_>>()?;
    let scale_xy: f32 = section.number_or("scale_x_y", 1.0)?;
    if !scale_xy.is_finite() {
        return Err(section.wrong("scale_x_y must be a number"));
    }
    let kind = HeadKind::Yolo {
        anchors,
        scale_xy,
        new_coords: section.flag("new_coords")?,
    };
    Ok((classes, kind))
}

fn check(section: &Section) -> Result<()> {
    for entry in &section.entries {
        let key = entry.key.as_str();
        if REFUSED.contains(&key) {
            let kind = &section.kind;
            return Err(
                section.wrong_at(entry.line, format!("{key}= in [{kind}] is not supported"))
            );
        }
        let neutral = NEUTRAL.iter().find(|(name, _)| *name == key);
        if let Some((_, value)) = neutral
            && entry.value.parse() != Ok(*value)
        {
            let what = format!("{key}={} is not supported, only {key}={value}", entry.value);
            return Err(section.wrong_at(entry.line, what));
        }
    }
    Ok(())
}
