//! Times a float network against a twin with 8-bit weights and codes: `eight_bits MODEL [ROUNDS]
//! [BACKEND...]`.
//!
//! MODEL is anything that the importer takes, made of layers that exist for codes. The twin's
//! scales are rough guesses, so what it finds means nothing; the work is the same as if they were
//! good. Both take turns on one thread, on every backend named, or that this CPU has; each figure is the least
//! of all rounds, by the thread's own CPU time.

use nix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;
use tincy_engine::tensor::TensorMut;
use tincy_engine::{Backend, Options, Plan, Session};
use tincy_network::requantize::Factor;
use tincy_network::{
    Activation, Affine, Code, Convolution, Finish, Input, Network, Number, Op, Requantize, Table,
    WeightKind, Weights,
};

/// What every map is made of.
const CODE: Code = Code {
    bits: 8,
    signed: false,
    scale: 1.0 / 32.0,
    zero: 9,
};

/// What sums are rounded to before the activation.
const BEFORE: Code = Code {
    bits: 8,
    signed: true,
    scale: 1.0 / 16.0,
    zero: 0,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("which model?")?;
    let rounds = arguments.next().map_or(Ok(30), |n| n.parse())?;
    let float = tincy_import::import(Path::new(&model), &Default::default())?;
    let twin = eight_bits(&float)?;
    let names: Vec<String> = arguments.collect();
    let mut runs = Vec::new();
    for backend in Backend::ALL {
        let named = names.iter().any(|name| name == backend.name());
        let any = names.is_empty() && !matches!(backend, Backend::Reference | Backend::Auto);
        if !named && !any {
            continue;
        }
        for (numbers, network) in [("f32", &float), ("w8a8", &twin)] {
            // Backends that the CPU lacks are left out.
            runs.extend(Run::new(backend, numbers, network).ok());
        }
    }
    for _ in 0..rounds {
        runs.iter_mut().for_each(Run::round);
    }
    runs.iter().for_each(Run::report);
    Ok(())
}

/// A session and its least times.
struct Run {
    title: String,
    session: Session,
    steps: Vec<Duration>,
    whole: Duration,
}

impl Run {
    fn new(backend: Backend, numbers: &str, network: &Network) -> Result<Run, Box<dyn Error>> {
        let options = Options {
            backend,
            threads: 1,
            ..Options::default()
        };
        let plan = Plan::new(network, &options)?;
        let mut session = Session::new(&plan);
        match session.input_mut() {
            TensorMut::F32(values) => values.fill(100.0),
            codes => codes.bytes().fill(100),
        }
        Ok(Run {
            title: format!("{} {numbers}", backend.name()),
            session,
            steps: vec![Duration::MAX; plan.steps().len()],
            whole: Duration::MAX,
        })
    }

    fn round(&mut self) {
        let start = cpu_time();
        self.session.run();
        self.whole = self.whole.min(cpu_time() - start);
        let mut times = vec![Duration::ZERO; self.steps.len()];
        self.session.run_timed(&mut times);
        let pairs = self.steps.iter_mut().zip(times);
        pairs.for_each(|(least, time)| *least = time.min(*least));
    }

    fn report(&self) {
        let mut kinds: BTreeMap<String, (Duration, u64)> = BTreeMap::new();
        for (step, time) in self.session.plan().steps().iter().zip(&self.steps) {
            let kernel = step.kernel().to_string();
            let entry = kinds.entry(kernel).or_default();
            *entry = (entry.0 + *time, entry.1 + step.operations());
        }
        println!("{}: {:.2} ms", self.title, milliseconds(self.whole));
        for (kind, (time, operations)) in kinds {
            let rate = operations as f64 / time.as_secs_f64() / 1e9;
            println!("  {kind:28} {:8.3} ms {rate:8.1} Gop/s", milliseconds(time));
        }
    }
}

/// CPU time of this thread.
fn cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Into::into)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// The same layers on codes; a convolution without activation gives floats, for the heads.
fn eight_bits(float: &Network) -> Result<Network, Box<dyn Error>> {
    let input = Input {
        number: Number::Code(Code::unsigned(8, 1.0)),
        ..float.input().clone()
    };
    let builder = float.rebuild(input, |_, layer| match layer.op() {
        Op::Convolution(c) => {
            let (shape, _) = float.tensor(layer.inputs()[0]);
            Ok(Op::Convolution(quantized(c, c.window(shape.channels))?))
        }
        other => Ok::<_, Box<dyn Error>>(other.clone()),
    })?;
    Ok(builder.build()?)
}

fn quantized(convolution: &Convolution, window: usize) -> Result<Convolution, Box<dyn Error>> {
    let Finish::Affine(affine) = &convolution.finish else {
        return Err("the model is not one of floats".into());
    };
    let mut weights = Vec::with_capacity(convolution.weights.count());
    for channel in convolution.weights.as_floats().chunks_exact(window) {
        let most = channel
            .iter()
            .fold(f32::MIN_POSITIVE, |m, w| m.max(w.abs()));
        weights.extend(channel.iter().map(|w| (w / most * 127.0).round() as i8));
    }
    let finish = match affine.activation {
        Activation::Linear => Finish::Affine(Affine {
            scale: vec![1e-3; convolution.out_channels].into(),
            ..affine.clone()
        }),
        activation => Finish::Requantize(Box::new(levels(convolution, window, activation)?)),
    };
    Ok(Convolution {
        weights: Weights::integers(WeightKind::Int { bits: 8 }, &weights)?,
        finish,
        ..convolution.clone()
    })
}

/// Factors that spread sums of random signs over the code.
fn levels(
    convolution: &Convolution,
    window: usize,
    activation: Activation,
) -> Result<Requantize, Box<dyn Error>> {
    let deviation = (window as f64).sqrt() * 40.0 * 60.0;
    let factor = Factor::nearest(50.0 / deviation).ok_or("no factor")?;
    let outputs = convolution.out_channels;
    Ok(Requantize {
        negative_shift: 0,
        bias: vec![100; outputs].into(),
        multiplier: vec![factor.multiplier; outputs].into(),
        shift: vec![factor.shift; outputs].into(),
        code: BEFORE,
        table: Some(Table::of(BEFORE, CODE, |x| activation.apply(x))),
    })
}
