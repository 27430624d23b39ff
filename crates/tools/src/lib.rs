//! The catalogue of tools: what each is called, what it takes, what it does to the world, and the built-in ones.
//!
//! A tool is data first, so that policy can judge it and a model can be told of it. This room runs only tools that are
//! pure: arithmetic and the calendar. It asks no permission (policy's part), reads no clock and no file.

mod calculate;
mod calendar;
mod catalogue;
mod number;

pub use calculate::{CalculateError, Calculated, calculate};
pub use calendar::{Date, DateError};
pub use catalogue::{Catalogue, Effect, Needs, Tool, ToolError, ToolReply};
