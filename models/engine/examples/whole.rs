//! Times a whole network and each of its steps: `whole MODEL [BACKEND] [THREADS...]`.
//!
//! MODEL is anything that the importer takes. Rounds with different numbers of
//! threads take turns, so that what else the machine does falls on all; times are the least of all
//! rounds, on an input of zeros. BACKEND is `auto` unless given, the threads are 1 and 2.

use std::error::Error;
use std::path::Path;
use std::time::Duration;
use tincy_engine::{Backend, Options, Plan, Session};

const ROUNDS: usize = 40;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let model = arguments.next().ok_or("which model?")?;
    let backend = arguments.next().unwrap_or_else(|| "auto".into());
    let backend = Backend::ALL
        .into_iter()
        .find(|known| known.name() == backend);
    let backend = backend.ok_or("an unknown backend")?;
    let mut threads = arguments
        .map(|n| n.parse())
        .collect::<Result<Vec<usize>, _>>()?;
    if threads.is_empty() {
        threads = vec![1, 2];
    }
    let network = tincy_import::import(Path::new(&model), &Default::default())?;
    let mut runs = Vec::new();
    for threads in threads {
        let options = Options {
            backend,
            threads,
            ..Options::default()
        };
        let plan = Plan::new(&network, &options)?;
        let least = vec![Duration::MAX; plan.steps().len()];
        runs.push((Session::new(&plan), least, Duration::MAX));
    }
    for _ in 0..ROUNDS {
        for (session, least, whole) in &mut runs {
            let mut times = vec![Duration::ZERO; least.len()];
            session.run_timed(&mut times);
            *whole = times.iter().sum::<Duration>().min(*whole);
            least
                .iter_mut()
                .zip(times)
                .for_each(|(least, time)| *least = time.min(*least));
        }
    }
    print(&runs);
    Ok(())
}

fn print(runs: &[(Session, Vec<Duration>, Duration)]) {
    for (session, least, whole) in runs {
        let plan = session.plan();
        let threads = plan.options().threads;
        println!(
            "{threads} threads: {:.2} ms, {} bytes",
            milliseconds(*whole),
            plan.memory_bytes()
        );
        for (step, time) in plan.steps().iter().zip(least) {
            let rate = step.operations() as f64 / time.as_secs_f64() / 1e9;
            let (name, kernel, shape) = (step.name(), step.kernel(), step.shape());
            let time = milliseconds(*time);
            println!("  {name:24} {kernel:28} {shape:>12} {time:9.3} ms {rate:8.1} Gop/s");
        }
    }
    if let [(_, _, one), .., (_, _, many)] = runs {
        println!(
            "the last is {:.2} times as fast as the first",
            one.as_secs_f64() / many.as_secs_f64()
        );
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
