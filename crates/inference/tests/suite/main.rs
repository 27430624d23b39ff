//! The inference room from outside: tiny seeded models that the tests make themselves, and, where the environment names
//! them, the real default models.

mod accelerated;
mod decoder;
mod embedder;
mod hostile;
mod process;
mod real;
mod reference;
mod tiny;
