//! Loops compiled for the vectors of the CPU at hand.
//!
//! What is given to [`vectorised`] must be inlined into it to profit: closures, and functions that
//! are marked `#[inline(always)]`.

use pulp::Arch;

/// Elements that a loop treats at once: two AVX2 vectors, one of AVX-512.
pub(crate) const LANES: usize = 16;

/// Runs `work` compiled for the best instruction set that the CPU has.
#[inline(always)]
pub(crate) fn vectorised<R>(work: impl FnOnce() -> R) -> R {
    Arch::new().dispatch(work)
}

/// `to = from`, or `to += from` with `add`.
pub(crate) fn put(to: &mut [f32], from: &[f32], add: bool) {
    if !add {
        to.copy_from_slice(from);
        return;
    }
    vectorised(
        #[inline(always)]
        || {
            for (to, from) in to.iter_mut().zip(from) {
                *to += from;
            }
        },
    );
}

/// Zeros where values are to be set by adding up.
pub(crate) fn clear(to: &mut [f32], add: bool) {
    if !add {
        to.fill(0.0);
    }
}

/// One value a channel, repeated until a loop over them is long enough to pay.
#[derive(Debug, Default)]
pub(crate) struct Repeated(Vec<f32>);

impl Repeated {
    /// Length of the repetition for this many channels, a multiple of them.
    fn length(channels: usize) -> usize {
        channels * (512 / channels.max(1)).max(1)
    }

    pub(crate) fn set(&mut self, values: &[f32]) {
        let length = Repeated::length(values.len());
        self.0.clear();
        self.0.extend(values.iter().cycle().take(length));
    }

    pub(crate) fn of(values: &[f32]) -> Repeated {
        let mut repeated = Repeated::default();
        repeated.set(values);
        repeated
    }

    pub(crate) fn zeros(channels: usize) -> Repeated {
        Repeated(vec![0.0; Repeated::length(channels)])
    }

    pub(crate) fn values(&self) -> &[f32] {
        &self.0
    }

    pub(crate) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.0
    }

    /// Adds the sum of each channel's repetitions to `sums`.
    pub(crate) fn fold_into(&self, sums: &mut [f32]) {
        for part in self.0.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(part) {
                *sum += value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_end_with_a_whole_channel() {
        for channels in [1, 3, 20, 512, 700] {
            let values: Vec<f32> = (0..channels).map(|c| c as f32).collect();
            let repeated = Repeated::of(&values);
            let length = repeated.values().len();
            assert!(length.is_multiple_of(channels) && length >= channels);
            let mut sums = vec![0.0; channels];
            repeated.fold_into(&mut sums);
            let times = (length / channels) as f32;
            assert!(sums.iter().zip(&values).all(|(s, v)| *s == v * times));
        }
    }
}
