//! Whole-house tests: one binary. Scenarios run the real kernel, reader, store and verification with a scripted engine.
//! Guards look at the house as it is written and built: which way its rooms know each other, what each may touch, whose
//! code it carries, what its page and programs may reach.
#![allow(clippy::disallowed_methods)] // guards start cargo, unshare and strace; scenarios write files and wait

mod again;
mod alike;
mod asking;
mod changing;
mod collecting;
mod contests;
mod evaluating;
mod exact;
mod finding;
mod floors;
mod importing;
mod inside;
mod keeping;
mod law;
mod licences;
mod offline;
mod organization;
mod page;
mod recognizing;
mod remote;
mod replaying;
mod reranking;
mod reviewing;
mod routing;
mod source;
mod tidy;
mod trouble;
mod truth;
mod walls;
mod watching;
mod whole;

/// The program that test houses start as engine and reader.
const CHILD: &str = env!("CARGO_BIN_EXE_hearth-child");
