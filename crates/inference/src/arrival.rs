//! Weights that are still packed while the model counts as loaded: everything that can be wrong with a file but its being
//! gone is found before (`Weights::plan`), and the first pass waits for the rest. Who loads a model ahead of a question, and
//! who still has a prompt to put together, does not wait at all.

use crate::error::Error;
use crate::forward::Compute;
use crate::gguf::Header;
use crate::weights::Weights;
use std::io::{self, Read, Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often who waits looks whether they still want to.
const LOOK: Duration = Duration::from_millis(20);

/// A file that belongs to who reads it.
pub trait Source: Read + Seek + Send {}
impl<T: Read + Seek + Send> Source for T {}

/// Weights with what computes them.
pub type Loaded = (Weights, Compute);

/// Weights that are there, or on their way, or will never come.
pub enum Arrival {
    /// All are there.
    There(Box<Loaded>),
    /// A thread packs them.
    Coming(Coming),
    /// They cannot be read.
    Never(Error),
}

/// The thread that packs.
pub struct Coming {
    from: Receiver<Result<Loaded, Error>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Coming {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A file that ends when nobody wants it any more.
struct Stoppable {
    file: Box<dyn Source>,
    stop: Arc<AtomicBool>,
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stop.load(Relaxed) {
            true => Err(io::Error::other("it is no longer wanted")),
            false => self.file.read(buffer),
        }
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn stumbled() -> Error {
    Error::Damaged("the model file makes the reader stumble".into())
}

impl Arrival {
    /// Begins to read and pack all weights, for contexts of up to `n_ctx` positions.
    ///
    /// # Errors
    /// `Io` where no thread can be started.
    pub fn begin(file: Box<dyn Source>, header: Arc<Header>, compute: Compute, n_ctx: usize) -> Result<Self, Error> {
        let stop = Arc::new(AtomicBool::new(false));
        let mut file = Stoppable { file, stop: Arc::clone(&stop) };
        let (to, from) = sync_channel(1);
        let work = move || {
            let read = || {
                let mut weights = Weights::read(&mut file, &header, &compute.pool)?;
                weights.settle(n_ctx);
                Ok(weights)
            };
            let weights = catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| Err(stumbled()));
            let _ = to.send(weights.map(|w| (w, compute)));
        };
        let thread = std::thread::Builder::new().name("weights".into()).spawn(work);
        let thread = Some(thread.map_err(Error::io("the model file"))?);
        Ok(Self::Coming(Coming { from, stop, thread }))
    }

    /// Returns the weights once they are there. `stop` is asked while they are not.
    ///
    /// # Errors
    /// `Cancelled` when `stop` says so; each time again what kept them from arriving.
    pub fn wait(&mut self, stop: &dyn Fn() -> bool) -> Result<&Loaded, Error> {
        while let Self::Coming(coming) = self {
            let came = match coming.from.recv_timeout(LOOK) {
                Err(RecvTimeoutError::Timeout) if stop() => return Err(Error::Cancelled),
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => Err(stumbled()),
                Ok(came) => came,
            };
            *self = came.map_or_else(Self::Never, |loaded| Self::There(Box::new(loaded)));
        }
        match self {
            Self::There(loaded) => Ok(loaded),
            Self::Never(why) => Err(why.again()),
            Self::Coming(_) => Err(Error::Cancelled),
        }
    }
}
