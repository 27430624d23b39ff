//! Starting a child: what it is given, and nothing else. No shell is ever involved.
#![allow(clippy::disallowed_methods)] // only `sandbox` starts processes: this is where

use crate::child::Child;
use crate::limits::Limits;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{OnceLock, mpsc};

/// Variables that every child keeps.
const KEPT: [&str; 2] = ["LANG", "TZ"];

/// A process to be started. Standard input, output and error are pipes.
#[derive(Debug, Clone)]
pub struct Spawn {
    /// A path, or a bare name that [`find_program`] looks up.
    pub program: PathBuf,
    /// Its arguments, without the program itself.
    pub args: Vec<OsString>,
    /// What this process is for, in messages and thread names.
    pub name: &'static str,
    /// What it may use.
    pub limits: Limits,
    /// Whether it may open sockets. Where this is `false` on Linux, a filter that it cannot take off is in place before
    /// its first instruction.
    pub network: bool,
    /// Names of further variables that it keeps from this process; a trailing `*` keeps all that begin so.
    pub keep_env: Vec<&'static str>,
    /// Variables set for it.
    pub env: Vec<(OsString, OsString)>,
    /// The folder that it starts in; the root folder where none is given.
    pub dir: Option<PathBuf>,
    /// Walls around a program that is not ours and so cannot confine itself; on Linux they stand before its first
    /// instruction.
    pub walls: Option<Walls>,
}

/// All that a walled-in program finds of this machine. It can write nothing, start no process, reach no other one, and
/// open no socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walls {
    /// Files that it may read, and folders with all that is in them. What does not exist is passed over.
    pub read_only: Vec<PathBuf>,
    /// Files and folders of which it may also run what they hold: the program itself and the system's libraries, whose
    /// loader is a program too.
    pub run: Vec<PathBuf>,
}

/// Why a process was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The program does not exist or may not be run.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// What was to be started.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No program of this name is installed.
    #[error("{0} is not installed")]
    NotFound(PathBuf),
    /// A guard that the child needs cannot be prepared on this machine.
    #[error("a guard cannot be put up: {0}")]
    Guard(String),
}

impl Spawn {
    /// A process without network, extra variables or arguments.
    pub fn new(program: impl Into<PathBuf>, name: &'static str, limits: Limits) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            name,
            limits,
            network: false,
            keep_env: Vec::new(),
            env: Vec::new(),
            dir: None,
            walls: None,
        }
    }

    /// The same behind walls.
    pub fn behind(mut self, walls: Walls) -> Self {
        self.walls = Some(walls);
        self
    }

    /// The same with these arguments after those it has.
    pub fn args<I, S>(mut self, args: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<OsString>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Starts it. The child dies with this process, and when the returned handle is dropped.
    ///
    /// # Errors
    /// [`SpawnError`]; nothing is left running then.
    pub fn start(self) -> Result<Child, SpawnError> {
        let program = if self.program.components().count() == 1 {
            find_program(&self.program).ok_or_else(|| SpawnError::NotFound(self.program.clone()))?
        } else {
            self.program.clone()
        };
        let mut command = Command::new(&program);
        command.args(&self.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env_clear();
        for (name, value) in std::env::vars_os().filter(|(name, _)| is_kept(name, &self.keep_env)) {
            command.env(name, value);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.dir.as_deref().unwrap_or(Path::new(std::path::MAIN_SEPARATOR_STR)));
        prepare(&mut command, &self)?;
        let child = on_spawner(command).map_err(|source| SpawnError::Start { program, source })?;
        Ok(Child::new(child, self.name))
    }
}

/// The first executable of this name on the search path of this process.
pub fn find_program(name: impl AsRef<Path>) -> Option<PathBuf> {
    let name = name.as_ref();
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).filter(|dir| dir.is_absolute()).find_map(|dir| {
        let plain = dir.join(name);
        let exe = dir.join(name).with_extension(std::env::consts::EXE_EXTENSION);
        [plain, exe].into_iter().find(|path| is_executable(path))
    })
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

fn is_kept(name: &std::ffi::OsStr, keep: &[&'static str]) -> bool {
    let Some(name) = name.to_str() else { return false };
    KEPT.iter().chain(keep).any(|kept| match kept.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *kept,
    })
}

/// Puts up what must stand before the child's first instruction.
#[cfg(unix)]
#[allow(unsafe_code)]
fn prepare(command: &mut Command, spawn: &Spawn) -> Result<(), SpawnError> {
    use std::os::unix::process::CommandExt;
    let limits = crate::limits::Prepared::new(&spawn.limits);
    #[cfg(target_os = "linux")]
    let guards = crate::linux::Birth::new(spawn.network, spawn.walls.as_ref()).map_err(SpawnError::Guard)?;
    // SAFETY: the closure runs between fork and exec; it makes system calls only, on values prepared before the fork,
    // and allocates nothing.
    unsafe {
        command.pre_exec(move || {
            // A session of its own: one group to kill, and no controlling terminal to write to.
            if libc::setsid() < 0 {
                return Err(io::Error::last_os_error());
            }
            limits.apply()?;
            #[cfg(target_os = "linux")]
            guards.apply()?;
            Ok(())
        });
    }
    Ok(())
}

#[cfg(not(unix))]
fn prepare(_: &mut Command, _: &Spawn) -> Result<(), SpawnError> {
    Ok(())
}

type Order = (Command, mpsc::SyncSender<io::Result<std::process::Child>>);

/// Forks on one thread that lives as long as the process. Linux kills a child that asked to die with its parent when
/// the *thread* that forked it ends, and threads of a pool do end.
fn on_spawner(command: Command) -> io::Result<std::process::Child> {
    static SPAWNER: OnceLock<Option<mpsc::Sender<Order>>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (orders, taken) = mpsc::channel::<Order>();
        let run = move || {
            for (mut command, reply) in taken {
                // A caller that has gone drops the child's pipes with the reply; its handle is reaped here.
                if let Err(mpsc::SendError(Ok(mut orphan))) = reply.send(command.spawn()) {
                    let _ = orphan.kill();
                    let _ = orphan.wait();
                }
            }
        };
        std::thread::Builder::new().name("sandbox-spawner".into()).spawn(run).ok().map(|_| orders)
    });
    let gone = || io::Error::other("the thread that starts processes is gone");
    let (reply, answer) = mpsc::sync_channel(1);
    spawner.as_ref().ok_or_else(gone)?.send((command, reply)).map_err(|_| gone())?;
    answer.recv().map_err(|_| gone())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_variables_are_kept() {
        let kept = |name: &str| is_kept(name.as_ref(), &["PIP_*", "HOME"]);
        assert!(kept("LANG") && kept("TZ") && kept("HOME") && kept("PIP_INDEX_URL"));
        assert!(!kept("PATH") && !kept("HOMER") && !kept("LD_PRELOAD") && !kept("MY_PIP_TOKEN"));
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let limits = Limits { memory_bytes: 1 << 30, cpu_seconds: None, open_files: 64, file_size_bytes: 0 };
        let error = Spawn::new("hearth-no-such-program", "nothing", limits).start().unwrap_err();
        assert!(matches!(error, SpawnError::NotFound(_)), "{error}");
        let error = Spawn::new("/hearth/no/such", "nothing", limits).start().unwrap_err();
        assert!(error.to_string().contains("/hearth/no/such"), "{error}");
    }
}
