//! What a child does to itself before it reads a hostile byte. There is no way back out.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is left to a confined process. Everything else is taken away: writing, starting programs, other processes,
/// sockets, new machine code, capabilities.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confinement {
    /// Files that stay readable, and folders with all that is in them. Files already open stay open.
    pub read_only: Vec<PathBuf>,
    /// Whether sockets stay possible.
    pub network: bool,
    /// A cap on its private memory, bytes, where the one who started it set none or a higher one.
    pub memory_bytes: Option<u64>,
}

/// What the driver of a device opens, beside what [`Confinement`] names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Devices {
    /// Device files that stay readable and writable, commands to the device included.
    pub nodes: Vec<PathBuf>,
    /// Files and folders of the driver that stay readable.
    pub read_only: Vec<PathBuf>,
}

/// Which walls stand. `false` means not enforced on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confined {
    /// It cannot open a socket.
    pub network: bool,
    /// It can read only what was named, write nothing, and start nothing.
    pub files: bool,
    /// Its private memory is capped.
    pub memory: bool,
    /// What stands and what does not, one plain sentence each.
    pub notes: Vec<String>,
}

/// Why a process was not confined. One that could not confine itself must end and not read on.
#[derive(Debug, thiserror::Error)]
pub enum ConfineError {
    /// A named file or folder cannot be opened.
    #[error("{path} cannot be opened: {reason}")]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// Other threads already run; walls would not hold for them.
    #[error("{0} threads already run; a process confines itself before it starts any")]
    Threads(usize),
    /// A wall that this machine has could not be put up.
    #[error("{wall}: {reason}")]
    Wall {
        /// Which.
        wall: &'static str,
        /// What the system said.
        reason: String,
    },
}

/// Confines the calling process for the rest of its life. Call it first in `main`, before any thread is started.
///
/// On Linux: Landlock for files (as much as this kernel has), a system call filter for the rest, an empty network
/// namespace where one may be made, no new privileges, no capabilities. Elsewhere nothing is enforced, and the reply
/// says so.
///
/// # Errors
/// [`ConfineError`]; the process may then be confined in part and must end.
#[cfg(target_os = "linux")]
pub fn confine(wanted: &Confinement) -> Result<Confined, ConfineError> {
    alone()?;
    crate::linux::confine_thread(wanted)
}

/// Confines the calling process as [`confine`] does, but lets it wake the driver of a device on the way. `wake` is
/// called once the files are walled off, with those of `devices` left open, and before system calls are refused; it says
/// whether the process goes on to use a device. Threads that it starts stand behind the same walls. Where it uses a
/// device, opening files for writing is left to the walls around files, which allow it for the nodes alone; nothing
/// else is loosened. Where files cannot be walled off, `wake` is not called.
///
/// # Errors
/// [`ConfineError`]; the process may then be confined in part and must end.
#[cfg(target_os = "linux")]
pub fn confine_around(
    wanted: &Confinement,
    devices: &Devices,
    wake: &mut dyn FnMut() -> bool,
) -> Result<Confined, ConfineError> {
    alone()?;
    crate::linux::confine_around(wanted, devices, wake)
}

#[cfg(target_os = "linux")]
fn alone() -> Result<(), ConfineError> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    if threads > 1 { Err(ConfineError::Threads(threads)) } else { Ok(()) }
}

/// Confines the calling process as [`confine`] does: on this system not at all, so that `wake` is simply called.
///
/// # Errors
/// None on this system.
#[cfg(not(target_os = "linux"))]
pub fn confine_around(
    wanted: &Confinement,
    _: &Devices,
    wake: &mut dyn FnMut() -> bool,
) -> Result<Confined, ConfineError> {
    wake();
    confine(wanted)
}

/// Confines the calling process for the rest of its life. On this system nothing is enforced, and the reply says so.
///
/// # Errors
/// None on this system.
#[cfg(not(target_os = "linux"))]
pub fn confine(wanted: &Confinement) -> Result<Confined, ConfineError> {
    let notes = vec![
        "This system has no walls that Hearth knows how to put up: a reader or engine process could open files and \
         sockets that its user can."
            .to_owned(),
    ];
    let _ = wanted;
    Ok(Confined { network: false, files: false, memory: false, notes })
}
