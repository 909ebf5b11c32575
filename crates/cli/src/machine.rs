//! What a measurement was made on.

use sysinfo::{CpuRefreshKind, RefreshKind, System};

/// The processor's name, where the system tells it.
pub(crate) fn processor() -> Option<String> {
    let kind = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    let system = System::new_with_specifics(kind);
    let brand = system.cpus().first()?.brand().trim().to_owned();
    (!brand.is_empty()).then_some(brand)
}

/// Processor, number of cores that this process may use, and system, on one line.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{}, {cores} cores, {}",
        processor().unwrap_or_else(|| "unknown processor".to_owned()),
        System::long_os_version().unwrap_or_else(|| std::env::consts::OS.to_owned())
    )
}

/// Burn's version, as this program was built with it.
pub(crate) const BURN: &str = "0.22.1";

/// The resident memory of this process from here on: [`peak_memory`] forgets what was before.
/// Does nothing where the system has no such counter.
pub(crate) fn forget_peak_memory() {
    // Linux, proc(5): 5 resets the peak resident set size.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process had resident, in bytes, where the system tells it.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_in_the_lock_file() {
        let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock");
        let lock = std::fs::read_to_string(lock).unwrap();
        let package = format!("name = \"burn\"\nversion = \"{BURN}\"\n");
        assert!(lock.contains(&package));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_what_was_touched_since_it_was_forgotten() {
        const SIZE: usize = 256 << 20;
        drop(std::hint::black_box(vec![1_u8; SIZE]));
        let with = peak_memory().unwrap();
        assert!(with >= SIZE as u64, "{with}");
        forget_peak_memory();
        let without = peak_memory().unwrap();
        assert!(without < with - SIZE as u64 / 2, "{without} {with}");
    }
}
