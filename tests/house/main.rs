//! Whole-house tests: one binary. Scenarios run the real kernel with a scripted engine; guards look at the house itself.

mod asking;
mod importing;
mod keeping;

/// The program that test houses start as engine and reader.
const CHILD: &str = env!("CARGO_BIN_EXE_hearth-child");
