//! The inference room from outside: tiny seeded models that the tests make themselves, and, where the environment names
//! them, the real default models.

mod accelerated;
mod architectures;
mod arrival;
mod compare;
mod constrained;
mod crowd;
mod decoder;
mod embedder;
mod encoders;
mod formats;
mod hostile;
mod memory;
mod process;
mod real;
mod reference;
mod schemas;
mod templates;
mod tiny;
mod vocabularies;
