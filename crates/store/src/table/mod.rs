//! One file per table: its migration, its row, its reads and writes. No order of work between tables: see `publish.rs`.

pub(crate) mod audit;
pub(crate) mod blob;
pub(crate) mod citation;
pub(crate) mod conversation;
pub(crate) mod document;
pub(crate) mod fulltext;
pub(crate) mod job;
pub(crate) mod law;
pub(crate) mod ledger;
pub(crate) mod mark;
pub(crate) mod memory;
pub(crate) mod meta;
pub(crate) mod organization;
pub(crate) mod page;
pub(crate) mod passage;
pub(crate) mod reading;
pub(crate) mod recipe;
pub(crate) mod reindex;
pub(crate) mod setting;
pub(crate) mod space;
pub(crate) mod trace;
pub(crate) mod turn;
pub(crate) mod vector;
pub(crate) mod version;
pub(crate) mod watch;
