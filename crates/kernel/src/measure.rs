//! Starts what `hearth bench engine` measures: a fresh engine process for each measurement, walled in as any other, or
//! a peer in its place. What is measured, and how, is `hearth_inference::measure`.

pub use hearth_inference::measure::{Figures, FollowUp, Plan, Row};

use crate::engine::last_words;
use hearth_api::{Error, ErrorCode};
use hearth_inference::measure::{self, MeasureError};
use hearth_sandbox::{ChildStdin, ChildStdout, Limits, Spawn};
use std::ffi::OsString;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Measures a model on this machine, in alternating rounds with a peer where there is one: a program and its arguments.
///
/// # Errors
/// Where a process cannot be started or fails.
pub fn measure_engine(plan: &Plan, rounds: usize, peer: &[OsString]) -> Result<Row, Error> {
    let program = crate::kernel::child_program();
    let mut own = |plan: &Plan| measured(engine(&program), |i, o| measure::engine(i, o, plan));
    let Some((other, args)) = peer.split_first() else { return measure::compare(plan, rounds, &mut own, None) };
    let other = program_of(other);
    let mut peer = |plan: &Plan| {
        let spawn = Spawn::new(&other, "peer", limits(1 << 30)).args(args);
        measured(spawn, |i, o| measure::peer(i, o, plan))
    };
    measure::compare(plan, rounds, &mut own, Some(&mut peer))
}

/// Measures the first token of an answer, and of the next one of the same conversation.
///
/// # Errors
/// Where the process cannot be started or fails.
pub fn measure_follow_up(plan: &Plan) -> Result<FollowUp, Error> {
    measured(engine(&crate::kernel::child_program()), |i, o| measure::follow_up(i, o, plan))
}

fn engine(program: &Path) -> Spawn {
    // It writes no file.
    Spawn::new(program, "engine", limits(0)).args([crate::child::ENGINE])
}

/// No cap on memory: what it takes is measured.
fn limits(file_size_bytes: u64) -> Limits {
    Limits { memory_bytes: u64::MAX, cpu_seconds: None, open_files: 256, file_size_bytes }
}

/// Children start in the root folder, so that a program named from here has to be named in full.
fn program_of(name: &OsString) -> PathBuf {
    let path = PathBuf::from(name);
    if path.components().count() > 1 { std::path::absolute(&path).unwrap_or(path) } else { path }
}

fn measured<T>(
    spawn: Spawn,
    how: impl FnOnce(&mut ChildStdin, &mut BufReader<ChildStdout>) -> Result<T, MeasureError>,
) -> Result<T, Error> {
    let name = spawn.name;
    let start = |why: String| Error::new(ErrorCode::Unavailable, format!("The {name} could not be started: {why}."));
    let child = spawn.start().map_err(|error| start(error.to_string()))?;
    let (Some(mut input), Some(output)) = (child.take_stdin(), child.take_stdout()) else {
        return Err(start("it has no pipes".into()));
    };
    let words = last_words(child.take_stderr(), name);
    how(&mut input, &mut BufReader::new(output)).map_err(|error| match error {
        MeasureError::Failed(why) => Error::new(ErrorCode::Unavailable, format!("The {name} failed: {why}.")),
        MeasureError::Gone(why) => {
            // Its last words come by another pipe, which ends when it does.
            drop(input);
            child.kill();
            let _ = child.wait();
            let died = format!("The {name} ended while it was measured ({why}). {}", words.take());
            Error::new(ErrorCode::ProcessDied, died.trim())
        }
    })
}
