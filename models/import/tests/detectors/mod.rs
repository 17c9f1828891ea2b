//! Detectors with what ONNX Runtime gave for them: inputs, raw outputs, boxes.
#![allow(dead_code)]

use crate::shared::shared;
use serde_json::Value;
use std::path::PathBuf;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Options, Plan, Session};
use tincy_import::onnx;
use tincy_network::{Head, Network, Source};
use tincy_vision::nms::suppress;
use tincy_vision::{Candidate, Fitting, Frame, Map, Rect, decode::decode};

/// A file and what it should give.
pub(crate) struct Case {
    pub(crate) folder: PathBuf,
    pub(crate) expected: Value,
    pub(crate) network: Network,
}

pub(crate) fn open(name: &str) -> Option<Case> {
    let folder = shared("onnx-detectors")?;
    let expected = std::fs::read(folder.join(format!("{name}.expected.json"))).unwrap();
    let path = folder.join(format!("{name}.onnx"));
    Some(Case {
        expected: serde_json::from_slice(&expected).unwrap(),
        network: onnx::import(&path, onnx::Options::default()).unwrap(),
        folder,
    })
}

impl Case {
    /// A session after it has run on an input of the file.
    pub(crate) fn run(&self, name: &str) -> Session {
        let input = self.network.input();
        let (width, height) = (input.shape.width, input.shape.height);
        let mut frame = Frame {
            width,
            height,
            ..Frame::default()
        };
        frame.pixels = self.pixels(name);
        let mut fitting = Fitting::new(input, width, height).unwrap();
        let mut session = Session::new(&Plan::new(&self.network, &Options::default()).unwrap());
        match session.input_mut() {
            TensorMut::F32(input) => fitting.apply(&frame, input).unwrap(),
            TensorMut::U8(input) => fitting.apply(&frame, input).unwrap(),
            TensorMut::I8(input) => fitting.apply(&frame, input).unwrap(),
        }
        session.run();
        session
    }

    /// The pixels of an input, red first: a stored picture, or those of a generator.
    fn pixels(&self, name: &str) -> Vec<u8> {
        let shape = self.network.input().shape;
        if name == "lcg" {
            let mut state = 1u32;
            let mut next = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            };
            return (0..shape.elements()).map(|_| next()).collect();
        }
        let path = self.expected["runs"][name]["input"].as_str().unwrap();
        let picture = image::open(self.folder.join(path)).unwrap().into_rgb8();
        let size = (shape.width as u32, shape.height as u32);
        assert_eq!(picture.dimensions(), size);
        picture.into_raw()
    }

    /// Largest difference of the numbers that are stored of output `index` of a run.
    pub(crate) fn difference(&self, run: &str, kind: &str, index: usize, found: &[f64]) -> f64 {
        let raw = &self.expected["runs"][run][kind][index];
        let shape = self.expected["outputs"][index]["shape"].as_array().unwrap();
        let count: u64 = shape.iter().map(|n| n.as_u64().unwrap()).product();
        assert_eq!(found.len() as u64, count, "{run}, output {index}");
        let (indices, values) = (raw["index"].as_array(), raw["value"].as_array());
        let pairs = indices.unwrap().iter().zip(values.unwrap());
        pairs.fold(0f64, |largest, (at, value)| {
            let found = found[at.as_u64().unwrap() as usize];
            largest.max((found - value.as_f64().unwrap()).abs())
        })
    }

    /// The boxes that heads find, in pixels of the picture of a run, which was stretched or put
    /// at the top left.
    pub(crate) fn detections(
        &self,
        session: &Session,
        heads: &[Head],
        run: &str,
    ) -> Vec<Candidate> {
        let (input, mut found) = (self.network.input(), Vec::new());
        let least = self.expected["score_threshold"].as_f64().unwrap() as f32;
        for head in heads {
            let map = Map {
                head,
                shape: self.network.tensor(head.source).0,
                values: session.output(head.source).unwrap().floats(),
            };
            let thresholds = vec![least; head.classes];
            decode(map, input.shape, &thresholds, &mut found).unwrap();
        }
        let size = &self.expected["runs"][run]["image_size"];
        let [mut width, mut height] = [0, 1].map(|i| size[i].as_f64().unwrap() as f32);
        if self.expected["input"]["resize"] == "letterbox-topleft" {
            (width, height) = (width.max(height), width.max(height));
        }
        let mut found = suppress(found, 0.45);
        for candidate in &mut found {
            let rect = &mut candidate.rect;
            rect.left *= width;
            rect.right *= width;
            rect.top *= height;
            rect.bottom *= height;
        }
        found
    }

    /// Holds boxes to those that are stored: in number and class, scores within `score`, edges within
    /// `edge` pixels.
    pub(crate) fn check(&self, run: &str, kind: &str, found: &[Candidate], score: f64, edge: f64) {
        let boxes = self.expected["runs"][run][kind].as_array().unwrap();
        assert_eq!(found.len(), boxes.len(), "{run}: {found:#?}");
        for (found, expected) in found.iter().zip(boxes) {
            let what = format!("{run}: {found:?}, not {expected}");
            assert_eq!(
                found.class as u64,
                expected["cls"].as_u64().unwrap(),
                "{what}"
            );
            let close = |found: f32, expected: &Value, by: f64| {
                (f64::from(found) - expected.as_f64().unwrap()).abs() <= by
            };
            assert!(close(found.score, &expected["score"], score), "{what}");
            let rect = found.rect;
            let edges = [rect.left, rect.top, rect.right, rect.bottom];
            for (i, found) in edges.into_iter().enumerate() {
                assert!(close(found, &expected["box_ltrb_px"][i], edge), "{what}");
            }
        }
    }

    /// The same where a step of a code may decide: every box that is above the threshold by more than
    /// `score` is there on either side, by its class, a score within `score`, and an overlap of `overlap`.
    pub(crate) fn check_near(
        &self,
        run: &str,
        kind: &str,
        found: &[Candidate],
        score: f32,
        overlap: f64,
    ) {
        let least = self.expected["score_threshold"].as_f64().unwrap() as f32 + score;
        let boxes = self.expected["runs"][run][kind].as_array().unwrap();
        let number = |value: &Value| value.as_f64().unwrap() as f32;
        let expected: Vec<Candidate> = boxes
            .iter()
            .map(|expected| {
                let edge = |i: usize| number(&expected["box_ltrb_px"][i]);
                Candidate {
                    class: expected["cls"].as_u64().unwrap() as usize,
                    score: number(&expected["score"]),
                    rect: Rect {
                        left: edge(0),
                        top: edge(1),
                        right: edge(2),
                        bottom: edge(3),
                    },
                }
            })
            .collect();
        for (some, others) in [(found, &expected[..]), (&expected, found)] {
            for one in some.iter().filter(|one| one.score > least) {
                let near = |other: &&Candidate| {
                    other.class == one.class
                        && (other.score - one.score).abs() <= score
                        && other.rect.overlap(&one.rect) >= overlap
                };
                assert!(
                    others.iter().any(|other| near(&other)),
                    "{run}: {one:?} of {some:?} is not in {others:?}"
                );
            }
        }
    }

    /// A result in the file's order: channels, rows, columns.
    pub(crate) fn planar(&self, session: &Session, source: Source) -> Vec<f64> {
        let (shape, _) = self.network.tensor(source);
        let Some(Tensor::F32(values)) = session.output(source) else {
            panic!("{source:?} is no result of floats");
        };
        let channel = |c: usize| values.iter().skip(c).step_by(shape.channels);
        (0..shape.channels)
            .flat_map(channel)
            .map(|x| f64::from(*x))
            .collect()
    }
}
