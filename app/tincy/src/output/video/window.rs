//! A window on a desktop, as one more place for an annotated recording.
//!
//! A thread of its own has the window, so that keys and the closing button work between frames too. It
//! shows what is newest: a frame that still waits when the next one comes is left out, and nobody waits
//! for it.
//! libX11 and libXcursor are opened when the window is; without them, or without a desktop, everything
//! else works.

use super::VideoWriter;
use anyhow::{Context, Result, anyhow, bail};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use minifb::{InputCallback, Key, ScaleMode, Window, WindowOptions};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;
use tincy_vision::Frame;

/// Between two looks at keys and buttons.
const POLL: Duration = Duration::from_millis(15);

/// Looks without a frame after which the last one is drawn anew: another window may have hidden it.
const REDRAW: u32 = 8;

/// Pictures: being filled, waiting, being shown and on the way back.
const BUFFERS: usize = 4;

/// The largest window that is opened; it can be made larger.
const LARGEST: (usize, usize) = (1280, 800);

/// A picture as windows take it: a pixel in 32 bits, red above green above blue.
#[derive(Debug, Default)]
struct Picture {
    pixels: Vec<u32>,
    width: usize,
    height: usize,
}

/// Shows frames in a window.
#[derive(Debug)]
pub struct WindowWriter {
    pictures: Sender<Picture>,
    /// The other end too, to take back what a newer one displaces.
    waiting: Receiver<Picture>,
    back: Receiver<Picture>,
    thread: JoinHandle<u64>,
    spare: Vec<Picture>,
    left_out: u64,
}

impl WindowWriter {
    /// Opens a window for frames of a size. `closed` is set when its user closes it or presses Esc or q.
    ///
    /// # Errors
    /// If there is no desktop.
    pub fn open(
        title: String,
        size: (usize, usize),
        closed: Arc<AtomicBool>,
    ) -> Result<WindowWriter> {
        check_desktop()?;
        let (pictures, to_show) = bounded(1);
        let (free, back) = bounded(BUFFERS);
        let (ready, opened) = bounded(1);
        let waiting = to_show.clone();
        let thread = Builder::new().name("window".into()).spawn(move || {
            // A window belongs to the thread that opens it.
            match open(&title, size, &closed) {
                Ok(window) => {
                    let _ = ready.send(Ok(())); // the writer waits for it
                    show_all(window, &to_show, &free, &closed)
                }
                Err(error) => {
                    let _ = ready.send(Err(error));
                    0
                }
            }
        })?;
        opened.recv().context("the window has crashed")??;
        Ok(WindowWriter {
            pictures,
            waiting,
            back,
            thread,
            spare: (0..BUFFERS).map(|_| Picture::default()).collect(),
            left_out: 0,
        })
    }
}

/// What to do where no window can be had.
const REMEDY: &str = "start it in a desktop's terminal, or use --display kms for a screen without a desktop, \
                      or --output FILE";

/// Whether there is an X server, by the environment.
fn check_desktop() -> Result<()> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match (is_set("DISPLAY"), is_set("WAYLAND_DISPLAY")) {
        (true, _) => Ok(()),
        (false, true) => bail!(
            "--display window: this Wayland desktop has no X server (DISPLAY is not set): install Xwayland, \
             or use --output FILE"
        ),
        (false, false) => bail!("--display window: no desktop (DISPLAY is not set): {REMEDY}"),
    }
}

fn open(title: &str, size: (usize, usize), closed: &Arc<AtomicBool>) -> Result<Window> {
    let options = WindowOptions {
        resize: true,
        scale_mode: ScaleMode::AspectRatioStretch,
        ..WindowOptions::default()
    };
    let (width, height) = fitting(size);
    let window = Window::new(title, width, height, options);
    let mut window = window.map_err(|error| {
        let display = std::env::var_os("DISPLAY").unwrap_or_default();
        let (display, error) = (display.to_string_lossy(), error.to_string());
        let remedy = match error.contains("failed to load") {
            true => "install libX11 and libXcursor",
            false => REMEDY,
        };
        anyhow!("--display window: no desktop {display} ({error}): {remedy}")
    })?;
    // It waits for frames, not for time.
    window.set_target_fps(0);
    window.set_input_callback(Box::new(Quit(Arc::clone(closed))));
    Ok(window)
}

/// The frame's size, or as much smaller as it must be.
fn fitting((width, height): (usize, usize)) -> (usize, usize) {
    let part = |most: usize, side: usize| most as f64 / side.max(1) as f64;
    let part = part(LARGEST.0, width).min(part(LARGEST.1, height)).min(1.0);
    let side = |side: usize| ((side as f64 * part).round() as usize).max(1);
    (side(width), side(height))
}

/// Keys that end it. They are told of when they are pressed, however short that is.
struct Quit(Arc<AtomicBool>);

impl InputCallback for Quit {
    fn add_char(&mut self, _: u32) {}

    fn set_key_state(&mut self, key: Key, is_down: bool) {
        if is_down && matches!(key, Key::Escape | Key::Q) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

/// Shows pictures until no more come or the window is closed; how many were shown.
fn show_all(
    mut window: Window,
    pictures: &Receiver<Picture>,
    free: &Sender<Picture>,
    closed: &AtomicBool,
) -> u64 {
    let mut shown = Picture::default();
    let (mut count, mut idle) = (0, 0);
    while window.is_open() && !closed.load(Ordering::Relaxed) {
        match pictures.recv_timeout(POLL) {
            Ok(next) => {
                let _ = free.try_send(std::mem::replace(&mut shown, next)); // it has places for all
                (count, idle) = (count + 1, 0);
                show(&mut window, &shown);
            }
            Err(RecvTimeoutError::Timeout) => {
                idle += 1;
                match idle % REDRAW == 0 && count > 0 {
                    true => show(&mut window, &shown),
                    false => window.update(),
                }
            }
            Err(RecvTimeoutError::Disconnected) => return count,
        }
    }
    closed.store(true, Ordering::Relaxed);
    count
}

fn show(window: &mut Window, picture: &Picture) {
    let Picture {
        pixels,
        width,
        height,
    } = picture;
    if let Err(error) = window.update_with_buffer(pixels, *width, *height) {
        log::debug!("window: {error}");
    }
}

impl VideoWriter for WindowWriter {
    fn write(&mut self, frame: &Frame) -> Result<()> {
        self.spare.extend(self.back.try_iter());
        let Some(mut picture) = self.spare.pop() else {
            self.left_out += 1;
            return Ok(());
        };
        let colour = |rgb: &[u8]| u32::from_be_bytes([0, rgb[0], rgb[1], rgb[2]]);
        picture.pixels.clear();
        picture
            .pixels
            .extend(frame.pixels.chunks_exact(3).map(colour));
        (picture.width, picture.height) = (frame.width, frame.height);
        // The newest wins. One that is closed takes no more; whoever runs us hears of that.
        if let Ok(older) = self.waiting.try_recv() {
            self.spare.push(older);
            self.left_out += 1;
        }
        let _ = self.pictures.try_send(picture); // only we send, and there is a place
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<()> {
        drop(self.pictures);
        let crashed = |_| anyhow!("the window has crashed");
        let shown = self.thread.join().map_err(crashed)?;
        let left_out = match self.left_out {
            0 => String::new(),
            count => format!(", {count} left out"),
        };
        log::info!("window: {shown} frames shown{left_out}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_have_the_frames_shape() {
        for (frame, window) in [
            ((640, 480), (640, 480)),
            ((1920, 1080), (1280, 720)),
            ((1080, 1920), (450, 800)),
            ((30_000, 2), (1280, 1)),
            ((0, 0), (1, 1)),
        ] {
            assert_eq!(fitting(frame), window);
        }
    }
}
