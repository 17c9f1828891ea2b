//! One class under several names: how the names of a model and of a data set are matched.

/// Names for the same class, as VOC (first) and COCO have them, and as people write them.
const ALIASES: [&[&str]; 6] = [
    &["aeroplane", "airplane"],
    &["diningtable", "table"],
    &["motorbike", "motorcycle"],
    &["pottedplant", "plant"],
    &["sofa", "couch"],
    &["tvmonitor", "tv", "monitor"],
];

/// A name with case, blanks and punctuation taken out, and in the form that VOC has, so that two
/// names are of the same class exactly if their plain names are equal: `Dining Table` and
/// `diningtable`, `airplane` and `aeroplane`.
pub fn plain_name(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    let letters: String = letters.flat_map(char::to_lowercase).collect();
    match ALIASES
        .iter()
        .find(|names| names.contains(&letters.as_str()))
    {
        Some(names) => names[0].to_string(),
        None => letters,
    }
}

/// For each of `names`, the number of the class among `known` that it means, if there is one.
pub fn match_classes(names: &[String], known: &[String]) -> Vec<Option<usize>> {
    let known: Vec<_> = known.iter().map(|name| plain_name(name)).collect();
    let find = |name: &String| {
        let name = plain_name(name);
        known.iter().position(|known| *known == name)
    };
    names.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coco_and_voc_names_meet() {
        let strings = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
        let voc = strings(&[
            "aeroplane",
            "diningtable",
            "sofa",
            "tvmonitor",
            "person",
            "pottedplant",
        ]);
        let coco = strings(&[
            "person",
            "airplane",
            "couch",
            "potted plant",
            "dining table",
            "tv",
            "car",
        ]);
        let matched = match_classes(&coco, &voc);
        assert_eq!(
            matched,
            [Some(4), Some(0), Some(2), Some(5), Some(1), Some(3), None]
        );
        assert_eq!(plain_name("Motor-Cycle"), "motorbike");
        assert_eq!(plain_name("人"), "人");
    }
}
