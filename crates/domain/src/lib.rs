//! The nouns of the house and their ids. No IO, no async, no clock: every room may know this one.

mod check;
mod document;
mod id;
mod label;
mod model;
mod place;

pub use check::{CheckState, Mismatch, MismatchKind, SentenceCheck, Support};
pub use document::{Attachment, Block, BlockKind, Document, Kind, OutlineItem, Page, Passage, TextBox, Warning, Words};
pub use id::{BlobHash, ConversationId, DocumentId, JobId, MemoryId, ModelId, PassageId, SpaceId, TurnId, VersionId};
pub use label::{Label, Trust};
pub use model::Role;
pub use place::{Place, Span};

/// A point in time: milliseconds since the Unix epoch, UTC.
pub type TimeMs = i64;
