//! One class under several names: how the names of models and of data sets are matched.

/// The classes of PASCAL VOC, in their usual order.
pub const VOC: [&str; 20] = [
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
];

/// The classes of COCO's detection task, in the order of their numbers.
pub const COCO: [&str; 80] = [
    "person",
    "bicycle",
    "car",
    "motorcycle",
    "airplane",
    "bus",
    "train",
    "truck",
    "boat",
    "traffic light",
    "fire hydrant",
    "stop sign",
    "parking meter",
    "bench",
    "bird",
    "cat",
    "dog",
    "horse",
    "sheep",
    "cow",
    "elephant",
    "bear",
    "zebra",
    "giraffe",
    "backpack",
    "umbrella",
    "handbag",
    "tie",
    "suitcase",
    "frisbee",
    "skis",
    "snowboard",
    "sports ball",
    "kite",
    "baseball bat",
    "baseball glove",
    "skateboard",
    "surfboard",
    "tennis racket",
    "bottle",
    "wine glass",
    "cup",
    "fork",
    "knife",
    "spoon",
    "bowl",
    "banana",
    "apple",
    "sandwich",
    "orange",
    "broccoli",
    "carrot",
    "hot dog",
    "pizza",
    "donut",
    "cake",
    "chair",
    "couch",
    "potted plant",
    "bed",
    "dining table",
    "toilet",
    "tv",
    "laptop",
    "mouse",
    "remote",
    "keyboard",
    "cell phone",
    "microwave",
    "oven",
    "toaster",
    "sink",
    "refrigerator",
    "book",
    "clock",
    "vase",
    "scissors",
    "teddy bear",
    "hair drier",
    "toothbrush",
];

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

/// The classes that somebody asks for by name: `voc` alone stands for all of PASCAL VOC's, and no name for
/// no choice.
pub fn chosen(names: &[String]) -> Option<Vec<String>> {
    match names {
        [] => None,
        [voc] if voc.eq_ignore_ascii_case("voc") => Some(VOC.map(String::from).to_vec()),
        names => Some(names.to_vec()),
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

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn every_class_of_voc_is_one_of_coco() {
        let matched = match_classes(&strings(&VOC), &strings(&COCO));
        let numbers = [
            4, 1, 14, 8, 39, 5, 2, 15, 56, 19, 60, 16, 17, 3, 0, 58, 18, 57, 6, 62,
        ];
        assert_eq!(matched, numbers.map(Some));
        let back = match_classes(&strings(&COCO), &strings(&VOC));
        assert_eq!(back.iter().flatten().count(), 20);
    }

    #[test]
    fn people_write_names_in_many_ways() {
        assert_eq!(plain_name("Motor-Cycle"), "motorbike");
        assert_eq!(plain_name("Dining Table"), "diningtable");
        assert_eq!(plain_name("人"), "人");
    }
}
