//! A screen: a card, a connector with something on it, a mode, and two buffers that take turns.
//!
//! The one that is not shown is written, then flipped to at the screen's next frame. The console comes
//! back when the screen is dropped.

use super::Picture;
use super::card::{Buffer, Card};
use super::format::{self, Format};
use super::layout::Layout;
use crate::{Error, Result};
use drm::control::{
    Device, Event, Mode, ModeTypeFlags, PageFlipFlags, ResourceHandles, connector, crtc,
};
use drm::{ClientCapability, Device as _};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// The longest time that a flip is waited for, in milliseconds; screens show 24 frames a second at least.
const FLIP_MS: u16 = 500;

const CLOSED: &str = "run as root or as a member of the group video, and stop the desktop: one program \
                      at a time has the screen";

/// What is asked of a screen; what is not given is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The node; without one the first card with a screen on it.
    pub card: Option<PathBuf>,
    /// Name of the connector, as in `HDMI-A-1`.
    pub connector: Option<String>,
    /// Columns and rows of the mode.
    pub size: Option<(u16, u16)>,
}

/// A screen that pictures can be shown on.
pub struct Screen {
    card: Card,
    path: PathBuf,
    name: String,
    output: crtc::Handle,
    connector: connector::Handle,
    mode: Mode,
    format: Format,
    buffers: [Buffer; 2],
    /// The buffer that is shown, or flipped to.
    front: usize,
    is_flipping: bool,
    flips: u64,
    /// What was shown before.
    before: crtc::Info,
    layout: Option<Layout>,
    row: Vec<u8>,
}

impl Screen {
    /// Takes a screen and makes it black.
    ///
    /// # Errors
    /// If there is none, another program has it, or it lacks what is asked for.
    pub fn open(dev: &Path, request: &Request) -> Result<Screen> {
        let cards = match &request.card {
            Some(card) => vec![card.clone()],
            None => cards(&dev.join("dri")),
        };
        if cards.is_empty() {
            return Err(absent(
                "there is no /dev/dri/card*".into(),
                "load the driver of the display (zynqmp-dpsub, vkms)",
            ));
        }
        let mut seen = Vec::new();
        for path in &cards {
            let card = open(path)?;
            let resources = card.resource_handles();
            let resources =
                resources.map_err(Error::io(path, "it cannot set modes: give another card"))?;
            match connected(&card, &resources, request, &mut seen) {
                Ok(Some(found)) => {
                    return Screen::start(card, path.clone(), &resources, found, request);
                }
                Ok(None) => {}
                Err(error) => return Err(Error::io(path, CLOSED)(error)),
            }
        }
        let found = if seen.is_empty() {
            "the cards have no connectors".into()
        } else {
            seen.join(", ")
        };
        Err(absent(
            found,
            "plug a screen in; adapters from DisplayPort must be active ones",
        ))
    }

    fn start(
        card: Card,
        path: PathBuf,
        resources: &ResourceHandles,
        connector: connector::Info,
        request: &Request,
    ) -> Result<Screen> {
        let refused = |error| Error::io(&path, CLOSED)(error);
        let name = connector.to_string();
        let mode = mode(&connector, request.size).ok_or_else(|| {
            let modes = connector.modes().iter().map(|mode| {
                let (width, height) = mode.size();
                format!("{width}x{height}")
            });
            let mut modes: Vec<_> = modes.collect();
            modes.dedup();
            absent(
                format!("{name} has the modes {}", modes.join(", ")),
                "ask for one of them",
            )
        })?;
        let output = output(&card, resources, &connector).map_err(refused)?;
        let output = output.ok_or_else(|| absent(format!("{name} has no free output"), CLOSED))?;
        let formats = card.formats(resources, output).map_err(refused)?;
        let format = Format::best(&formats).ok_or_else(|| {
            let names: Vec<_> = formats.iter().map(|code| format::name(*code)).collect();
            absent(
                format!("{name} takes the formats {}", names.join(", ")),
                "none of them is RGB of 16 to 32 bits",
            )
        })?;
        let before = card.get_crtc(output).map_err(refused)?;
        let size = (u32::from(mode.size().0), u32::from(mode.size().1));
        let first = Buffer::new(&card, size, format).map_err(refused)?;
        let second = Buffer::new(&card, size, format).map_err(refused)?;
        let screen = Screen {
            path: path.clone(),
            name,
            output,
            connector: connector.handle(),
            mode,
            format,
            buffers: [first, second],
            front: 0,
            is_flipping: false,
            flips: 0,
            before,
            layout: None,
            row: Vec::new(),
            card,
        };
        let frame = screen.buffers[0].frame;
        let set = screen.card.set_crtc(
            output,
            Some(frame),
            (0, 0),
            &[connector.handle()],
            Some(mode),
        );
        set.map_err(refused)?;
        Ok(screen)
    }

    /// Pictures shown so far.
    pub fn flips(&self) -> u64 {
        self.flips
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        let (width, height) = self.mode.size();
        (usize::from(width), usize::from(height))
    }

    /// Shows a picture from the screen's next frame on. Waits for the flip before it, so that the rate
    /// is the screen's at most.
    ///
    /// # Errors
    /// If the screen is gone or does not flip.
    ///
    /// # Panics
    /// If the picture has no pixels, or fewer than it says.
    pub fn show(&mut self, picture: Picture<'_>) -> Result<()> {
        self.finish_flip()?;
        let size = (picture.width, picture.height);
        if self
            .layout
            .as_ref()
            .is_none_or(|layout| layout.picture() != size)
        {
            self.layout = Some(Layout::new(size, self.size()));
            // What lies around it is black in both buffers only if its size is the first.
            self.blacken()?;
        }
        let back = 1 - self.front;
        self.draw(back, picture)?;
        let frame = self.buffers[back].frame;
        let flip = self
            .card
            .page_flip(self.output, frame, PageFlipFlags::EVENT, None);
        flip.map_err(Error::io(&self.path, "is the screen still there?"))?;
        (self.front, self.is_flipping) = (back, true);
        self.flips += 1;
        Ok(())
    }

    fn draw(&mut self, back: usize, picture: Picture<'_>) -> Result<()> {
        let Some(layout) = &self.layout else {
            return Ok(());
        };
        let buffer = &mut self.buffers[back];
        let start = layout.start(self.format);
        layout.draw(picture, self.format, &mut self.row, |at, row| {
            buffer.mapping.write(at * buffer.pitch() + start, row)
        })
    }

    fn blacken(&mut self) -> Result<()> {
        let (width, height) = self.size();
        let black = vec![0; 3 * width * height];
        let layout = self
            .layout
            .replace(Layout::new((width, height), (width, height)));
        let picture = Picture {
            width,
            height,
            rgb: &black,
        };
        let drawn = self.draw(0, picture).and_then(|()| self.draw(1, picture));
        self.layout = layout;
        drawn
    }

    /// Waits until the last flip is done.
    fn finish_flip(&mut self) -> Result<()> {
        while self.is_flipping {
            let mut polled = [PollFd::new(self.card.as_fd(), PollFlags::POLLIN)];
            let ready = poll(&mut polled, PollTimeout::from(FLIP_MS));
            let remedy = "is the screen still there?";
            match ready {
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(Error::io(&self.path, remedy)(error.into())),
                Ok(0) => {
                    return Err(Error::io(&self.path, remedy)(
                        io::ErrorKind::TimedOut.into(),
                    ));
                }
                Ok(_) => {}
            }
            let mut events = self
                .card
                .receive_events()
                .map_err(Error::io(&self.path, remedy))?;
            self.is_flipping = !events.any(|event| matches!(event, Event::PageFlip(_)));
        }
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Whatever fails here, the kernel does when the node is closed; the console is worth a try.
        let _ = self.finish_flip();
        let before = &self.before;
        let _ = self.card.set_crtc(
            self.output,
            before.framebuffer(),
            before.position(),
            &[self.connector],
            before.mode(),
        );
        for buffer in &self.buffers {
            let _ = buffer.free(&self.card);
        }
    }
}

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.size();
        let (path, name, rate) = (self.path.display(), &self.name, self.mode.vrefresh());
        let format = format::name(self.format.fourcc());
        write!(
            f,
            "{name} of {path}, {width}x{height} at {rate} Hz, {format}"
        )
    }
}

impl fmt::Debug for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Screen({self})")
    }
}

fn absent(found: String, remedy: &str) -> Error {
    Error::Absent {
        kind: "screen",
        name: "for pictures".into(),
        found,
        remedy: remedy.into(),
    }
}

/// The cards of a folder, by number.
fn cards(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut cards: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("card"))
        })
        .collect();
    cards.sort();
    cards
}

fn open(path: &Path) -> Result<Card> {
    let file = OpenOptions::new().read(true).write(true).open(path);
    let card = Card(file.map_err(Error::io(path, CLOSED))?);
    let planes = card.set_client_capability(ClientCapability::UniversalPlanes, true);
    planes.map_err(Error::io(path, "it cannot set modes: give another card"))?;
    Ok(card)
}

/// The connector that is asked for, or the first that has a screen. Adds what there is to `seen`.
fn connected(
    card: &Card,
    resources: &ResourceHandles,
    request: &Request,
    seen: &mut Vec<String>,
) -> io::Result<Option<connector::Info>> {
    for handle in resources.connectors() {
        let connector = card.get_connector(*handle, true)?;
        let name = connector.to_string();
        let is_wanted = request
            .connector
            .as_ref()
            .is_none_or(|wanted| *wanted == name);
        let has_screen = connector.state() == connector::State::Connected;
        if is_wanted && has_screen && !connector.modes().is_empty() {
            return Ok(Some(connector));
        }
        let state = if has_screen {
            "connected"
        } else {
            "nothing on it"
        };
        seen.push(format!("{name} ({state})"));
    }
    Ok(None)
}

/// The mode of a size, or the screen's own.
fn mode(connector: &connector::Info, size: Option<(u16, u16)>) -> Option<Mode> {
    let modes = connector.modes();
    match size {
        Some(size) => modes.iter().find(|mode| mode.size() == size),
        None => {
            let preferred = |mode: &&Mode| mode.mode_type().contains(ModeTypeFlags::PREFERRED);
            modes.iter().find(preferred).or(modes.first())
        }
    }
    .copied()
}

/// The output that a connector has, or a possible one.
fn output(
    card: &Card,
    resources: &ResourceHandles,
    connector: &connector::Info,
) -> io::Result<Option<crtc::Handle>> {
    if let Some(encoder) = connector.current_encoder()
        && let Some(output) = card.get_encoder(encoder)?.crtc()
    {
        return Ok(Some(output));
    }
    for encoder in connector.encoders() {
        let possible = card.get_encoder(*encoder)?.possible_crtcs();
        if let Some(output) = resources.filter_crtcs(possible).first() {
            return Ok(Some(*output));
        }
    }
    Ok(None)
}
