//! `tincy devices`: lists cameras and displays.

use crate::camera::CameraArgs;
use crate::columns::{Align, Columns};
use crate::outcome::Outcome;
use anyhow::Result;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::Write;
use tincy_drivers::Roots;
use tincy_drivers::camera::choice::{Offer, rounded};
use tincy_drivers::camera::format::{Intervals, Sizes};
use tincy_drivers::camera::{Listing, Mode, Surroundings, Video4Linux, list};
use tincy_drivers::connector::Connector;

/// Arguments of `tincy devices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Prints JSON
    #[arg(long)]
    json: bool,
}

/// Cameras and displays.
#[derive(Debug, Serialize)]
struct Devices {
    cameras: Vec<Camera>,
    displays: Vec<Connector>,
}

/// What is told of a camera.
#[derive(Debug, Serialize)]
struct Camera {
    node: String,
    card: Option<String>,
    driver: Option<String>,
    bus: Option<String>,
    modes: Vec<Line>,
    /// What is asked of it where nothing else is wanted.
    default: Option<Chosen>,
    /// Why it cannot be used.
    problem: Option<String>,
}

/// A format in a size.
#[derive(Debug, Serialize)]
struct Line {
    format: String,
    name: String,
    usable: bool,
    /// Columns and rows; two where there are any between.
    sizes: Vec<[u32; 2]>,
    /// Frames a second; two where there are any between.
    rates: Vec<f64>,
    #[serde(skip)]
    text: [String; 2],
}

#[derive(Debug, Serialize)]
struct Chosen {
    format: String,
    width: u32,
    height: u32,
    rate: Option<f64>,
}

/// Runs it. A camera that cannot be used is named on stderr and makes the exit code 1, or 3 if there
/// is no other one; that there is none at all is an answer.
///
/// # Errors
/// If what the kernel shows cannot be read.
pub fn run(args: Args) -> Result<Outcome> {
    let roots = Roots::default();
    let system = Video4Linux {
        roots: roots.clone(),
    };
    let cameras = list(&system, &CameraArgs::default().request())?;
    let devices = Devices {
        cameras: cameras.iter().map(camera).collect(),
        displays: Connector::all(&roots)?,
    };
    let mut out = std::io::stdout().lock();
    match args.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&devices)?)?,
        false => write!(out, "{}", text(&devices))?,
    }
    Ok(tell(&devices))
}

/// Says what is missing or wrong, on stderr.
fn tell(devices: &Devices) -> Outcome {
    if devices.cameras.is_empty() {
        log::warn!("{}", Surroundings::find().no_camera());
    }
    if devices.displays.is_empty() {
        log::info!("no display: /sys/class/drm has none; recordings can be written instead");
    }
    let problems = devices.cameras.iter().filter_map(|c| c.problem.as_ref());
    problems
        .clone()
        .for_each(|problem| log::error!("{problem}"));
    let failed = problems.count();
    Outcome::of(devices.cameras.len() - failed, failed)
}

fn camera(listing: &Listing) -> Camera {
    let identity = listing.identity.as_ref();
    Camera {
        node: listing.node.display().to_string(),
        card: identity.map(|identity| identity.card.clone()),
        driver: identity.map(|identity| identity.driver.clone()),
        bus: identity.map(|identity| identity.bus.clone()),
        modes: listing.offers.iter().map(line).collect(),
        default: listing.mode.map(|mode| chosen(&mode)),
        problem: listing.problem.as_ref().map(ToString::to_string),
    }
}

fn chosen(mode: &Mode) -> Chosen {
    Chosen {
        format: mode.fourcc.to_string(),
        width: mode.size[0],
        height: mode.size[1],
        rate: mode.interval.map(|interval| rounded(interval.rate())),
    }
}

fn line(offer: &Offer) -> Line {
    let named = |[width, height]: [u32; 2]| format!("{width}x{height}");
    let (sizes, size) = match offer.sizes {
        Sizes::One(size) => (vec![size], named(size)),
        Sizes::Steps { least, most, .. } => (
            vec![least, most],
            format!("{} to {}", named(least), named(most)),
        ),
    };
    let (mut rates, mut texts) = (Vec::new(), Vec::new());
    for interval in &offer.intervals {
        let (some, text) = match interval {
            Intervals::One(one) => {
                let rate = rounded(one.rate());
                (vec![rate], rate.to_string())
            }
            Intervals::Steps { shortest, longest } => {
                let [low, high] = [longest, shortest].map(|interval| rounded(interval.rate()));
                (vec![low, high], format!("{low} to {high}"))
            }
        };
        rates.extend(some);
        texts.push(text);
    }
    Line {
        format: offer.fourcc.to_string(),
        name: offer.name.clone(),
        usable: offer.fourcc.preference().is_some(),
        sizes,
        rates,
        text: [size, texts.join(", ")],
    }
}

/// A paragraph a camera, then one for displays.
fn text(devices: &Devices) -> String {
    let mut text = String::new();
    for camera in &devices.cameras {
        let known = |field: &Option<String>| field.clone().unwrap_or_else(|| "unknown".into());
        let (card, driver, bus) = (
            known(&camera.card),
            known(&camera.driver),
            known(&camera.bus),
        );
        let _ = writeln!(text, "{}: {card} ({driver}, {bus})", camera.node);
        if !camera.modes.is_empty() {
            indented(&mut text, &modes(camera));
        }
    }
    for display in &devices.displays {
        let (card, name) = (&display.card, &display.name);
        let driver = display.driver.as_deref().unwrap_or("unknown");
        let modes = match display.modes.is_empty() {
            true => String::new(),
            false => format!(": {}", display.modes.join(", ")),
        };
        let status = &display.status;
        let _ = writeln!(text, "{card} {name} ({driver}): {status}{modes}");
    }
    text
}

fn modes(camera: &Camera) -> Columns {
    let mut table = Columns::new(&[
        ("format", Align::Left),
        ("size", Align::Left),
        ("frames/s", Align::Left),
        ("", Align::Left),
    ]);
    for line in &camera.modes {
        let is_default = camera.default.as_ref().is_some_and(|default| {
            line.format == default.format && holds(&line.sizes, [default.width, default.height])
        });
        let note = match (&camera.default, line.usable) {
            (_, false) => "not usable".into(),
            (Some(default), true) if is_default => {
                let (width, height) = (default.width, default.height);
                let rate = default
                    .rate
                    .map_or(String::new(), |rate| format!(" at {rate}"));
                format!("default: {width}x{height}{rate}")
            }
            _ => String::new(),
        };
        let [size, rates] = line.text.clone();
        table.row([line.format.clone(), size, rates, note]);
    }
    table
}

fn holds(sizes: &[[u32; 2]], size: [u32; 2]) -> bool {
    match sizes {
        [one] => *one == size,
        [least, most] => (0..2).all(|side| (least[side]..=most[side]).contains(&size[side])),
        _ => false,
    }
}

fn indented(text: &mut String, table: &Columns) {
    for line in table.to_string().lines() {
        let _ = writeln!(text, "  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tincy_drivers::camera::choice::choose;
    use tincy_drivers::camera::kernel::Identity;
    use tincy_drivers::camera::{FourCc, Interval, Request};

    fn offer(fourcc: FourCc, sizes: Sizes, rates: &[(u32, u32)]) -> Offer {
        let one = |&(n, d): &(u32, u32)| Intervals::One(Interval::new(n, d).unwrap());
        Offer {
            fourcc,
            name: format!("{fourcc} of a driver"),
            sizes,
            intervals: rates.iter().map(one).collect(),
        }
    }

    fn devices() -> Devices {
        let any = Sizes::Steps {
            least: [16, 16],
            most: [1280, 720],
            step: [2, 2],
        };
        let offers = vec![
            offer(FourCc::MJPEG, Sizes::One([1920, 1080]), &[(1, 30)]),
            offer(FourCc::YUYV, any, &[(1001, 30000), (1, 15)]),
            offer(FourCc(*b"H264"), Sizes::One([640, 480]), &[]),
        ];
        let listing = Listing {
            node: "/dev/video0".into(),
            identity: Some(Identity {
                driver: "uvcvideo".into(),
                card: "HD Webcam".into(),
                bus: "usb-0000:00:14.0-1".into(),
                capabilities: 0x0400_0001,
            }),
            mode: choose(&offers, &Request::default()),
            offers,
            problem: None,
        };
        Devices {
            cameras: vec![camera(&listing)],
            displays: vec![Connector {
                card: "card0".into(),
                driver: None,
                name: "HDMI-A-1".into(),
                status: "connected".into(),
                modes: vec!["1920x1080".into(), "1280x720".into()],
            }],
        }
    }

    #[test]
    fn text_names_formats_sizes_rates_and_the_default() {
        assert_eq!(
            text(&devices()),
            "/dev/video0: HD Webcam (uvcvideo, usb-0000:00:14.0-1)\n\
            \x20 format  size               frames/s\n\
            \x20 MJPG    1920x1080          30\n\
            \x20 YUYV    16x16 to 1280x720  29.97, 15  default: 640x480 at 29.97\n\
            \x20 H264    640x480                       not usable\n\
            card0 HDMI-A-1 (unknown): connected: 1920x1080, 1280x720\n"
        );
    }

    #[test]
    fn json_has_the_same() {
        let json = serde_json::to_value(devices()).unwrap();
        let camera = &json["cameras"][0];
        assert_eq!(camera["card"], "HD Webcam");
        assert_eq!(camera["modes"][1]["sizes"][1][0], 1280);
        assert_eq!(camera["modes"][1]["rates"][0], 29.97);
        assert_eq!(camera["modes"][2]["usable"], false);
        assert_eq!(camera["default"]["format"], "YUYV");
        assert_eq!(camera["problem"], serde_json::Value::Null);
        assert_eq!(json["displays"][0]["modes"][0], "1920x1080");
    }

    #[test]
    fn what_cannot_be_used_decides_the_exit_code() {
        let mut devices = devices();
        assert_eq!(tell(&devices), Outcome::Done);
        devices.cameras[0].problem = Some("/dev/video0: busy".into());
        assert_eq!(tell(&devices), Outcome::NothingDone);
        devices.cameras.push(camera(&Listing {
            node: "/dev/video2".into(),
            identity: None,
            offers: Vec::new(),
            mode: None,
            problem: None,
        }));
        assert_eq!(tell(&devices), Outcome::SomeFailed);
        devices.cameras.clear();
        assert_eq!(tell(&devices), Outcome::Done);
    }
}
