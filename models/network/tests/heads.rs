//! Heads of every kind: what their maps must be, and the way through a model file.

use tincy_network::file::{read, to_bytes};
use tincy_network::{Builder, Error, Head, HeadKind, Input, Network, Number, Op, Shape, Source};

/// Two classes each, with the channels that their maps have.
fn kinds() -> Vec<(HeadKind, usize)> {
    let anchors = vec![[1.5, 2.0], [3.0, 4.5], [8.0, 9.0]];
    vec![
        (HeadKind::Yolox { stride: 8 }, 7),
        (
            HeadKind::Yolov5 {
                anchors: anchors.clone(),
            },
            21,
        ),
        (
            HeadKind::FastestV2 {
                anchors: anchors.clone(),
            },
            17,
        ),
        (HeadKind::FastestDet, 7),
        (
            HeadKind::Yolov8 {
                stride: 8,
                bins: 16,
            },
            66,
        ),
        (HeadKind::Nanodet { stride: 8, bins: 8 }, 34),
        (HeadKind::Ssd { anchors }, 21),
    ]
}

fn network(kind: HeadKind, channels: usize) -> Result<Network, Error> {
    let input = Input {
        shape: Shape::new(2, 3, 4),
        number: Number::F32,
        picture: None,
    };
    let mut builder = Builder::new("head", input)?;
    let channels = (0..channels).map(|c| c as u32 % 4).collect();
    let map = builder.layer("shuffle", Op::Gather { channels }, &[Source::Input])?;
    let size = [4, 6];
    let map = builder.layer("resize", Op::Resize { size }, &[map])?;
    builder.head(Head {
        source: map,
        classes: 2,
        kind,
    });
    builder.build()
}

#[test]
fn every_kind_comes_back_from_a_file() {
    for (kind, channels) in kinds() {
        let network = network(kind, channels).unwrap();
        assert_eq!(network.layers()[1].shape(), Shape::new(4, 6, channels));
        assert_eq!(read(&to_bytes(&network), "head.tincy").unwrap(), network);
    }
}

#[test]
fn maps_of_other_channels_are_refused() {
    for (kind, channels) in kinds() {
        let name = kind.name();
        let error = network(kind, channels + 1).unwrap_err().to_string();
        let found = format!("its map has {}", channels + 1);
        assert!(error.contains(&found), "{name}: {error}");
    }
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    let wrong = [
        (
            HeadKind::Yolov8 {
                stride: 0,
                bins: 16,
            },
            66,
            "stride",
        ),
        (HeadKind::Nanodet { stride: 8, bins: 0 }, 2, "bins"),
        (HeadKind::Ssd { anchors: vec![] }, 7, "0 anchors"),
        (
            HeadKind::Yolov5 {
                anchors: vec![[1.0, -1.0]],
            },
            7,
            "positive",
        ),
    ];
    for (kind, channels, expected) in wrong {
        let error = network(kind, channels).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn channels_that_are_not_there_are_refused() {
    let input = Input {
        shape: Shape::new(2, 3, 4),
        number: Number::F32,
        picture: None,
    };
    for channels in [vec![], vec![0, 4]] {
        let mut builder = Builder::new("shuffle", input.clone()).unwrap();
        let error = builder.layer("shuffle", Op::Gather { channels }, &[Source::Input]);
        let error = error.unwrap_err().to_string();
        assert!(error.contains("channels: expected 0 to 3"), "{error}");
    }
}
