//! Least squares on relative errors, and the error of a point by a fit that has not seen it.

/// One point that a model is fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observation<const N: usize> {
    /// What the model's constants are multiplied with.
    pub terms: [f64; N],
    /// What their sum should be; not 0.
    pub measured: f64,
}

impl<const N: usize> Observation<N> {
    /// The model's sum.
    pub fn predicted(&self, constants: &[f64; N]) -> f64 {
        let products = self.terms.iter().zip(constants).map(|(t, c)| t * c);
        products.sum()
    }

    /// `predicted / measured - 1`.
    pub fn error(&self, constants: &[f64; N]) -> f64 {
        self.predicted(constants) / self.measured - 1.0
    }
}

/// The constants with the least sum of squared relative errors, so that small designs count as much
/// as large ones. The terms must be independent over the points; there must be at least `N`.
pub fn least_squares<const N: usize>(points: &[Observation<N>]) -> [f64; N] {
    let mut matrix = [[0.0; N]; N];
    let mut right = [0.0; N];
    for point in points {
        let scaled = point.terms.map(|term| term / point.measured);
        for i in 0..N {
            for j in 0..N {
                matrix[i][j] += scaled[i] * scaled[j];
            }
            right[i] += scaled[i];
        }
    }
    solve(matrix, right)
}

/// Relative error of each point by the fit to all others.
pub fn left_out<const N: usize>(points: &[Observation<N>]) -> Vec<f64> {
    let error = |i: usize| {
        let mut others = points.to_vec();
        let point = others.remove(i);
        point.error(&least_squares(&others))
    };
    (0..points.len()).map(error).collect()
}

/// Median and largest of the absolute values; 0 of none.
pub fn median_and_worst(errors: &[f64]) -> (f64, f64) {
    let mut sorted: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    match n {
        0 => (0.0, 0.0),
        _ => ((sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0, sorted[n - 1]),
    }
}

/// Gauss-Jordan with the largest pivot first.
fn solve<const N: usize>(mut matrix: [[f64; N]; N], mut right: [f64; N]) -> [f64; N] {
    for column in 0..N {
        let rows = column..N;
        let pivot = rows.max_by(|a, b| {
            matrix[*a][column]
                .abs()
                .total_cmp(&matrix[*b][column].abs())
        });
        let pivot = pivot.unwrap_or(column);
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in (0..N).filter(|row| *row != column) {
            let factor = matrix[row][column] / matrix[column][column];
            for k in column..N {
                matrix[row][k] -= factor * matrix[column][k];
            }
            right[row] -= factor * right[column];
        }
    }
    std::array::from_fn(|i| right[i] / matrix[i][i])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point<const N: usize>(terms: [f64; N], measured: f64) -> Observation<N> {
        Observation { terms, measured }
    }

    #[test]
    fn an_exact_law_is_found_whatever_the_order_of_its_terms() {
        let law = |x: f64, y: f64, z: f64| point([x, y, z], 2.0 * x - 3.0 * y + 0.5 * z);
        let points = [
            law(0.0, 1.0, 8.0),
            law(5.0, 1.0, 1.0),
            law(7.0, 2.0, 3.0),
            law(1.0, 0.0, 2.0),
        ];
        let found = least_squares(&points);
        for (constant, expected) in found.iter().zip([2.0, -3.0, 0.5]) {
            assert!((constant - expected).abs() < 1e-12, "{found:?}");
        }
        assert!(left_out(&points).iter().all(|error| error.abs() < 1e-9));
    }

    /// One term: the best constant is `sum(t/m) / sum((t/m)^2)`, by hand 1.5 / 1.25 = 1.2.
    #[test]
    fn errors_are_relative() {
        let points = [point([1.0], 1.0), point([1000.0], 2000.0)];
        let [constant] = least_squares(&points);
        assert!((constant - 1.2).abs() < 1e-12, "{constant}");
        let errors = left_out(&points);
        assert!(
            (errors[0] - 1.0).abs() < 1e-12 && (errors[1] + 0.5).abs() < 1e-12,
            "{errors:?}"
        );
    }

    #[test]
    fn medians() {
        assert_eq!(median_and_worst(&[0.3, -0.5, 0.1]), (0.3, 0.5));
        assert_eq!(median_and_worst(&[-0.2, 0.4]), (0.30000000000000004, 0.4));
        assert_eq!(median_and_worst(&[]), (0.0, 0.0));
    }
}
