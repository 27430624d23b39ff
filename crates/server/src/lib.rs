//! The loopback door: the same page and the same commands as the window, over HTTP on 127.0.0.1. Off until someone
//! asks for it.
//!
//! It knows nothing of the product: it checks who asks (Host, Origin, bearer token), hands commands to the kernel and
//! passes events on. It is not a public server; it never binds another address.

mod answer;
mod door;
mod gate;
mod serve;
mod ui;

pub use door::Door;
pub use gate::{CSP, Gate};
pub use serve::{Bound, bind, router};
