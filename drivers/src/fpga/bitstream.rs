//! `.bit` and `.bit.bin` files, checked before they come near the logic.
//!
//! The vendor's driver for the Zynq-7000 refuses what is not a byte-swapped stream; that of the
//! UltraScale+ hands it to the firmware unseen, and a wrong file may do nothing, without an error.
//! So everything that can be known of a file is known here: that it is whole, which device it is for.

use super::header::{self, Header};
use super::stream::{self, Order};
use crate::{Error, Result};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use tincy_bitstreams::device::{self, Device};
use tincy_bitstreams::idcode::Idcode;

/// More than any device takes; the largest on a known board has 36 MB.
pub const LARGEST: u64 = 256 << 20;

/// What is to be done about a file that is damaged.
const DAMAGED: &str = "give the .bit that the tools wrote, or the .bit.bin made of it, in full";

/// What is wrong with a file.
#[derive(Debug)]
pub(super) struct Fault {
    what: String,
    remedy: String,
}

impl Fault {
    /// A file that is damaged.
    pub(super) fn new(what: impl Into<String>) -> Fault {
        Fault {
            what: what.into(),
            remedy: DAMAGED.into(),
        }
    }

    fn at(self, file: &Path) -> Error {
        Error::Bitstream {
            file: file.to_path_buf(),
            what: self.what,
            remedy: self.remedy,
        }
    }
}

/// A bitstream that is whole.
#[derive(Clone, Debug)]
pub struct Bitstream {
    file: PathBuf,
    header: Option<Header>,
    /// As a `.bit` file has it.
    stream: Vec<u8>,
    idcode: Idcode,
}

impl Bitstream {
    /// Reads a file of either kind.
    ///
    /// # Errors
    /// If it cannot be read, is damaged, partial, or none.
    pub fn read(file: &Path) -> Result<Bitstream> {
        let bytes = contents(file, LARGEST)?;
        Bitstream::parse(file, &bytes)
    }

    /// Takes a file's bytes.
    ///
    /// # Errors
    /// If they are damaged, a partial bitstream, or none.
    pub fn parse(file: &Path, bytes: &[u8]) -> Result<Bitstream> {
        let (header, stream, idcode) = whole(bytes).map_err(|fault| fault.at(file))?;
        Ok(Bitstream {
            file: file.to_path_buf(),
            header,
            stream,
            idcode,
        })
    }

    /// The file it came from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The records of a `.bit` file; a `.bit.bin` has none.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// Which device it names.
    pub fn idcode(&self) -> Idcode {
        self.idcode
    }

    /// The stream with each word turned, as a `.bit.bin` file and the kernel want it.
    pub fn swapped(&self) -> Vec<u8> {
        stream::swap(&self.stream)
    }

    /// Bytes of the stream.
    pub fn bytes(&self) -> usize {
        self.stream.len()
    }

    /// Makes sure that it is for a device. What it gives is worth a warning, if anything.
    ///
    /// # Errors
    /// If it is for another one.
    pub fn check(&self, device: &Device) -> Result<Option<String>> {
        let part = self.header.as_ref().map(|header| header.part.as_str());
        if let Some(part) = part
            && !is_part(part, device)
        {
            return Err(self.other(device, part));
        }
        let code = self.idcode;
        match device.idcodes {
            None if part.is_none() => Ok(Some(format!(
                "{}: not known whether it is for {}: the IDCODE of that device is not known",
                self.file.display(),
                device.name
            ))),
            None => Ok(None),
            Some(codes) if code == codes.bitstream => Ok(None),
            Some(codes) if code == codes.silicon => Ok(Some(format!(
                "{}: IDCODE {code} is the one of {}'s JTAG, not {} of its bitstreams",
                self.file.display(),
                device.name,
                codes.bitstream
            ))),
            Some(_) => Err(self.other(device, &of(code))),
        }
    }

    /// It is for another device.
    fn other(&self, device: &Device, found: &str) -> Error {
        let fault = Fault {
            what: format!("it is for {found}, the board has {}", device.name),
            remedy: "build the design for this device; if the board is not the one that was \
                     recognised, name its device: --device"
                .into(),
        };
        fault.at(&self.file)
    }
}

/// The bytes of a file, at most one more than are taken, so that too many are known of.
pub(super) fn contents(file: &Path, most: u64) -> Result<Vec<u8>> {
    let io = || Error::io(file, "is the path right?");
    let kind = std::fs::metadata(file).map_err(io())?;
    if !kind.is_file() {
        // A pipe would be waited for.
        return Err(Fault::new("not a regular file").at(file));
    }
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(io())?;
    opened
        .take(most + 1)
        .read_to_end(&mut bytes)
        .map_err(io())?;
    Ok(bytes)
}

/// Whether a part name is this device's, in either form: with the leading `xc` or without.
fn is_part(part: &str, device: &Device) -> bool {
    let name = device.name.to_lowercase();
    let short = name.strip_prefix("xc").unwrap_or(&name);
    part.to_lowercase().contains(short)
}

/// The device of an IDCODE, for people.
fn of(code: Idcode) -> String {
    let devices = device::known();
    let is_of = |device: &&Device| {
        let codes = device.idcodes;
        codes.is_some_and(|codes| code == codes.bitstream || code == codes.silicon)
    };
    match devices.iter().find(is_of) {
        Some(device) => format!("{} (IDCODE {code})", device.name),
        None => format!("the device of IDCODE {code}"),
    }
}

fn whole(bytes: &[u8]) -> Result<(Option<Header>, Vec<u8>, Idcode), Fault> {
    if bytes.is_empty() {
        return Err(Fault::new("an empty file"));
    }
    if bytes.len() as u64 > LARGEST {
        return Err(Fault::new(format!(
            "more than {LARGEST} bytes, no bitstream is so large"
        )));
    }
    let (header, stream) = match header::is_bit(bytes) {
        true => header::split(bytes).map(|(header, stream)| (Some(header), stream))?,
        false => (None, bytes),
    };
    let none = || Fault::new("no bitstream: there is no sync word near its beginning");
    let (order, sync) = stream::order(stream).ok_or_else(none)?;
    if !stream.len().is_multiple_of(4) {
        let length = stream.len();
        return Err(Fault::new(format!(
            "its stream of {length} bytes is not whole words"
        )));
    }
    let stream = match order {
        Order::Plain => stream.to_vec(),
        Order::Swapped => stream::swap(stream),
    };
    let content = stream::content(&stream, sync)?;
    if content.partial {
        return Err(Fault {
            what: "a partial bitstream, which changes a design that runs".into(),
            remedy: "give the bitstream of the whole design".into(),
        });
    }
    Ok((header, stream, content.idcode))
}
