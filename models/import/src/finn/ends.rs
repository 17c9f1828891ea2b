//! The float layers before and after the hidden ones of a detector, and its head.

use super::{find_one, npy};
use crate::darknet::cfg::{Cfg, Section};
use crate::{Error, Result, files};
use std::path::{Path, PathBuf};
use tincy_network::{Activation, Affine, Builder, Code, Convolution, Finish, Fit, Head, HeadKind};
use tincy_network::{Input, Number, Op, Padding, Picture, Shape, Source, Weights};

/// The folder and the cfg that tell of both ends. The cfg also lists the hidden layers, as they
/// were trained; those are read from the layers JSON instead.
pub(super) struct Ends {
    folder: PathBuf,
    cfg: Cfg,
}

impl Ends {
    /// Reads the one cfg of a folder.
    pub(super) fn open(folder: &Path) -> Result<Ends> {
        Ok(Ends {
            folder: folder.to_path_buf(),
            cfg: Cfg::open(&find_one(folder, ".cfg")?)?,
        })
    }

    /// Pictures, letterboxed as Darknet does.
    pub(super) fn input(&self) -> Result<Input> {
        let net = &self.cfg.sections[0];
        Ok(Input {
            shape: Shape::new(net.needed("height")?, net.needed("width")?, 3),
            number: Number::F32,
            picture: Some(Picture {
                fit: Fit::Letterbox { fill: 0.5 },
                ..Picture::default()
            }),
        })
    }

    /// The first convolution: RGB to codes.
    pub(super) fn add_first(&self, builder: &mut Builder, code: Code) -> Result<Source> {
        let section = self.convolutions().next();
        let section = section.ok_or_else(|| self.wrong("there is no [convolutional]"))?;
        let layer = FloatLayer::open(&self.folder, "conv0")?;
        let finish = (Activation::Relu, Number::Code(code));
        layer.add(builder, section, finish, Source::Input)
    }

    /// The last convolution, codes to numbers, and the region head.
    pub(super) fn add_last(&self, builder: &mut Builder, codes: Source) -> Result<()> {
        let count = self.convolutions().count();
        let section = self.convolutions().last();
        let section = section.ok_or_else(|| self.wrong("there is no [convolutional]"))?;
        let layer = FloatLayer::open(&self.folder, &format!("conv{}", count - 1))?;
        let source = layer.add(builder, section, (Activation::Linear, Number::F32), codes)?;
        let region = self.cfg.sections.iter().find(|s| s.kind == "region");
        let region = region.ok_or_else(|| self.wrong("there is no [region]"))?;
        builder.head(Head {
            source,
            classes: region.needed("classes")?,
            kind: HeadKind::Region {
                anchors: region.anchors()?,
                softmax: region.flag("softmax")?,
            },
        });
        builder.classes(files::names(&find_one(&self.folder, ".names")?)?);
        Ok(())
    }

    fn convolutions(&self) -> impl Iterator<Item = &Section> {
        let sections = self.cfg.sections.iter();
        sections.filter(|section| section.kind == "convolutional")
    }

    fn wrong(&self, what: &str) -> Error {
        Error::file(&self.cfg.path, what)
    }
}

/// A float convolution as two `.npy` files hold it.
struct FloatLayer {
    name: String,
    path: PathBuf,
    kernel: [usize; 2],
    in_channels: usize,
    weights: Weights,
    bias: Vec<f32>,
    sums: [String; 2],
}

impl FloatLayer {
    /// Reads `NETWORK-NAME-W.npy`, `[ky][kx][in][out]`, and `NETWORK-NAME-bias.npy`.
    fn open(folder: &Path, name: &str) -> Result<FloatLayer> {
        let path = find_one(folder, &format!("-{name}-W.npy"))?;
        let (weights, sum) = npy::read(&path)?;
        let &[height, width, inputs, outputs] = &weights.shape[..] else {
            let found = &weights.shape;
            let what = format!("[ky][kx][in][out] expected, a shape of {found:?} found");
            return Err(Error::file(&path, what));
        };
        let bias_path = find_one(folder, &format!("-{name}-bias.npy"))?;
        let (bias, bias_sum) = npy::read(&bias_path)?;
        if bias.shape != [outputs] {
            let found = &bias.shape;
            let what = format!("{outputs} biases expected, a shape of {found:?} found");
            return Err(Error::file(&bias_path, what));
        }
        let window = height * width * inputs;
        let ordered = (0..outputs * window)
            .map(|i| weights.values[i % window * outputs + i / window])
            .collect();
        Ok(FloatLayer {
            name: name.to_string(),
            path,
            kernel: [height, width],
            in_channels: inputs,
            weights: Weights::floats(ordered),
            bias: bias.values,
            sums: [sum, bias_sum],
        })
    }

    /// Adds the layer as a section of the cfg describes it.
    fn add(
        self,
        builder: &mut Builder,
        section: &Section,
        (activation, output): (Activation, Number),
        input: Source,
    ) -> Result<Source> {
        self.check(section, builder.tensor(input).0.channels)?;
        let [weights, bias] = self.sums;
        let text = format!("SHA-256 {weights} (weights), {bias} (bias)");
        builder.provenance(&self.name, text);
        let padding = if section.flag("pad")? {
            self.kernel[0] / 2
        } else {
            0
        };
        let op = Op::Convolution(Convolution {
            out_channels: self.bias.len(),
            kernel: self.kernel,
            stride: [section.number_or("stride", 1)?; 2],
            dilation: [1; 2],
            padding: Padding::same(padding),
            groups: 1,
            weights: self.weights,
            finish: Finish::Affine(Affine {
                scale: Default::default(),
                bias: self.bias.into(),
                activation,
                output,
            }),
        });
        builder
            .layer(self.name, op, &[input])
            .map_err(Error::network(&self.path))
    }

    /// Holds the files against the cfg and the map that the layer reads.
    fn check(&self, section: &Section, channels: usize) -> Result<()> {
        let size: usize = section.number_or("size", 1)?;
        let filters: usize = section.number_or("filters", 1)?;
        let expected = [size, size, channels, filters];
        let [height, width] = self.kernel;
        let found = [height, width, self.in_channels, self.bias.len()];
        if expected == found {
            return Ok(());
        }
        let name = &self.name;
        let what = format!("layer {name}: a shape of {expected:?} expected, {found:?} found");
        Err(Error::file(&self.path, what))
    }
}
