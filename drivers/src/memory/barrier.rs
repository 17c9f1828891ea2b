//! Order between memory and registers.
#![allow(unsafe_code)]

/// Lets no access to memory before it come after one behind it, as any device sees them.
///
/// Between normal memory and device registers nothing else keeps the order: on aarch64 a fence of
/// the language reaches the CPUs only, not a device that is not coherent with them.
pub fn full() {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    #[cfg(target_arch = "aarch64")]
    // SAFETY: the instruction only waits until all accesses before it are complete; it reads and
    // writes no register, no flag and no stack, and any program may execute it.
    unsafe {
        std::arch::asm!("dsb sy", options(nostack, preserves_flags));
    }
}
