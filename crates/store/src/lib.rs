//! The store room: the one encrypted file of a vault, and the only SQL of the house. It keeps documents, full text,
//! vectors, conversations, jobs, memories, the ledger and the chained record. It reads no clock, owns no threads, ranks
//! nothing beyond one index, and knows no other organ.
//!
//! Writes go through one connection, in transactions; an effect and its entry in the record share one. Reads run on
//! snapshots of a few further connections.

mod anchor;
mod bm25;
mod chain;
mod check;
mod connection;
mod error;
mod extension;
mod held;
mod kv_pages;
mod locate;
mod migrate;
mod publish;
mod purge;
mod rebuild;
mod resident;
mod search;
mod secrets;
mod store;
mod table;
pub mod vault;
mod word;

#[cfg(test)]
mod tests;

pub use anchor::{Anchor, AnchorCheck, anchor_message};
pub use chain::{AuditCheck, Broken, Flaw, head_message, tombstone_message};

pub use check::Finding;
pub use error::{Result, StoreError};
pub use held::{HeldRow, RowFlaw};
pub use kv_pages::KvPages;
pub use publish::{IndexedPassage, NewVersion, Published};
pub use purge::Purged;
pub use rebuild::Rebuilt;
pub use search::{Hits, SearchFilter, Term, TextHit, TextQuery, VectorHit};
pub use secrets::KeptIn;
pub use store::{Reader, Store, Writer};
pub use table::alike::{AlikeRow, Judged, Pair, SketchRow};
pub use table::audit::{AuditHead, AuditRow, AuditSeq, Entry};
pub use table::citation::{CitationRow, NewCitation};
pub use table::contest::{Choice, ContestQuestionRow, ContestRow, NewContest};
pub use table::conversation::ConversationRow;
pub use table::document::{DocumentFilter, DocumentRow, Scope};
pub use table::inside::{InsideRow, LABEL_OF_PARENT};
pub use table::job::{JobFilter, JobRow, JobState, JobUpdate};
pub use table::law::{DecisionRow, LawRow, LeaveRow, NewDecision};
pub use table::ledger::{LedgerRow, LedgerTotals, NewLedger};
pub use table::memory::{MemoryRow, MemoryState, NewMemory};
pub use table::organization::OrganizationRow;
pub use table::passage::PassageRow;
pub use table::recipe::RecipeRow;
pub use table::review::{ReviewRow, ReviewState};
pub use table::space::{Counts, Raised, SpaceRow};
pub use table::spend::NewSpend;
pub use table::trace::TraceRow;
pub use table::turn::{TurnRow, TurnState};
pub use table::version::{VersionRow, VersionState};
pub use table::watch::{WatchedCounts, WatchedFileRow, WatchedFolderRow};
pub use vault::{Secret, VaultInfo, change_secret, create, device_available, inspect, open};
