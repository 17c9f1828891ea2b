//! A layer in the core's registers, and which layers it can run.
//!
//! What is refused here would not be refused by the core: it would compute wrong numbers (a stride)
//! or wait for good (dimensions that do not fit together).

use crate::{Error, Result};
use tincy_bitstreams::overlay::Overlay;
use tincy_network::{
    Convolution, Finish, Layer, Number, Padding, Pool, Shape, WeightKind, accumulator,
};

/// The largest sum that leaves room for a threshold which is never reached.
const LARGEST_SUM: i64 = i16::MAX as i64 - 1;

/// The numbers of one layer, or of one pass of it. Maps are square, so that a side is a dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Side of the kernel.
    pub kernel: usize,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the input map.
    pub size: usize,
    /// Side of the input map with its padding; an odd row of it is at the end.
    pub padded: usize,
    /// Side of the map of sums.
    pub sums: usize,
    /// The pool that follows.
    pub pool: Option<Pooled>,
}

/// A pool in the core's registers. Its window is the bitstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// Side of the map that it reads, padding included.
    pub padded: usize,
    /// Step, 1 or 2.
    pub stride: usize,
    /// Side of the map that it writes.
    pub size: usize,
}

impl Geometry {
    /// The numbers of a convolution on a map of this shape and number type, and of the pool behind
    /// it.
    ///
    /// # Errors
    /// If the overlay cannot run it: the layer, and why.
    pub fn of(
        layer: &Layer,
        (input, number): (Shape, Number),
        pool: Option<(&Layer, Pool)>,
        overlay: &Overlay,
    ) -> Result<Geometry> {
        let name = layer.name();
        let Some(convolution) = layer.convolution() else {
            let op = layer.op().name();
            return Err(Error::layer(name, "operation", "a convolution first", op));
        };
        numbers(convolution, number, overlay).map_err(|why| why.at(name))?;
        let most = Limits::of(overlay);
        let padding = odd_at_end(convolution.padding).map_err(|why| why.at(name))?;
        let padded = input.height + padding;
        let checks = [
            Check::most("kernel", convolution.kernel[0], most.kernel),
            Check::same("kernel width", convolution.kernel[1], convolution.kernel[0]),
            Check::most("input channels", input.channels, most.inputs),
            // A pixel has no room for more, and the next layer could not read them.
            Check::most("output channels", convolution.out_channels, most.inputs),
            Check::same("map width", input.width, input.height),
            Check::most("padded map", padded, most.size),
            Check::same("groups", convolution.groups, 1),
            Check::same(
                "dilation",
                convolution.dilation.into_iter().max().unwrap_or(1),
                1,
            ),
            // The published cores take other strides and compute wrong numbers.
            Check::same(
                "stride",
                convolution.stride.into_iter().max().unwrap_or(1),
                1,
            ),
        ];
        first(checks).map_err(|why| why.at(name))?;
        if (convolution.kernel[0], padded) == (1, 1) {
            return Err(Error::layer(
                name,
                "map",
                "more than one pixel for a kernel of 1",
                "1x1",
            ));
        }
        let sums = padded - convolution.kernel[0] + 1;
        let pool = pool
            .map(|(layer, pool)| pooled(layer, pool, sums, overlay))
            .transpose()?;
        Ok(Geometry {
            kernel: convolution.kernel[0],
            inputs: input.channels,
            outputs: convolution.out_channels,
            size: input.height,
            padded,
            sums,
            pool,
        })
    }

    /// Side of the map that is written.
    pub fn written(&self) -> usize {
        self.pool.map_or(self.sums, |pool| pool.size)
    }
}

/// The overlay's limits as sizes.
struct Limits {
    kernel: usize,
    inputs: usize,
    size: usize,
}

impl Limits {
    fn of(overlay: &Overlay) -> Limits {
        Limits {
            kernel: overlay.max_kernel as usize,
            inputs: overlay.max_inputs as usize,
            size: overlay.max_size as usize,
        }
    }
}

/// Why a layer cannot be run.
struct Why {
    what: &'static str,
    expected: String,
    found: String,
}

impl Why {
    fn new(what: &'static str, expected: impl ToString, found: impl ToString) -> Why {
        let (expected, found) = (expected.to_string(), found.to_string());
        Why {
            what,
            expected,
            found,
        }
    }

    fn at(self, layer: &str) -> Error {
        Error::layer(layer, self.what, self.expected, self.found)
    }
}

/// Something that must hold.
struct Check {
    holds: bool,
    why: Why,
}

impl Check {
    fn most(what: &'static str, found: usize, most: usize) -> Check {
        let why = Why::new(what, format!("at most {most}"), found);
        Check {
            holds: found <= most,
            why,
        }
    }

    fn same(what: &'static str, found: usize, only: usize) -> Check {
        let why = Why::new(what, only, found);
        Check {
            holds: found == only,
            why,
        }
    }
}

fn first(checks: impl IntoIterator<Item = Check>) -> Result<(), Why> {
    match checks.into_iter().find(|check| !check.holds) {
        Some(check) => Err(check.why),
        None => Ok(()),
    }
}

/// Rows of padding in all, if they are spread as the core does: half in front, an odd one behind.
fn odd_at_end(padding: Padding) -> Result<usize, Why> {
    let total = padding.top + padding.bottom;
    let expected = Padding::split(total);
    if padding == expected {
        return Ok(total);
    }
    let show = |p: Padding| format!("{} {} {} {}", p.top, p.left, p.bottom, p.right);
    Err(Why::new("padding", show(expected), show(padding)))
}

/// Number types, and sums that the 16 bits of the core hold.
fn numbers(convolution: &Convolution, number: Number, overlay: &Overlay) -> Result<(), Why> {
    let bits = overlay.activation_bits;
    let codes = format!("unsigned codes of at most {bits} bits");
    let fits = |number: Number| {
        let code = number.code();
        code.filter(|code| !code.signed && code.zero == 0 && u64::from(code.bits) <= bits)
    };
    let code = fits(number).ok_or_else(|| Why::new("input", &codes, number))?;
    if convolution.weights.kind() != WeightKind::Binary {
        return Err(Why::new("weights", "binary", convolution.weights.kind()));
    }
    let multipliers = convolution.weights.multipliers().len();
    if multipliers > 0 {
        return Err(Why::new("multipliers by position", 0, multipliers));
    }
    if !matches!(convolution.finish, Finish::Thresholds(_)) {
        return Err(Why::new("finish", "thresholds", convolution.finish.name()));
    }
    let output = convolution.finish.output();
    fits(output).ok_or_else(|| Why::new("output", &codes, output))?;
    let bound = accumulator::bound(convolution, code);
    if bound.fits(16) && bound.max <= LARGEST_SUM {
        return Ok(());
    }
    let sums = format!("{} to {}", bound.min, bound.max);
    Err(Why::new(
        "sums",
        format!("{} to {LARGEST_SUM}", i16::MIN),
        sums,
    ))
}

fn pooled(layer: &Layer, pool: Pool, sums: usize, overlay: &Overlay) -> Result<Pooled> {
    let window = overlay.pool_size as usize;
    let name = layer.name();
    let padded = sums + odd_at_end(pool.padding).map_err(|why| why.at(name))?;
    let [stride, other] = pool.stride;
    let checks = [
        Check::same("pool", pool.size[0], window),
        Check::same("pool", pool.size[1], window),
        Check::same("pool stride", other, stride),
        Check::most("pool stride", stride, 2),
        Check::most("padded pool", padded, overlay.max_size as usize),
    ];
    first(checks).map_err(|why| why.at(name))?;
    Ok(Pooled {
        padded,
        stride,
        size: layer.shape().height,
    })
}
