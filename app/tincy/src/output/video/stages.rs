//! The threads that draw and write: one after the other, behind the pipeline.

use super::VideoWriter;
use crate::live::cores::Plan;
use crate::pipeline::Free;
use anyhow::{Result, anyhow};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::sync::Arc;
use std::thread::{Builder, Scope, ScopedJoinHandle};
use tincy_vision::{Detection, Frame};

/// A frame and what was found in it.
#[derive(Debug, Default)]
pub struct Shot {
    /// The frame; boxes are drawn into it.
    pub frame: Frame,
    /// What was found.
    pub detections: Vec<Detection>,
    /// A line to write into the corner; nothing if it is empty.
    pub caption: String,
    /// Why nothing could be found.
    pub failure: Option<anyhow::Error>,
}

/// Frames between two stages.
const WAITING: usize = 2;

/// The two threads.
pub struct Stages<'s> {
    shots: Sender<(Shot, Free<Shot>)>,
    encode: ScopedJoinHandle<'s, Result<()>>,
}

impl<'s> Stages<'s> {
    /// Starts them. Drawing goes to its core; writing starts other programs, which need all.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn start(
        scope: &'s Scope<'s, '_>,
        names: Arc<[String]>,
        mut writer: Box<dyn VideoWriter>,
        plan: &Plan,
    ) -> Result<Stages<'s>> {
        let plan = plan.clone();
        let (shots, to_draw) = bounded::<(Shot, Free<Shot>)>(WAITING);
        let (drawn, to_write) = bounded(WAITING);
        Builder::new()
            .name("draw".into())
            .spawn_scoped(scope, move || {
                plan.pin("draw");
                for (mut shot, free) in to_draw {
                    tincy_vision::annotate(&mut shot.frame, &shot.detections, &names);
                    if !shot.caption.is_empty() {
                        tincy_vision::caption(&mut shot.frame, &shot.caption);
                    }
                    if drawn.send((shot, free)).is_err() {
                        break;
                    }
                }
            })?;
        let encode = Builder::new()
            .name("encode".into())
            .spawn_scoped(scope, move || {
                write_all(to_write, &mut *writer)?;
                writer.finish()
            })?;
        Ok(Stages { shots, encode })
    }

    /// Hands a shot on; it goes to `free` when it is written. False if the writer has failed; [`finish`](Stages::finish) says why.
    pub fn send(&self, shot: Shot, free: &Free<Shot>) -> bool {
        self.shots.send((shot, free.clone())).is_ok()
    }

    /// Ends the file when all shots are written.
    ///
    /// # Errors
    /// If writing failed.
    pub fn finish(self) -> Result<()> {
        drop(self.shots);
        self.encode
            .join()
            .map_err(|_| anyhow!("the writer has crashed"))?
    }
}

fn write_all(shots: Receiver<(Shot, Free<Shot>)>, writer: &mut dyn VideoWriter) -> Result<()> {
    for (shot, free) in shots {
        writer.write(&shot.frame)?;
        // Nobody fills shots any more once the recording has ended.
        let _ = free.send(shot);
    }
    Ok(())
}
