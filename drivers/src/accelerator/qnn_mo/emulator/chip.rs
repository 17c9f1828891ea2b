//! What lies on the chip: weights and thresholds, loaded from two buffers in the order of the core.

use super::request::Request;
use crate::memory::bus::Bus;
use tincy_bitstreams::overlay::Overlay;

/// What memory on the chip holds before it is loaded.
const RUBBISH: u64 = 0x6996_9669_c33c_3cc3;

/// The memories of the elements. They keep what was loaded, whatever it was loaded for.
#[derive(Debug)]
pub(super) struct Chip {
    limits: Overlay,
    /// Words, one element after the other.
    weights: Vec<u64>,
    thresholds: Vec<u64>,
    /// Side of the kernel that was loaded for.
    kernel: Option<usize>,
}

impl Chip {
    pub(super) fn new(limits: &Overlay) -> Chip {
        let mut chip = Chip {
            limits: limits.clone(),
            weights: Vec::new(),
            thresholds: Vec::new(),
            kernel: None,
        };
        chip.clear();
        chip
    }

    pub(super) fn limits(&self) -> &Overlay {
        &self.limits
    }

    /// Forgets what was loaded.
    pub(super) fn clear(&mut self) {
        let elements = self.limits.pe as usize;
        let weights = elements * self.words(self.limits.max_kernel as usize);
        let thresholds = elements * self.rows() * self.limits.threshold_words as usize;
        self.weights = vec![RUBBISH; weights];
        self.thresholds = vec![RUBBISH; thresholds];
        self.kernel = None;
    }

    /// Words of an element's weights for a kernel of this side.
    fn words(&self, kernel: usize) -> usize {
        let most = self.limits.max_outputs * self.limits.max_inputs;
        kernel * kernel * (most / (self.limits.pe * self.limits.simd)) as usize
    }

    fn rows(&self) -> usize {
        (self.limits.max_outputs / self.limits.pe) as usize
    }

    /// Reads both buffers, which are always read in full.
    pub(super) fn load(&mut self, request: &Request, bus: &Bus) -> Result<(), String> {
        let kernel = request.kernel;
        if kernel == 0 || kernel as u64 > self.limits.max_kernel {
            return Err(format!("KERNEL_DIM is {kernel} at loading"));
        }
        let half = (self.limits.pe / self.limits.weight_channels) as usize;
        let room = self.words(self.limits.max_kernel as usize);
        let words = self.words(kernel);
        let steps = self.rows() * self.limits.threshold_words as usize;
        for (port, physical) in [request.in1, request.in2].into_iter().enumerate() {
            let bytes = bus.read(physical, 8 * half * (words + steps));
            let bytes = bytes.ok_or_else(|| format!("no weights at {physical:#x}"))?;
            let mut read = bytes.chunks_exact(8).map(word);
            for element in port * half..(port + 1) * half {
                let place = &mut self.weights[element * room..][..words];
                place
                    .iter_mut()
                    .zip(&mut read)
                    .for_each(|(place, word)| *place = word);
            }
            let place = &mut self.thresholds[port * half * steps..][..half * steps];
            place
                .iter_mut()
                .zip(&mut read)
                .for_each(|(place, word)| *place = word);
        }
        self.kernel = Some(kernel);
        Ok(())
    }

    /// Why the numbers will be wrong, if what was loaded is not for this start.
    pub(super) fn mismatch(&self, request: &Request) -> Option<String> {
        match self.kernel {
            None => Some("computing without weights".into()),
            Some(kernel) if kernel != request.kernel => {
                let found = request.kernel;
                Some(format!(
                    "weights of a kernel of {kernel} for one of {found}"
                ))
            }
            Some(_) => None,
        }
    }

    /// The weights of one output channel: a word a kernel position and block.
    pub(super) fn weights(&self, channel: usize, count: usize) -> &[u64] {
        let (element, row) = self.place(channel);
        let room = self.words(self.limits.max_kernel as usize);
        &self.weights[element * room + row * count..][..count]
    }

    /// The thresholds of one output channel, and whether its code is complemented.
    pub(super) fn thresholds(&self, channel: usize) -> (Vec<i16>, bool) {
        let (element, row) = self.place(channel);
        let count = self.limits.threshold_words as usize;
        let words = &self.thresholds[(element * self.rows() + row) * count..][..count];
        // The first word is the high one.
        let words = words.iter().rev();
        let mut numbers: Vec<i16> = words.flat_map(|word| numbers(*word)).collect();
        numbers.truncate(1 << self.limits.activation_bits);
        let flag = numbers.pop().unwrap_or(0);
        (numbers, flag & 1 == 1)
    }

    fn place(&self, channel: usize) -> (usize, usize) {
        let elements = self.limits.pe as usize;
        (channel % elements, channel / elements)
    }
}

fn word(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// The four numbers of a word, the low one first.
fn numbers(word: u64) -> [i16; 4] {
    [0, 16, 32, 48].map(|shift| (word >> shift) as i16)
}
