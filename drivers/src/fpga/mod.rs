//! The programmable logic itself: what is loaded into it, how, and what it is clocked by.
//!
//! | module | subject |
//! | --- | --- |
//! | [`bitstream`] | `.bit` and `.bit.bin` files, checked against the board's device |
//! | `header` | the records in front of a `.bit` file's stream |
//! | `stream` | the packets of the stream: which device it is for, whether it is whole |
//! | [`manager`] | the kernel's FPGA manager: its state, loading through it |
//! | [`overlay`] | device-tree overlays, which load the logic and add its devices |
//! | `blob` | which bitstream an overlay names |
//! | [`system`] | the blocks of registers that the next two lie in |
//! | [`clock`] | the clocks of the logic |
//! | [`port`] | the widths of the ports between logic, CPUs and memory |
//!
//! One rule stands above all of it: a read of an address in the logic while no design is loaded, or
//! its clock is off, never ends, and takes the whole board with it. [`running`] is to be asked before
//! anything of the logic is touched.

pub mod bitstream;
mod blob;
pub mod clock;
mod header;
pub mod manager;
pub mod overlay;
pub mod port;
mod stream;
pub mod system;

use crate::board::Board;
use crate::{Error, Result, Roots};

pub use bitstream::Bitstream;
pub use manager::Manager;
pub use overlay::Overlays;

/// What the logic runs by.
#[derive(Clone, Debug)]
pub struct Running {
    /// The manager's word for its state.
    pub state: String,
    /// The clocks that are on, in the order of their numbers.
    pub clocks: Vec<(usize, clock::Clock)>,
}

/// Makes sure that the logic may be touched: a design is loaded and a clock is on.
///
/// # Errors
/// If it is not so, or cannot be known: what to do.
pub fn running(roots: &Roots) -> Result<Running> {
    let state = Manager::find(roots)?.state()?;
    if !manager::is_operating(&state) {
        return Err(Error::Logic {
            what: format!("no design is loaded: the FPGA manager's state is `{state}`"),
            remedy: "load one: `tincy board load FILE`".into(),
        });
    }
    let clocks = clock::on(roots, &Board::read(roots)?)?;
    if clocks.is_empty() {
        return Err(Error::Logic {
            what: "all clocks of the logic are off".into(),
            remedy: "switch on the design's: `tincy board load FILE --clock PLn=MHZ`".into(),
        });
    }
    Ok(Running { state, clocks })
}
