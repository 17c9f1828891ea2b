//! How a network is to be run.

use crate::Error;
use crate::isa::Isa;
use std::fmt;

/// The most threads of a session.
pub const MAX_THREADS: usize = 256;

/// Choices that a plan is made by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads of a session, the caller's among them; 1 to [`MAX_THREADS`].
    pub threads: usize,
    /// Which kernels.
    pub backend: Backend,
    /// Keep the output of every layer, so that all can be read; nothing is fused.
    pub keep_all: bool,
    /// Add up an 8-bit first layer in 16 bits with rounding shifts, as paper 3 (section 3.3) does.
    /// Faster, and not exact.
    pub first_layer16: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            threads: 1,
            backend: Backend::Auto,
            keep_all: false,
            first_layer16: false,
        }
    }
}

/// A family of kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// The fastest that the CPU has.
    #[default]
    Auto,
    /// Plain loops, by definition; slow.
    Reference,
    /// Plain Rust that the compiler vectorises.
    Portable,
    /// AVX2 and FMA on x86-64.
    Avx2,
    /// AVX-512 with byte permutations on x86-64, where a kernel has a version for it; else AVX2.
    Avx512,
    /// NEON on aarch64.
    Neon,
}

impl Backend {
    /// All, in order of the enum.
    pub const ALL: [Backend; 6] = [
        Backend::Auto,
        Backend::Reference,
        Backend::Portable,
        Backend::Avx2,
        Backend::Avx512,
        Backend::Neon,
    ];

    /// Its name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Backend::Auto => "auto",
            Backend::Reference => "reference",
            Backend::Portable => "portable",
            Backend::Avx2 => "avx2",
            Backend::Avx512 => "avx512",
            Backend::Neon => "neon",
        }
    }

    /// Those that this CPU can run.
    pub fn available() -> impl Iterator<Item = Backend> {
        Backend::ALL.into_iter().filter(|b| b.isa().is_some())
    }

    /// The instruction set of its kernels; the reference's is not used.
    fn isa(self) -> Option<Isa> {
        match self {
            Backend::Auto => Some(Isa::best()),
            Backend::Reference | Backend::Portable => Some(Isa::Portable),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2 => crate::isa::Avx2::detect().map(Isa::Avx2),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512 => crate::isa::Avx512::detect().map(Isa::Avx512),
            #[cfg(target_arch = "aarch64")]
            Backend::Neon => crate::isa::Neon::detect().map(Isa::Neon),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// As [`isa`](Backend::isa), or an error that says what there is.
    pub(crate) fn require(self) -> Result<Isa, Error> {
        self.isa().ok_or_else(|| Error::Backend {
            asked: self.name(),
            available: Backend::available()
                .map(Backend::name)
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_of_another_machine_is_refused_by_name() {
        let other = if cfg!(target_arch = "aarch64") {
            Backend::Avx2
        } else {
            Backend::Neon
        };
        let error = other.require().unwrap_err().to_string();
        assert!(
            error.contains(other.name()) && error.contains("auto, reference, portable"),
            "{error}"
        );
        assert!(Backend::available().all(|backend| backend.require().is_ok()));
    }
}
