//! The model file: the same network comes back, and nothing damaged does.

mod forge;

use forge::forged_of;
use std::path::Path;
use tincy_network::file::{open, read, to_bytes, write};
use tincy_network::{
    Activation, Affine, Builder, Code, Convolution, Error, Finish, Head, HeadKind, Input, Network,
    Number, Op, Padding, Pool, Requantize, Shape, Source, Table, Thresholds, WeightKind, Weights,
};

fn convolution(kernel: usize, weights: Weights, out_channels: usize, finish: Finish) -> Op {
    Op::Convolution(Convolution {
        out_channels,
        kernel: [kernel; 2],
        stride: [1; 2],
        dilation: [1; 2],
        padding: Padding::same(kernel / 2),
        groups: 1,
        weights,
        finish,
    })
}

fn affine(scale: Vec<f32>, bias: Vec<f32>, activation: Activation) -> Finish {
    Finish::Affine(Affine {
        scale: scale.into(),
        bias: bias.into(),
        activation,
        output: Number::F32,
    })
}

/// One layer of each kind of weights and finish, a pool, a join and a head.
fn network() -> Network {
    let code = Code::unsigned(2, 1.0 / 3.0);
    let input = Input {
        shape: Shape::new(6, 5, 3),
        number: Number::Code(Code::unsigned(8, 1.0 / 255.0)),
        picture: Some(Default::default()),
    };
    let signs: Vec<i8> = (0..4 * 27).map(|i| 1 - i % 3 % 2 * 2).collect();
    let thresholds = Finish::Thresholds(Thresholds {
        code,
        values: (0..12).map(|i| i * 7 - 40).collect::<Vec<i32>>().into(),
    });
    let pool = Op::MaxPool(Pool {
        size: [2, 2],
        stride: [2, 1],
        padding: Padding::split(1),
    });
    let small: Vec<i8> = (0..28).map(|i| i % 15 - 7).collect();
    let floats: Vec<f32> = (0..49).map(|i| i as f32 / 8.0 - 3.0).collect();
    let build = || -> Result<Network, Error> {
        let mut b = Builder::new("small", input)?;
        let signs = Weights::integers(WeightKind::Binary, &signs)?;
        let codes = b.layer(
            "signs",
            convolution(3, signs, 4, thresholds),
            &[Source::Input],
        )?;
        let codes = b.layer("pool", pool, &[codes])?;
        let small = Weights::integers(WeightKind::Int { bits: 4 }, &small)?;
        let finish = affine(vec![0.25; 7], vec![1.5; 7], Activation::LEAKY);
        let floats_in = b.layer("small", convolution(1, small, 7, finish), &[codes])?;
        let finish = affine(vec![], vec![-0.5; 7], Activation::Linear);
        let weights = Weights::floats(floats);
        let last = b.layer("floats", convolution(1, weights, 7, finish), &[floats_in])?;
        let joined = b.layer("joined", Op::Concat, &[last, floats_in])?;
        let rule = Finish::Requantize(Box::new(requantize()));
        let sevens: Vec<i8> = (0..28).map(|i| i % 13 - 6).collect();
        let sevens = Weights::integers(WeightKind::Int { bits: 8 }, &sevens)?;
        let swish = b.layer("swish", convolution(1, sevens, 7, rule), &[codes])?;
        let twice = Op::Add {
            activation: Activation::Linear,
        };
        let twice = b.layer("twice", twice, &[swish, swish])?;
        let eights: Vec<i8> = (0..49).map(|i| i % 11 - 5).collect();
        let eights = Weights::integers(WeightKind::Int { bits: 5 }, &eights)?;
        let finish = affine(vec![0.5; 7], vec![0.25; 7], Activation::Linear);
        let free = b.layer("free", convolution(1, eights, 7, finish), &[twice])?;
        b.head(Head {
            source: free,
            classes: 2,
            kind: HeadKind::Yolox { stride: 2 },
        });
        b.head(Head {
            source: joined,
            classes: 2,
            kind: HeadKind::Region {
                anchors: vec![[1.25, 0.5], [3.0, 4.0]],
                softmax: true,
            },
        });
        b.classes(vec!["left".into(), "right".into()]);
        b.provenance("source", "made by hand");
        b.build()
    };
    build().expect("the small network is sound")
}

fn requantize() -> Requantize {
    let code = Code {
        signed: true,
        ..Code::unsigned(8, 1.0 / 16.0)
    };
    let output = Code {
        zero: 9,
        ..Code::unsigned(8, 1.0 / 32.0)
    };
    Requantize {
        negative_shift: 0,
        bias: (0..7).map(|i| 50 - 30 * i).collect::<Vec<i32>>().into(),
        multiplier: vec![20_000; 7].into(),
        shift: vec![14; 7].into(),
        code,
        table: Some(Table::of(code, output, |x| Activation::Swish.apply(x))),
    }
}

fn read_error(bytes: &[u8]) -> String {
    read(bytes, "small.tincy").unwrap_err().to_string()
}

#[test]
fn the_same_network_comes_back() {
    let network = network();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("small.tincy");
    write(&network, &path).unwrap();
    let opened = open(&path).unwrap();
    assert_eq!(opened, network);
    assert_eq!(to_bytes(&opened), std::fs::read(&path).unwrap());
    // Nothing else is left in the folder.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let signs = opened.layers()[0].convolution().unwrap();
    assert_eq!(signs.weights.unpack()[..4], [1, -1, 1, 1]);
}

#[test]
fn a_changed_byte_is_refused_or_changes_nothing() {
    let network = network();
    let mut bytes = to_bytes(&network);
    for index in 0..bytes.len() {
        for mask in [1, 0x80, 0x04] {
            bytes[index] ^= mask;
            if let Ok(read) = read(&bytes, "small.tincy") {
                assert_eq!(read, network, "byte {index} with {mask:#x}");
            }
            bytes[index] ^= mask;
        }
    }
}

#[test]
fn a_file_of_another_length_is_refused() {
    let mut bytes = to_bytes(&network());
    for length in 0..bytes.len() {
        let error = read_error(&bytes[..length]);
        assert!(error.starts_with("small.tincy: "), "{length}: {error}");
    }
    bytes.push(0);
    let error = read_error(&bytes);
    assert!(error.contains("truncated or overlong"), "{error}");
}

/// The file with text replaced in its header, its length and sum made right again.
fn forged(from: &str, to: &str) -> Vec<u8> {
    forged_of(&network(), from, to)
}

#[test]
fn what_is_unknown_or_does_not_fit_is_named() {
    let cases = [
        (
            r#""version":"6""#,
            r#""version":"7""#,
            r#"version "7"; this program reads 1, 2, 3, 4, 5 and 6"#,
        ),
        (
            r#""format":"tincy""#,
            r#""format":"other""#,
            r#"format "other""#,
        ),
        (r#""format":"#, r#""colour":"red","format":"#, "colour"),
        (r#"\"heads\""#, r#"\"hands\""#, "hands"),
        (r#"\"max_pool\""#, r#"\"min_pool\""#, "min_pool"),
        (
            r#""0.thresholds""#,
            r#""9.thresholds""#,
            "number of thresholds",
        ),
        (
            r#""0.thresholds""#,
            r#""0.questions""#,
            "number of thresholds",
        ),
        (
            r#""I32""#,
            r#""F32""#,
            "tensor 0.thresholds: I32 expected, F32 found",
        ),
        (r#""I32""#, r#""I64""#, "I64"),
        (
            r#"\"out_channels\":4"#,
            r#"\"out_channels\":5"#,
            "layer 0 (signs): number of weights",
        ),
        (
            r#"\"shape\":[6,5,4]"#,
            r#"\"shape\":[6,5,9]"#,
            "layer 0 claims 6x5x9",
        ),
        (
            r#"\"classes\":2"#,
            r#"\"classes\":3"#,
            "a head of one box a cell and 3 classes",
        ),
        (r#""5.shift""#, r#""9.shift""#, "number of shifts"),
        (r#""5.table""#, r#""9.table""#, "entries of the table"),
        (
            r#"\"stride\":2"#,
            r#"\"stride\":0"#,
            "a head's stride must be 1 to",
        ),
    ];
    for (from, to, expected) in cases {
        let error = read_error(&forged(from, to));
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
    // An unchanged file passes through the forge.
    assert!(read(&forged("small", "small"), "small.tincy").is_ok());
}

/// Files of earlier versions hold nothing that the latest does not.
#[test]
fn older_versions_are_read() {
    for version in ["1", "2", "3", "4", "5"] {
        let bytes = forged(r#""version":"6""#, &format!(r#""version":"{version}""#));
        assert_eq!(read(&bytes, "small.tincy").unwrap(), network());
    }
}

/// A chain of two layers of ternary weights, the first of which is sparse.
fn sparse(every: usize) -> Network {
    let input = Input {
        shape: Shape::new(1, 1, 256),
        number: Number::Code(Code::unsigned(8, 1.0)),
        picture: None,
    };
    let mut b = Builder::new("sparse", input).unwrap();
    let mut at = Source::Input;
    for (name, every) in [("sparse", every), ("dense", 1)] {
        let weight = |i: usize| match i % every {
            0 => 1 - (i / every % 2 * 2) as i8,
            _ => 0,
        };
        let weights: Vec<i8> = (0..256 * 256).map(weight).collect();
        let weights = Weights::integers(WeightKind::Ternary, &weights).unwrap();
        let finish = Finish::Affine(Affine {
            output: Number::Code(Code::unsigned(8, 1.0)),
            ..match affine(vec![0.01; 256], vec![0.0; 256], Activation::Relu) {
                Finish::Affine(affine) => affine,
                _ => unreachable!(),
            }
        });
        at = b
            .layer(name, convolution(1, weights, 256, finish), &[at])
            .unwrap();
    }
    b.build().unwrap()
}

#[test]
fn sparse_ternary_weights_are_stored_as_runs() {
    let (dense, sparse) = (sparse(1), sparse(50));
    let (long, short) = (to_bytes(&dense), to_bytes(&sparse));
    assert_eq!(read(&short, "short").unwrap(), sparse);
    assert_eq!(read(&long, "long").unwrap(), dense);
    // 65,536 weights take 2 bits each, or, a 50th of them not zero, a run of 6 bits and a sign.
    let saved = long.len() - short.len();
    let expected = 256 * 256 / 4 - (256 * 256 / 50 * 7) / 8;
    assert!(saved.abs_diff(expected) < 300, "{saved}, not {expected}");
    let header = String::from_utf8_lossy(&short[..4096]);
    assert!(header.contains("0.runs") && header.contains("1.weights"));
}

/// A layer of weights with multipliers, dense or as runs.
fn multiplied(kind: WeightKind, every: i32) -> Network {
    let input = Input {
        shape: Shape::new(4, 4, 64),
        number: Number::Code(Code::unsigned(2, 1.0)),
        picture: None,
    };
    let weight = |i: i32| if i % every == 0 { 1 - i % 2 * 2 } else { 0 };
    let signs: Vec<i8> = (0..2 * 9 * 64).map(|i| weight(i) as i8).collect();
    let weights = Weights::integers(kind, &signs).unwrap();
    let multipliers = vec![127, 1, 90, 64, 3, 77, 12, 120, 5];
    let weights = weights.with_multipliers(64, multipliers).unwrap();
    let finish = affine(vec![0.5; 2], vec![1.0; 2], Activation::Linear);
    let mut b = Builder::new("multiplied", input).unwrap();
    b.layer("only", convolution(3, weights, 2, finish), &[Source::Input])
        .unwrap();
    b.build().unwrap()
}

#[test]
fn multipliers_come_back_and_damaged_ones_are_named() {
    for (kind, every) in [
        (WeightKind::Binary, 1),
        (WeightKind::Ternary, 1),
        (WeightKind::Ternary, 35),
    ] {
        let network = multiplied(kind, every);
        let bytes = to_bytes(&network);
        let header = String::from_utf8_lossy(&bytes[..1024]);
        assert_eq!(header.contains("0.runs"), every > 1, "{header}");
        let again = read(&bytes, "multiplied").unwrap();
        assert_eq!(again, network);
        let weights = &again.layers()[0].convolution().unwrap().weights;
        assert_eq!(
            weights.unpack()[64 * 8 + 35 - 512 % 35],
            weights.unpack()[0].signum() * -5
        );
    }
    let network = multiplied(WeightKind::Binary, 1);
    for (from, to, expected) in [
        (
            "[127,1,90",
            "[0,1,90",
            "layer 0 (only): position multiplier: expected 1 to 127, found 0",
        ),
        (
            "[127,1,90",
            "[128,1,90",
            "position multiplier: expected 1 to 127, found 128",
        ),
        ("[127,1,90", "[256,1,90", "invalid value: integer `256`"),
        (
            "[127,1,90",
            "[127,90",
            "expected windows of 512, found 1152",
        ),
        (
            r#"\"channels\":64"#,
            r#"\"channels\":32"#,
            "layer 0 (only): weights of a multiplied window: expected 576, found 288",
        ),
        (
            r#"\"channels\":64,\"values\":[127,1,90,64,3,77,12,120,5]"#,
            r#"\"channels\":576,\"values\":[127]"#,
            "layer 0 (only): number of position multipliers: expected 9, found 1",
        ),
        (
            r#"\"kind\":\"binary\""#,
            r#"\"kind\":{\"int\":{\"bits\":2}}"#,
            "weight data",
        ),
        (r#"\"values\":["#, r#"\"value\":["#, "unknown field `value`"),
    ] {
        let error = read_error(&forged_of(&network, from, to));
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
}

#[test]
fn a_tensor_of_no_layer_is_named() {
    let entry = r#""9.bias":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"0.thresholds""#;
    let error = read_error(&forged(r#""0.thresholds""#, entry));
    assert!(
        error.contains("tensor 9.bias belongs to no layer"),
        "{error}"
    );
}

#[test]
fn what_is_no_model_file_is_said() {
    let error = open(Path::new("/nowhere/small.tincy")).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/small.tincy: "));
    let folder = tempfile::tempdir().unwrap();
    let error = open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("not a file"), "{error}");
    assert!(read_error(b"").contains("0 bytes are no model file"));
    assert!(read_error(b"PK\x03\x04 an archive").contains("not a .tincy model file"));
}
