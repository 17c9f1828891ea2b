//! What a design may use of a device, and whether its layers find room on the dies.

use crate::device::Device;
use crate::options::Choice;
use crate::resources::Resources;

/// What a plan is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    whole: Resources,
    dies: u64,
}

impl Budget {
    /// What a design may use of a device.
    pub fn of(device: &Device) -> Budget {
        Budget {
            whole: Resources {
                lut: device.lut as f64 * device.usable_lut,
                bram36: device.bram36 as f64,
                uram: device.uram as f64,
                dsp: device.dsp as f64,
            },
            dies: device.dies,
        }
    }

    /// Whether resources fit the device as a whole.
    pub fn holds(&self, r: &Resources) -> bool {
        self.shares(r).iter().all(|share| *share <= 1.0)
    }

    /// Whether a stream of engines fits: each on one die, the dies in the order of the stream, so that
    /// only the streams between them cross. Filling each die as far as it goes is then the best that
    /// can be done.
    pub fn places(&self, engines: &[Choice]) -> bool {
        let (mut die, mut used) = (1, Resources::default());
        for engine in engines {
            used = used + engine.resources;
            if !self.fits_die(&used) {
                (die, used) = (die + 1, engine.resources);
                if die > self.dies || !self.fits_die(&used) {
                    return false;
                }
            }
        }
        true
    }

    /// Whether resources fit one die; all dies have the same.
    pub fn fits_die(&self, r: &Resources) -> bool {
        self.shares(r)
            .iter()
            .all(|share| share * self.dies as f64 <= 1.0)
    }

    /// How dear resources are: the sum of their shares of the budget.
    pub fn cost(&self, r: &Resources) -> f64 {
        self.shares(r).iter().sum()
    }

    /// LUT, BRAM, URAM and DSP as shares of the budget.
    fn shares(&self, r: &Resources) -> [f64; 4] {
        let share = |used: f64, budget: f64| if used <= 0.0 { 0.0 } else { used / budget };
        [
            share(r.lut, self.whole.lut),
            share(r.bram36, self.whole.bram36),
            share(r.uram, self.whole.uram),
            share(r.dsp, self.whole.dsp),
        ]
    }

    /// The resource that is nearest to its end, or furthest past it.
    pub fn tightest(&self, r: &Resources) -> &'static str {
        let names = ["LUT", "BRAM", "URAM", "DSP"];
        let shares = self.shares(r);
        let worst = (0..4).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
        names[worst.unwrap_or(0)]
    }
}
