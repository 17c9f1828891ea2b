//! The search against all combinations where they can be tried, and against the published greedy one.

use tincy_bitstreams::budget::Budget;
use tincy_bitstreams::dataflow::{Dataflow, Search};
use tincy_bitstreams::device::{self, Device};
use tincy_bitstreams::options::{self, Choice};
use tincy_bitstreams::published;
use tincy_bitstreams::resources::Resources;
use tincy_bitstreams::work::Work;

fn sum(choices: &[Choice]) -> Resources {
    choices
        .iter()
        .fold(Resources::default(), |sum, choice| sum + choice.resources)
}

/// Interval and cost of every combination that fits, by counting through them.
fn every_combination(works: &[Work], device: &Device) -> Vec<(u64, f64)> {
    let budget = Budget::of(device);
    let layers: Vec<_> = works
        .iter()
        .map(|work| options::choices(work, device))
        .collect();
    let all: usize = layers.iter().map(Vec::len).product();
    let mut fitting = Vec::new();
    for mut number in 0..all {
        let mut choices = Vec::new();
        for layer in &layers {
            choices.push(layer[number % layer.len()]);
            number /= layer.len();
        }
        if budget.places(&choices) {
            let interval = choices.iter().map(|choice| choice.cycles).max().unwrap();
            fitting.push((interval, budget.cost(&sum(&choices))));
        }
    }
    fitting
}

fn device(name: &str) -> Device {
    device::find(&device::known(), name).unwrap().clone()
}

/// Three layers on a device that holds some of their foldings: the fastest plan, and the cheapest for
/// a range of rates, are those that trying everything finds.
#[test]
fn small_networks_are_searched_exhaustively() {
    let works = &precise(&published::tinier_yolo_hidden()[4..], 1, 1);
    let small = Device {
        lut: 60_000,
        uram: 0,
        ..device("XCZU7EV")
    };
    let all = every_combination(works, &small);
    assert!(all.len() > 1000, "{}", all.len());
    let search = Search::new(works, &small, 100.0);
    let fastest = search.fastest().unwrap();
    assert_eq!(fastest.interval, all.iter().map(|one| one.0).min().unwrap());
    for factor in [1.0, 1.7, 4.0, 30.0, 1000.0] {
        let interval = (fastest.interval as f64 * factor) as u64;
        let plan = search.reach(100e6 / interval as f64).unwrap();
        let within = all.iter().filter(|one| one.0 <= interval);
        let cheapest = within.map(|one| one.1).fold(f64::INFINITY, f64::min);
        let cost = Budget::of(&small).cost(&plan.resources);
        assert!(
            plan.exhaustive && (cost - cheapest).abs() < 1e-12,
            "{factor}: {cost} {cheapest}"
        );
    }
}

fn precise(works: &[Work], weight_bits: u64, bits: u64) -> Vec<Work> {
    let planned = |work: &Work| Work {
        weight_bits,
        input_bits: bits,
        output_bits: bits,
        ..work.clone()
    };
    works.iter().map(planned).collect()
}

#[test]
fn no_plan_is_worse_than_the_published_search() {
    let cnv: Vec<Work> = published::cnv(1, 1)
        .into_iter()
        .map(|(work, _)| work)
        .collect();
    let dorefa: Vec<Work> = published::dorefa_net_vu9p()
        .into_iter()
        .map(|(work, _)| work)
        .collect();
    let networks = [&published::tinier_yolo_hidden()[..], &cnv, &dorefa];
    let mut compared = 0;
    for device in device::known() {
        for (works, [w, a]) in networks
            .iter()
            .flat_map(|n| [[1, 1], [2, 4], [8, 8]].map(|p| (n, p)))
        {
            let works = precise(works, w, a);
            let search = Search::new(&works, &device, device.clock_mhz);
            let Some(greedy) = search.greedy() else {
                continue;
            };
            let budget = Budget::of(&device);
            let name = format!("{} W{w}A{a}, {} layers", device.name, works.len());
            let fastest = search.fastest().unwrap();
            assert!(fastest.interval <= greedy.interval, "{name}");
            let plan = search.reach(greedy.fps).unwrap();
            assert!(plan.interval <= greedy.interval, "{name}");
            assert!(
                budget.cost(&plan.resources) <= budget.cost(&greedy.resources) + 1e-12,
                "{name}"
            );
            assert!(
                [&fastest, &plan]
                    .iter()
                    .all(|plan| budget.places(&plan.choices)),
                "{name}"
            );
            if !(fastest.exhaustive && plan.exhaustive) {
                println!("{name}: cut off");
            }
            compared += 1;
        }
    }
    assert!(compared > 20, "{compared}");
}

/// Each plan of the front is faster and dearer than the one before; the last is the fastest there is.
#[test]
fn a_front_has_no_plan_that_another_beats() {
    let works = published::tinier_yolo_hidden();
    for name in ["XCZU7EV", "XCZU9EG", "XCVU9P"] {
        let device = device(name);
        let budget = Budget::of(&device);
        let search = Search::new(&works, &device, device.clock_mhz);
        let front = search.front(8);
        assert!((2..=8).contains(&front.len()), "{name}: {}", front.len());
        let cost = |plan: &Dataflow| budget.cost(&plan.resources);
        for pair in front.windows(2) {
            assert!(
                pair[0].fps < pair[1].fps && cost(&pair[0]) < cost(&pair[1]),
                "{name}"
            );
        }
        assert_eq!(
            front.last().unwrap().interval,
            search.fastest().unwrap().interval
        );
    }
}

/// A layer on each of two dies: what fits the sum of the dies need not fit one of them.
#[test]
fn an_engine_lies_on_one_die() {
    let whole = device("XC7Z045");
    let halved = Device {
        dies: 2,
        ..whole.clone()
    };
    let works = &published::tinier_yolo_hidden()[5..6];
    let on = |device: &Device| Search::new(works, device, 100.0).fastest().unwrap();
    let (one, two) = (on(&whole), on(&halved));
    assert!(two.resources.lut <= 0.5 * 0.7 * whole.lut as f64);
    assert!(
        two.interval > one.interval,
        "{} {}",
        two.interval,
        one.interval
    );
}
