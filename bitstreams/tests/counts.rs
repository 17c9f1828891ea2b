//! The formulae for one engine against the LUTs that Yosys counted in `rtl/counts.csv`.

use tincy_bitstreams::cycles::Folding;
use tincy_bitstreams::fit::{self, Observation};
use tincy_bitstreams::work::Work;
use tincy_bitstreams::{constants as c, resources as r};

/// A row: the unit, its LUT sites, and the two formulae as the script computed them.
struct Count {
    work: Work,
    folding: Folding,
    sites: f64,
    finn_r: f64,
    ours: f64,
}

fn counts() -> Vec<Count> {
    let text = include_str!("../rtl/counts.csv");
    let mut lines = text.lines();
    let head = "pe,simd,weight_bits,activation_bits,luts,sites,memories,flip_flops,finn_r,ours";
    assert_eq!(lines.next(), Some(head));
    lines.map(count).collect()
}

fn count(line: &str) -> Count {
    let field: Vec<f64> = line
        .split(',')
        .map(|field| field.parse().unwrap())
        .collect();
    let n = |i: usize| field[i] as u64;
    // 3 x 3 x 64 inputs as they come out of a window unit, which is not counted here
    let work = Work {
        name: line.to_string(),
        kernel: 1,
        stride: 1,
        inputs: 576,
        outputs: 64,
        in_size: [1; 2],
        out_size: [1; 2],
        groups: 1,
        weight_bits: n(2),
        input_bits: n(3),
        output_bits: n(3),
        thresholds: true,
        pool: None,
    };
    Count {
        work,
        folding: Folding {
            pe: n(0),
            simd: n(1),
            pixels: 1,
        },
        sites: field[5],
        finn_r: field[8],
        ours: field[9],
    }
}

/// The 8-bit unit has sums of 24 bits; all others have 16.
fn fitted(counts: &[Count]) -> Vec<Observation<4>> {
    let small = counts.iter().filter(|count| count.work.weight_bits < 8);
    let observation = |count: &Count| Observation {
        terms: r::engine_terms(&count.work, count.folding),
        measured: count.sites,
    };
    small.map(observation).collect()
}

#[test]
fn the_table_has_what_the_code_computes() {
    let counts = counts();
    assert_eq!(counts.len(), 31);
    for Count {
        work,
        folding,
        finn_r,
        ours,
        ..
    } in &counts
    {
        let pairs = [
            (*finn_r, r::lut_finn_r(work, *folding)),
            (*ours, r::lut_engine(work, *folding)),
        ];
        for (table, code) in pairs {
            assert!((table - code).abs() < 0.051, "{}: {code}", work.name);
        }
    }
}

/// The figures that the documentation of the crate gives.
#[test]
fn errors_are_what_the_documentation_says() {
    let counts = counts();
    let tenths = |errors: &[f64]| {
        let (median, worst) = fit::median_and_worst(errors);
        [median, worst].map(|error| (1000.0 * error).round() as i32)
    };
    let error = |of: fn(&Count) -> f64| -> Vec<f64> {
        counts
            .iter()
            .map(|count| of(count) / count.sites - 1.0)
            .collect()
    };
    assert_eq!(tenths(&error(|count| count.finn_r)), [467, 884]);
    let ours = error(|count| count.ours);
    assert_eq!(tenths(&ours), [31, 261]);
    assert_eq!(tenths(&ours[..30]), [29, 103]);
    assert_eq!(tenths(&fit::left_out(&fitted(&counts))), [33, 199]);
}

#[test]
fn the_constants_are_the_fit() {
    let constants = [
        (c::ENGINE_LUT_BASE, 0.05),
        (c::ENGINE_LUT_PER_BIT_PRODUCT, 0.0005),
        (c::ENGINE_LUT_PER_ELEMENT, 0.005),
        (c::ENGINE_LUT_PER_THRESHOLD, 0.005),
    ];
    let found = fit::least_squares(&fitted(&counts()));
    for (found, (constant, half)) in found.iter().zip(constants) {
        assert!((found - constant).abs() <= half, "{found} {constant}");
    }
}
