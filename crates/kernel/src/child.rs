//! What a child process of Hearth does: it walls itself in first, then serves its organ's loop until its pipe closes.

use hearth_inference::accelerated::{driver, place::Found};
use hearth_sandbox::{ConfineError, Confined, Confinement, Devices, confine, confine_around};
use std::ffi::OsStr;
use std::process::ExitCode;

/// The argument that makes this program an engine.
pub(crate) const ENGINE: &str = "__engine";
/// The argument that makes this program a reader.
pub(crate) const READER: &str = "__reader";

/// Serves as an engine or reader when this process was started as one, and returns its exit code; else `None`.
///
/// Every shell calls this first in `main`. A child that cannot be confined on a system that supports it does not serve.
pub fn run_child_if_asked() -> Option<ExitCode> {
    let role = std::env::args_os().nth(1)?;
    if role == OsStr::new(ENGINE) {
        Some(code(engine()))
    } else if role == OsStr::new(READER) {
        Some(code(reader()))
    } else {
        None
    }
}

fn code(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

/// A reader needs no file at all: bytes come in by its pipe.
fn reader() -> Result<(), String> {
    wall(Vec::new())?;
    hearth_documents::serve(std::io::stdin().lock(), std::io::stdout().lock()).map_err(|error| error.to_string())
}

/// An engine needs its weights, named by the first frame, and nothing else but the device that it computes on.
fn engine() -> Result<(), String> {
    hearth_inference::serve_with(std::io::stdin(), std::io::stdout(), |load| {
        let named = [Some(&load.weights), load.draft.as_ref(), load.tokenizer.as_ref(), load.config.as_ref()];
        let read_only = named.into_iter().flatten().cloned().collect();
        let wanted = Confinement { read_only, network: false, memory_bytes: None };
        let driver::Files { nodes, read_only } = driver::files(load);
        // A driver is woken behind the walls around files or not at all.
        let mut found = Found::nothing("this system does not wall off files, and a driver is not trusted without that");
        let mut wake = || {
            found = Found::look(load);
            found.name().is_ok()
        };
        closed(confine_around(&wanted, &Devices { nodes, read_only }, &mut wake))?;
        Ok(found)
    })
    .map_err(|error| error.to_string())
}

fn wall(read_only: Vec<std::path::PathBuf>) -> Result<(), String> {
    closed(confine(&Confinement { read_only, network: false, memory_bytes: None }))
}

/// Whether the network is closed, where this system can close it.
fn closed(confined: Result<Confined, ConfineError>) -> Result<(), String> {
    match confined {
        Ok(held) if cfg!(target_os = "linux") && !held.network => {
            Err(format!("this system would not close the network to a child: {}", held.notes.join("; ")))
        }
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}
