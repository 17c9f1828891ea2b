//! The codes of all maps: thresholds by a method, shared by maps that must have one code.

use crate::forms::Forms;
use crate::histogram::Histogram;
use crate::level::{ENDS, Level};
use crate::observe::Observed;
use crate::range;
use crate::split::activation;
use crate::sums::Sums;
use crate::threshold::Method;
use std::collections::BTreeMap;
use tincy_network::{Activation, Code, Network, Number, Op, Source};

/// The codes of a network's maps.
#[derive(Clone, Debug)]
pub struct Codes {
    /// By group.
    maps: BTreeMap<usize, Code>,
    /// Of sums before a table, by layer.
    sums: BTreeMap<usize, Sums>,
    /// Of each channel's sums before tables by channel, by layer.
    by_channel: BTreeMap<usize, Vec<Sums>>,
}

impl Codes {
    /// Finds the codes of all maps that are to have some.
    pub fn find(
        network: &Network,
        forms: &Forms,
        observed: &[Observed],
        level: Level,
        method: Method,
    ) -> Codes {
        let mut ranges: BTreeMap<usize, Range> = BTreeMap::new();
        for (index, layer) in network.layers().iter().enumerate() {
            let map = Source::Layer(index);
            let group = forms.groups.of(map);
            let range = ranges.entry(group).or_insert_with(|| Range::new(level));
            if matches!(layer.op(), Op::Add { .. }) {
                // Sums of few codes would have few values.
                range.bits = range.bits.max(ENDS);
            }
        }
        for (index, layer) in network.layers().iter().enumerate() {
            let map = Source::Layer(index);
            let moves =
                crate::share::shares(network, layer) && !matches!(layer.op(), Op::Add { .. });
            let range = ranges.get_mut(&forms.groups.of(map));
            if let Some(range) = range.filter(|_| !moves) {
                range.widen(&observed[index].map, method);
            }
        }
        let maps = ranges
            .into_iter()
            .map(|(group, range)| (group, range.code()))
            .collect();
        Codes::of_maps(maps, network, forms, observed)
    }

    /// Unsigned codes of `bits` bits without zero points, the same before and after activations: for layers
    /// that count thresholds. What is negative is cut.
    pub fn unsigned(
        network: &Network,
        forms: &Forms,
        observed: &[Observed],
        bits: u8,
        method: Method,
    ) -> Codes {
        let mut highs: BTreeMap<usize, f64> = BTreeMap::new();
        for (index, observed) in observed.iter().enumerate() {
            let high = highs
                .entry(forms.groups.of(Source::Layer(index)))
                .or_default();
            let threshold = method.threshold(&observed.map, bits);
            *high = high.max(f64::from(observed.map.high()).min(threshold));
        }
        let code = |high: f64| Code::unsigned(bits, high.max(1e-6) / f64::from((1 << bits) - 1));
        let maps = highs
            .into_iter()
            .map(|(group, high)| (group, code(high)))
            .collect();
        Codes::of_maps(maps, network, forms, observed)
    }

    /// With the input's code, and those of sums.
    fn of_maps(
        mut maps: BTreeMap<usize, Code>,
        network: &Network,
        forms: &Forms,
        observed: &[Observed],
    ) -> Codes {
        if let Number::Code(code) = network.input().number {
            // Layers read the input's codes as they are.
            maps.insert(0, Code { scale: 1.0, ..code });
        }
        let mut codes = Codes {
            maps,
            sums: BTreeMap::new(),
            by_channel: BTreeMap::new(),
        };
        codes.find_sums(network, forms, observed);
        codes
    }

    fn find_sums(&mut self, network: &Network, forms: &Forms, observed: &[Observed]) {
        for (index, layer) in network.layers().iter().enumerate() {
            let (Some(convolution), Some(sums)) = (layer.convolution(), &observed[index].sums)
            else {
                continue;
            };
            let activation = activation(convolution);
            if let Some(even) = forms.evens.behind(index) {
                let factors = network.layers()[even].convolution();
                let factors = factors.map_or(&[][..], |c| c.weights.as_floats());
                let channels = observed[index].channels(factors.len());
                let output = self.of(forms, Source::Layer(even));
                let sums = Sums::by_channel(&channels, factors, output, activation);
                self.by_channel.insert(index, sums);
                continue;
            }
            // What only cuts is cut by the code itself.
            let cuts = matches!(activation, Activation::Relu | Activation::Relu6);
            if forms.is_code(Source::Layer(index)) && !cuts {
                let output = self.of(forms, Source::Layer(index));
                self.sums
                    .insert(index, Sums::before(sums, output, activation));
            }
        }
    }

    /// The code of a map, if it has one.
    pub fn of(&self, forms: &Forms, map: Source) -> Code {
        self.maps[&forms.groups.of(map)]
    }

    /// The codes of each channel's sums, of a layer with tables by channel.
    pub fn by_channel(&self, layer: usize) -> &[Sums] {
        self.by_channel.get(&layer).map_or(&[], |sums| sums)
    }

    /// The code of a layer's sums before the table; else that of its map.
    pub fn of_sums(&self, forms: &Forms, layer: usize) -> Sums {
        let sums = self.sums.get(&layer).copied();
        sums.unwrap_or_else(|| Sums::of(self.of(forms, Source::Layer(layer))))
    }
}

/// What the maps of a group need.
#[derive(Clone, Copy, Debug)]
struct Range {
    bits: u8,
    low: f64,
    high: f64,
}

impl Range {
    fn new(level: Level) -> Range {
        Range {
            bits: level.activations,
            low: 0.0,
            high: 0.0,
        }
    }

    /// Takes a map in: the method's threshold bounds it on both sides.
    fn widen(&mut self, map: &Histogram, method: Method) {
        let threshold = method.threshold(map, self.bits);
        self.low = self.low.min(f64::from(map.low()).max(-threshold));
        self.high = self.high.max(f64::from(map.high()).min(threshold));
    }

    fn code(&self) -> Code {
        range::code(self.bits, self.low as f32, self.high as f32)
    }
}
