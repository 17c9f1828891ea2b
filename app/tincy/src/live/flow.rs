//! The threads: capture, workers, and the caller's own for what comes out.

use super::cores::Plan;
use super::figures::{Depth, Durations};
use super::mailbox::Mailbox;
use super::source::Source;
use super::{Dropped, Item, Why};
use crate::detector::Detector;
use anyhow::{Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};
use tincy_drivers::camera::Counts;
use tincy_vision::Detection;

/// Items that wait for the output.
pub const WAITING: usize = 2;

/// How many frames went where, and how long that took.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    /// From the first frame's capture to the end.
    pub elapsed: Duration,
    /// What the source says.
    pub source: Counts,
    /// Frames that came from the source.
    pub captured: u64,
    /// Frames that a newer one displaced before a worker was free.
    pub busy: u64,
    /// Frames that turned out to be damaged when they were decoded.
    pub corrupt: u64,
    /// Of these, those after the last frame that was put out.
    pub dropped: Vec<Dropped>,
    /// How long workers had the frames that were good.
    pub infer: Durations,
    /// How long putting out took.
    pub output: Durations,
    /// From capture to the end of putting out.
    pub latency: Durations,
    /// Items waiting for the output.
    pub depth: Depth,
    /// What ended the source before its end.
    pub failure: Option<String>,
    /// What was wrong with the source and did not end it.
    pub complaints: Vec<String>,
}

/// Sets a flag when a thread ends, however it does.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Closes the mailbox when capture ends, however it does.
struct Closes<'a>(&'a Mailbox<Item>);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Runs until the source ends, `stop` says so, or `output` gives false: it takes each item in order.
/// Each of `workers` gets a thread, and each thread the cores that `plan` has for it.
///
/// # Errors
/// That of the output or a worker, or if no thread can be started.
pub fn run<W: FnMut(&mut Item) + Send>(
    source: &mut dyn Source,
    workers: Vec<W>,
    plan: &Plan,
    stop: &(dyn Fn() -> bool + Sync),
    output: impl FnMut(&mut Item) -> Result<bool>,
) -> Result<Flow> {
    // One for each worker, the output and the mailbox, and those that wait.
    let items = workers.len() + WAITING + 2;
    let (free, free_items) = bounded(items);
    for _ in 0..items {
        free.send(Item::default())
            .map_err(|_| anyhow!("no items"))?;
    }
    let (done, done_items) = bounded(WAITING);
    let (mailbox, ended) = (Mailbox::default(), AtomicBool::new(false));
    let mut flow = Flow::default();
    let mut came = Came::default();
    let start = Instant::now();
    let result = std::thread::scope(|scope| {
        let (mailbox, ended, came, source) = (&mailbox, &ended, &mut came, &mut *source);
        let pool = (free_items, free.clone());
        spawn(scope, "capture".into(), plan, move || {
            let stop = || ended.load(Ordering::Relaxed) || stop();
            capture(source, mailbox, pool, &stop, came);
        })?;
        for (index, mut work) in workers.into_iter().enumerate() {
            let done = done.clone();
            spawn(scope, infer_thread(index), plan, move || {
                let _ends = Ends(ended);
                while let Some((number, mut item)) = mailbox.take() {
                    let start = Instant::now();
                    work(&mut item);
                    item.worked = start.elapsed();
                    let waiting = done.len();
                    if done.send((number, waiting, item)).is_err() {
                        break;
                    }
                }
            })?;
        }
        drop(done);
        let _ends = Ends(ended);
        plan.with("output", || put_out(done_items, &free, output, &mut flow))
    });
    flow.elapsed = start.elapsed();
    flow.captured = came.frames;
    flow.busy = came.displaced;
    flow.failure = came.failure;
    flow.source = source.counts();
    flow.complaints = source.complaints();
    result.map(|()| flow)
}

/// Name of a worker's thread.
pub fn infer_thread(index: usize) -> String {
    format!("infer-{index}")
}

fn spawn<'s>(
    scope: &'s Scope<'s, '_>,
    name: String,
    plan: &'s Plan,
    run: impl FnOnce() + Send + 's,
) -> Result<()> {
    let pinned = name.clone();
    Builder::new().name(name).spawn_scoped(scope, move || {
        plan.pin(&pinned);
        run();
    })?;
    Ok(())
}

/// What the capture saw.
#[derive(Default)]
struct Came {
    frames: u64,
    displaced: u64,
    failure: Option<String>,
}

/// Frames from the source into the mailbox, in items that are free.
fn capture(
    source: &mut dyn Source,
    mailbox: &Mailbox<Item>,
    (free, give): (Receiver<Item>, Sender<Item>),
    stop: &dyn Fn() -> bool,
    came: &mut Came,
) {
    const PATIENCE: Duration = Duration::from_millis(100);
    let _closes = Closes(mailbox);
    let mut item = Item::default();
    loop {
        match source.next(&mut item, stop) {
            Ok(true) => came.frames += 1,
            Ok(false) => return,
            Err(error) => {
                came.failure = Some(crate::outcome::one_line(&error));
                return;
            }
        }
        // Where all wait for their turn behind a slow worker, the source waits too, and drops.
        let next = loop {
            match free.recv_timeout(PATIENCE) {
                Ok(next) => break next,
                Err(_) if stop() => return,
                Err(_) => {}
            }
        };
        let inherit = |new: &mut Item, old: &mut Item| {
            old.drop_into(Why::Busy, &mut new.dropped);
        };
        if let Some(late) = mailbox.put(std::mem::replace(&mut item, next), inherit) {
            came.displaced += 1;
            let _ = give.send(late); // it has places for all
        }
    }
}

/// A worker that finds objects. With `draw`, it makes the frame RGB where it is not.
pub fn finder(mut detector: Detector, draw: bool) -> impl FnMut(&mut Item) + Send {
    move |item| {
        item.corrupt = false;
        item.shot.failure = None;
        match detect(item, &mut detector, draw) {
            Ok(Some(detections)) => item.shot.detections = detections,
            Ok(None) => item.corrupt = true,
            Err(error) => item.shot.failure = Some(error),
        }
    }
}

/// What is in a frame; `None` if it cannot be decoded.
fn detect(item: &mut Item, detector: &mut Detector, draw: bool) -> Result<Option<Vec<Detection>>> {
    let frame = &mut item.shot.frame;
    if item.is_rgb {
        return detector.detect(frame).map(Some);
    }
    if let Some(raw) = item.picture.raw()? {
        if draw {
            raw.to_rgb(frame);
        }
        return detector.detect_raw(&raw).map(Some);
    }
    match item.picture.to_rgb(frame) {
        Ok(()) => {
            item.size = (frame.width, frame.height);
            detector.detect(frame).map(Some)
        }
        Err(error) => {
            log::debug!("frame {}: {error:#}", item.sequence);
            Ok(None)
        }
    }
}

/// Puts items out in the order in which they were taken. It owns the receiver, so that workers end
/// when it returns.
fn put_out(
    items: Receiver<(u64, usize, Item)>,
    free: &Sender<Item>,
    mut output: impl FnMut(&mut Item) -> Result<bool>,
    flow: &mut Flow,
) -> Result<()> {
    let mut early = BTreeMap::new();
    let mut next = 0;
    for (number, waiting, item) in items {
        flow.depth.add(waiting);
        early.insert(number, item);
        while let Some(mut item) = early.remove(&next) {
            next += 1;
            let goes_on = one(&mut item, &mut output, flow)?;
            let _ = free.send(item); // the capture may have ended
            if !goes_on {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn one(
    item: &mut Item,
    output: &mut impl FnMut(&mut Item) -> Result<bool>,
    flow: &mut Flow,
) -> Result<bool> {
    if let Some(failure) = item.shot.failure.take() {
        return Err(failure);
    }
    if item.corrupt {
        flow.corrupt += 1;
        item.drop_into(Why::Corrupt, &mut flow.dropped);
        return Ok(true);
    }
    // What was dropped before the damaged ones came before its own.
    flow.dropped.append(&mut item.dropped);
    std::mem::swap(&mut flow.dropped, &mut item.dropped);
    flow.infer.add(item.worked);
    let start = Instant::now();
    let goes_on = output(item)?;
    item.dropped.clear();
    flow.output.add(start.elapsed());
    flow.latency.add(item.born.elapsed());
    Ok(goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording::{Info, Rational};
    use std::thread::sleep;

    /// Frames at a steady pace, then an end or a failure.
    struct Steady {
        info: Info,
        pace: Duration,
        left: u64,
        fails: bool,
        sequence: u64,
    }

    impl Steady {
        fn new(frames: u64, pace: Duration) -> Steady {
            let rate = Rational {
                numerator: 30,
                denominator: 1,
            };
            Steady {
                info: Info {
                    width: 1,
                    height: 1,
                    rate,
                    time_base: rate.inverse(),
                    pixel_aspect: None,
                    frames: None,
                    sound: None,
                },
                pace,
                left: frames,
                fails: false,
                sequence: 0,
            }
        }
    }

    impl Source for Steady {
        fn name(&self) -> String {
            "steady".into()
        }

        fn info(&self) -> &Info {
            &self.info
        }

        fn next(&mut self, item: &mut Item, stop: &dyn Fn() -> bool) -> Result<bool> {
            if self.left == 0 && self.fails {
                return Err(anyhow!("torn off"));
            }
            if self.left == 0 || stop() {
                return Ok(false);
            }
            sleep(self.pace);
            item.sequence = self.sequence;
            item.corrupt = item.sequence % 5 == 2;
            item.born = Instant::now();
            self.sequence += 1;
            self.left -= 1;
            Ok(true)
        }

        fn counts(&self) -> Counts {
            Counts::default()
        }
    }

    fn run<W: FnMut(&mut Item) + Send>(
        source: &mut dyn Source,
        workers: Vec<W>,
        stop: &(dyn Fn() -> bool + Sync),
        output: impl FnMut(&mut Item) -> Result<bool>,
    ) -> Result<Flow> {
        super::run(source, workers, &Plan::default(), stop, output)
    }

    type Work = Box<dyn FnMut(&mut Item) + Send>;

    fn workers(count: u64, micros: u64) -> Vec<Work> {
        let work = |index| -> Work {
            Box::new(move |item: &mut Item| {
                sleep(Duration::from_micros(
                    micros * (1 + (item.sequence + index) % 3),
                ));
            })
        };
        (0..count).map(work).collect()
    }

    #[test]
    fn every_frame_is_put_out_in_order_or_counted() {
        for (count, micros) in [(1, 0), (1, 3000), (3, 3000), (4, 9000)] {
            let mut source = Steady::new(100, Duration::from_millis(1));
            let (mut out, mut all) = (Vec::new(), Vec::new());
            let flow = run(&mut source, workers(count, micros), &|| false, |item| {
                out.push(item.sequence);
                all.extend(item.dropped.iter().map(|dropped| dropped.sequence));
                all.push(item.sequence);
                Ok(true)
            });
            let flow = flow.unwrap();
            all.extend(flow.dropped.iter().map(|dropped| dropped.sequence));
            assert_eq!(
                all,
                (0..100).collect::<Vec<_>>(),
                "each is told of, in order"
            );
            assert!(out.is_sorted_by(|a, b| a < b), "{out:?}");
            assert!(
                out.iter().all(|sequence| sequence % 5 != 2),
                "no corrupt one"
            );
            let there = out.len() as u64 + flow.busy + flow.corrupt;
            assert_eq!((flow.captured, there), (100, 100), "{flow:?}");
            assert!(out.last() == Some(&99), "the last is not lost: {out:?}");
            assert_eq!(flow.latency.count(), out.len() as u64);
            assert!(flow.depth.most <= WAITING);
        }
    }

    #[test]
    fn a_slow_output_lets_frames_drop_at_the_mailbox_only() {
        let mut source = Steady::new(60, Duration::from_millis(1));
        let flow = run(&mut source, workers(2, 0), &|| false, |_| {
            sleep(Duration::from_millis(20));
            Ok(true)
        });
        let flow = flow.unwrap();
        assert!(flow.busy > 0, "{flow:?}");
        assert_eq!(flow.output.count() + flow.busy + flow.corrupt, 60);
    }

    #[test]
    fn limits_wishes_and_failures_end_it() {
        let endless = || Steady::new(u64::MAX, Duration::from_micros(300));
        let mut out = 0;
        let flow = run(&mut endless(), workers(3, 500), &|| false, |_| {
            out += 1;
            Ok(out < 7)
        });
        assert_eq!((flow.unwrap().output.count(), out), (7, 7));

        let start = Instant::now();
        let stop = || start.elapsed() > Duration::from_millis(60);
        let flow = run(&mut endless(), workers(2, 500), &stop, |_| Ok(true)).unwrap();
        assert!(flow.output.count() > 0 && flow.failure.is_none());

        let failed = run(&mut endless(), workers(2, 0), &|| false, |_| {
            Err(anyhow!("full"))
        });
        assert_eq!(failed.unwrap_err().to_string(), "full");

        let mut torn = Steady::new(3, Duration::ZERO);
        torn.fails = true;
        let flow = run(&mut torn, workers(1, 0), &|| false, |_| Ok(true)).unwrap();
        assert_eq!(
            (flow.failure.as_deref(), flow.captured),
            (Some("torn off"), 3)
        );

        let failing: Work = Box::new(|item| item.shot.failure = Some(anyhow!("no size")));
        let failed = run(&mut endless(), vec![failing], &|| false, |_| Ok(true));
        assert_eq!(failed.unwrap_err().to_string(), "no size");
    }
}
