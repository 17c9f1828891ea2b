//! Channels that never fire, taken out of a chain of convolutions.
//!
//! A channel whose first threshold no sum reaches has code 0 everywhere, so its filter and the next
//! layer's weights on it can go: what the network computes stays the same to the bit.

use crate::Error;
use tincy_network::accumulator;
use tincy_network::graph::Builder;
use tincy_network::{Convolution, Finish, Network, Op, Shape, Thresholds, Weights};

/// The network without dead channels. A convolution keeps a multiple of `step` channels, so some dead
/// ones may stay.
///
/// # Errors
/// If the network is no chain of convolutions without groups and of layers that leave channels alone.
pub fn dead_channels(network: &Network, step: usize) -> Result<Network, Error> {
    let mut builder = Builder::new(network.name(), network.input().clone())?;
    let mut source = tincy_network::Source::Input;
    // Channels that are left of the map before the layer at hand, by their old numbers.
    let mut left: Vec<usize> = (0..network.input().shape.channels).collect();
    let mut shape = network.input().shape;
    for (index, layer) in network.layers().iter().enumerate() {
        let is_chain = match layer.inputs() {
            [tincy_network::Source::Input] => index == 0,
            [tincy_network::Source::Layer(before)] => before + 1 == index,
            _ => false,
        };
        let op = match layer.op() {
            Op::Convolution(convolution) if convolution.groups == 1 && is_chain => {
                let number = match index {
                    0 => network.input().number,
                    _ => network.layers()[index - 1].number(),
                };
                let kept = match number.code() {
                    Some(code) => live(convolution, code, step),
                    None => (0..convolution.out_channels).collect(),
                };
                let cut = cut(convolution, shape, &left, &kept)?;
                left = kept;
                Op::Convolution(cut)
            }
            Op::MaxPool(pool) if is_chain => Op::MaxPool(*pool),
            _ => {
                let what = "only chains of plain convolutions and pools can be pruned";
                return Err(Error::layer(layer.name(), what));
            }
        };
        shape = layer.shape();
        source = builder.layer(layer.name(), op, &[source])?;
    }
    for head in network.heads() {
        let mut head = head.clone();
        head.source = source;
        builder.head(head);
    }
    builder.classes(network.classes().to_vec());
    for (subject, text) in network.provenance() {
        builder.provenance(subject, text);
    }
    Ok(builder.build()?)
}

/// Channels that can fire, and the first dead ones to fill a multiple of `step`.
fn live(convolution: &Convolution, code: tincy_network::Code, step: usize) -> Vec<usize> {
    let Finish::Thresholds(thresholds) = &convolution.finish else {
        return (0..convolution.out_channels).collect();
    };
    let most = accumulator::bound(convolution, code).max;
    let fires = |o: &usize| i64::from(thresholds.channel(*o)[0]) <= most;
    let (mut kept, dead): (Vec<_>, Vec<_>) = (0..convolution.out_channels).partition(fires);
    let wanted = kept
        .len()
        .next_multiple_of(step)
        .min(convolution.out_channels);
    let more = wanted - kept.len();
    kept.extend(dead.into_iter().take(more));
    kept.sort_unstable();
    kept
}

/// The convolution on the input channels `left` with the output channels `kept`.
fn cut(
    convolution: &Convolution,
    input: Shape,
    left: &[usize],
    kept: &[usize],
) -> Result<Convolution, Error> {
    let window = convolution.window(input.channels);
    let mut weights = Vec::with_capacity(kept.len() * window);
    let mut filter = vec![0; window];
    for o in kept {
        convolution.weights.unpack_range(o * window, &mut filter);
        for position in filter.chunks_exact(input.channels) {
            weights.extend(left.iter().map(|channel| position[*channel]));
        }
    }
    let finish = match &convolution.finish {
        Finish::Thresholds(thresholds) => Finish::Thresholds(Thresholds {
            code: thresholds.code,
            values: kept
                .iter()
                .flat_map(|o| thresholds.channel(*o).to_vec())
                .collect::<Vec<_>>()
                .into(),
        }),
        other => other.clone(),
    };
    Ok(Convolution {
        out_channels: kept.len(),
        weights: Weights::integers(convolution.weights.kind(), &weights)?,
        finish,
        ..convolution.clone()
    })
}
