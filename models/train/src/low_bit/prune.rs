//! Channels that never fire, taken out of a chain of convolutions.
//!
//! A channel whose first threshold no sum reaches has code 0 everywhere, so its filter and the next
//! layer's weights on it can go: what the network computes stays the same to the bit.

use crate::Error;
use tincy_network::{Code, Convolution, Finish, Network, Op, Source, accumulator};

/// The network without dead channels. A convolution keeps a multiple of `step` channels, so some dead
/// ones may stay.
///
/// # Errors
/// If the network is no chain of convolutions without groups and of layers that leave channels alone.
pub fn dead_channels(network: &Network, step: usize) -> Result<Network, Error> {
    // Channels that are left of the map before the layer at hand, by their old numbers.
    let mut left: Vec<usize> = (0..network.input().shape.channels).collect();
    let builder = network.rebuild(network.input().clone(), |index, layer| {
        let before = index.checked_sub(1).map_or(Source::Input, Source::Layer);
        match layer.op() {
            Op::Convolution(whole) if whole.groups == 1 && layer.inputs() == [before] => {
                let (shape, number) = network.tensor(before);
                let kept = live(whole, number.code(), step);
                let cut = whole.with_filters(&kept)?;
                let cut = cut.with_inputs(shape.channels, &left)?;
                left = kept;
                Ok(Op::Convolution(cut))
            }
            Op::MaxPool(pool) if layer.inputs() == [before] => Ok(Op::MaxPool(*pool)),
            _ => {
                let what = "only chains of plain convolutions and pools can be pruned";
                Err(Error::layer(layer.name(), what))
            }
        }
    })?;
    Ok(builder.build()?)
}

/// Channels that can fire, and the first dead ones to fill a multiple of `step`; all channels where the
/// input is no code or what becomes of sums is not counted.
fn live(convolution: &Convolution, code: Option<Code>, step: usize) -> Vec<usize> {
    let all = 0..convolution.out_channels;
    let (Finish::Thresholds(thresholds), Some(code)) = (&convolution.finish, code) else {
        return all.collect();
    };
    let most = accumulator::bound(convolution, code).max;
    let fires = |o: &usize| i64::from(thresholds.channel(*o)[0]) <= most;
    let (mut kept, dead): (Vec<_>, Vec<_>) = all.partition(fires);
    let more = kept.len().next_multiple_of(step) - kept.len();
    kept.extend(dead.into_iter().take(more));
    kept.sort_unstable();
    kept
}
