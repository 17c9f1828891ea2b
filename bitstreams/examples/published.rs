//! Prints every published point with what the models here predict and the error, then medians.
//!
//!     cargo run -p tincy-bitstreams --example published [POINTS.csv]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use tincy_bitstreams::comparison::{self, Comparison};
use tincy_bitstreams::points::{self, Point};
use tincy_bitstreams::{Error, constants as c, fit, published};

fn main() -> ExitCode {
    let default = || PathBuf::from("../shared/golden/finn-published-points.csv");
    let path = std::env::args_os()
        .nth(1)
        .map_or_else(default, PathBuf::from);
    match print(&path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("published: {error}");
            ExitCode::from(3)
        }
    }
}

fn print(path: &std::path::Path) -> Result<(), Error> {
    let mut errors: BTreeMap<(&str, &str), Vec<f64>> = BTreeMap::new();
    let mut unplanned = Vec::new();
    println!(
        "{:<62} {:<12} {:>13} {:>13} {:>8}",
        "point", "quantity", "predicted", "published", "error"
    );
    for point in points::read(path)? {
        match comparison::judge(&point)? {
            Err(reason) => unplanned.push(format!("{}: {reason}", title(&point))),
            Ok(compared) => {
                for one in &compared {
                    print_row(&title(&point), one);
                    errors
                        .entry((one.quantity, one.note))
                        .or_default()
                        .push(one.error());
                }
            }
        }
    }
    println!("\nnot planned");
    unplanned.iter().for_each(|line| println!("  {line}"));
    println!(
        "\n{:>8} {:>8}  points, by what was compared",
        "median", "worst"
    );
    for ((quantity, note), errors) in &errors {
        print_errors(errors, &format!("{quantity}: {note}"));
    }
    print_errors(
        &fit::left_out(&published::observations()),
        "LUT, design: each of the seven left out",
    );
    print_errors(
        &published::family_left_out(),
        "LUT, design: its whole family left out",
    );
    let [products, replay] = fit::least_squares(&published::observations());
    println!(
        "\nfit to all seven: {products:.3} a bit product, {replay:.2} a replay bit (in the code {} and {})",
        c::DESIGN_LUT_PER_BIT_PRODUCT,
        c::DESIGN_LUT_PER_REPLAY_BIT
    );
    Ok(())
}

fn title(point: &Point) -> String {
    let clock = point
        .clock_mhz
        .map_or_else(String::new, |clock| format!(", {clock} MHz"));
    let short: String = point.network.chars().take(40).collect();
    format!("{short} {}, {}{clock}", point.precision, point.platform)
}

fn print_row(title: &str, one: &Comparison) {
    let title: String = title.chars().take(62).collect();
    println!(
        "{title:<62} {:<12} {:>13.1} {:>13.1} {:>+7.1} %",
        one.quantity,
        one.predicted,
        one.measured,
        100.0 * one.error()
    );
}

fn print_errors(errors: &[f64], what: &str) {
    let (median, worst) = fit::median_and_worst(errors);
    println!(
        "{:>6.1} % {:>6.1} %  {:>2}, {what}",
        100.0 * median,
        100.0 * worst,
        errors.len()
    );
}
