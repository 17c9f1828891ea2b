//! Proofs that the CPU has an instruction set: a token can be made only where it has, so a kernel
//! that holds one may call functions compiled for it.

/// AVX2 and FMA on x86-64.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Avx2(());

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    /// The proof, if this CPU has AVX2 and FMA.
    pub fn detect() -> Option<Avx2> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Avx2(()))
    }
}

/// AVX-512 with byte permutations and dot products of bytes (F, BW, VL, VBMI, VNNI: Ice Lake, Zen 4 and
/// later), besides AVX2.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Avx512(Avx2);

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// The proof, if this CPU has all of it.
    pub fn detect() -> Option<Avx512> {
        let found = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vnni");
        Avx2::detect().filter(|_| found).map(Avx512)
    }

    /// The smaller set that it includes.
    pub fn avx2(self) -> Avx2 {
        self.0
    }
}

/// NEON on aarch64, where it is part of the baseline.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy, Debug)]
pub struct Neon(());

#[cfg(target_arch = "aarch64")]
impl Neon {
    /// The proof; every aarch64 CPU that runs Linux has NEON.
    pub fn detect() -> Option<Neon> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

/// The instruction set that a kernel is made for.
#[derive(Clone, Copy, Debug)]
pub enum Isa {
    /// Plain Rust that the compiler vectorises for the baseline.
    Portable,
    /// AVX2 and FMA.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 with byte permutations.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
    /// NEON.
    #[cfg(target_arch = "aarch64")]
    Neon(Neon),
}

impl Isa {
    /// The best one that this CPU has.
    pub fn best() -> Isa {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = Avx512::detect() {
            return Isa::Avx512(avx512);
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = Avx2::detect() {
            return Isa::Avx2(avx2);
        }
        #[cfg(target_arch = "aarch64")]
        if let Some(neon) = Neon::detect() {
            return Isa::Neon(neon);
        }
        Isa::Portable
    }

    /// All that this CPU has, the plain one first.
    pub fn all() -> Vec<Isa> {
        let mut all = vec![Isa::Portable];
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx2::detect().map(Isa::Avx2));
        #[cfg(target_arch = "x86_64")]
        all.extend(Avx512::detect().map(Isa::Avx512));
        #[cfg(target_arch = "aarch64")]
        all.extend(Neon::detect().map(Isa::Neon));
        all
    }
}
