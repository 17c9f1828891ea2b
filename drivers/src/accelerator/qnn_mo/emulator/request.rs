//! The dimensions of a start, and what is wrong with them.

use super::super::control::Places;
use std::collections::BTreeMap;
use tincy_bitstreams::overlay::Overlay;

/// What the registers say at a start.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) loads: bool,
    pub(super) in1: u64,
    pub(super) in2: u64,
    pub(super) out: u64,
    pub(super) pools: bool,
    pub(super) kernel: usize,
    /// Its logarithm.
    pub(super) stride: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) size: usize,
    pub(super) padded: usize,
    pub(super) sums: usize,
    pub(super) pool_in: usize,
    pub(super) pool_out: usize,
    /// Its logarithm.
    pub(super) pool_stride: usize,
}

impl Request {
    pub(super) fn new(registers: &BTreeMap<u32, u32>, places: &Places) -> Request {
        let at = |offset: u32| registers.get(&offset).copied().unwrap_or(0);
        let number = |offset: u32| at(offset) as usize;
        let address = |[low, high]: [u32; 2]| u64::from(at(high)) << 32 | u64::from(at(low));
        Request {
            loads: at(places.do_init) & places.load != 0,
            in1: address(places.in1),
            in2: address(places.in2),
            out: address(places.out),
            // Everything but 1 acts as 2.
            pools: at(places.layer_type) != 1,
            kernel: number(places.kernel),
            stride: number(places.stride),
            inputs: number(places.inputs),
            outputs: number(places.outputs),
            size: number(places.size),
            padded: number(places.padded),
            sums: number(places.sums),
            pool_in: number(places.pool_in),
            pool_out: number(places.pool_out),
            pool_stride: number(places.pool_stride),
        }
    }

    /// Side of the map that is written.
    pub(super) fn written(&self) -> usize {
        if self.pools { self.pool_out } else { self.sums }
    }

    /// What starves the core, or overruns it.
    pub(super) fn check(&self, limits: &Overlay) -> Result<(), String> {
        let within = |what: &str, found: usize, most: u64| match found {
            0 => Err(format!("{what} is 0")),
            found if found as u64 > most => Err(format!("{what} is {found}, at most {most}")),
            _ => Ok(()),
        };
        within("KERNEL_DIM", self.kernel, limits.max_kernel)?;
        within("IFM_CH", self.inputs, limits.max_inputs)?;
        within("OFM_CH", self.outputs, limits.max_outputs)?;
        within("PADDED_DIM", self.padded, limits.max_size)?;
        within("IFM_DIM", self.size, self.padded as u64)?;
        within("KERNEL_DIM", self.kernel, self.padded as u64)?;
        let sums = self.padded - self.kernel + 1;
        if self.stride == 0 && self.sums != sums {
            return Err(format!("OFM_DIM is {}, {sums} fits the input", self.sums));
        }
        within("OFM_DIM", self.sums, sums as u64)?;
        if (self.kernel, self.padded) == (1, 1) {
            return Err("a kernel of 1 on a map of 1".into());
        }
        if self.pools {
            self.check_pool(limits)
        } else {
            Ok(())
        }
    }

    fn check_pool(&self, limits: &Overlay) -> Result<(), String> {
        let Request {
            sums,
            pool_in,
            pool_out,
            ..
        } = *self;
        if self.pool_stride > 1 {
            return Err(format!("POOL_STRIDE is {}, at most 1", self.pool_stride));
        }
        if pool_in < sums || pool_in as u64 > limits.max_size {
            return Err(format!("POOL_IN_DIM is {pool_in}, OFM_DIM is {sums}"));
        }
        let reach = (pool_out.max(1) - 1) * (1 << self.pool_stride) + limits.pool_size as usize;
        if pool_out == 0 || reach > pool_in {
            return Err(format!(
                "POOL_OUT_DIM is {pool_out}, POOL_IN_DIM is {pool_in}"
            ));
        }
        Ok(())
    }
}
