//! Device-tree overlays through configfs: `/sys/kernel/config/device-tree/overlays/NAME`.
//!
//! Making the folder and writing a file's name to its `path` applies the overlay: its nodes appear,
//! and where it names a bitstream (`firmware-name`) that is loaded first. Removing the folder takes
//! the nodes away again; the logic stays as it is. The interface is the vendor's; mainline has none.

use super::bitstream::{self, Bitstream};
use super::blob;
use super::manager::{self, Manager};
use crate::{Error, Result, Roots, sysfs};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Name of the overlay that is loaded here.
pub const NAME: &str = "tincy";

/// The overlay's file in the folder of firmware.
const FILE: &str = "tincy.dtbo";

/// What a kernel without overlays needs.
const ABSENT: &str = "mount -t configfs none /sys/kernel/config; if it is mounted, the kernel has no \
                      CONFIG_OF_CONFIGFS: boot the vendor's, or give the nodes to the boot loader's \
                      device tree";

/// An overlay's file, and the bitstream that it names.
#[derive(Clone, Debug)]
pub struct Design {
    blob: Vec<u8>,
    bitstream: Option<(String, Bitstream)>,
}

/// An overlay that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Its name.
    pub name: String,
    /// The file that it was made of, as far as the kernel says.
    pub path: String,
    /// `applied`, or not.
    pub status: String,
}

impl Design {
    /// Whether a file is an overlay and not a bitstream.
    pub fn is(file: &Path) -> bool {
        let mut start = [0; 4];
        let mut read = || File::open(file).and_then(|mut file| file.read_exact(&mut start));
        file.is_file() && read().is_ok() && blob::is_blob(&start)
    }

    /// Reads an overlay; the bitstream that it names lies beside it, as it is named or as the `.bit`
    /// that it is to be made of, or in the folder of firmware already.
    ///
    /// # Errors
    /// If a file cannot be read or is damaged.
    pub fn read(file: &Path, roots: &Roots) -> Result<Design> {
        let wrong = |what: String| Error::Bitstream {
            file: file.to_path_buf(),
            what,
            remedy: "give the .dtbo that `dtc -@ -O dtb` made, in full".into(),
        };
        let blob = bitstream::contents(file, blob::LARGEST)?;
        if blob.len() as u64 > blob::LARGEST {
            return Err(wrong(format!("more than {} bytes", blob::LARGEST)));
        }
        let names = blob::texts(&blob, "firmware-name");
        let names = names.map_err(|what| wrong(format!("no whole overlay: {what}")))?;
        let bitstream = match &names[..] {
            [] => None,
            [name] if is_file_name(name) => {
                let path = beside(file, name, roots).ok_or_else(|| Error::Bitstream {
                    file: file.to_path_buf(),
                    what: format!(
                        "it names {name}, which is neither beside it nor in /lib/firmware"
                    ),
                    remedy: "put it, or the .bit it is made of, beside the overlay".into(),
                })?;
                Some((name.clone(), Bitstream::read(&path)?))
            }
            [name] => {
                return Err(wrong(format!(
                    "firmware-name {name:?} is not a file's name"
                )));
            }
            _ => return Err(wrong(format!("it names {} bitstreams", names.len()))),
        };
        Ok(Design { blob, bitstream })
    }

    /// The bitstream that it loads, if it does.
    pub fn bitstream(&self) -> Option<&Bitstream> {
        self.bitstream.as_ref().map(|(_, bitstream)| bitstream)
    }
}

/// Whether a name is that of a file in a folder.
fn is_file_name(name: &str) -> bool {
    let path = Path::new(name);
    path.file_name().is_some_and(|file| file == name) && !name.contains(char::is_control)
}

/// Where the bitstream of a name is.
fn beside(file: &Path, name: &str, roots: &Roots) -> Option<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let stem = name.strip_suffix(".bin").unwrap_or(name);
    let stem = stem.strip_suffix(".bit").unwrap_or(stem);
    let places = [
        folder.join(name),
        folder.join(format!("{stem}.bit")),
        roots.firmware.join(name),
    ];
    places.into_iter().find(|place| place.is_file())
}

/// The kernel's overlays.
#[derive(Clone, Debug)]
pub struct Overlays {
    folder: PathBuf,
    firmware: PathBuf,
}

impl Overlays {
    /// The folder of overlays.
    ///
    /// # Errors
    /// If the kernel has none.
    pub fn find(roots: &Roots) -> Result<Overlays> {
        let folder = roots.sys.join("kernel/config/device-tree/overlays");
        match folder.is_dir() {
            true => Ok(Overlays {
                folder,
                firmware: roots.firmware.clone(),
            }),
            false => Err(Error::Logic {
                what: "no overlays in /sys/kernel/config/device-tree".into(),
                remedy: ABSENT.into(),
            }),
        }
    }

    /// What is there, whoever made it.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn all(&self) -> Result<Vec<Applied>> {
        let folders = sysfs::devices(&self.folder)?;
        Ok(folders.iter().map(|folder| applied(folder)).collect())
    }

    /// Applies an overlay under [`NAME`]; where it names a bitstream, a design runs afterwards.
    ///
    /// # Errors
    /// If one is applied already, the system refuses, or the logic does not run afterwards.
    pub fn load(&self, design: &Design, roots: &Roots) -> Result<()> {
        let folder = self.folder.join(NAME);
        if folder.exists() {
            let Applied { path, status, .. } = applied(&folder);
            if status != "unapplied" && !path.is_empty() {
                return Err(Error::Logic {
                    what: format!("an overlay named {NAME} is loaded already, made of {path}"),
                    remedy: "take it away first: `tincy board unload`".into(),
                });
            }
            // Left behind by a loading that failed: its path can be written once only.
            remove(&folder)?;
        }
        if let Some((name, bitstream)) = &design.bitstream {
            manager::place(&self.firmware, name, &bitstream.swapped())?;
        }
        manager::place(&self.firmware, FILE, &design.blob)?;
        fs::create_dir(&folder).map_err(Error::io(&folder, "run as root"))?;
        let applied = self.apply(&folder, design, roots);
        if applied.is_err() {
            // Its reason is told; that the folder stays would only be a second one.
            let _ = fs::remove_dir(&folder);
        }
        applied
    }

    fn apply(&self, folder: &Path, design: &Design, roots: &Roots) -> Result<()> {
        let path = folder.join("path");
        let remedy = "`dmesg` has the kernel's reason; a daemon like dfx-mgr may hold the logic \
                      (`xmutil unloadapp`)";
        fs::write(&path, format!("{FILE}\n")).map_err(Error::io(&path, remedy))?;
        if applied(folder).status == "unapplied" {
            return Err(Error::Logic {
                what: format!("{}: the overlay was not applied", folder.display()),
                remedy: remedy.into(),
            });
        }
        match design.bitstream {
            Some(_) => Manager::find(roots)?.check_operating().map(|_| ()),
            None => Ok(()),
        }
    }

    /// Takes the overlay away that was loaded under [`NAME`].
    ///
    /// # Errors
    /// If there is none, or the system refuses.
    pub fn unload(&self) -> Result<()> {
        let folder = self.folder.join(NAME);
        if !folder.exists() {
            let others = self.all()?;
            let others: Vec<_> = others.iter().map(|other| other.name.as_str()).collect();
            let found = match others.is_empty() {
                true => "none is loaded".to_string(),
                false => format!("there are {}, loaded by others", others.join(", ")),
            };
            return Err(Error::Absent {
                kind: "overlay",
                name: NAME.into(),
                found,
                remedy: "a design that was loaded directly stays until the next one is loaded"
                    .into(),
            });
        }
        remove(&folder)
    }
}

fn remove(folder: &Path) -> Result<()> {
    let remedy = "run as root, and stop what uses its devices first";
    fs::remove_dir(folder).map_err(Error::io(folder, remedy))
}

fn applied(folder: &Path) -> Applied {
    let text = |name: &str| sysfs::optional(&folder.join(name)).unwrap_or_default();
    Applied {
        name: sysfs::name(folder),
        path: text("path"),
        status: text("status"),
    }
}
