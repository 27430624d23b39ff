//! The documents room: hostile bytes become a [`hearth_domain::Document`], and a document becomes passages.
//!
//! It is pure: no file, socket, clock, thread of its own or environment is touched here. The reader process
//! runs [`serve`] behind pipes; the limits that the kernel sets on that process stand behind the ones kept here.

#![deny(unsafe_code)]

mod archive;
mod builder;
mod chunk;
mod compound;
mod data;
mod decode;
mod detect;
mod email;
mod epub;
mod error;
mod folder;
mod html;
mod iwork;
mod mbox;
mod numbering;
mod numerals;
mod office;
mod open_document;
mod pdf;
mod picture;
mod plain;
mod read;
mod rtf;
mod scan;
mod source;
mod spans;
pub mod wire;
mod xml;

pub use chunk::{ChunkOptions, chunk};
pub use detect::detect;
pub use error::ReadError;
pub use pdf::{Rendered, Seen, recognized};
pub use read::{Progress, ReadOptions, read, render};
pub use scan::{Scan, scan};
pub use wire::serve;
