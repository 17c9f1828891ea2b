//! Networks of QNN-MO: a list of hidden layers that an overlay runs, between float layers.
//!
//! Formats: `../shared/tinier-yolo/FORMAT.md` and `../shared/dorefanet/README.md`. The detector has
//! float layers around the hidden ones (`.npy` files) and a region head (Darknet cfg); of DoReFa-Net
//! only the hidden layers can be imported: it begins and ends at feature maps.

use super::ends::Ends;
use super::find_one;
use super::layers_json::{self, Convolution, Layers, Limits, Overlay, Pool, Step};
use super::layout::{Layout, ThresholdLayout};
use super::parameters::{ParameterFolder, Parameters, SetSize};
use crate::{Error, Result, files};
use std::path::{Path, PathBuf};
use tincy_network::{Builder, Code, Input, Network, Number, Op, Padding, Shape, Source};

/// What the files of a network do not say.
struct Family {
    /// `network` in the layers JSON.
    name: &'static str,
    /// Whether kernels are stored for the transposed picture.
    transposed: bool,
    /// Real value of the largest code.
    top: f64,
    /// Whether there are float layers and a head around the hidden ones.
    detector: bool,
}

const FAMILIES: [Family; 2] = [
    Family {
        name: "tinier-yolo",
        transposed: true,
        top: 4.0,
        detector: true,
    },
    Family {
        name: "dorefanet",
        transposed: false,
        top: 1.0,
        detector: false,
    },
];

/// Imports the network of a layers JSON.
pub(super) fn import(folder: &Path, path: &Path) -> Result<Network> {
    let (mut layers, sum) = layers_json::read::<Layers>(path)?;
    let family = FAMILIES
        .iter()
        .find(|family| family.name == layers.network)
        .ok_or_else(|| {
            let names = FAMILIES.map(|family| family.name).join(", ");
            let found = &layers.network;
            Error::file(
                path,
                format!("network {found:?} is unknown; known are {names}"),
            )
        })?;
    layers
        .layers
        .drain(..layers.layer_skip.min(layers.layers.len()));
    let steps = std::mem::take(&mut layers.layers);
    let mut hidden = Hidden::new(folder, path, &layers, family)?;
    let mut builder;
    if family.detector {
        let ends = Ends::open(folder)?;
        builder = Builder::new(&layers.network, ends.input()?).map_err(hidden.misfit())?;
        let codes = ends.add_first(&mut builder, hidden.code)?;
        let codes = hidden.add(&mut builder, &steps, codes)?;
        ends.add_last(&mut builder, codes)?;
    } else {
        let input = hidden.input(&steps)?;
        builder = Builder::new(&layers.network, input).map_err(hidden.misfit())?;
        hidden.add(&mut builder, &steps, Source::Input)?;
    }
    builder.provenance("format", "QNN-MO parameter folder");
    builder.provenance(files::name(path), format!("SHA-256 {sum}"));
    builder.provenance(
        layers.binparam,
        format!(
            "SHA-256 {} of all files in the order of use",
            hidden.folder.sum()
        ),
    );
    builder.build().map_err(Error::network(path))
}

/// The layers that the overlay runs.
struct Hidden {
    json: PathBuf,
    limits: Limits,
    layout: Layout,
    code: Code,
    folder: ParameterFolder,
    /// The next set of parameter files.
    set: usize,
}

impl Hidden {
    fn new(folder: &Path, json: &Path, layers: &Layers, family: &Family) -> Result<Hidden> {
        let path = find_one(folder, "-overlay.json")?;
        let limits = layers_json::read::<Overlay>(&path)?.0.parameters;
        let bits = limits.activation_bits;
        let possible = (1..=8).contains(&bits)
            && limits.weights_bits == 1
            && (1..=64).contains(&limits.max_simd)
            && (1..=1024).contains(&limits.max_pe_conv)
            && limits.max_ofm_ch > 0;
        if !possible {
            let what = "needs 1 weight bit, 1 to 8 activation bits, a SIMD of 1 to 64, a PE of 1 to 1024 and output channels";
            return Err(Error::file(&path, what));
        }
        let binparam = Path::new(&layers.binparam);
        if binparam.components().count() != 1 || binparam.file_name().is_none() {
            return Err(Error::file(
                json,
                "binparam must name a folder beside this file",
            ));
        }
        let layout = Layout {
            pe: limits.max_pe_conv,
            simd: limits.max_simd,
            one: -1,
            transposed: family.transposed,
            thresholds: ThresholdLayout::Flagged16,
        };
        Ok(Hidden {
            json: json.to_path_buf(),
            limits,
            layout,
            code: Code::unsigned(bits, family.top / f64::from((1u32 << bits) - 1)),
            folder: ParameterFolder::new(folder.join(binparam)),
            set: layers.binparam_skip,
        })
    }

    fn misfit(&self) -> impl Fn(tincy_network::Error) -> Error {
        Error::network(&self.json)
    }

    fn wrong(&self, layer: &str, what: impl std::fmt::Display) -> Error {
        Error::file(&self.json, format!("layer {layer}: {what}"))
    }

    /// The feature maps that the first convolution reads, all branches together.
    fn input(&self, steps: &[Step]) -> Result<Input> {
        let mut branches = 1;
        for step in steps {
            match step {
                Step::Split { split, .. } => branches = *split,
                Step::Convolution(c) => {
                    let [channels, height, width] = c.input;
                    return Ok(Input {
                        shape: Shape::new(height, width, channels.saturating_mul(branches)),
                        number: Number::Code(self.code),
                        picture: None,
                    });
                }
                _ => break,
            }
        }
        Err(Error::file(
            &self.json,
            "the list does not begin with a convolution",
        ))
    }

    /// Adds all steps. The branches of a split run one after the other, and so do their sets of
    /// parameter files.
    fn add(&mut self, builder: &mut Builder, steps: &[Step], input: Source) -> Result<Source> {
        let (mut source, mut rest) = (input, steps);
        while let Some((step, after)) = rest.split_first() {
            rest = after;
            match step {
                Step::Split { name, split } => {
                    let merge = rest.iter().enumerate().find_map(|(end, step)| match step {
                        Step::Merge { name } => Some((end, name)),
                        _ => None,
                    });
                    let (end, merge) =
                        merge.ok_or_else(|| self.wrong(name, "no merge_layer follows"))?;
                    let parts = self.branches(builder, name, *split, &rest[..end], source)?;
                    source = builder
                        .layer(merge, Op::Concat, &parts)
                        .map_err(self.misfit())?;
                    rest = &rest[end + 1..];
                }
                Step::Merge { name } => return Err(self.wrong(name, "no split_layer before")),
                Step::Connected { name } => {
                    let text = "fully connected layers have no parameter files and were left out";
                    builder.provenance(format!("from {name} on"), text);
                    break;
                }
                Step::End => break,
                step => source = self.step(builder, step, "", source)?,
            }
        }
        Ok(source)
    }

    fn branches(
        &mut self,
        builder: &mut Builder,
        name: &str,
        split: usize,
        steps: &[Step],
        input: Source,
    ) -> Result<Vec<Source>> {
        let channels = builder.tensor(input).0.channels;
        if split == 0 || !channels.is_multiple_of(split) {
            return Err(self.wrong(name, format!("{channels} channels in {split} parts")));
        }
        let count = channels / split;
        let mut parts = Vec::new();
        for branch in 0..split {
            let suffix = format!("-{branch}");
            let start = branch * count;
            let slice = Op::Slice { start, count };
            let mut source = builder
                .layer(format!("{name}{suffix}"), slice, &[input])
                .map_err(self.misfit())?;
            for step in steps {
                source = self.step(builder, step, &suffix, source)?;
            }
            parts.push(source);
        }
        Ok(parts)
    }

    fn step(
        &mut self,
        builder: &mut Builder,
        step: &Step,
        suffix: &str,
        input: Source,
    ) -> Result<Source> {
        let (name, op, output) = match step {
            Step::Convolution(c) => (&c.name, self.convolution(c)?, c.output),
            Step::Pool(p) => (&p.name, self.pool(p, builder.tensor(input).0)?, p.output),
            Step::Split { name, .. } | Step::Merge { name } | Step::Connected { name } => {
                return Err(self.wrong(name, "cannot stand inside a split"));
            }
            Step::End => return Err(Error::file(&self.json, "the list ends inside a split")),
        };
        let source = builder
            .layer(format!("{name}{suffix}"), op, &[input])
            .map_err(self.misfit())?;
        let shape = builder.tensor(source).0;
        let [channels, height, width] = output;
        if shape != Shape::new(height, width, channels) {
            let said = Shape::new(height, width, channels);
            return Err(self.wrong(name, format!("output {said} expected, {shape} computed")));
        }
        Ok(source)
    }

    fn convolution(&mut self, c: &Convolution) -> Result<Op> {
        if let Some((limit, most, found)) = self.limits.exceeded_by(c) {
            return Err(self.wrong(&c.name, format!("{limit} is {most}, found {found}")));
        }
        if c.kernel_stride == 0 {
            return Err(self.wrong(&c.name, "a stride of 0"));
        }
        let (outputs, parts) = (c.output[0], c.output[0].div_ceil(self.limits.max_ofm_ch));
        if parts == 0 || !outputs.is_multiple_of(parts) {
            let what = format!("{outputs} output channels cannot be run in {parts} equal passes");
            return Err(self.wrong(&c.name, what));
        }
        let mut size = SetSize {
            layer: &c.name,
            kernel: c.kernel_shape,
            inputs: c.input[0],
            outputs: outputs / parts,
            steps: self.code.max() as usize,
        };
        let mut parameters = Parameters::default();
        for _ in 0..parts {
            parameters.append(self.folder.set(&self.layout, self.set, size)?);
            self.set += 1;
        }
        size.outputs = outputs;
        let mut convolution = parameters
            .convolution(size, c.padding, self.code)
            .map_err(self.misfit())?;
        convolution.stride = [c.kernel_stride; 2];
        Ok(Op::Convolution(convolution))
    }

    fn pool(&self, p: &Pool, input: Shape) -> Result<Op> {
        if let Some((limit, most, found)) = self.limits.exceeded_by_pool(p) {
            return Err(self.wrong(&p.name, format!("{limit} is {most}, found {found}")));
        }
        let [_, height, width] = p.input;
        let around = height
            .checked_sub(input.height)
            .zip(width.checked_sub(input.width));
        let Some((rows, columns)) = around else {
            let what = format!("an input of {width}x{height} is smaller than the map, {input}");
            return Err(self.wrong(&p.name, what));
        };
        let (vertical, horizontal) = (Padding::split(rows), Padding::split(columns));
        Ok(Op::MaxPool(tincy_network::Pool {
            size: [p.kernel_shape; 2],
            stride: [p.kernel_stride; 2],
            padding: Padding {
                left: horizontal.left,
                right: horizontal.right,
                ..vertical
            },
        }))
    }
}
