//! A model ready to find objects in frames.

use crate::accelerator::{Accelerator, AcceleratorArgs};
use crate::outcome::Usage;
use anyhow::{Context, Result, bail};
use std::sync::Arc;
use tincy_engine::options::MAX_THREADS;
use tincy_engine::tensor::{Tensor, TensorMut};
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::{Network, Source};
use tincy_vision::{Detection, Filter, Fitting, Frame, Map, RawFrame};

/// What counts as found.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "What counts as found")]
pub struct FilterArgs {
    /// Smallest score that counts, 0 to 1
    #[arg(short, long, default_value_t = 0.25, value_name = "SCORE", value_parser = fraction)]
    pub threshold: f32,
    /// Another smallest score for one class, as in dog=0.4; may be repeated
    #[arg(long, value_name = "CLASS=SCORE", value_delimiter = ',')]
    pub class_threshold: Vec<String>,
    /// Only these classes, as in person,dog
    #[arg(long, value_name = "CLASS,...", value_delimiter = ',')]
    pub classes: Vec<String>,
    /// Overlap (intersection over union) above which two boxes of a class are one object
    #[arg(long, default_value_t = 0.45, value_name = "IOU", value_parser = fraction)]
    pub nms: f32,
}

fn fraction(text: &str) -> Result<f32, String> {
    let value = text
        .parse()
        .ok()
        .filter(|value| (0.0..=1.0).contains(value));
    value.ok_or_else(|| "a number from 0 to 1 is expected".into())
}

impl FilterArgs {
    /// The filter for a model with these class names.
    ///
    /// # Errors
    /// [`Usage`] if a class is not among them.
    pub fn filter(&self, names: &[String]) -> Result<Filter> {
        let mut per_class = vec![None; names.len()];
        for text in &self.class_threshold {
            let wrong = || {
                Usage(format!(
                    "--class-threshold {text}: expected CLASS=SCORE, as in dog=0.4"
                ))
            };
            let (name, score) = text.rsplit_once('=').ok_or_else(wrong)?;
            let score = fraction(score).map_err(|_| wrong())?;
            per_class[class_number(names, name)?] = Some(score);
        }
        let wanted = self.classes.iter().map(|name| class_number(names, name));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        Ok(Filter {
            threshold: self.threshold,
            per_class,
            classes: Some(wanted).filter(|wanted| !wanted.is_empty()),
            nms: self.nms,
            ..Filter::default()
        })
    }
}

/// The number of a class that is given by name or number.
fn class_number(names: &[String], class: &str) -> Result<usize> {
    let class = class.trim();
    let by_name = names
        .iter()
        .position(|name| name.eq_ignore_ascii_case(class));
    let by_number = || class.parse().ok().filter(|number| *number < names.len());
    by_name.or_else(by_number).ok_or_else(|| {
        let names = names.join(", ");
        Usage(format!("the model has no class `{class}`; it has: {names}")).into()
    })
}

/// How it is computed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Speed")]
pub struct EngineArgs {
    /// Threads that share the work on one frame
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = threads)]
    pub threads: usize,
    /// Frames worked on at the same time [default: as many as there are cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
    /// Kernels: auto, reference, portable, avx2, avx512 or neon
    #[arg(long, default_value = "auto", value_name = "NAME", value_parser = backend)]
    pub backend: Backend,
}

fn threads(text: &str) -> Result<usize, String> {
    let count = text.parse().ok();
    let known = count.filter(|count| (1..=MAX_THREADS).contains(count));
    known.ok_or_else(|| format!("a number from 1 to {MAX_THREADS} is expected"))
}

fn backend(text: &str) -> Result<Backend, String> {
    let found = Backend::ALL
        .into_iter()
        .find(|backend| backend.name() == text);
    found.ok_or_else(|| format!("known are {}", Backend::ALL.map(Backend::name).join(", ")))
}

impl EngineArgs {
    /// Workers for `items` items, if their number is known.
    pub fn workers(&self, items: Option<usize>) -> usize {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let free = || (cores() / self.threads).max(1);
        let workers = self.workers.map_or_else(free, usize::from);
        workers.min(items.unwrap_or(workers)).max(1)
    }

    /// The engine's options.
    pub fn options(&self) -> Options {
        Options {
            threads: self.threads,
            backend: self.backend,
            ..Options::default()
        }
    }
}

/// A model ready to run: what all detectors share.
#[derive(Clone)]
pub struct Model {
    network: Arc<Network>,
    plan: Arc<Plan>,
    names: Arc<[String]>,
    accelerator: Option<Accelerator>,
}

impl Model {
    /// Plans a network.
    ///
    /// # Errors
    /// If it does not find boxes in pictures, or cannot be run so.
    pub fn new(network: Network, options: &Options) -> Result<Model> {
        let name = network.name();
        if network.heads().is_empty() {
            bail!("model {name}: it does not find boxes (it ends in no head that is known)");
        }
        if network.input().picture.is_none() {
            bail!("model {name}: its input is not a picture");
        }
        let plan = Plan::new(&network, options).context("model")?;
        let names = network.classes().into();
        Ok(Model {
            network: Arc::new(network),
            plan,
            names,
            accelerator: None,
        })
    }

    /// Lets detectors of this model have layers computed by an accelerator, as asked for.
    ///
    /// # Errors
    /// As [`AcceleratorArgs::open`], or if the layers cannot be left out.
    pub fn accelerated(mut self, args: &AcceleratorArgs) -> Result<Model> {
        self.accelerator = args.open(&self.network)?;
        if let Some(accelerator) = &self.accelerator {
            Session::new(&self.plan).set_offload(Box::new(accelerator.clone()))?;
        }
        Ok(self)
    }

    /// The accelerator, if there is one.
    pub fn accelerator(&self) -> Option<&Accelerator> {
        self.accelerator.as_ref()
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The plan.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Class names, by number.
    pub fn names(&self) -> &Arc<[String]> {
        &self.names
    }
}

/// A model with memory of its own, and what counts as found. Belongs to one thread.
pub struct Detector {
    model: Model,
    session: Session,
    filter: Filter,
    fitting: Option<Fitting>,
}

impl Detector {
    /// A detector on a shared model.
    pub fn new(model: &Model, filter: Filter) -> Detector {
        let mut session = Session::new(model.plan());
        if let Some(accelerator) = &model.accelerator {
            let offload = Box::new(accelerator.clone());
            session
                .set_offload(offload)
                .expect("it was tried when the model was opened");
        }
        Detector {
            model: model.clone(),
            session,
            filter,
            fitting: None,
        }
    }

    /// The objects in a frame, the best score first, in pixels of the frame.
    ///
    /// # Errors
    /// If the frame's size cannot be.
    pub fn detect(&mut self, frame: &Frame) -> Result<Vec<Detection>> {
        self.fit(frame)?;
        self.session.run();
        self.found()
    }

    /// The same in a camera's picture, of which no RGB picture is made.
    ///
    /// # Errors
    /// If the picture's size cannot be.
    pub fn detect_raw(&mut self, raw: &RawFrame) -> Result<Vec<Detection>> {
        self.fit_raw(raw)?;
        self.session.run();
        self.found()
    }

    /// The fitting for pictures of a size.
    fn fitting<'a>(
        kept: &'a mut Option<Fitting>,
        model: &Model,
        size: (usize, usize),
    ) -> Result<&'a mut Fitting> {
        let fitting = match kept.take().filter(|fitting| fitting.size() == size) {
            Some(fitting) => fitting,
            None => Fitting::new(model.network.input(), size.0, size.1)?,
        };
        Ok(kept.insert(fitting))
    }

    /// Makes the network's input from a frame: the first of [`detect`](Detector::detect)'s steps.
    ///
    /// # Errors
    /// If the frame's size cannot be.
    pub fn fit(&mut self, frame: &Frame) -> Result<()> {
        let size = (frame.width, frame.height);
        let fitting = Detector::fitting(&mut self.fitting, &self.model, size)?;
        match self.session.input_mut() {
            TensorMut::F32(input) => fitting.apply(frame, input)?,
            TensorMut::U8(input) => fitting.apply(frame, input)?,
            TensorMut::I8(input) => fitting.apply(frame, input)?,
        }
        Ok(())
    }

    /// Makes the network's input from a camera's picture.
    ///
    /// # Errors
    /// If the picture's size cannot be.
    pub fn fit_raw(&mut self, raw: &RawFrame) -> Result<()> {
        let fitting = Detector::fitting(&mut self.fitting, &self.model, raw.size())?;
        match self.session.input_mut() {
            TensorMut::F32(input) => fitting.apply_raw(raw, input)?,
            TensorMut::U8(input) => fitting.apply_raw(raw, input)?,
            TensorMut::I8(input) => fitting.apply_raw(raw, input)?,
        }
        Ok(())
    }

    /// The session, to run the network between [`fit`](Detector::fit) and
    /// [`found`](Detector::found).
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The map of a source after a run, if the plan keeps it.
    pub fn output(&self, source: Source) -> Option<Tensor<'_>> {
        self.session.output(source)
    }

    /// The objects that the network's outputs show, after it has run.
    ///
    /// # Errors
    /// If no frame has been fitted.
    pub fn found(&self) -> Result<Vec<Detection>> {
        let fitting = self.fitting.as_ref().context("no frame was fitted")?;
        let network = &self.model.network;
        let mut maps = Vec::with_capacity(network.heads().len());
        for head in network.heads() {
            let (shape, _) = network.tensor(head.source);
            let Some(Tensor::F32(values)) = self.session.output(head.source) else {
                bail!("a head's map is not kept");
            };
            maps.push(Map {
                head,
                shape,
                values,
            });
        }
        Ok(tincy_vision::detections(&maps, fitting, &self.filter)?)
    }
}
