//! Darknet's `.cfg` and `.weights` to a network.
//!
//! The arithmetic is the later fork's (AlexeyAB's line), which most published files come from: a
//! batch normalisation divides by `sqrt(variance + 1e-5)`. What decides nothing at inference
//! (training options, `[dropout]`, `[cost]`) is skipped; what would and is not known is refused
//! with its line.
//!
//! | module | subject |
//! | --- | --- |
//! | `cfg` | the text: sections of `key=value` lines |
//! | `weights` | the numbers, in the order of the layers |
//! | `options` | which keys a section may have |
//! | `convolution` | `[convolutional]` and `[connected]`, batch normalisation folded |
//! | `sections` | the layers without parameters |
//! | `head` | `[region]` and `[yolo]` |
//! | `network` | sections wired by Darknet's numbers |

pub(crate) mod cfg;
mod convolution;
mod head;
mod network;
mod options;
mod sections;
mod weights;

use crate::{Error, Result, files};
use cfg::Cfg;
use std::path::Path;
use tincy_network::{Fit, Network};
use weights::WeightsFile;

/// What a pair of files does not say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// How pictures are fitted; else `letter_box=` in the cfg decides, and else they are stretched.
    pub fit: Option<Fit>,
}

/// Imports a cfg with its weights and, if there is one, a file of class names, one a line.
///
/// A weights file named `NAME.conv.N` is a backbone: it holds the first `N` layers of the cfg, and
/// so does the network, whose result is the map of the last of them.
///
/// # Errors
/// With file and line: what of the cfg is wrong or not supported. With the layer, the bytes
/// expected and found: weights that are too short or too long.
pub fn import(
    cfg: &Path,
    weights: &Path,
    names: Option<&Path>,
    options: Options,
) -> Result<Network> {
    let text = files::text(cfg)?;
    let numbers = files::bytes(weights, weights::MAX_BYTES)?;
    let list = names.map(files::text).transpose()?;
    let names = names.zip(list.as_deref());
    read((cfg, &text), (weights, numbers), names, options)
}

/// [`import`] of files that lie in memory, each with the path that gives it its name and stands in
/// messages.
///
/// # Errors
/// As [`import`].
pub fn read(
    (cfg, text): (&Path, &str),
    (weights, numbers): (&Path, Vec<u8>),
    names: Option<(&Path, &str)>,
    options: Options,
) -> Result<Network> {
    let mut parsed = Cfg::parse(text, cfg)?;
    if let Some(layers) = backbone(weights) {
        truncate(&mut parsed, layers, weights)?;
    }
    let mut file = WeightsFile::new(weights, numbers)?;
    let mut builder = network::build(&parsed, &mut file, options)?;
    file.finish()?;
    if let Some((path, text)) = names {
        builder.classes(files::lines(text));
        builder.provenance(files::name(path), sum(text.as_bytes()));
    }
    builder.provenance("format", "Darknet");
    builder.provenance(files::name(cfg), sum(text.as_bytes()));
    builder.provenance(files::name(weights), format!("SHA-256 {}", file.sum()));
    builder.build().map_err(Error::network(cfg))
}

fn sum(bytes: &[u8]) -> String {
    format!("SHA-256 {}", files::sum(bytes))
}

/// The number of layers of a truncated file, `NAME.conv.N`.
pub(crate) fn backbone(weights: &Path) -> Option<usize> {
    let name = weights.file_name()?.to_str()?;
    name.rsplit_once(".conv.")?.1.parse().ok()
}

fn truncate(cfg: &mut Cfg, layers: usize, weights: &Path) -> Result<()> {
    let found = cfg.sections.len() - 1;
    if !(1..=found).contains(&layers) {
        let cfg = cfg.path.display();
        let what = format!("holds {layers} layers by its name, but {cfg} has {found}");
        return Err(Error::file(weights, what));
    }
    cfg.sections.truncate(layers + 1);
    Ok(())
}
