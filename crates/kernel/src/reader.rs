//! One reader process for each reading: hostile bytes go in by a pipe, a document comes out, and whatever happens in
//! between happens to that process alone.

use hearth_documents::wire::{self, Reply, Request};
use hearth_documents::{ReadError, Scan};
use hearth_domain::Document;
use hearth_sandbox::{Limits, Spawn};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a reader may use. Memory is private memory; time is wall time without progress, and in all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReaderLimits {
    pub(crate) memory_bytes: u64,
    pub(crate) silence: Duration,
    pub(crate) whole: Duration,
}

impl Default for ReaderLimits {
    fn default() -> Self {
        Self { memory_bytes: 2 << 30, silence: Duration::from_secs(60), whole: Duration::from_secs(30 * 60) }
    }
}

/// Why a reading came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReaderError {
    /// The reader says what is wrong with the file.
    #[error("{0}")]
    Read(ReadError),
    /// It took longer than it may.
    #[error("reading took longer than {0} s")]
    Timeout(u64),
    /// It died: out of memory, or a defect of the reader.
    #[error("the reader process died ({0})")]
    Died(String),
    /// It could not be started.
    #[error("the reader process could not be started: {0}")]
    Start(String),
    /// Its pages are pictures, and no words came of them.
    #[error("{0}")]
    Scanned(String),
    /// A person cancelled it.
    #[error("cancelled")]
    Cancelled,
}

/// Starts readers.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pub(crate) program: PathBuf,
    pub(crate) limits: ReaderLimits,
}

impl Readers {
    /// Reads a document. `progress` hears pages done of pages in all, and stops the reading by returning `false`.
    pub(crate) fn read(
        &self,
        name: &str,
        bytes: Vec<u8>,
        password: Option<&str>,
        progress: &mut dyn FnMut(u32, u32) -> bool,
    ) -> Result<Document, ReaderError> {
        let request = Request::Read { id: 1, name: name.to_owned(), bytes, password: password.map(str::to_owned) };
        match self.ask(request, progress, &mut |_| true)? {
            Reply::Document { document, .. } => Ok(document),
            other => Err(ReaderError::Died(format!("it answered {}", kind(&other)))),
        }
    }

    /// Draws pages for text recognition, one after the other; `each` has as long as it needs for a page, and stops the
    /// drawing by returning `false`.
    pub(crate) fn scan(
        &self,
        bytes: Vec<u8>,
        password: Option<&str>,
        pages: &[u32],
        each: &mut dyn FnMut(Scan) -> bool,
    ) -> Result<(), ReaderError> {
        let request = Request::Scan { id: 1, bytes, password: password.map(str::to_owned), pages: pages.to_vec() };
        match self.ask(request, &mut |_, _| true, each)? {
            Reply::Ended { .. } => Ok(()),
            other => Err(ReaderError::Died(format!("it answered {}", kind(&other)))),
        }
    }

    /// Renders one page of a paged document as PNG, `width_px` wide.
    pub(crate) fn render(
        &self,
        bytes: Vec<u8>,
        password: Option<&str>,
        page: u32,
        width_px: u32,
    ) -> Result<hearth_documents::Rendered, ReaderError> {
        let request = Request::Render { id: 1, bytes, password: password.map(str::to_owned), page, width_px };
        match self.ask(request, &mut |_, _| true, &mut |_| true)? {
            Reply::Rendered { width_px, height_px, png, .. } => {
                Ok(hearth_documents::Rendered { width_px, height_px, png })
            }
            other => Err(ReaderError::Died(format!("it answered {}", kind(&other)))),
        }
    }

    fn ask(
        &self,
        request: Request,
        progress: &mut dyn FnMut(u32, u32) -> bool,
        each: &mut dyn FnMut(Scan) -> bool,
    ) -> Result<Reply, ReaderError> {
        let limits = Limits {
            memory_bytes: self.limits.memory_bytes,
            cpu_seconds: Some(self.limits.whole.as_secs()),
            open_files: 64,
            file_size_bytes: 0,
        };
        let spawn = Spawn::new(&self.program, "reader", limits).args([crate::child::READER]);
        let child = spawn.start().map_err(|error| ReaderError::Start(error.to_string()))?;
        let (Some(stdin), Some(mut stdout)) = (child.take_stdin(), child.take_stdout()) else {
            return Err(ReaderError::Start("it has no pipes".into()));
        };
        let stderr = crate::engine::last_words(child.take_stderr(), "reader");
        // Writing on a thread of its own: a reader that dies early must not block us on a full pipe.
        let writer = std::thread::Builder::new().name("reader-in".into()).spawn(move || {
            let mut out = BufWriter::new(stdin);
            wire::write(&mut out, request).and_then(|()| out.flush())
        });
        // A page that is drawn waits here while the one before is recognized, and the next one in its pipe.
        let (sender, replies) = mpsc::sync_channel(1);
        let listener = std::thread::Builder::new().name("reader-out".into()).spawn(move || {
            while let Ok(Some(reply)) = wire::read::<Reply>(&mut stdout) {
                let more = matches!(reply, Reply::Progress { .. } | Reply::Scanned { .. });
                if sender.send(reply).is_err() || !more {
                    break;
                }
            }
        });
        let outcome = self.listen(&replies, progress, each);
        child.kill();
        drop(replies);
        let ended = child.wait();
        drop(writer.map(std::thread::JoinHandle::join));
        drop(listener.map(std::thread::JoinHandle::join));
        match outcome {
            Ok(Some(Reply::Failed { error, .. })) => Err(ReaderError::Read(error)),
            Ok(Some(reply)) => Ok(reply),
            Ok(None) => {
                let how = ended.map_or_else(|error| error.to_string(), |ended| format!("{ended:?}"));
                tracing::warn!(%how, words = %stderr.take(), "a reader died");
                Err(ReaderError::Died(how))
            }
            Err(error) => Err(error),
        }
    }

    /// Waits for the closing reply; `None` when the process ended without one.
    fn listen(
        &self,
        replies: &mpsc::Receiver<Reply>,
        progress: &mut dyn FnMut(u32, u32) -> bool,
        each: &mut dyn FnMut(Scan) -> bool,
    ) -> Result<Option<Reply>, ReaderError> {
        const STEP: Duration = Duration::from_millis(100);
        let mut began = Instant::now();
        let mut heard = began;
        let mut last = (0, 0);
        loop {
            match replies.recv_timeout(STEP) {
                Ok(Reply::Progress { done, total, .. }) => {
                    heard = Instant::now();
                    last = (done, total);
                }
                Ok(Reply::Scanned { page, width_px, height_px, grey, .. }) => {
                    let whole = grey.len() as u64 == u64::from(width_px) * u64::from(height_px);
                    let away = Instant::now();
                    if whole && !each(Scan { page, width_px, height_px, grey }) {
                        return Err(ReaderError::Cancelled);
                    }
                    // What is done with a page is not the reader's time.
                    began += away.elapsed();
                    heard = Instant::now();
                }
                Ok(reply) => return Ok(Some(reply)),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Ok(None),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
            }
            if !progress(last.0, last.1) {
                return Err(ReaderError::Cancelled);
            }
            if heard.elapsed() > self.limits.silence || began.elapsed() > self.limits.whole {
                return Err(ReaderError::Timeout(began.elapsed().as_secs()));
            }
        }
    }
}

fn kind(reply: &Reply) -> &'static str {
    match reply {
        Reply::Progress { .. } => "progress",
        Reply::Document { .. } => "a document",
        Reply::Rendered { .. } => "a picture",
        Reply::Scanned { .. } => "a page's picture",
        Reply::Ended { .. } => "an end",
        Reply::Failed { .. } => "a failure",
    }
}
