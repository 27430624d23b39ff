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

/// Installed and available memory.
#[cfg(target_os = "linux")]
pub(crate) fn memory() -> Memory {
    let Ok(text) = std::fs::read_to_string("/proc/meminfo") else { return Memory::default() };
    let field = |name: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    };
    Memory { total: field("MemTotal:"), available: field("MemAvailable:") }
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
