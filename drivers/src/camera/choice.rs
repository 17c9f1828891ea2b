//! The mode that suits a wish best.

use super::format::{Interval, Intervals, Sizes};
use super::fourcc::FourCc;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Where the memory of a camera's buffers comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Memory {
    /// The driver: what every driver can, and on most boards uncached, which is slow to read.
    #[default]
    Driver,
    /// A heap of DMA memory, which the CPU reads through its caches: the one of a name, or the best.
    Heap(Option<String>),
}

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Memory, String> {
        match text.split_once(':') {
            None if text == "driver" => Ok(Memory::Driver),
            None if text == "heap" => Ok(Memory::Heap(None)),
            Some(("heap", name)) if !name.is_empty() => Ok(Memory::Heap(Some(name.into()))),
            _ => Err("driver, heap or heap:NAME is expected".into()),
        }
    }
}

/// What is wanted of a camera.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Which one: a path, a number, or a part of its name or bus. The first usable one otherwise.
    pub device: Option<String>,
    /// Columns and rows; 640x480 otherwise, near what detectors read.
    pub size: Option<[u32; 2]>,
    /// Frames a second; 30 otherwise.
    pub rate: Option<f64>,
    /// Pixel format; the best of those that come in the size at the rate otherwise.
    pub format: Option<FourCc>,
    /// Buffers to ask for.
    pub buffers: u32,
    /// Where their memory comes from.
    pub memory: Memory,
    /// Time without a frame after which the stream is started anew. The first frame of a USB camera
    /// may take seconds.
    pub timeout: Duration,
    /// How long a camera that is lost is waited for; for ever otherwise.
    pub patience: Option<Duration>,
}

impl Default for Request {
    fn default() -> Request {
        Request {
            device: None,
            size: None,
            rate: None,
            format: None,
            buffers: 4,
            memory: Memory::Driver,
            timeout: Duration::from_secs(3),
            patience: None,
        }
    }
}

impl Request {
    /// The size to be near to.
    pub fn wanted_size(&self) -> [u32; 2] {
        self.size.unwrap_or([640, 480])
    }

    /// The rate to be near to.
    pub fn wanted_rate(&self) -> f64 {
        self.rate.unwrap_or(30.0)
    }
}

/// A format in a size (or sizes in steps), at the rates that it offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Pixel format.
    pub fourcc: FourCc,
    /// The driver's name for it.
    pub name: String,
    /// Sizes.
    pub sizes: Sizes,
    /// Frame intervals; none where the driver does not say.
    pub intervals: Vec<Intervals>,
}

/// What to ask of a camera.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Pixel format.
    pub fourcc: FourCc,
    /// Columns and rows.
    pub size: [u32; 2],
    /// Frame interval, where there is a choice.
    pub interval: Option<Interval>,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}x{}", self.fourcc, self.size[0], self.size[1])?;
        match self.interval {
            Some(interval) => write!(f, " at {}", rounded(interval.rate())),
            None => Ok(()),
        }
    }
}

/// A rate with as many digits as it needs, two at most.
pub fn rounded(rate: f64) -> f64 {
    (rate * 100.0).round() / 100.0
}

/// The offer that suits best, or `None` if no format can be used.
///
/// The size counts first (the fewest columns and rows away from the wanted one), then how far the
/// rate stays below the wanted one (a twentieth is none: 29.97 is 30), then the format by
/// [`FourCc::USABLE`], then the order of the offers.
pub fn choose(offers: &[Offer], request: &Request) -> Option<Mode> {
    let wanted = |offer: &&Offer| match request.format {
        Some(format) => offer.fourcc == format,
        None => offer.fourcc.preference().is_some(),
    };
    let modes = offers
        .iter()
        .filter(wanted)
        .map(|offer| mode(offer, request));
    modes.min_by(|a, b| {
        let [a, b] = [a, b].map(|mode| (distance(mode, request), shortfall(mode, request), mode));
        let sizes = a.0.cmp(&b.0);
        let rates = a.1.total_cmp(&b.1);
        let formats = a.2.fourcc.preference().cmp(&b.2.fourcc.preference());
        sizes.then(rates).then(formats)
    })
}

/// The mode of an offer that is nearest to a wish.
fn mode(offer: &Offer, request: &Request) -> Mode {
    let rate = request.wanted_rate();
    let intervals = offer.intervals.iter().map(|some| some.nearest(rate));
    let away = |interval: &Interval| (interval.rate() - rate).abs();
    Mode {
        fourcc: offer.fourcc,
        size: offer.sizes.nearest(request.wanted_size()),
        interval: intervals.min_by(|a, b| away(a).total_cmp(&away(b))),
    }
}

/// Columns and rows between a mode's size and the wanted one.
fn distance(mode: &Mode, request: &Request) -> u64 {
    let sides = mode.size.iter().zip(request.wanted_size());
    sides.map(|(a, b)| u64::from(a.abs_diff(b))).sum()
}

/// Frames a second that a mode stays below the wanted rate.
fn shortfall(mode: &Mode, request: &Request) -> f64 {
    let wanted = request.wanted_rate();
    match mode.interval {
        Some(interval) if interval.rate() < 0.95 * wanted => wanted - interval.rate(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(fourcc: FourCc, size: [u32; 2], rates: &[u32]) -> Offer {
        let intervals = rates.iter().filter_map(|rate| Interval::new(1, *rate));
        Offer {
            fourcc,
            name: String::new(),
            sizes: Sizes::One(size),
            intervals: intervals.map(Intervals::One).collect(),
        }
    }

    /// As a common USB 2 camera: YUYV is slow where it is large.
    fn webcam() -> Vec<Offer> {
        vec![
            offer(FourCc::MJPEG, [1920, 1080], &[30]),
            offer(FourCc::MJPEG, [1280, 720], &[60, 30]),
            offer(FourCc::MJPEG, [640, 480], &[30]),
            offer(FourCc(*b"H264"), [640, 480], &[30]),
            offer(FourCc::YUYV, [640, 480], &[30, 15]),
            offer(FourCc::YUYV, [1280, 720], &[10, 5]),
            offer(FourCc::GREY, [640, 480], &[30]),
            offer(FourCc::NV12, [320, 240], &[]),
        ]
    }

    #[test]
    fn size_then_rate_then_format() {
        let default = Request::default();
        let with = |size, rate, format| Request {
            size,
            rate,
            format,
            ..default.clone()
        };
        let cases = [
            (default.clone(), "YUYV 640x480 at 30"),
            (with(Some([1280, 720]), None, None), "MJPG 1280x720 at 30"),
            (
                with(Some([1280, 720]), Some(10.0), None),
                "YUYV 1280x720 at 10",
            ),
            (
                with(Some([1280, 720]), Some(60.0), None),
                "MJPG 1280x720 at 60",
            ),
            (with(Some([1900, 1000]), None, None), "MJPG 1920x1080 at 30"),
            (with(Some([300, 200]), None, None), "NV12 320x240"),
            (with(None, Some(7.0), None), "YUYV 640x480 at 15"),
            (with(None, None, Some(FourCc::GREY)), "GREY 640x480 at 30"),
            (
                with(Some([1280, 720]), None, Some(FourCc::YUYV)),
                "YUYV 1280x720 at 10",
            ),
        ];
        for (request, expected) in cases {
            let mode = choose(&webcam(), &request).unwrap();
            assert_eq!(mode.to_string(), expected, "{request:?}");
        }
        let none = with(None, None, Some(FourCc::RGB24));
        assert_eq!(choose(&webcam(), &none), None);
        let only = [offer(FourCc(*b"H264"), [640, 480], &[30])];
        assert_eq!(choose(&only, &default), None);
    }

    #[test]
    fn memory_is_the_drivers_or_a_heaps() {
        let heap = |name: Option<&str>| Ok(Memory::Heap(name.map(String::from)));
        assert_eq!("driver".parse(), Ok(Memory::Driver));
        assert_eq!("heap".parse::<Memory>(), heap(None));
        assert_eq!("heap:linux,cma".parse::<Memory>(), heap(Some("linux,cma")));
        for wrong in ["", "heap:", "driver:x", "Heap", "heaps"] {
            assert!(wrong.parse::<Memory>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn nearly_thirty_is_thirty() {
        let mut nearly = offer(FourCc::YUYV, [640, 480], &[]);
        nearly.intervals = vec![Intervals::One(Interval::new(1001, 30000).unwrap())];
        let offers = [offer(FourCc::MJPEG, [640, 480], &[30]), nearly];
        let mode = choose(&offers, &Request::default()).unwrap();
        assert_eq!(mode.to_string(), "YUYV 640x480 at 29.97");
    }
}
