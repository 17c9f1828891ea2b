//! Weights rounded one after another, each making up for the errors of those before.
//!
//! With `H` the mean products of a filter's inputs, an error `e` of its weights costs `e' H e`. Written as
//!
//! ```text
//! e' H e = sum over j of d[j] * (e[j] + sum over k < j of m[j][k] * e[k])^2
//! ```
//!
//! each weight in turn has a best value, given the errors before it, and is rounded from there. This is
//! GPTQ (Frantar et al., ICLR 2023, after Optimal Brain Surgeon) as nearest-plane search, which needs no
//! inverse. Inputs of much power come first, those of little make up for them.

use crate::weights::{FEW, nearest, steps};

/// Added to the diagonal, as a share of its mean: inputs that the batch did not show still count.
const DAMPING: f64 = 0.01;

/// Steps that are tried, as shares of the one of least squared error.
const SHARES: [f32; 6] = [0.75, 0.85, 0.92, 1.0, 1.1, 1.2];

/// `H` taken apart.
pub struct Products {
    /// The elements, those of most power first.
    order: Vec<usize>,
    /// Rows of `m`, in that order.
    factors: Vec<Vec<f64>>,
    /// `d`, in that order.
    weights: Vec<f64>,
}

impl Products {
    /// Takes mean products apart; row `i` has those with elements up to `i`.
    pub fn new(products: &[Vec<f64>]) -> Products {
        let size = products.len();
        let power = |i: usize| products[i][i];
        let damping = DAMPING * (0..size).map(power).sum::<f64>() / size as f64;
        let damping = damping.max(1e-12);
        let mut order: Vec<usize> = (0..size).collect();
        order.sort_by(|a, b| power(*b).total_cmp(&power(*a)).then(a.cmp(b)));
        let entry = |i: usize, k: usize| products[i.max(k)][i.min(k)];
        let row = |i: usize| {
            let mut row: Vec<f64> = (0..=i).map(|k| entry(order[i], order[k])).collect();
            row[i] += damping;
            row
        };
        let mut factors: Vec<Vec<f64>> = (0..size).map(row).collect();
        let mut weights = vec![0.0; size];
        // The last element is what all before cannot change: it is taken out first.
        for j in (0..size).rev() {
            let (above, row) = factors.split_at_mut(j);
            let row = &mut row[0];
            weights[j] = row.pop().unwrap_or(damping).max(damping * 1e-3);
            for (i, above) in above.iter_mut().enumerate() {
                let factor = row[i] / weights[j];
                above
                    .iter_mut()
                    .zip(&*row)
                    .for_each(|(a, b)| *a -= factor * b);
            }
            row.iter_mut().for_each(|entry| *entry /= weights[j]);
        }
        Products {
            order,
            factors,
            weights,
        }
    }

    /// The codes of a filter for a step, and what they cost.
    fn round(&self, filter: &[f32], step: f32, bits: u8) -> (Vec<i8>, f64) {
        let mut codes = vec![0; filter.len()];
        let mut errors: Vec<f64> = Vec::with_capacity(filter.len());
        let mut cost = 0.0;
        for ((at, factors), weight) in self.order.iter().zip(&self.factors).zip(&self.weights) {
            let owed: f64 = factors.iter().zip(&errors).map(|(m, e)| m * e).sum();
            let exact = f64::from(filter[*at]);
            let code = nearest((exact + owed) as f32, step, bits);
            codes[*at] = code;
            let error = exact - f64::from(code) * f64::from(step);
            cost += weight * (error + owed).powi(2);
            errors.push(error);
        }
        (codes, cost)
    }

    /// The codes of filters of `bits` bits, and their steps: for each the best of some.
    pub fn rounded(&self, weights: &[f32], bits: u8) -> (Vec<i8>, Vec<f32>) {
        let window = self.order.len();
        let (mut codes, mut chosen) = (Vec::with_capacity(weights.len()), Vec::new());
        for (filter, first) in weights
            .chunks_exact(window)
            .zip(steps(weights, window, bits))
        {
            // Steps of many bits hold the largest weight, and nothing smaller is worth its loss.
            let shares = if bits > FEW { &SHARES[3..4] } else { &SHARES };
            let trials = shares.iter().map(|share| {
                let step = share * first;
                let (codes, cost) = self.round(filter, step, bits);
                (codes, step, cost)
            });
            let best = trials.min_by(|a, b| a.2.total_cmp(&b.2));
            if let Some((best, step, _)) = best {
                codes.extend(best);
                chosen.push(step);
            }
        }
        (codes, chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `e' H e`
    fn cost(products: &[Vec<f64>], errors: &[f64]) -> f64 {
        let mut sum = 0.0;
        for i in 0..errors.len() {
            for k in 0..errors.len() {
                sum += errors[i] * errors[k] * products[i.max(k)][i.min(k)];
            }
        }
        sum
    }

    #[test]
    fn the_parts_add_up_to_the_whole() {
        let products = [vec![4.0], vec![1.0, 3.0], vec![-0.5, 2.0, 5.0]];
        let parts = Products::new(&products);
        let filter = [0.31, -0.77, 0.52];
        let (codes, found) = parts.round(&filter, 0.2, 4);
        let error = |i: usize| f64::from(filter[i]) - f64::from(0.2f32) * f64::from(codes[i]);
        let errors = [error(0), error(1), error(2)];
        let damping = DAMPING * 4.0 * errors.iter().map(|e| e * e).sum::<f64>();
        assert!((found - cost(&products, &errors) - damping).abs() < 1e-9);
    }

    #[test]
    fn an_error_is_made_up_for_where_inputs_go_together() {
        // Two inputs that are always equal: only the sum of their weights counts.
        let products = [vec![1.0], vec![1.0, 1.0]];
        let parts = Products::new(&products);
        let (codes, _) = parts.round(&[0.4, 0.4], 1.0, 4);
        assert_eq!(codes.iter().sum::<i8>(), 1);
        let nearest: Vec<i8> = [0.4, 0.4].map(|w| nearest(w, 1.0, 4)).to_vec();
        assert_eq!(nearest, [0, 0]);
    }
}
