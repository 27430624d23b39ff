//! The record: what was done, in order, append-only. How entries are chained and signed: `chain.rs`.

use crate::chain::{self, Link};
use crate::table::meta;
use crate::word::get_hash;
use crate::{Reader, Result, StoreError, Writer};
use ed25519_dalek::SigningKey;
use hearth_domain::TimeMs;
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior};
use serde_json::Value;
use zeroize::Zeroizing;

pub(crate) const CREATE: &str = "
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,      -- from 1 without gaps
    at_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT,
    sentence TEXT NOT NULL,
    detail_hash BLOB NOT NULL,
    previous BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_subject ON audit(subject) WHERE subject IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TABLE audit_detail (
    seq INTEGER PRIMARY KEY REFERENCES audit(seq),
    detail TEXT,                  -- JSON; NULL once purged
    tombstone BLOB                -- signature over the purge
) STRICT;
CREATE TABLE audit_head (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    entries INTEGER NOT NULL,
    hash BLOB NOT NULL,
    signature BLOB NOT NULL
) STRICT;
";

/// The last of the record's triggers, on its own because rebuilding a damaged file must copy what there is.
pub(crate) const IN_ORDER: &str = "
CREATE TRIGGER audit_in_order BEFORE INSERT ON audit
    WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM audit)
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
";

/// What is noted when the clock was set back.
const CLOCK_BACK: &str = "clock.back";
/// Two threads that note something at the same time may come in the other order; more than this is the clock.
const SET_BACK_MS: TimeMs = 2_000;

/// The number of an entry, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AuditSeq(pub u64);

/// Something to be noted in the record.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at_ms: TimeMs,
    /// What sort of thing, such as `turn.answered`.
    pub kind: &'static str,
    /// What happened, for people. Never text of a document: it cannot be purged.
    pub sentence: String,
    /// What it happened to, such as `turn:12`.
    pub subject: Option<String>,
    /// What a machine needs; can be purged.
    pub detail: Value,
}

/// One entry of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRow {
    /// Its number.
    pub seq: u64,
    /// When.
    pub at_ms: TimeMs,
    /// What sort of thing.
    pub kind: String,
    /// What happened.
    pub sentence: String,
    /// What it happened to.
    pub subject: Option<String>,
    /// What a machine needs; `None` once purged.
    pub detail: Option<Value>,
    /// SHA-256 of the entry in its canonical form.
    pub hash: [u8; 32],
    /// The hash of the entry before; zeros for the first.
    pub previous: [u8; 32],
}

/// The signed end of the record. A copy kept elsewhere proves later that nothing was taken off the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditHead {
    /// How many entries there are.
    pub entries: u64,
    /// The hash of the last; zeros when there is none.
    pub hash: [u8; 32],
    /// Ed25519 over [`crate::chain::head_message`].
    pub signature: Vec<u8>,
    /// The key that signed it.
    pub public_key: [u8; 32],
}

const SELECT: &str = "SELECT a.seq, a.at_ms, a.kind, a.sentence, a.subject, a.hash, a.previous, d.detail
    FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq";

fn from_row(row: &Row) -> rusqlite::Result<AuditRow> {
    let detail: Option<String> = row.get("detail")?;
    Ok(AuditRow {
        seq: row.get::<_, i64>("seq")?.unsigned_abs(),
        at_ms: row.get("at_ms")?,
        kind: row.get("kind")?,
        sentence: row.get("sentence")?,
        subject: row.get("subject")?,
        detail: detail.and_then(|text| serde_json::from_str(&text).ok()),
        hash: get_hash(row, "hash")?,
        previous: get_hash(row, "previous")?,
    })
}

impl Reader<'_> {
    /// Entries before number `before`, latest first, with `text` in their sentence, kind or subject, whatever the case.
    pub fn audit(&self, before: Option<u64>, limit: usize, text: Option<&str>) -> Result<Vec<AuditRow>> {
        self.audit_within(before, limit, text, i64::MIN..i64::MAX)
    }

    /// The same of a time: from its start, before its end.
    pub fn audit_within(
        &self,
        before: Option<u64>,
        limit: usize,
        text: Option<&str>,
        time_ms: std::ops::Range<TimeMs>,
    ) -> Result<Vec<AuditRow>> {
        let sql = format!(
            "{SELECT} WHERE a.seq < ?1 AND (?2 IS NULL OR contains(a.sentence, ?2) OR contains(a.kind, ?2)
                OR contains(a.subject, ?2)) AND a.at_ms >= ?4 AND a.at_ms < ?5 ORDER BY a.seq DESC LIMIT ?3"
        );
        let before = before.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(i64::MAX);
        let mut statement = self.db.prepare_cached(&sql)?;
        let values = (before, text, limit as i64, time_ms.start, time_ms.end);
        Ok(statement.query_map(values, from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// All entries of a time in order, with their details: from `from_ms`, before `until_ms`.
    pub fn audit_between(&self, from_ms: TimeMs, until_ms: TimeMs) -> Result<Vec<AuditRow>> {
        let sql = format!("{SELECT} WHERE a.at_ms >= ?1 AND a.at_ms < ?2 ORDER BY a.seq");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((from_ms, until_ms), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Entries after number `after`, in order.
    pub fn audit_after(&self, after: u64, limit: usize) -> Result<Vec<AuditRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE a.seq > ?1 ORDER BY a.seq LIMIT ?2"))?;
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        Ok(statement.query_map((after, limit as i64), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The entries about one thing, in order.
    pub fn audit_for(&self, subject: &str) -> Result<Vec<AuditRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE a.subject = ?1 ORDER BY a.seq"))?;
        Ok(statement.query_map([subject], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The signed end of the record.
    pub fn audit_head(&self) -> Result<AuditHead> {
        let key = meta::bytes(self.db, "audit_public_key")?.and_then(|bytes| bytes.try_into().ok());
        let public_key = key.ok_or_else(|| StoreError::Damaged { what: "the key of the record".into() })?;
        let row = self.db.query_row("SELECT entries, hash, signature FROM audit_head WHERE id = 1", [], |row| {
            let entries = row.get::<_, i64>("entries")?.unsigned_abs();
            Ok(AuditHead { entries, hash: get_hash(row, "hash")?, signature: row.get("signature")?, public_key })
        });
        row.optional()?.ok_or_else(|| StoreError::Damaged { what: "the head of the record".into() })
    }
}

impl Writer<'_> {
    /// Appends an entry and signs the new head, in the transaction at hand: for effects that come in numbers. It holds the
    /// turns and connections that were changed in it since the last entry (`held.rs`).
    pub fn append(&self, entry: &Entry) -> Result<AuditSeq> {
        let detail = self.holding(&entry.detail)?;
        let last_ms = self.last_ms()?;
        // Times never go back in the record. A clock that was set back is told of once.
        if let Some(last_ms) = last_ms.filter(|last_ms| entry.at_ms < *last_ms - SET_BACK_MS)
            && entry.kind != CLOCK_BACK
            && !self.said_set_back(last_ms)?
        {
            let seconds = (last_ms - entry.at_ms) / 1000;
            self.append(&Entry {
                at_ms: last_ms,
                kind: CLOCK_BACK,
                sentence: format!(
                    "The clock was set back by {seconds} s; until it has caught up, entries keep the later time"
                ),
                subject: None,
                detail: serde_json::json!({ "clock_ms": entry.at_ms, "last_ms": last_ms }),
            })?;
        }
        let at_ms = last_ms.map_or(entry.at_ms, |last_ms| entry.at_ms.max(last_ms));
        let (entries, previous) =
            self.db.query_row("SELECT entries, hash FROM audit_head WHERE id = 1", [], |row| {
                Ok((row.get::<_, i64>("entries")?.unsigned_abs(), get_hash(row, "hash")?))
            })?;
        let seq = entries + 1;
        let detail = detail.to_string();
        let detail_hash = chain::sha256(detail.as_bytes());
        let hash = Link {
            seq,
            previous,
            at_ms,
            kind: entry.kind,
            subject: entry.subject.as_deref(),
            sentence: &entry.sentence,
            detail_hash,
        }
        .hash();
        let sql = "INSERT INTO audit(seq, at_ms, kind, subject, sentence, detail_hash, previous, hash)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.db.prepare_cached(sql)?.execute((
            seq as i64,
            at_ms,
            entry.kind,
            &entry.subject,
            &entry.sentence,
            detail_hash,
            previous,
            hash,
        ))?;
        self.db
            .prepare_cached("INSERT INTO audit_detail(seq, detail) VALUES (?1, ?2)")?
            .execute((seq as i64, detail))?;
        put_head(self.db, self.signing, seq, &hash)?;
        self.mark_head(seq, &hash)?;
        Ok(AuditSeq(seq))
    }

    /// When the last entry was made.
    fn last_ms(&self) -> Result<Option<TimeMs>> {
        let sql = "SELECT at_ms FROM audit ORDER BY seq DESC LIMIT 1";
        Ok(self.db.prepare_cached(sql)?.query_row([], |row| row.get(0)).optional()?)
    }

    /// Whether the record tells already that the clock is behind this time.
    fn said_set_back(&self, last_ms: TimeMs) -> Result<bool> {
        let sql = "SELECT at_ms = ?2 FROM audit WHERE kind = ?1 ORDER BY seq DESC LIMIT 1";
        let said = self.db.prepare_cached(sql)?.query_row((CLOCK_BACK, last_ms), |row| row.get(0));
        Ok(said.optional()?.unwrap_or(false))
    }

    /// Clears the detail of an entry for good. Its hash stays, with a signed tombstone, so the record still verifies.
    pub fn purge_audit_payload(&self, seq: u64) -> Result<()> {
        let id = i64::try_from(seq).unwrap_or(i64::MAX);
        let found =
            self.db.query_row("SELECT detail_hash FROM audit WHERE seq = ?1", [id], |row| get_hash(row, "detail_hash"));
        let detail_hash = found.optional()?.ok_or(StoreError::NotFound { what: "entry", id })?;
        let tombstone = chain::sign(self.signing, &chain::tombstone_message(seq, &detail_hash));
        let sql = "UPDATE audit_detail SET detail = NULL, tombstone = ?2 WHERE seq = ?1";
        self.db.execute(sql, (id, tombstone))?;
        self.note_purge();
        Ok(())
    }
}

fn put_head(db: &Connection, key: &SigningKey, entries: u64, hash: &[u8; 32]) -> Result<()> {
    let sql = "INSERT INTO audit_head(id, entries, hash, signature) VALUES (1, ?1, ?2, ?3)
        ON CONFLICT (id) DO UPDATE SET entries = excluded.entries, hash = excluded.hash, signature = excluded.signature";
    let signature = chain::sign(key, &chain::head_message(entries, hash));
    db.prepare_cached(sql)?.execute((entries as i64, hash, signature))?;
    Ok(())
}

/// The key that signs the record; made with an empty signed head when the file is new.
pub(crate) fn signing_key(db: &mut Connection) -> Result<SigningKey> {
    if let Some(secret) = meta::bytes(db, "audit_secret_key")?.map(Zeroizing::new) {
        let secret: &[u8; 32] =
            secret.as_slice().try_into().map_err(|_| StoreError::Damaged { what: "the key of the record".into() })?;
        return Ok(SigningKey::from_bytes(secret));
    }
    let key = SigningKey::from_bytes(&*crate::vault::random_bytes()?);
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    meta::set(&transaction, "audit_secret_key", key.to_bytes().as_slice())?;
    meta::set(&transaction, "audit_public_key", key.verifying_key().to_bytes().as_slice())?;
    put_head(&transaction, &key, 0, &[0; 32])?;
    transaction.commit()?;
    Ok(key)
}
