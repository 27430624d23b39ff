//! Resource limits of a child and how they are set. Limits are the kernel's own (`setrlimit`); there is no watchdog here.

use serde::{Deserialize, Serialize};

/// What a child may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Private writable memory: heap, stacks, anonymous maps (`RLIMIT_DATA`). Read-only maps of files, such as model
    /// weights, do not count.
    pub memory_bytes: u64,
    /// Processor seconds over all threads, where there is an end to it (`RLIMIT_CPU`).
    pub cpu_seconds: Option<u64>,
    /// Open files, pipes included (`RLIMIT_NOFILE`).
    pub open_files: u64,
    /// The largest file it may write (`RLIMIT_FSIZE`); pipes do not count.
    pub file_size_bytes: u64,
}

#[cfg(unix)]
pub(crate) use unix::{Prepared, data_limit};

#[cfg(unix)]
#[allow(unsafe_code)]
mod unix {
    use super::Limits;
    use std::io;

    #[cfg(target_os = "linux")]
    type Resource = libc::__rlimit_resource_t;
    #[cfg(not(target_os = "linux"))]
    type Resource = libc::c_int;

    /// Limits turned into numbers before the fork, so that setting them allocates nothing.
    #[derive(Clone, Copy)]
    pub(crate) struct Prepared([(Resource, libc::rlim_t); 5]);

    impl Prepared {
        /// Lowers each limit to what the caller itself may have, so that a plain user's spawn does not fail.
        pub(crate) fn new(limits: &Limits) -> Self {
            let wanted = [
                (libc::RLIMIT_DATA, limits.memory_bytes as libc::rlim_t),
                (libc::RLIMIT_CPU, limits.cpu_seconds.map_or(libc::RLIM_INFINITY, |s| s as libc::rlim_t)),
                (libc::RLIMIT_NOFILE, limits.open_files as libc::rlim_t),
                (libc::RLIMIT_FSIZE, limits.file_size_bytes as libc::rlim_t),
                (libc::RLIMIT_CORE, 0),
            ];
            Self(wanted.map(|(resource, value)| (resource, value.min(hard_limit(resource)))))
        }

        /// Sets them on the calling process. Safe between fork and exec.
        pub(crate) fn apply(&self) -> io::Result<()> {
            for (resource, value) in self.0 {
                let limit = libc::rlimit { rlim_cur: value, rlim_max: value };
                // SAFETY: a valid pointer to a filled struct; the call keeps nothing.
                if unsafe { libc::setrlimit(resource, &limit) } != 0 {
                    return Err(io::Error::last_os_error());
                }
            }
            Ok(())
        }
    }

    fn hard_limit(resource: Resource) -> libc::rlim_t {
        read(resource).map_or(libc::RLIM_INFINITY, |limit| limit.rlim_max)
    }

    fn read(resource: Resource) -> Option<libc::rlimit> {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: a valid pointer to a struct that the call fills.
        (unsafe { libc::getrlimit(resource, &mut limit) } == 0).then_some(limit)
    }

    /// The cap on this process's own private memory, bytes, where there is one.
    pub(crate) fn data_limit() -> Option<u64> {
        let limit = read(libc::RLIMIT_DATA)?;
        #[allow(clippy::unnecessary_cast)]
        (limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur as u64)
    }
}
