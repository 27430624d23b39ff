//! One-shot tools: input in, output out, an end to the waiting.

use crate::child::Ended;
use crate::spawn::{Spawn, SpawnError};
use std::io::{self, Read, Write};
use std::sync::{Arc, mpsc};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

/// What a finished tool left.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub ended: Ended,
    /// Its standard output, cut at the limit.
    pub stdout: Vec<u8>,
    /// Its standard error, cut at the limit.
    pub stderr: Vec<u8>,
}

/// Why a tool did not finish.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It was not started.
    #[error(transparent)]
    Spawn(#[from] SpawnError),
    /// It took longer than allowed and was ended.
    #[error("{0} took longer than {1:?} and was ended")]
    Timeout(&'static str, Duration),
    /// `cancelled` said so, and it was ended.
    #[error("{0} was cancelled")]
    Cancelled(&'static str),
    /// Its pipes failed.
    #[error("{0}: {1}")]
    Io(&'static str, #[source] io::Error),
}

/// The most that is kept of each output stream, bytes. The rest is read and dropped, so that the tool does not block.
const OUTPUT_BYTES: u64 = 64 << 20;

/// How often `cancelled` is asked.
const GLANCE: Duration = Duration::from_millis(50);

/// Starts a process, writes `input` to it, and returns what it wrote when it has ended. `cancelled` is asked about
/// twenty times a second. Blocks.
///
/// # Errors
/// [`RunError`]; nothing is left running then.
pub fn run_to_end(
    spawn: Spawn,
    input: &[u8],
    timeout: Duration,
    cancelled: &dyn Fn() -> bool,
) -> Result<Finished, RunError> {
    let name = spawn.name;
    let child = Arc::new(spawn.start()?);
    let io = |error| RunError::Io(name, error);
    let stdout = drain(name, child.take_stdout()).map_err(io)?;
    let stderr = drain(name, child.take_stderr()).map_err(io)?;
    let stdin = child.take_stdin();
    let input = input.to_vec();
    let feeder = Builder::new().name(format!("{name}-feed")).spawn(move || {
        // A tool that stops reading is not an error here; what it says and how it ends tell.
        let _ = stdin.map(|mut pipe| pipe.write_all(&input));
    });
    feeder.map_err(io)?;
    let (ended, end) = mpsc::sync_channel(1);
    let waited = Arc::clone(&child);
    Builder::new().name(format!("{name}-wait")).spawn(move || ended.send(waited.wait())).map_err(io)?;
    let mut left = timeout;
    let ended = loop {
        let step = left.min(GLANCE);
        match end.recv_timeout(step) {
            Ok(ended) => break ended.map_err(io)?,
            Err(_) if cancelled() => {
                child.kill();
                return Err(RunError::Cancelled(name));
            }
            Err(_) => left = left.saturating_sub(step),
        }
        if left.is_zero() {
            child.kill();
            return Err(RunError::Timeout(name, timeout));
        }
    };
    let gather = |handle: JoinHandle<Vec<u8>>| handle.join().unwrap_or_default();
    Ok(Finished { ended, stdout: gather(stdout), stderr: gather(stderr) })
}

fn drain<R: Read + Send + 'static>(name: &'static str, pipe: Option<R>) -> io::Result<JoinHandle<Vec<u8>>> {
    Builder::new().name(format!("{name}-drain")).spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe {
            let _ = pipe.by_ref().take(OUTPUT_BYTES).read_to_end(&mut kept);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        kept
    })
}
