//! Tensors whose elements are those of maps in another order, and the maps that they are.

use super::arranged::{Arranged, count};
use super::lower::Lowering;
use super::node::NodeAt;
use crate::Result;
use tincy_network::{Op, Shape, Source};

/// An element of a map: the map, and its place there (height, width, channels).
pub(super) type Place = (Source, u32);

/// A tensor of elements of maps.
pub(super) type View = Arranged<Place>;

/// Most runs of channels that are put together one by one; more are a shuffle.
const MAX_RUNS: usize = 4;

/// A whole map in the file's order.
pub(super) fn whole(source: Source, shape: Shape) -> Option<View> {
    let dims = vec![1, shape.channels, shape.height, shape.width];
    count(&dims)?;
    let pixels = shape.pixels();
    let place = |i: usize| (source, (i % pixels * shape.channels + i / pixels) as u32);
    Some(View {
        dims,
        elements: (0..shape.elements()).map(place).collect(),
    })
}

/// The map that a view is: itself, some of its channels, or channels of several side by side.
pub(super) fn map<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    view: &View,
) -> Result<Source> {
    let channels = channels(lowering, view).ok_or_else(|| {
        node.wrong(format!(
            "it reads sizes of {:?} in an order that no map has; only channels can be moved",
            view.dims
        ))
    })?;
    let runs = runs(&channels);
    if runs.len() <= MAX_RUNS {
        let parts = runs
            .into_iter()
            .map(|(source, start, count)| part(lowering, node, source, start, count))
            .collect::<Result<Vec<Source>>>()?;
        return match parts[..] {
            [part] => Ok(part),
            _ => lowering.emit(node, Op::Concat, &parts),
        };
    }
    shuffle(lowering, node, &channels)
}

/// Which channel of which map each channel is, if all its pixels are that channel's.
pub(super) fn channels(lowering: &Lowering<'_>, view: &View) -> Option<Vec<(Source, usize)>> {
    let [1, channels, height, width] = view.dims[..] else {
        return None;
    };
    let pixels = height * width;
    let channel = |c: usize| {
        let elements = &view.elements[c * pixels..][..pixels];
        let (source, first) = *elements.first()?;
        let (shape, _) = lowering.tensor(source);
        let fits = (shape.height, shape.width) == (height, width);
        let mut places = elements.iter().enumerate();
        let same = places.all(|(i, (from, at))| {
            *from == source && *at as usize == first as usize + i * shape.channels
        });
        (fits && same && (first as usize) < shape.channels).then_some((source, first as usize))
    };
    (0..channels).map(channel).collect()
}

/// Channels that follow each other: the map, the first, their number.
fn runs(channels: &[(Source, usize)]) -> Vec<(Source, usize, usize)> {
    let mut runs: Vec<(Source, usize, usize)> = Vec::new();
    for (source, channel) in channels {
        match runs.last_mut() {
            Some((of, start, count)) if of == source && *start + *count == *channel => *count += 1,
            _ => runs.push((*source, *channel, 1)),
        }
    }
    runs
}

fn part<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    source: Source,
    start: usize,
    count: usize,
) -> Result<Source> {
    match lowering.tensor(source).0.channels == count {
        true => Ok(source),
        false => lowering.emit(node, Op::Slice { start, count }, &[source]),
    }
}

/// Any order of channels, of several maps after they were put side by side.
fn shuffle<'a>(
    lowering: &mut Lowering<'a>,
    node: NodeAt<'a>,
    channels: &[(Source, usize)],
) -> Result<Source> {
    let mut maps: Vec<(Source, usize)> = Vec::new();
    let mut width = 0;
    for (source, _) in channels {
        if maps.iter().all(|(map, _)| map != source) {
            maps.push((*source, width));
            width += lowering.tensor(*source).0.channels;
        }
    }
    let first = |source: Source| maps.iter().find(|(map, _)| *map == source).map(|m| m.1);
    let numbers = channels.iter().filter_map(|(source, channel)| {
        let number = first(*source)? + channel;
        u32::try_from(number).ok()
    });
    let channels = numbers.collect();
    let sources: Vec<Source> = maps.iter().map(|(map, _)| *map).collect();
    let joined = match sources[..] {
        [one] => one,
        _ => lowering.emit(node, Op::Concat, &sources)?,
    };
    lowering.emit(node, Op::Gather { channels }, &[joined])
}
