//! A model file to a network: every byte of it is checked before anything is used.

use super::write::sum;
use super::{Entry, Graph, Header, MAX_HEADER, Metadata, READ, Type, VERSION, map};
use crate::graph::MAX_LAYERS;
use crate::{Builder, Error, Finish, Layer, Network, Op, Values, WeightKind, runs};
use bytemuck::Pod;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Opens a model file by memory map.
///
/// # Errors
/// By name: what cannot be read, is damaged, unknown, missing, or left over.
pub fn open(path: &Path) -> Result<Network, Error> {
    let io = |source| Error::Io {
        path: path.to_path_buf(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(Damage(path.to_path_buf()).because("not a file"));
    }
    let file = map::map(&file).map_err(io)?;
    network(Arc::new(file), path)
}

/// Reads a model file that lies in memory, as one that is compiled in does.
///
/// # Errors
/// As [`open`]; `name` stands for the path.
pub fn read(bytes: &[u8], name: &str) -> Result<Network, Error> {
    let io = |source| Error::Io {
        path: name.into(),
        source,
    };
    if bytes.is_empty() {
        return Err(Damage(name.into()).because("0 bytes are no model file"));
    }
    let mut copy = memmap2::MmapMut::map_anon(bytes.len()).map_err(io)?;
    copy.copy_from_slice(bytes);
    network(
        Arc::new(copy.make_read_only().map_err(io)?),
        Path::new(name),
    )
}

/// The path, to blame.
struct Damage(PathBuf);

impl Damage {
    fn because(&self, what: impl Into<String>) -> Error {
        Error::File {
            path: self.0.clone(),
            what: what.into(),
        }
    }
}

fn network(file: Arc<memmap2::Mmap>, path: &Path) -> Result<Network, Error> {
    let damage = Damage(path.to_path_buf());
    let (header, start) = header(&file, &damage)?;
    check_sum(&header, &file[start..], &damage)?;
    let mut tensors = Tensors {
        file,
        start,
        entries: header.tensors,
        damage,
    };
    let text = &header.metadata.network;
    let graph: Graph = serde_json::from_str(text)
        .map_err(|e| tensors.damage.because(format!("graph in the header: {e}")))?;
    let network = rebuild(graph, &mut tensors)?;
    match tensors
        .entries
        .keys()
        .find(|name| !name.starts_with("pad."))
    {
        None => Ok(network),
        Some(name) => Err(tensors
            .damage
            .because(format!("tensor {name} belongs to no layer"))),
    }
}

fn header(file: &[u8], damage: &Damage) -> Result<(Header, usize), Error> {
    let Some((length, rest)) = file.split_first_chunk::<8>() else {
        return Err(damage.because(format!("{} bytes are no model file", file.len())));
    };
    let length = u64::from_le_bytes(*length);
    if rest.first() != Some(&b'{') {
        return Err(damage.because("not a .tincy model file (no safetensors header)"));
    }
    let text = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MAX_HEADER)
        .and_then(|length| rest.get(..length))
        .ok_or_else(|| {
            damage.because(format!("truncated: a header of {length} bytes is missing"))
        })?;
    let header: Header = serde_json::from_slice(text)
        .map_err(|e| damage.because(format!("not a .tincy model file: header: {e}")))?;
    let Header { metadata, .. } = &header;
    if metadata.format != "tincy" {
        return Err(damage.because(format!("format {:?}, not \"tincy\"", metadata.format)));
    }
    if !READ.contains(&metadata.version.as_str()) {
        let found = &metadata.version;
        let known = format!("{} and {VERSION}", READ[..READ.len() - 1].join(", "));
        return Err(damage.because(format!("version {found:?}; this program reads {known}")));
    }
    Ok((header, 8 + text.len()))
}

fn check_sum(header: &Header, data: &[u8], damage: &Damage) -> Result<(), Error> {
    let end = header
        .tensors
        .values()
        .map(|entry| entry.data_offsets[1])
        .max()
        .unwrap_or(0);
    if data.len() != end {
        let found = data.len();
        return Err(damage.because(format!(
            "truncated or overlong: {end} bytes of tensors expected, {found} found"
        )));
    }
    let Metadata {
        network, sha256, ..
    } = &header.metadata;
    if sum(network, &header.tensors, data) != *sha256 {
        return Err(damage
            .because("damaged: the SHA-256 of graph and tensors is not the one in the header"));
    }
    Ok(())
}

/// Hands out each tensor of the file once.
struct Tensors {
    file: Arc<memmap2::Mmap>,
    start: usize,
    entries: BTreeMap<String, Entry>,
    damage: Damage,
}

impl Tensors {
    fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    fn take<T: Pod>(&mut self, name: &str, dtype: Type) -> Result<Values<T>, Error> {
        let Some(entry) = self.entries.remove(name) else {
            return Ok(Values::default());
        };
        if entry.dtype != dtype {
            let found = entry.dtype;
            return Err(self.damage.because(format!(
                "tensor {name}: {dtype:?} expected, {found:?} found"
            )));
        }
        let [begin, end] = entry.data_offsets;
        let size = size_of::<T>();
        let bytes = entry
            .shape
            .iter()
            .try_fold(size, |bytes, n| bytes.checked_mul(*n));
        let fits = begin <= end && bytes == Some(end - begin);
        fits.then(|| Values::mapped(&self.file, self.start + begin, end - begin))
            .flatten()
            .ok_or_else(|| {
                self.damage
                    .because(format!("tensor {name}: offsets {begin}..{end} cannot be"))
            })
    }
}

/// Attaches the tensors and builds the network anew, so that a file is checked as any other source.
fn rebuild(graph: Graph, tensors: &mut Tensors) -> Result<Network, Error> {
    for (what, found) in [
        ("results", graph.outputs.len()),
        ("heads", graph.heads.len()),
    ] {
        if found > MAX_LAYERS {
            let what = format!("{found} {what}, at most {MAX_LAYERS} can be right");
            return Err(tensors.damage.because(what));
        }
    }
    let mut builder = Builder::new(graph.name, graph.input)?;
    for (index, mut layer) in graph.layers.into_iter().enumerate() {
        attach(&mut layer, index, tensors)?;
        let output = builder.layer(layer.name, layer.op, &layer.inputs)?;
        if builder.tensor(output) != (layer.shape, layer.number) {
            let (shape, number) = builder.tensor(output);
            return Err(tensors.damage.because(format!(
                "layer {index} claims {} {}, but computes {shape} {number}",
                layer.shape, layer.number
            )));
        }
    }
    graph
        .outputs
        .into_iter()
        .for_each(|source| builder.output_tensor(source));
    graph.heads.into_iter().for_each(|head| builder.head(head));
    builder.classes(graph.classes);
    graph
        .provenance
        .into_iter()
        .for_each(|(subject, text)| builder.provenance(subject, text));
    builder.build()
}

fn attach(layer: &mut Layer, index: usize, tensors: &mut Tensors) -> Result<(), Error> {
    let name = |end: &str| format!("{index}.{end}");
    let convolution = match &mut layer.op {
        Op::Convolution(convolution) => convolution,
        Op::Steps(steps) => {
            steps.values = tensors.take(&name("steps"), Type::F32)?;
            return Ok(());
        }
        _ => return Ok(()),
    };
    if convolution.weights.kind() == WeightKind::F32 {
        let floats = tensors.take(&name("weights"), Type::F32)?;
        convolution.weights.attach_floats(floats);
    } else if tensors.has(&name("runs")) && convolution.weights.kind() == WeightKind::Ternary {
        let code = tensors.take(&name("runs"), Type::U8)?;
        let weights = &mut convolution.weights;
        weights.attach_packed_of(runs::decode(&code, weights.count())?);
    } else {
        let packed = tensors.take(&name("weights"), Type::U8)?;
        convolution.weights.attach_packed(packed);
    }
    match &mut convolution.finish {
        Finish::Affine(affine) => {
            affine.scale = tensors.take(&name("scale"), Type::F32)?;
            affine.bias = tensors.take(&name("bias"), Type::F32)?;
        }
        Finish::Thresholds(thresholds) => {
            thresholds.values = tensors.take(&name("thresholds"), Type::I32)?;
        }
        Finish::Requantize(requantize) => {
            requantize.bias = tensors.take(&name("bias"), Type::I32)?;
            requantize.multiplier = tensors.take(&name("multiplier"), Type::I32)?;
            requantize.shift = tensors.take(&name("shift"), Type::U8)?;
            if let Some(table) = &mut requantize.table {
                table.codes = tensors.take(&name("table"), Type::U8)?;
            }
        }
    }
    Ok(())
}
