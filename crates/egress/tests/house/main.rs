//! The whole room against a loopback server made here: what is sent, what is refused, what is kept.

mod adding;
mod downloads;
mod gates;
mod server;
