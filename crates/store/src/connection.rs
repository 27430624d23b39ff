//! Opens connections to the encrypted file with the settings that the rest relies on. Not the schema, and no key handling
//! beyond passing it on.

use crate::{Result, StoreError, extension};
use rusqlite::functions::FunctionFlags;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// The 32 bytes that encrypt the file.
pub(crate) type DataKey = Zeroizing<[u8; 32]>;

/// What a connection is for; decides its rights and the size of its page cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The one connection that may write.
    Write,
    /// The first reader, whose cache holds the full-text index of a large library.
    ReadWide,
    /// A further reader, for when the first is busy.
    ReadNarrow,
    /// A reader that is closed after one use.
    ReadOnce,
}

impl Use {
    /// Page cache in KiB. A cache grows only as far as it is used. Measured at 100,000 passages: `examples/measure.rs`.
    fn cache_kib(self) -> i64 {
        match self {
            Use::Write => 16 * 1024,
            Use::ReadWide => 64 * 1024,
            Use::ReadNarrow | Use::ReadOnce => 8 * 1024,
        }
    }
}

/// Opens `path` with `key`. With `create` false a missing file is an error.
pub(crate) fn open(path: &Path, key: &DataKey, usage: Use, create: bool) -> Result<Connection> {
    extension::register();
    // Else OpenSSL, which the cipher calls, takes itself down as the program ends, under threads that still read.
    openssl_sys::init();
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch("PRAGMA cipher_log_level = NONE")?; // it would write to the process's stderr
    let hex = Zeroizing::new(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let pragma = Zeroizing::new(format!("PRAGMA key = \"x'{}'\"", hex.as_str()));
    db.execute_batch(&pragma)?;
    // The first read decrypts the first page: here a wrong key or a damaged header shows.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    db.busy_timeout(Duration::from_secs(10))?;
    db.set_prepared_statement_cache_capacity(128);
    db.execute_batch(&format!(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA recursive_triggers = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 16777216;
         PRAGMA cache_size = -{};
         PRAGMA query_only = {};",
        usage.cache_kib(),
        if usage == Use::Write { "OFF" } else { "ON" },
    ))?;
    crate::bm25::register(&db, matches!(usage, Use::ReadWide | Use::ReadNarrow))?;
    db.create_scalar_function(
        "contains",
        2,
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_DIRECTONLY,
        |context| {
            let text: Option<String> = context.get(0)?;
            let needle: String = context.get(1)?;
            Ok(text.is_some_and(|text| text.to_lowercase().contains(&needle.to_lowercase())))
        },
    )?;
    Ok(db)
}

/// Says of an error on first contact with the file what it means: the key was proven right before, so it is the file.
pub(crate) fn as_damage(error: StoreError) -> StoreError {
    match error {
        StoreError::Damaged { .. } => {
            StoreError::Damaged { what: "hearth.db cannot be read from its first page".into() }
        }
        other => other,
    }
}
