//! The published points of `../shared/golden/finn-published-points.csv` beside the predictions.

use std::path::Path;
use tincy_bitstreams::comparison::{self, BRAM, Comparison, DESIGN, ENGINES, LATENCY, RATE};
use tincy_bitstreams::points::{self, Point};
use tincy_bitstreams::{constants as c, fit, published};

type Judged = Vec<(Point, comparison::Verdict)>;

fn judged() -> Option<Judged> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../shared/golden/finn-published-points.csv"
    );
    if !Path::new(path).exists() {
        println!("skipped: needs ../shared/golden/finn-published-points.csv");
        return None;
    }
    let points = points::read(Path::new(path)).expect("a CSV file of points");
    let judge = |point: Point| {
        let verdict = comparison::judge(&point).expect("every published design fits its device");
        (point, verdict)
    };
    Some(points.into_iter().map(judge).collect())
}

fn compared<'a>(
    judged: &'a Judged,
    predicted: bool,
    quantity: &'static str,
) -> impl Iterator<Item = (&'a Point, &'a Comparison)> {
    let rows = judged
        .iter()
        .filter(move |(p, _)| p.kind.starts_with("predicted") == predicted);
    let all = rows.flat_map(|(p, verdict)| verdict.iter().flatten().map(move |one| (p, one)));
    all.filter(move |(_, one)| one.quantity == quantity)
}

/// Nothing is passed over: a row is compared, or its name and the reason stand in the table.
#[test]
fn every_row_is_compared_or_says_why_not() {
    let Some(judged) = judged() else { return };
    assert_eq!(judged.len(), 48);
    let unplanned: Vec<&str> = judged
        .iter()
        .filter(|(_, verdict)| verdict.is_err())
        .map(|(point, _)| point.network.as_str())
        .collect();
    assert_eq!(
        unplanned,
        [
            "CNV",
            "CNV",
            "CNV",
            "Tinier/Tincy YOLO: first layer, Python",
            "Tinier/Tincy YOLO: last layer, Python",
            "DoReFa-Net pruned: first layer, Python",
            "DoReFa-Net pruned: fully connected, Python",
            "Tincy YOLO (whole application)",
            "largest point",
            "largest embedded point",
            "VGG10 RadioML",
            "KWS MLP",
            "MobileNet-v1",
        ]
    );
    let compared = judged
        .iter()
        .filter_map(|(_, verdict)| verdict.as_ref().ok());
    assert!(
        compared
            .flatten()
            .all(|one| one.predicted > 0.0 && one.measured > 0.0)
    );
}

/// The file rounds: LUTs to 1, rates to 0.01, operations and times to 0.1.
#[test]
fn an_independent_implementation_predicts_the_same() {
    let Some(judged) = judged() else { return };
    for (quantity, rows, half) in [
        (RATE, 9, 0.005),
        ("10^9 op/s", 9, 0.05),
        (ENGINES, 9, 0.5),
        (BRAM, 9, 0.0),
        (LATENCY, 3, 0.05),
    ] {
        let all: Vec<_> = compared(&judged, true, quantity).collect();
        assert_eq!(all.len(), rows, "{quantity}");
        for (point, one) in all {
            let away = (one.predicted - one.measured).abs();
            assert!(away <= half + 1e-9, "{}: {one:?}", point.network);
        }
    }
}

#[test]
fn the_rates_of_the_public_cnv_designs_are_within_two_percent() {
    let Some(judged) = judged() else { return };
    let rates: Vec<_> = compared(&judged, false, RATE).collect();
    let expected = [
        ("CNV", -0.003),
        ("CNV", -0.003),
        ("CNV", 0.006),
        ("LFC", 0.637),
    ];
    assert_eq!(rates.len(), expected.len());
    for ((point, one), (network, error)) in rates.iter().zip(expected) {
        assert_eq!(point.network, network);
        assert!(
            (one.error() - error).abs() < 5e-4,
            "{network}: {}",
            one.error()
        );
        assert!(network != "CNV" || one.error().abs() < 0.02);
    }
}

/// The figures that the documentation of the crate gives.
#[test]
fn whole_designs_left_out_of_the_fit_are_met_within_fifteen_percent_in_the_median() {
    let Some(judged) = judged() else { return };
    let errors = |quantity, note: &str| -> Vec<f64> {
        let rows = compared(&judged, false, quantity).filter(|(_, one)| one.note == note);
        rows.map(|(_, one)| one.error()).collect()
    };
    let engines = errors(ENGINES, "FINN-R's formula, of a whole design");
    let design = errors(DESIGN, "our fit to the other designs");
    assert_eq!((engines.len(), design.len()), (8, 8));
    let (median, worst) = fit::median_and_worst(&design);
    assert!(median < 0.15, "{median}");
    assert_eq!(percent(median, worst), (6, 27));
    let (median, worst) = fit::median_and_worst(&engines);
    assert_eq!(percent(median, worst), (74, 88));
    let searched = errors(
        DESIGN,
        "the search's folding for the published rate, not the published one",
    );
    let (median, worst) = fit::median_and_worst(&searched);
    assert_eq!(
        (searched.len(), percent(median, worst)),
        (6, (22, 59)),
        "{searched:?}"
    );
}

/// Where the models fail, by the figures that the documentation of the crate gives.
#[test]
fn memories_and_times_are_off_by_what_the_documentation_says() {
    let Some(judged) = judged() else { return };
    let off = |quantity, note: &str| {
        let rows = compared(&judged, false, quantity).filter(|(_, one)| one.note.starts_with(note));
        let errors: Vec<f64> = rows.map(|(_, one)| one.error()).collect();
        let (median, worst) = fit::median_and_worst(&errors);
        (errors.len(), percent(median, worst))
    };
    assert_eq!(off(BRAM, "windows and weights"), (8, (20, 36)));
    assert_eq!(off(LATENCY, "cycles of all layers"), (3, (39, 42)));
    assert_eq!(off(LATENCY, "logic and calls"), (2, (90, 92)));
}

#[test]
fn the_constants_are_the_fit() {
    let points = published::observations();
    let [products, replay] = fit::least_squares(&points);
    assert!(
        (products - c::DESIGN_LUT_PER_BIT_PRODUCT).abs() < 0.005,
        "{products}"
    );
    assert!(
        (replay - c::DESIGN_LUT_PER_REPLAY_BIT).abs() < 0.005,
        "{replay}"
    );
    let (median, worst) = fit::median_and_worst(&fit::left_out(&points));
    assert_eq!(percent(median, worst), (5, 27));
    let (median, worst) = fit::median_and_worst(&published::family_left_out());
    assert_eq!(percent(median, worst), (9, 24));
}

fn percent(median: f64, worst: f64) -> (i32, i32) {
    (
        (100.0 * median).round() as i32,
        (100.0 * worst).round() as i32,
    )
}
