//! Layers of a network in programmable logic, or on the emulation of it.
//!
//! All detectors of a run share the one core: while it works on a frame, their CPU layers work on
//! others. A frame on which it fails is the CPU's, with the same boxes; see
//! [`fallback`](tincy_drivers::accelerator::fallback) for when it is tried again.

pub(crate) mod core;

use self::core::{BELOW, Core, Opened};
use anyhow::{Result, bail};
use clap::ValueEnum;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tincy_bitstreams::overlay::Overlay;
use tincy_drivers::accelerator::fallback::{Fallback, Road};
use tincy_drivers::accelerator::qnn_mo::{Polling, Program, QnnMo};
use tincy_drivers::memory::DmaMemory;
use tincy_drivers::registers::Registers;
use tincy_drivers::{Error, Roots};
use tincy_engine::Offload;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_network::Network;

/// Which accelerator computes what it can.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Speed")]
pub struct AcceleratorArgs {
    /// What computes the layers that programmable logic can
    #[arg(long, value_enum, default_value_t = Choice::Auto, value_name = "WHICH")]
    pub accelerator: Choice,
    /// Milliseconds that a start of the accelerator is given
    #[arg(long, default_value_t = 250, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub accelerator_ms: u64,
    /// A folder with a copy of a board's /sys, /dev and /proc
    #[arg(long, value_name = "FOLDER", hide = true)]
    pub root: Option<PathBuf>,
}

/// Which accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// The board's, if there is one and it can run layers of the model
    Auto,
    /// None: the CPU computes all layers
    None,
    /// The board's
    Board,
    /// An emulated one, exact and slow
    Emulated,
}

/// A share in the core.
#[derive(Clone)]
pub struct Accelerator {
    core: Arc<Mutex<Shared>>,
    layers: Range<usize>,
    /// The overlay, and where it is.
    name: Arc<str>,
}

struct Shared {
    driver: QnnMo<Box<dyn Registers>, Box<dyn DmaMemory>>,
    fallback: Fallback,
    frames: u64,
}

impl AcceleratorArgs {
    /// The accelerator for a network, if one is wanted and there.
    ///
    /// # Errors
    /// If one is asked for that is not there, does not work or can run no layer of the network.
    pub fn open(&self, network: &Network) -> Result<Option<Accelerator>> {
        if self.accelerator == Choice::None {
            return Ok(None);
        }
        let mut overlays = Overlay::published().into_iter();
        let runs =
            |overlay: Overlay| Program::longest(network, &overlay).map(|layers| (overlay, layers));
        let Some((overlay, layers)) = overlays.find_map(runs) else {
            if self.accelerator == Choice::Auto {
                return Ok(None);
            }
            bail!(
                "model {}: no layer of it runs on an accelerator: those run convolutions of 1-bit weights \
                 on 2- or 3-bit activations; leave out --accelerator",
                network.name()
            );
        };
        let core = match self.accelerator {
            Choice::Emulated => Core::emulated(overlay, "as asked for".into())?,
            _ => Core::find(overlay, &self.roots())?,
        };
        match (self.accelerator, core.why_emulated()) {
            (Choice::Auto, Some(_)) => return Ok(None),
            (Choice::Board, Some(why)) => {
                bail!(
                    "accelerator: {why}; `tincy board probe` tells more, `emulated` needs no board"
                )
            }
            _ => {}
        }
        let accelerator = Accelerator::new(&core, network, layers, self.polling())?;
        log::info!(
            "layers {} by the accelerator: {}",
            accelerator.layer_names(network),
            accelerator.name
        );
        Ok(Some(accelerator))
    }

    /// Where the kernel shows its devices.
    pub fn roots(&self) -> Roots {
        self.root
            .as_deref()
            .map_or_else(Roots::default, Roots::under)
    }

    fn polling(&self) -> Polling {
        Polling {
            timeout: Duration::from_millis(self.accelerator_ms),
            ..Polling::default()
        }
    }
}

impl Accelerator {
    fn new(
        core: &Core,
        network: &Network,
        layers: Range<usize>,
        polling: Polling,
    ) -> Result<Accelerator> {
        core.check_running()?;
        let program = Program::new(network, layers.clone(), &core.overlay)?;
        let Opened {
            registers,
            memory,
            emulator,
        } = core.open(program.bytes())?;
        let mut driver = QnnMo::new(registers, &core.map, memory, BELOW, program, polling)?;
        if let Some(emulator) = emulator {
            driver = driver.with_reset(Box::new(move || {
                emulator.reset();
                Ok(())
            }));
        }
        let shared = Shared {
            driver,
            fallback: Fallback::new(),
            frames: 0,
        };
        Ok(Accelerator {
            core: Arc::new(Mutex::new(shared)),
            layers,
            name: format!("{}, {}", core.overlay.name, core.word()).into(),
        })
    }

    /// The first and the last layer.
    fn layer_names(&self, network: &Network) -> String {
        let name = |index: usize| network.layers()[index].name();
        format!(
            "{} to {}",
            name(self.layers.start),
            name(self.layers.end - 1)
        )
    }

    /// What it did, for people.
    pub fn report(&self) -> String {
        let core = self.lock();
        let failures = core.fallback.failures();
        let given_up = if core.fallback.road() == Road::Cpu {
            ", then given up"
        } else {
            ""
        };
        format!(
            "accelerator: {} frames, {failures} failures{given_up} ({})",
            core.frames, self.name
        )
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        // A frame that a panic cut short left the core as a failure does: the next run finds out.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn run(&mut self, input: &[u8], output: &mut [u8]) -> bool {
        let answer = match self.fallback.road() {
            Road::Cpu => return false,
            Road::Accelerator => self.driver.run(input, output),
            Road::Reset => self.retry(input, output),
        };
        match answer {
            Ok(()) => {
                self.fallback.succeeded();
                self.frames += 1;
                true
            }
            Err(error) => {
                self.fallback.failed(&error);
                false
            }
        }
    }

    fn retry(&mut self, input: &[u8], output: &mut [u8]) -> Result<(), Error> {
        self.driver.recover()?;
        self.driver.run(input, output)
    }
}

impl Offload for Accelerator {
    fn name(&self) -> &str {
        &self.name
    }

    fn layers(&self) -> Range<usize> {
        self.layers.clone()
    }

    fn run(&mut self, input: Tensor<'_>, output: TensorMut<'_>) -> bool {
        self.lock().run(input.unsigned(), output.unsigned())
    }
}
