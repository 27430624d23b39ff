//! What a shell needs of the kernel, and no more: commands in, events out.

use hearth_api::{AnyCommand, Envelope, Error};
use tokio::sync::broadcast;

/// The kernel as the shells see it. Tests put a scripted one in its place.
pub trait Door: Send + Sync + 'static {
    /// Answers one command. Blocks: call it off the async threads.
    fn dispatch(&self, command: AnyCommand) -> Result<serde_json::Value, Error>;
    /// Follows everything that happens from now on.
    fn subscribe(&self) -> broadcast::Receiver<Envelope>;
}

impl Door for hearth_kernel::Kernel {
    fn dispatch(&self, command: AnyCommand) -> Result<serde_json::Value, Error> {
        hearth_kernel::Kernel::dispatch(self, command)
    }

    fn subscribe(&self) -> broadcast::Receiver<Envelope> {
        hearth_kernel::Kernel::subscribe(self)
    }
}
