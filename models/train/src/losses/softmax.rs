//! Cross-entropy of classes that exclude each other.

/// The cross-entropy of raw numbers against one class, and its gradient, which is written into
/// `gradient`: `-ln p_class`, `p - [class]` with `p = softmax(x)`.
pub fn cross_entropy(raw: &[f32], class: usize, gradient: &mut [f32]) -> f64 {
    let ln_sum = probabilities(raw, gradient);
    gradient[class] -= 1.0;
    ln_sum - f64::from(raw[class])
}

/// The same against the probabilities of a teacher, which sum to 1: `-sum of target * ln p`,
/// `p - target`.
pub fn soft_cross_entropy(raw: &[f32], target: &[f32], gradient: &mut [f32]) -> f64 {
    let ln_sum = probabilities(raw, gradient);
    let mut loss = 0.0;
    for ((raw, target), gradient) in raw.iter().zip(target).zip(gradient) {
        loss += f64::from(*target) * (ln_sum - f64::from(*raw));
        *gradient -= target;
    }
    loss
}

/// `softmax(x)` into `out`; returns `ln(sum of e^x)`.
pub fn probabilities(raw: &[f32], out: &mut [f32]) -> f64 {
    let largest = raw.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0f64;
    for (raw, out) in raw.iter().zip(&mut *out) {
        *out = (raw - largest).exp();
        sum += f64::from(*out);
    }
    let scale = (1.0 / sum) as f32;
    out.iter_mut().for_each(|out| *out *= scale);
    f64::from(largest) + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::super::slopes::{Grid, check, numbers, room};
    use super::*;

    #[test]
    fn by_hand() {
        let mut gradient = [0.0; 2];
        let loss = cross_entropy(&[3f32.ln(), 0.0], 1, &mut gradient);
        assert!((loss - 4f64.ln()).abs() < 1e-6);
        assert!((gradient[0] - 0.75).abs() < 1e-6 && (gradient[1] + 0.75).abs() < 1e-6);
        assert!(cross_entropy(&[1e4, -1e4], 1, &mut gradient).is_finite());
    }

    #[test]
    fn slopes() {
        let target = [0.1, 0.2, 0.4, 0.05, 0.25];
        for soft in [false, true] {
            let loss = |raw: &[f32], gradient: &mut [f32]| match soft {
                true => soft_cross_entropy(raw, &target, gradient),
                false => cross_entropy(raw, 3, gradient),
            };
            let mut grids = [Grid {
                rows: 1,
                columns: 1,
                values: numbers(5, 7),
            }];
            let mut gradients = room(&grids);
            loss(&grids[0].values, &mut gradients[0]);
            check(&mut grids, &gradients, |maps| {
                loss(maps[0].values, &mut [0.0; 5])
            });
        }
    }
}
