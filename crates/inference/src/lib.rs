//! The inference room: open models on this machine, on its CPU or a graphics processor.
//!
//! It reads GGUF chat models, embedders and rerankers, owns their KV caches, and answers framed requests from one
//! parent process (`serve`). It opens the weight files it is told to open and nothing else: no network, no
//! database, no clock beyond measuring its own work and the day that a chat template asks for, no settings of its own.

pub mod accelerated;
pub mod architecture;
pub mod arrival;
pub mod backend;
pub mod chat;
pub mod config;
pub mod constrain;
pub mod embed;
pub mod engine;
pub mod error;
pub mod fit;
pub mod forward;
pub mod gguf;
pub mod kernel;
pub mod kv;
pub mod lookup;
pub mod measure;
pub mod quant;
pub mod rope;
pub mod sampling;
pub mod serve;
pub mod template;
pub mod tokens;
pub mod weights;
pub mod wire;

pub use error::Error;
pub use fit::{Fit, estimate};
pub use serve::{ServeError, serve, serve_with};
