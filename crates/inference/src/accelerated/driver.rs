//! What the driver of a device opens: for the walls around an engine process, which leave these files open and no
//! others. Only programs built for CUDA name any; Metal is used where there are no such walls.

use crate::wire::{Hardware, Load, Role};
use std::path::PathBuf;

/// The files of a driver that are there on this machine.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Files {
    /// Device files, opened for reading and writing.
    pub nodes: Vec<PathBuf>,
    /// Files and folders that are read: libraries, and what the kernel says of the device and the machine.
    pub read_only: Vec<PathBuf>,
}

/// Folders of nodes, with what the names of nodes in them begin with.
const NODES: [(&str, &str); 2] = [("/dev", "nvidia"), ("/dev/nvidia-caps", "nvidia")];
/// What is read.
const READ: [&str; 14] = [
    "/etc/ld.so.cache",
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/cuda",
    "/usr/local/nvidia",
    "/proc/cpuinfo",
    "/proc/devices",
    "/proc/driver/nvidia",
    "/proc/meminfo",
    "/proc/self",
    "/sys/devices/system",
    "/sys/module/nvidia",
];

/// Returns the files that a request for a model makes this program open: none where it looks for no device, or where
/// the machine has none.
pub fn files(load: &Load) -> Files {
    let wanted = cfg!(feature = "cuda") && load.hardware == Hardware::Any && load.role == Role::Chat;
    if wanted { found() } else { Files::default() }
}

fn found() -> Files {
    let entries = |(folder, start): (&'static str, &'static str)| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.filter(move |e| e.file_name().to_string_lossy().starts_with(start)).map(|e| e.path())
    };
    // A folder among them, which would open all that is in it, is no node.
    let nodes: Vec<PathBuf> = NODES.into_iter().flat_map(entries).filter(|p| !p.is_dir()).collect();
    if nodes.is_empty() {
        return Files::default();
    }
    Files { nodes, read_only: READ.iter().map(PathBuf::from).filter(|p| p.exists()).collect() }
}
