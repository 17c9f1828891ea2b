//! Sections wired into a network by Darknet's numbers.
//!
//! Darknet numbers every section after `[net]`, also those that compute nothing. A layer here is
//! named by its kind and that number, as `conv12`.

use super::cfg::{Cfg, Section};
use super::weights::WeightsFile;
use super::{Options, convolution, head, sections};
use crate::{Error, Result};
use tincy_network::{Builder, Fit, Head, Input, Number, Op, Picture, Shape, Source};

/// Builds the layers of a cfg.
pub(super) fn build(cfg: &Cfg, file: &mut WeightsFile, options: Options) -> Result<Builder> {
    let (net, layers) = cfg
        .sections
        .split_first()
        .ok_or_else(|| Error::file(&cfg.path, "there is no section"))?;
    let name = cfg.path.file_stem().unwrap_or_default().to_string_lossy();
    let builder = Builder::new(name, input(net, options)?);
    let mut wiring = Wiring {
        builder: builder.map_err(|e| net.wrong(e.to_string()))?,
        file,
        outputs: Vec::new(),
    };
    for section in layers {
        wiring.section(section)?;
    }
    if let Some(Some(source)) = wiring.outputs.last() {
        wiring.builder.output_tensor(*source);
    }
    Ok(wiring.builder)
}

/// `[net]`: the picture. Its other options are for training.
fn input(net: &Section, options: Options) -> Result<Input> {
    if !matches!(net.kind.as_str(), "net" | "network") {
        return Err(net.wrong(format!("[net] must come first, not [{}]", net.kind)));
    }
    let shape = Shape::new(
        net.needed("height")?,
        net.needed("width")?,
        net.number_or("channels", 3)?,
    );
    let letterbox = net
        .flag("letter_box")?
        .then_some(Fit::Letterbox { fill: 0.5 });
    let picture = Picture {
        fit: options.fit.or(letterbox).unwrap_or(Fit::Stretch),
        ..Picture::default()
    };
    Ok(Input {
        shape,
        number: Number::F32,
        picture: Some(picture),
    })
}

/// The network so far.
struct Wiring<'a> {
    builder: Builder,
    file: &'a mut WeightsFile,
    /// By Darknet's number. A head has no output that another layer could read.
    outputs: Vec<Option<Source>>,
}

impl Wiring<'_> {
    /// Adds one section; its output gets the next number.
    fn section(&mut self, section: &Section) -> Result<()> {
        let output = match section.kind.as_str() {
            "convolutional" | "conv" | "connected" | "conn" => Some(self.weighted(section)?),
            "maxpool" | "max" => {
                Some(self.simple(section, "maxpool", sections::maxpool(section)?)?)
            }
            "avgpool" | "avg" => {
                Some(self.simple(section, "avgpool", sections::avgpool(section)?)?)
            }
            "upsample" => Some(self.simple(section, "upsample", sections::upsample(section)?)?),
            "reorg" => Some(self.simple(section, "reorg", sections::reorg(section)?)?),
            "softmax" | "soft" => {
                Some(self.simple(section, "softmax", sections::softmax(section)?)?)
            }
            "activation" => {
                Some(self.simple(section, "activation", sections::activate(section)?)?)
            }
            "shortcut" => Some(self.shortcut(section)?),
            "scale_channels" => {
                let (from, op) = sections::scale_channels(section)?;
                let inputs = [self.layer(section, from)?, self.before(section)?];
                Some(self.add(section, self.named("scale"), op, &inputs)?)
            }
            "route" => Some(self.route(section)?),
            "dropout" | "cost" => Some(self.before(section)?),
            "region" => self.head(section, head::region(section)?)?,
            "yolo" => self.head(section, head::yolo(section)?)?,
            kind => {
                let what = format!("[{kind}] is not supported; such a network cannot be imported");
                return Err(section.wrong(what));
            }
        };
        self.outputs.push(output);
        Ok(())
    }

    fn named(&self, kind: &str) -> String {
        format!("{kind}{}", self.outputs.len())
    }

    /// The output of the section before.
    fn before(&self, section: &Section) -> Result<Source> {
        if self.outputs.is_empty() {
            return Ok(Source::Input);
        }
        self.layer(section, -1)
    }

    /// The output of a layer, by its number or, below zero, counted back from this section.
    fn layer(&self, section: &Section, number: i64) -> Result<Source> {
        let here = self.outputs.len();
        let index = if number < 0 {
            here as i64 + number
        } else {
            number
        };
        let output = usize::try_from(index)
            .ok()
            .and_then(|index| self.outputs.get(index));
        match output {
            Some(Some(source)) => Ok(*source),
            Some(None) => {
                Err(section.wrong(format!("layer {index} is a head, which no layer can read")))
            }
            None => {
                Err(section.wrong(format!("layer {number}: not one of the {here} before this")))
            }
        }
    }

    /// Adds an operation. What does not fit is told with the section's line.
    fn add(
        &mut self,
        section: &Section,
        name: String,
        op: Op,
        inputs: &[Source],
    ) -> Result<Source> {
        let layer = self.builder.layer(name, op, inputs);
        layer.map_err(|e| section.wrong(e.to_string()))
    }

    /// Adds an operation on the layer before.
    fn simple(&mut self, section: &Section, kind: &str, op: Op) -> Result<Source> {
        let input = self.before(section)?;
        self.add(section, self.named(kind), op, &[input])
    }

    fn weighted(&mut self, section: &Section) -> Result<Source> {
        let input = self.before(section)?;
        let shape = self.builder.tensor(input).0;
        let convolutional = section.kind.starts_with("conv");
        let name = self.named(if convolutional { "conv" } else { "connected" });
        let read = if convolutional {
            convolution::convolutional
        } else {
            convolution::connected
        };
        let op = Op::Convolution(read(section, &name, shape, self.file)?);
        self.add(section, name, op, &[input])
    }

    /// Adds several layers to the one before, one after the other; the last sum is activated.
    fn shortcut(&mut self, section: &Section) -> Result<Source> {
        let (from, activation) = sections::shortcut(section)?;
        let mut sum = self.before(section)?;
        for (i, number) in from.iter().enumerate() {
            let last = i + 1 == from.len();
            let name = self.named("shortcut");
            let name = if last { name } else { format!("{name}.{i}") };
            let activation = if last { activation } else { Default::default() };
            let inputs = [sum, self.layer(section, *number)?];
            sum = self.add(section, name, Op::Add { activation }, &inputs)?;
        }
        Ok(sum)
    }

    /// Joins the channels of layers, or of one part of each.
    fn route(&mut self, section: &Section) -> Result<Source> {
        let route = sections::route(section)?;
        let name = self.named("route");
        let single = route.layers.len() == 1;
        let mut parts = Vec::new();
        for (i, number) in route.layers.iter().enumerate() {
            let mut source = self.layer(section, *number)?;
            if route.groups > 1 {
                let name = if single {
                    name.clone()
                } else {
                    format!("{name}.{i}")
                };
                let channels = self.builder.tensor(source).0.channels;
                let count = channels / route.groups;
                let start = count * route.part;
                source = self.add(section, name, Op::Slice { start, count }, &[source])?;
            }
            parts.push(source);
        }
        if single {
            return Ok(parts[0]);
        }
        self.add(section, name, Op::Concat, &parts)
    }

    fn head(
        &mut self,
        section: &Section,
        (classes, kind): (usize, tincy_network::HeadKind),
    ) -> Result<Option<Source>> {
        let source = self.before(section)?;
        self.builder.head(Head {
            source,
            classes,
            kind,
        });
        Ok(None)
    }
}
