//! Which cameras there are and what each offers.

use super::absence::remedy;
use super::choice::{Mode, Offer, Request, choose};
use super::format::Sizes;
use super::kernel::{Identity, Node, System};
use super::{FourCc, Surroundings};
use crate::{Error, Result};
use std::io;
use std::path::{Path, PathBuf};

/// A camera, or a node that may be one and cannot be used.
#[derive(Debug)]
pub struct Listing {
    /// Its device node.
    pub node: PathBuf,
    /// Who it is, unless it could not be opened.
    pub identity: Option<Identity>,
    /// What it offers.
    pub offers: Vec<Offer>,
    /// What would be asked of it.
    pub mode: Option<Mode>,
    /// Why it cannot be used.
    pub problem: Option<Error>,
}

/// All cameras, by the number of their nodes. Nodes that do not capture pictures (a camera's
/// metadata, codecs, outputs) are left out.
///
/// # Errors
/// If the folder of device nodes cannot be read.
pub fn list<S: System>(system: &S, request: &Request) -> Result<Vec<Listing>> {
    let nodes = nodes(system)?.into_iter();
    Ok(nodes
        .filter_map(|node| examine(system, node, request))
        .collect())
}

pub(super) fn nodes<S: System>(system: &S) -> Result<Vec<PathBuf>> {
    let nodes = system.nodes();
    nodes.map_err(Error::io(Path::new("/dev"), "can its folder be read?"))
}

fn examine<S: System>(system: &S, node: PathBuf, request: &Request) -> Option<Listing> {
    let mut listing = Listing {
        node,
        identity: None,
        offers: Vec::new(),
        mode: None,
        problem: None,
    };
    match open(system, &listing.node) {
        Ok((_, identity)) if !identity.captures() => return None,
        Ok((device, identity)) => {
            let offered = usable(&listing.node, &identity)
                .and_then(|()| offers(&device, request).map_err(refused(&listing.node)));
            listing.identity = Some(identity);
            match offered {
                Ok(offers) => listing.offers = offers,
                Err(problem) => listing.problem = Some(problem),
            }
        }
        Err(problem) => listing.problem = Some(problem),
    }
    if listing.problem.is_none() {
        match mode(&listing.node, &listing.offers, request) {
            Ok(mode) => listing.mode = Some(mode),
            Err(problem) => listing.problem = Some(problem),
        }
    }
    Some(listing)
}

/// Opens a node and asks who it is.
pub(super) fn open<S: System>(system: &S, path: &Path) -> Result<(S::Node, Identity)> {
    let node = system.open(path).map_err(refused(path))?;
    let identity = node.identity().map_err(refused(path))?;
    Ok((node, identity))
}

/// An error of a node, with what to do about it.
pub(super) fn refused(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::io(path, remedy(&source))(source)
}

/// Whether its pictures can be had.
pub(super) fn usable(path: &Path, identity: &Identity) -> Result<()> {
    let (what, remedy) = if identity.captures() && identity.streams() {
        return Ok(());
    } else if identity.captures() {
        ("it has no streaming buffers", "use another camera")
    } else {
        ("it gives no pictures", "tincy devices lists cameras")
    };
    Err(Error::Camera {
        device: path.display().to_string(),
        what: what.into(),
        remedy: remedy.into(),
    })
}

/// What a camera offers. Where sizes come in steps, the rates are those of the wanted size.
pub(super) fn offers<N: Node>(node: &N, request: &Request) -> io::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for (fourcc, name) in node.formats()? {
        for sizes in sizes(node, fourcc, request) {
            let size = sizes.nearest(request.wanted_size());
            offers.push(Offer {
                fourcc,
                name: name.clone(),
                sizes,
                intervals: node.intervals(fourcc, size).unwrap_or_default(),
            });
        }
    }
    Ok(offers)
}

/// The sizes of a format. Drivers at the end of a pipeline (Xilinx's video DMA) list none and take what
/// the pipeline gives: the size that was asked for, or that is set.
fn sizes<N: Node>(node: &N, fourcc: FourCc, request: &Request) -> Vec<Sizes> {
    let listed = node.sizes(fourcc).unwrap_or_default();
    if !listed.is_empty() {
        return listed;
    }
    let size = request.size.or_else(|| node.size().ok());
    size.map(Sizes::One).into_iter().collect()
}

/// The mode to ask for.
pub(super) fn mode(path: &Path, offers: &[Offer], request: &Request) -> Result<Mode> {
    choose(offers, request).ok_or_else(|| {
        let wanted = match request.format {
            Some(format) => format.to_string(),
            None => "a format that is known".into(),
        };
        let mut has: Vec<FourCc> = offers.iter().map(|offer| offer.fourcc).collect();
        has.dedup();
        let has: Vec<_> = has.iter().map(FourCc::to_string).collect();
        let has = match has.is_empty() {
            true => "no format at all".into(),
            false => has.join(", "),
        };
        Error::Camera {
            device: path.display().to_string(),
            what: format!("it does not give {wanted}; it has {has}"),
            remedy: "choose another format or camera".into(),
        }
    })
}

/// The camera that a request means: its node, open, and who it is.
pub(super) fn find<S: System>(
    system: &S,
    request: &Request,
) -> Result<(PathBuf, S::Node, Identity)> {
    match &request.device {
        Some(name) if name.contains('/') => {
            let path = PathBuf::from(name);
            let (node, identity) = open(system, &path)?;
            usable(&path, &identity)?;
            Ok((path, node, identity))
        }
        Some(name) => named(system, name),
        None => first(system, request),
    }
}

/// The first camera that can be used.
fn first<S: System>(system: &S, request: &Request) -> Result<(PathBuf, S::Node, Identity)> {
    let listed = list(system, request)?;
    let mut problem = None;
    for listing in listed {
        match listing.problem {
            None => {
                let (node, identity) = open(system, &listing.node)?;
                return Ok((listing.node, node, identity));
            }
            Some(error) => problem = problem.or(Some(error)),
        }
    }
    Err(problem.unwrap_or_else(|| Surroundings::find().no_camera()))
}

/// The camera of a number, or whose name or bus holds a text.
fn named<S: System>(system: &S, name: &str) -> Result<(PathBuf, S::Node, Identity)> {
    let lower = name.to_lowercase();
    let by_text = name.parse::<u32>().is_err();
    let (mut problem, mut others) = (None, Vec::new());
    for path in nodes(system)? {
        let is_number = crate::sysfs::name(&path).strip_prefix("video") == Some(name);
        match open(system, &path) {
            Ok((node, identity)) if is_number => {
                usable(&path, &identity)?;
                return Ok((path, node, identity));
            }
            Ok((node, identity)) if identity.captures() => {
                let texts = [&identity.card, &identity.bus];
                if by_text
                    && texts
                        .iter()
                        .any(|text| text.to_lowercase().contains(&lower))
                {
                    usable(&path, &identity)?;
                    return Ok((path, node, identity));
                }
                others.push(format!("{} ({})", path.display(), identity.card));
            }
            Ok(_) => {}
            Err(error) if is_number => return Err(error),
            Err(error) => problem = problem.or(Some(error)),
        }
    }
    if others.is_empty() {
        return Err(problem.unwrap_or_else(|| Surroundings::find().no_camera()));
    }
    Err(Error::Absent {
        kind: "camera",
        name: name.into(),
        found: format!("there are {}", others.join(", ")),
        remedy: "name one of them".into(),
    })
}
