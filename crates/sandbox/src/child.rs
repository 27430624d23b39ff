//! A running child: its pipes, its end, its memory. All calls take `&self`, so that one thread may wait while another
//! kills.

use serde::{Deserialize, Serialize};
use std::io;
use std::process::ExitStatus;
pub use std::process::{ChildStderr, ChildStdin, ChildStdout};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// Its exit code, where it ended by itself.
    pub code: Option<i32>,
    /// The signal that ended it (Unix).
    pub signal: Option<i32>,
}

impl Ended {
    /// Whether it ended by itself with code 0.
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "ended with code {code}"),
            (None, Some(signal)) => write!(f, "was ended by signal {signal}"),
            (None, None) => f.write_str("ended"),
        }
    }
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        #[cfg(unix)]
        let signal = std::os::unix::process::ExitStatusExt::signal(&status);
        #[cfg(not(unix))]
        let signal = None;
        Self { code: status.code(), signal }
    }
}

struct Inner {
    process: Mutex<Process>,
    id: u32,
}

/// Until `ended` is known the process has not been reaped, and its number is its own.
struct Process {
    handle: std::process::Child,
    ended: Option<Ended>,
}

/// A process that was started here. Dropping it kills it, with all it started, and reaps it.
pub struct Child {
    inner: Arc<Inner>,
    stdin: Mutex<Option<ChildStdin>>,
    stdout: Mutex<Option<ChildStdout>>,
    stderr: Mutex<Option<ChildStderr>>,
    name: &'static str,
}

impl std::fmt::Debug for Child {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Child({} {})", self.name, self.inner.id)
    }
}

/// A handle that can end a child from another thread and does not keep it alive.
#[derive(Clone)]
pub struct Killer(Arc<Inner>);

impl Killer {
    /// Kills the child and everything in its process group. Does nothing to one that has been reaped.
    pub fn kill(&self) {
        self.0.kill();
    }
}

impl Child {
    pub(crate) fn new(mut process: std::process::Child, name: &'static str) -> Self {
        let stdin = Mutex::new(process.stdin.take());
        let stdout = Mutex::new(process.stdout.take());
        let stderr = Mutex::new(process.stderr.take());
        let id = process.id();
        Self {
            inner: Arc::new(Inner { process: Mutex::new(Process { handle: process, ended: None }), id }),
            stdin,
            stdout,
            stderr,
            name,
        }
    }

    /// What this process is for.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The system's number of this process.
    pub fn id(&self) -> u32 {
        self.inner.id
    }

    /// Takes the pipe to its standard input; once.
    pub fn take_stdin(&self) -> Option<ChildStdin> {
        locked(&self.stdin).take()
    }

    /// Takes the pipe from its standard output; once.
    pub fn take_stdout(&self) -> Option<ChildStdout> {
        locked(&self.stdout).take()
    }

    /// Takes the pipe from its standard error; once. Whoever starts a child drains this, or the child may block on it.
    pub fn take_stderr(&self) -> Option<ChildStderr> {
        locked(&self.stderr).take()
    }

    /// A handle that can end this child from another thread.
    pub fn killer(&self) -> Killer {
        Killer(Arc::clone(&self.inner))
    }

    /// Kills it and everything in its process group. It still has to be waited for.
    pub fn kill(&self) {
        self.inner.kill();
    }

    /// Waits for its end, and ends what it left running. Blocks; other threads may kill it meanwhile.
    ///
    /// # Errors
    /// What the system said.
    pub fn wait(&self) -> io::Result<Ended> {
        self.inner.until_ended();
        self.inner.reap()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// What the system said.
    pub fn try_wait(&self) -> io::Result<Option<Ended>> {
        self.inner.glance()
    }

    /// Memory that it holds now, bytes (resident set; mapped weights count while they are in memory). Linux only.
    pub fn memory_bytes(&self) -> Option<u64> {
        self.status_bytes("VmRSS:")
    }

    /// The most memory that it has held, bytes. Linux only.
    pub fn peak_memory_bytes(&self) -> Option<u64> {
        self.status_bytes("VmHWM:")
    }

    /// Memory that it holds now and that no file backs, bytes: what `Limits::memory_bytes` caps. Linux only.
    pub fn private_memory_bytes(&self) -> Option<u64> {
        self.status_bytes("RssAnon:")
    }

    #[cfg(target_os = "linux")]
    fn status_bytes(&self, field: &str) -> Option<u64> {
        // Holding the lock keeps the number from being reaped and given to another process meanwhile.
        let _held = locked(&self.inner.process);
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.inner.id)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    }

    #[cfg(not(target_os = "linux"))]
    fn status_bytes(&self, _: &str) -> Option<u64> {
        None
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.inner.kill();
        let _ = self.inner.reap();
    }
}

impl Inner {
    fn kill(&self) {
        let mut process = locked(&self.process);
        if process.ended.is_none() {
            #[cfg(unix)]
            kill_group(self.id);
            let _ = process.handle.kill();
        }
    }

    /// Reaps the process. An ended leader still holds the group's number, so the rest of its group is ended first.
    fn reap(&self) -> io::Result<Ended> {
        let mut process = locked(&self.process);
        if let Some(ended) = process.ended {
            return Ok(ended);
        }
        #[cfg(unix)]
        kill_group(self.id);
        let ended = Ended::from(process.handle.wait()?);
        process.ended = Some(ended);
        Ok(ended)
    }

    fn glance(&self) -> io::Result<Option<Ended>> {
        let mut process = locked(&self.process);
        if process.ended.is_none() {
            process.ended = process.handle.try_wait()?.map(Ended::from);
        }
        Ok(process.ended)
    }

    /// Returns when the process has ended, without reaping it and without holding the lock.
    #[cfg(all(unix, not(target_os = "macos")))]
    #[allow(unsafe_code)]
    fn until_ended(&self) {
        loop {
            // SAFETY: an all-zero siginfo is valid, and the call only fills it.
            let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
            // SAFETY: valid pointer; WNOWAIT leaves the process for the owner to reap.
            let done = unsafe { libc::waitid(libc::P_PID, self.id, &mut info, libc::WEXITED | libc::WNOWAIT) };
            if done == 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
                return;
            }
        }
    }

    #[cfg(not(all(unix, not(target_os = "macos"))))]
    fn until_ended(&self) {
        while let Ok(None) = self.glance() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

/// The child leads its own group, so its number is the group's.
#[cfg(unix)]
#[allow(unsafe_code)]
fn kill_group(id: u32) {
    if let Ok(group @ 2..) = libc::pid_t::try_from(id) {
        // SAFETY: no memory is involved.
        unsafe { libc::kill(-group, libc::SIGKILL) };
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
