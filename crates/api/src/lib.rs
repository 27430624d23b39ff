//! The words spoken at the shells: one table of commands, one stream of events, one shape of error.
//!
//! TypeScript is generated from here (`ui/src/core/bindings.ts`); the shells forward, the kernel answers.
//! Nothing here does anything. Times are milliseconds since the Unix epoch, sizes bytes, text offsets UTF-16
//! code units (what a page's script slices by).

mod activity;
mod ask;
mod contest;
mod door;
mod error;
mod event;
mod library;
mod memory;
mod model;
mod privacy;
mod record;
mod remote;
mod review;
mod status;
pub mod typescript;
mod vault;
mod watch;

pub use activity::*;
pub use ask::*;
pub use contest::*;
pub use door::*;
pub use error::*;
pub use event::*;
pub use library::*;
pub use memory::*;
pub use model::*;
pub use privacy::*;
pub use record::*;
pub use remote::*;
pub use review::*;
pub use status::*;
pub use vault::*;
pub use watch::*;
