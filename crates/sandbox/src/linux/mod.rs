//! Linux walls: what stands before a child's first instruction, and what it puts up around itself.

mod files;
mod filter;

use crate::confine::{ConfineError, Confined, Confinement, Devices};
use crate::limits::{Limits, Prepared, data_limit};
use crate::spawn::Walls;
use seccompiler::BpfProgram;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// What is set between fork and exec, prepared before the fork.
pub(crate) struct Birth {
    parent: libc::pid_t,
    no_sockets: Option<BpfProgram>,
    /// The walls around files, where this kernel has them, and the filter that goes with them.
    walls: Option<(Option<OwnedFd>, BpfProgram)>,
}

impl Birth {
    pub(crate) fn new(network: bool, walls: Option<&Walls>) -> Result<Self, String> {
        let no_sockets = if network { None } else { Some(filter::no_sockets()?) };
        let walls = match walls {
            Some(walls) => Some((files::ruleset(walls)?, filter::foreign()?)),
            None => None,
        };
        #[allow(unsafe_code)]
        // SAFETY: no memory is involved.
        let parent = unsafe { libc::getpid() };
        Ok(Self { parent, no_sockets, walls })
    }

    /// Runs between fork and exec: system calls only, no allocation.
    #[allow(unsafe_code)]
    pub(crate) fn apply(&self) -> io::Result<()> {
        // SAFETY: plain system calls on numbers and on a constant string.
        unsafe {
            if libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) != 0 {
                return Err(io::Error::last_os_error());
            }
            // The parent may have died before the line above.
            if libc::getppid() != self.parent {
                libc::_exit(1);
            }
            close_on_exec();
            prefer_as_victim();
        }
        if let Some(program) = &self.no_sockets {
            filter::apply(program)?;
        }
        if let Some((files, program)) = &self.walls {
            if let Some(ruleset) = files {
                no_new_privileges()?;
                // SAFETY: a descriptor that this process holds, and no flags.
                let walled = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0) };
                if walled != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            drop_capabilities()?;
            filter::apply(program)?;
        }
        Ok(())
    }
}

/// Marks every descriptor after standard error close-on-exec. The standard library does so for its own; C code may not.
#[allow(unsafe_code)]
unsafe fn close_on_exec() {
    // SAFETY: numbers only.
    unsafe {
        let marked = libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
        if marked != 0 {
            for fd in 3..1024 {
                let flags = libc::fcntl(fd, libc::F_GETFD);
                if flags >= 0 {
                    libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC);
                }
            }
        }
    }
}

/// When memory runs out, the kernel ends this process before the one with the window. Best effort.
#[allow(unsafe_code)]
unsafe fn prefer_as_victim() {
    // SAFETY: constant strings with their lengths.
    unsafe {
        let fd = libc::open(c"/proc/self/oom_score_adj".as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC);
        if fd >= 0 {
            libc::write(fd, c"500".as_ptr().cast(), 3);
            libc::close(fd);
        }
    }
}

/// Confines the calling thread and what it starts from now on. [`crate::confine`] makes sure that it is the only one.
pub(crate) fn confine_thread(wanted: &Confinement) -> Result<Confined, ConfineError> {
    confine_all(wanted, &Devices::default(), None)
}

/// Confines the calling thread, all that `wake` starts, and what they start from now on.
pub(crate) fn confine_around(
    wanted: &Confinement,
    devices: &Devices,
    wake: &mut dyn FnMut() -> bool,
) -> Result<Confined, ConfineError> {
    confine_all(wanted, devices, Some(wake))
}

fn confine_all(
    wanted: &Confinement,
    devices: &Devices,
    wake: Option<&mut dyn FnMut() -> bool>,
) -> Result<Confined, ConfineError> {
    let wall = |wall, error: String| ConfineError::Wall { wall, reason: error };
    let mut notes = Vec::new();
    if let Some(bytes) = wanted.memory_bytes.filter(|bytes| data_limit().is_none_or(|has| has > *bytes)) {
        let limits = Limits { memory_bytes: bytes, cpu_seconds: None, open_files: u64::MAX, file_size_bytes: u64::MAX };
        Prepared::new(&limits).apply().map_err(|error| wall("memory", error.to_string()))?;
    }
    let memory = data_limit();
    notes.push(match memory {
        Some(bytes) => format!("Private memory is capped at {} MB.", bytes >> 20),
        None => "Private memory has no cap.".to_owned(),
    });
    if !wanted.network && empty_namespace() {
        notes.push("It stands in a network namespace of its own with nothing in it.".to_owned());
    }
    no_new_privileges().map_err(|error| wall("no new privileges", error.to_string()))?;
    let files = files::only(&wanted.read_only, devices, wanted.network, &mut notes)?;
    drop_capabilities().map_err(|error| wall("capabilities", error.to_string()))?;
    let wake = wake.filter(|_| files);
    let (woken, used) = (wake.is_some(), wake.is_some_and(|wake| wake()));
    let program = filter::confined(wanted.network, used).map_err(|error| wall("system calls", error))?;
    let applied = if woken { filter::apply_to_all(&program) } else { filter::apply(&program) };
    applied.map_err(|error| wall("system calls", error.to_string()))?;
    if used {
        notes.push("The files of a device's driver can be read, and the device used.".to_owned());
    }
    let network = !wanted.network && !can_open_socket();
    notes.push(match (network, wanted.network) {
        (true, _) => "Sockets are refused by a system call filter, so the network is out of reach.".to_owned(),
        (false, true) => "The network was left open.".to_owned(),
        (false, false) => "The network could not be closed.".to_owned(),
    });
    notes.push("Starting or touching another process is refused by a system call filter.".to_owned());
    Ok(Confined { network, files, memory: memory.is_some(), notes })
}

/// Moves into a network namespace with no interface that is up. Needs a capability or a user namespace; either may be
/// withheld, and the system call filter stands anyway.
#[allow(unsafe_code)]
fn empty_namespace() -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::unshare(libc::CLONE_NEWNET) == 0 || libc::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNET) == 0 }
}

#[allow(unsafe_code)]
fn no_new_privileges() -> io::Result<()> {
    // SAFETY: no memory is involved.
    let done = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Gives up every capability, so that root is an ordinary user here.
#[allow(unsafe_code)]
fn drop_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: libc::c_int,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [0u32; 6];
    // SAFETY: version 3 reads two records of three words each; both pointers are valid for the call.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Whether this thread can open an internet socket.
#[allow(unsafe_code)]
pub(crate) fn can_open_socket() -> bool {
    // SAFETY: numbers only; a descriptor that was opened is closed.
    unsafe {
        let fd = libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0);
        fd >= 0 && libc::close(fd) == 0
    }
}

/// Whether this thread can start a process.
#[allow(unsafe_code)]
pub(crate) fn can_fork() -> bool {
    // SAFETY: a child that does come to be ends at once, without running anything, and is reaped.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            id if id > 0 => {
                libc::waitpid(id, std::ptr::null_mut(), 0);
                true
            }
            _ => false,
        }
    }
}
