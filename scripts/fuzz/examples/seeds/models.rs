//! Model files of our own, and Darknet weights.

use crate::Seed;
use std::path::Path;
use tincy_import::{darknet, onnx};
use tincy_network::{
    Builder, Code, Convolution, Finish, Input, Network, Number, Op, Padding, Requantize, Shape,
    Source, Table, Thresholds, WeightKind, Weights, file, requantize,
};

const CFG: &str = include_str!("../../seeds/cfg/small.cfg");

/// Weights of the small cfg, as many as it takes.
fn weights() -> Vec<u8> {
    let header = [0i32, 2, 0, 7, 0];
    let mut bytes: Vec<u8> = header.iter().flat_map(|n| n.to_le_bytes()).collect();
    for number in 0..1 << 14 {
        let file = (Path::new("small.weights"), bytes.clone());
        if darknet::read(
            (Path::new("small.cfg"), CFG),
            file,
            None,
            Default::default(),
        )
        .is_ok()
        {
            return bytes;
        }
        bytes.extend((0.1f32 * (number % 16) as f32 - 1.0).to_le_bytes());
    }
    panic!("the small cfg is sound");
}

/// Integer layers of each kind of weights and finish.
fn integers() -> Network {
    let code = Code::unsigned(2, 0.5);
    let input = Input {
        shape: Shape::new(4, 4, 8),
        number: Number::Code(code),
        picture: None,
    };
    let mut builder = Builder::new("integers", input).expect("a sound input");
    let mut source = Source::Input;
    let kinds = [
        WeightKind::Binary,
        WeightKind::Ternary,
        WeightKind::Int { bits: 4 },
    ];
    for (number, kind) in kinds.into_iter().enumerate() {
        let numbers: Vec<i8> = (0..512i32)
            .map(|i| match kind {
                WeightKind::Binary => 1 - 2 * (i % 2) as i8,
                WeightKind::Ternary => i8::from(i % 61 == 0),
                _ => (i % 16) as i8 - 8,
            })
            .collect();
        let mut weights = Weights::integers(kind, &numbers[..8 * 8]).expect("weights of the kind");
        if number == 0 {
            weights = weights.with_multipliers(8, vec![3]).expect("a position");
        }
        let finish = match number {
            0 | 1 => Finish::Thresholds(Thresholds {
                code,
                values: [-1, 2, 5].repeat(8).into(),
            }),
            _ => Finish::Requantize(Box::new(Requantize {
                bias: vec![1; 8].into(),
                multiplier: vec![300; 8].into(),
                shift: vec![12; 8].into(),
                code,
                negative_shift: 1,
                table: Some(by_channel(code)),
            })),
        };
        let op = Op::Convolution(Convolution {
            out_channels: 8,
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            padding: Padding::default(),
            groups: 1,
            weights,
            finish,
        });
        let layer = builder.layer(format!("c{number}"), op, &[source]);
        source = layer.expect("a layer that fits");
    }
    builder.build().expect("a sound network")
}

/// A table for each of eight channels, all the same.
fn by_channel(code: Code) -> Table {
    let mut table = Table::of_values(requantize::values(code, 1), code, |x| x);
    table.codes = table.codes.repeat(8).into();
    table
}

/// What the target `graph` takes: graph, entries and tensors of a model file.
fn parts(file: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let (header, data) = file[8..].split_at(length);
    let mut header: serde_json::Map<_, _> = serde_json::from_slice(header).expect("a JSON header");
    let about = header.remove("__metadata__").expect("a header has it");
    let graph = about["network"].as_str().expect("a text").as_bytes();
    let entries = serde_json::to_vec(&header).expect("entries are JSON");
    [graph, &[0], &entries, &[0], data].concat()
}

fn npy(shape: &str, count: usize) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': True, 'shape': ({shape}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let floats: Vec<u8> = (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), &floats].concat()
}

/// A folder of QNN-MO with one hidden layer: the files of the target `finn`.
fn finn() -> Vec<u8> {
    let layers = r#"{"network": "tinier-yolo", "binparam": "binparam", "binparam_skip": 0, "layer_skip": 0,
        "layers": [{"func": "conv_layer", "name": "hidden", "kernel_shape": 1, "kernel_stride": 1,
            "input": [2, 4, 4], "output": [2, 4, 4], "padding": 0},
        {"func": "maxpool_layer", "name": "pool", "kernel_shape": 2, "kernel_stride": 2,
            "input": [2, 4, 4], "output": [2, 2, 2]},
        {"func": "none"}]}"#;
    let overlay = r#"{"parameters": {"MAX_K": 3, "MAX_IFM_CH": 8, "MAX_IFM_DIM": 8, "MAX_OFM_CH": 8,
        "MAX_OFM_DIM": 8, "MAX_POOL_SIZE": 2, "MAX_POOL_STRIDE": 2, "MAX_SIMD": 2, "MAX_PE_CONV": 1,
        "ACTIVATION_BITS": 3, "WEIGHTS_BITS": 1}}"#;
    let cfg = "[net]\nwidth=4\nheight=4\n[convolutional]\nfilters=2\nsize=1\n[convolutional]\n\
        [convolutional]\nfilters=6\nsize=1\n[region]\nclasses=1\nanchors=1,1\nsoftmax=1\n";
    let thresholds: Vec<u8> = (0..16u16).flat_map(|t| t.to_le_bytes()).collect();
    let files: [&[u8]; 10] = [
        layers.as_bytes(),
        overlay.as_bytes(),
        cfg.as_bytes(),
        b"dog\n",
        &[[1, 0, 0, 0, 0, 0, 0, 0], [2, 0, 0, 0, 0, 0, 0, 0]].concat(),
        &thresholds,
        &npy("1, 1, 3, 2", 6),
        &npy("2,", 2),
        &npy("1, 1, 2, 6", 12),
        &npy("6,", 6),
    ];
    files.join(&b"\n==\n"[..])
}

/// An archive of one file and its table: the form `p` of the target `labels`.
fn packed() -> Vec<u8> {
    let table =
        "file,split,width,height,class,xmin,ymin,xmax,ymax,difficult\nb,val,2,3,dog,1.5,2,3,4,0";
    let mut header = [0u8; 512];
    header[0] = b'b';
    header[124..135].copy_from_slice(b"00000000002");
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..262].copy_from_slice(b"ustar");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut archive = [&header[..], b"ab"].concat();
    archive.resize(2048, 0);
    [b"p", table.as_bytes(), b"\n==\n", &archive].concat()
}

/// A whole bitstream for a Z7020, plain and turned, and a device tree that names one.
fn bits() -> [Vec<u8>; 3] {
    let words = [
        0xffff_ffff,
        0xaa99_5566,
        0x2000_0000,
        0x3001_2001,
        0x3800_3fe5,
        0x3001_8001,
        0x0372_7093,
        0x3000_4000,
        0x5000_0002,
        1,
        2,
        0x3000_8001,
        13,
        0x2000_0000u32,
    ];
    let plain: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let turned: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let mut file = vec![
        0, 9, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0, 0, 1,
    ];
    for (key, text) in [
        (b'a', "n;UserID=0"),
        (b'b', "7z020clg400"),
        (b'c', "2018/09/20"),
        (b'd', "1:2"),
    ] {
        file.push(key);
        file.extend((text.len() as u16 + 1).to_be_bytes());
        file.extend([text.as_bytes(), &[0]].concat());
    }
    file.push(b'e');
    file.extend((plain.len() as u32).to_be_bytes());
    file.extend(plain);
    let structure = [1, 0, 4, 3, 6, 0, u32::from_be_bytes(*b"a.bi"), 0, 2, 9];
    let end = 40 + 4 * structure.len() as u32;
    let head = [0xd00d_feed, end + 14, 40, end, 40, 17, 16, 0, 14, end - 40];
    let tree = head
        .iter()
        .chain(&structure)
        .flat_map(|word| word.to_be_bytes());
    let tree: Vec<u8> = tree.chain(*b"firmware-name\0").collect();
    [file, turned, tree]
}

pub(crate) fn seeds() -> Vec<Seed> {
    let weights = weights();
    let pair = (Path::new("small.cfg"), CFG);
    let read = darknet::read(
        pair,
        (Path::new("small.weights"), weights.clone()),
        None,
        Default::default(),
    );
    let float = file::to_bytes(&read.expect("a sound pair"));
    let integer = file::to_bytes(&integers());
    let yolox =
        onnx::read(&crate::onnx::yolox(), Path::new("y.onnx"), Default::default()).expect("a sound model");
    let yolox = file::to_bytes(&yolox);
    let [bit, turned, tree] = bits();
    vec![
        ("bit", "bit", bit),
        ("bit", "turned", turned),
        ("bit", "tree", tree),
        ("finn", "detector", finn()),
        ("labels", "packed", packed()),
        ("graph", "float", parts(&float)),
        ("graph", "integer", parts(&integer)),
        ("graph", "yolox", parts(&yolox)),
        ("native", "float", float),
        ("native", "integer", integer),
        ("native", "yolox", yolox),
        ("weights", "small", weights),
    ]
}
