//! The whole room against a loopback server made here: what is sent, what is refused, what is kept.
#![allow(clippy::disallowed_methods)] // the loopback server of these tests listens

mod adding;
mod downloads;
mod gates;
mod providers;
mod server;
