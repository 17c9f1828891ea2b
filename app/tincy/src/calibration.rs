//! The batch: pictures of a folder, a data set or a recording, chosen evenly, as the network reads them.

use crate::inputs::expand::Wanted;
use crate::inputs::kind::{HEAD_BYTES, named_recording};
use crate::inputs::{Input, InputArgs, Kind, Shard};
use crate::outcome::one_line;
use crate::progress::Progress;
use crate::recording;
use crate::stop::Stop;
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use tincy_dataset::picture::{self, Limit};
use tincy_dataset::{Dataset, Picture};
use tincy_network::{Network, Number};
use tincy_vision::{Fitting, Frame};

/// Pictures that are enough, unless it is said otherwise.
pub(crate) const ENOUGH: usize = 32;

/// The chosen inputs.
pub(crate) struct Chosen {
    /// As the network reads them: real values, or codes as numbers.
    pub(crate) inputs: Vec<Vec<f32>>,
    /// Pictures that could not be read.
    pub(crate) failed: usize,
}

/// A picture to be read.
enum Wait {
    File(Input),
    Labelled(Picture),
}

impl Wait {
    /// What to call it.
    fn name(&self) -> String {
        match self {
            Wait::File(input) => input.name(),
            Wait::Labelled(picture) => picture.to_string(),
        }
    }
}

impl Chosen {
    /// Some of the inputs, evenly.
    ///
    /// # Errors
    /// If none of them can be read.
    pub(crate) fn of_inputs(inputs: &[Input], count: usize, network: &Network) -> Result<Chosen> {
        let mut reader = Reader::new(network);
        let pictures = inputs.iter().cloned().map(Wait::File).collect();
        let chosen = reader.pictures(evenly(pictures, count), &Stop::listen()?)?;
        if chosen.inputs.is_empty() {
            bail!("no picture can be read");
        }
        Ok(chosen)
    }

    /// A frame of no meaning, for those to whom only speed matters.
    ///
    /// # Errors
    /// If the network reads no picture.
    pub(crate) fn of_frame(frame: &Frame, network: &Network) -> Result<Chosen> {
        let mut reader = Reader::new(network);
        let inputs = vec![reader.input(frame)?];
        Ok(Chosen { inputs, failed: 0 })
    }

    /// Chooses `count` pictures of a folder, a data set or a recording; nothing if we are asked to end.
    ///
    /// # Errors
    /// If there is no picture that can be read.
    pub(crate) fn find(from: &Path, count: usize, network: &Network) -> Result<Option<Chosen>> {
        let stop = Stop::listen()?;
        let mut reader = Reader::new(network);
        let chosen = match is_recording(from) {
            true => reader.recording(from, count, &stop)?,
            false => reader.pictures(evenly(waiting(from, network)?, count), &stop)?,
        };
        if stop.signal().is_some() {
            return Ok(None);
        }
        if chosen.inputs.is_empty() {
            bail!("{}: no picture can be read", from.display());
        }
        Ok(Some(chosen))
    }
}

fn is_recording(path: &Path) -> bool {
    let mut head = Vec::new();
    if let Ok(file) = File::open(path)
        && path.is_file()
    {
        let _ = file.take(HEAD_BYTES as u64).read_to_end(&mut head);
    }
    let kind = Kind::of(&head, path);
    kind.is_recording() || (path.is_file() && named_recording(path))
}

/// The pictures of a data set, else those of a folder.
fn waiting(from: &Path, network: &Network) -> Result<Vec<Wait>> {
    if let Ok(set) = Dataset::open(from, network.classes()) {
        return Ok(set.pictures.into_iter().map(Wait::Labelled).collect());
    }
    let arguments = InputArgs {
        inputs: vec![from.into()],
        list: None,
        shard: Shard::WHOLE,
    };
    let inputs = arguments.expand(Wanted::Pictures)?;
    Ok(inputs.into_iter().map(Wait::File).collect())
}

/// `count` of the items, the middles of equal parts; all if there are no more.
fn evenly<T>(items: Vec<T>, count: usize) -> Vec<T> {
    let all = items.len();
    let is_chosen = |index: usize| {
        // The part that the item lies in, and that part's middle.
        let part = (2 * count * index + count)
            .div_ceil(2 * all)
            .saturating_sub(1);
        (part..=part + 1).any(|part| part < count && (2 * part + 1) * all / (2 * count) == index)
    };
    let items = items.into_iter().enumerate();
    let chosen = items.filter(|(index, _)| all <= count || is_chosen(*index));
    chosen.map(|(_, item)| item).collect()
}

/// Makes inputs from pictures.
struct Reader<'a> {
    network: &'a Network,
    fitting: Option<Fitting>,
}

impl<'a> Reader<'a> {
    fn new(network: &'a Network) -> Reader<'a> {
        Reader {
            network,
            fitting: None,
        }
    }

    fn pictures(&mut self, pictures: Vec<Wait>, stop: &Stop) -> Result<Chosen> {
        let mut progress = Progress::start("quantize", "pictures", Some(pictures.len() as u64));
        let (mut inputs, mut failed) = (Vec::new(), 0);
        for picture in pictures {
            if stop.signal().is_some() {
                break;
            }
            match read(&picture).and_then(|frame| self.input(&frame)) {
                Ok(input) => inputs.push(input),
                Err(error) => {
                    failed += 1;
                    log::error!("{}: {}", picture.name(), one_line(&error));
                }
            }
            progress.step();
        }
        Ok(Chosen { inputs, failed })
    }

    /// Frames of a recording: of each so many one, the more of them the longer it turns out to be.
    fn recording(&mut self, path: &Path, count: usize, stop: &Stop) -> Result<Chosen> {
        let mut recording =
            recording::open(&Input::file(path)).with_context(|| path.display().to_string())?;
        let mut progress = Progress::start("quantize", "frames", recording.info().frames);
        let (mut inputs, mut every, mut frame) = (Vec::new(), 1, Frame::default());
        let mut failed = 0;
        for number in 0.. {
            match recording.next(&mut frame) {
                Ok(true) if stop.signal().is_none() => {}
                Ok(_) => break,
                Err(error) => {
                    failed = 1;
                    log::error!("{}: {error}", path.display());
                    break;
                }
            }
            progress.step();
            if number % every == 0 {
                inputs.push(self.input(&frame)?);
            }
            if inputs.len() > 2 * count {
                let mut index = 0;
                inputs.retain(|_| {
                    index += 1;
                    index % 2 == 1
                });
                every *= 2;
            }
        }
        let inputs = evenly(inputs, count);
        Ok(Chosen { inputs, failed })
    }

    /// A picture as the network reads it.
    fn input(&mut self, frame: &Frame) -> Result<Vec<f32>> {
        let input = self.network.input();
        let size = (frame.width, frame.height);
        let fitting = match self.fitting.take().filter(|fitting| fitting.size() == size) {
            Some(fitting) => fitting,
            None => Fitting::new(input, size.0, size.1)?,
        };
        let fitting = self.fitting.insert(fitting);
        let elements = input.shape.elements();
        Ok(match input.number {
            Number::F32 => {
                let mut values = vec![0.0f32; elements];
                fitting.apply(frame, &mut values)?;
                values
            }
            Number::Code(code) if code.signed => {
                let mut codes = vec![0i8; elements];
                fitting.apply(frame, &mut codes)?;
                codes.into_iter().map(f32::from).collect()
            }
            Number::Code(_) => {
                let mut codes = vec![0u8; elements];
                fitting.apply(frame, &mut codes)?;
                codes.into_iter().map(f32::from).collect()
            }
        })
    }
}

fn read(picture: &Wait) -> Result<Frame> {
    let limit = Limit::default();
    let mut note = |note: &str| log::warn!("{}: {note}", picture.name());
    Ok(match picture {
        Wait::File(input) => picture::read(&input.path, limit, &mut note)?,
        Wait::Labelled(picture) => {
            let bytes = picture.read()?;
            picture::decode(&bytes, Path::new(&picture.name), limit, &mut note)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_the_middles_of_equal_parts() {
        let chosen = |all: usize, count| evenly((0..all).collect(), count);
        assert_eq!(chosen(10, 1), [5]);
        assert_eq!(chosen(10, 2), [2, 7]);
        assert_eq!(chosen(9, 3), [1, 4, 7]);
        assert_eq!(chosen(3, 32), [0, 1, 2]);
        for (all, count) in [(5008, 32), (100, 99), (33, 32), (7, 4)] {
            let chosen = chosen(all, count);
            assert_eq!(chosen.len(), count, "{all} {count}");
            assert!(chosen.is_sorted());
        }
    }
}
