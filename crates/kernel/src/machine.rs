//! What this machine has: cores, memory, disk. Read where the system tells it; unknown is 0.

use std::path::Path;

/// Memory in bytes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Memory {
    pub(crate) total: u64,
    pub(crate) available: u64,
}

/// Threads worth computing on.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// This machine in words, as far as the speed of a model depends on it: "2 cores, AVX2, 24 GB".
pub(crate) fn name() -> String {
    let cores = crate::view::count(cores(), "core", "cores");
    let kernels = kernels(hearth_inference::kernel::Kernels::detect().name);
    format!("{cores}, {kernels}, {:.0} GB", memory().total as f64 / 1e9)
}

/// A set of kernels as people write it: "AVX2".
pub(crate) fn kernels(name: &str) -> String {
    match name {
        "plain" => "no vector units".to_owned(),
        "avx512" => "AVX-512".to_owned(),
        name => name.to_uppercase(),
    }
}

/// Installed and available memory.
#[cfg(target_os = "linux")]
pub(crate) fn memory() -> Memory {
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return Memory::default() };
    let field = |name| bytes_of(&text, name).unwrap_or(0);
    Memory { total: field("MemTotal:"), available: field("MemAvailable:") }
}

/// A figure in KiB of one of the kernel's tables, in bytes.
fn bytes_of(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(rest.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The most memory that this process ever held, in bytes, where the system tells it.
pub(crate) fn peak_memory() -> Option<u64> {
    bytes_of(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// Installed and available memory.
#[cfg(not(target_os = "linux"))]
pub(crate) fn memory() -> Memory {
    Memory::default()
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/statm") else { return 0 };
    text.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).map_or(0, |pages| pages * 4096)
}

/// Bytes free on the disk that holds a folder.
#[cfg(unix)]
pub(crate) fn disk_free(folder: &Path) -> u64 {
    rustix::fs::statvfs(folder).map_or(0, |stat| stat.f_bavail * stat.f_frsize)
}

/// Bytes free on the disk that holds a folder.
#[cfg(not(unix))]
pub(crate) fn disk_free(_: &Path) -> u64 {
    0
}
