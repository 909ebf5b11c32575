//! What becomes of freed memory.
#![allow(unsafe_code, reason = "the C library's settings")]

use std::sync::Once;

/// Lets the allocator keep what is freed, up to 2 GB, for the next allocation, on Linux with glibc; elsewhere
/// nothing changes.
///
/// A training step makes and frees hundreds of tensors of some megabytes. By default their memory goes back to
/// the system, which gives it again page by page, at 2 us for each 4 KB: a third of the time of a small
/// network's step.
pub fn keep_freed_memory() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: the numbers are limits of the allocator, which it may refuse; it locks its state.
        unsafe {
            libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 30);
            libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
        }
    });
}

/// Gives memory that the process has freed back to the system, on Linux with glibc; elsewhere nothing happens.
///
/// What was freed among what is in use, as a network is after its plan was made, stays with the process
/// otherwise.
pub fn release_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the allocator locks its state, and touches nothing that is in use.
    unsafe {
        libc::malloc_trim(0);
    }
}
