//! The only room that starts processes. A child gets a scrubbed environment, pipes, capped resources and no network;
//! a child that is going to read hostile bytes then [`confine`]s itself as its first act: named files only, nothing
//! written, nothing started, no way back.
//!
//! This room is not a judge: it starts what it is told to start, and says honestly which guards hold on this machine.
//! It is not a container either: a confined process still sees file names and metadata that Landlock does not cover.

mod child;
mod confine;
mod limits;
mod probe;
mod run;
mod spawn;

#[cfg(target_os = "linux")]
mod linux;

pub use child::{Child, ChildStderr, ChildStdin, ChildStdout, Ended, Killer};
pub use confine::{ConfineError, Confined, Confinement, Devices, confine, confine_around};
pub use limits::Limits;
pub use probe::{Guard, probe};
pub use run::{Finished, RunError, run_to_end};
pub use spawn::{Spawn, SpawnError, Walls, find_program};
