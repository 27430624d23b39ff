//! How entries of the record are chained and signed, and how that is verified. Not where they are kept: `table/audit.rs`.
//!
//! An entry's hash is SHA-256 over its canonical form, all integers little-endian:
//!
//! ```text
//! "hearth audit entry 1\n"
//! seq          u64
//! previous     32 bytes: the hash of the entry before, zeros for the first
//! at_ms        i64
//! kind         u64 length, then UTF-8
//! subject      0 when there is none; else 1, u64 length, then UTF-8
//! sentence     32 bytes: SHA-256 of its UTF-8
//! detail       32 bytes: SHA-256 of its JSON text as stored
//! ```
//!
//! The head (how many entries, the last one's hash) is signed with Ed25519, and so is each purge of a detail. The key lies
//! in the encrypted file and its public half also beside it in the vault's description. Every 64th head is kept
//! (`table/mark.rs`). What this cannot show is a whole folder put back to an earlier state: for that a copy of the head
//! must be kept elsewhere (`anchor.rs`). Where each tampering lies is found in `locate.rs`.

use crate::held::{self, HeldRow, RowFlaw};
use crate::locate::locate;
use crate::table::mark::{Marks, marks};
use crate::table::meta;
use crate::word::get_hash;
use crate::{Result, Store};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use hearth_domain::TimeMs;
use rusqlite::{Connection, OptionalExtension};
use sha2::{Digest, Sha256};

/// What verifying the record found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many entries are as they were written, from the first on.
    pub entries: u64,
    /// The hash of the last of those.
    pub head: [u8; 32],
    /// The first place that is not as it was written.
    pub broken: Option<Broken>,
    /// Every place that is not, in order.
    pub flaws: Vec<Broken>,
}

/// Where the record is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The entry; where entries are missing, the first missing one.
    pub seq: u64,
    /// The last entry of which it is true, where it is true of several in a row.
    pub last: u64,
    /// When that entry says it was written, where there is one.
    pub at_ms: Option<TimeMs>,
    /// What is wrong with it.
    pub why: Flaw,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is not there.
    Missing,
    /// It stands at another place.
    OutOfOrder,
    /// Something stands here that the record never held.
    Inserted,
    /// Somewhere in this stretch entries were written anew and chained to one another; the signed head behind it is not
    /// theirs.
    Rewritten,
    /// Its words do not give its hash.
    Edited,
    /// Its detail is not what it was, or was cleared without a signed tombstone.
    DetailEdited,
    /// The signed head does not end here: entries were added or taken off behind its back.
    EndsElsewhere,
    /// The signature of the head, or of one that was kept, is not this vault's.
    HeadForged,
    /// A row that entries hold is not what the entry says of it.
    Row(HeldRow, RowFlaw),
}

/// An entry as it is hashed.
pub(crate) struct Link<'a> {
    pub seq: u64,
    pub previous: [u8; 32],
    pub at_ms: TimeMs,
    pub kind: &'a str,
    pub subject: Option<&'a str>,
    pub sentence: &'a str,
    pub detail_hash: [u8; 32],
}

impl Link<'_> {
    /// SHA-256 of the canonical form.
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut form = b"hearth audit entry 1\n".to_vec();
        let text = |form: &mut Vec<u8>, text: &str| {
            form.extend((text.len() as u64).to_le_bytes());
            form.extend(text.as_bytes());
        };
        form.extend(self.seq.to_le_bytes());
        form.extend(self.previous);
        form.extend(self.at_ms.to_le_bytes());
        text(&mut form, self.kind);
        form.push(u8::from(self.subject.is_some()));
        if let Some(subject) = self.subject {
            text(&mut form, subject);
        }
        form.extend(sha256(self.sentence.as_bytes()));
        form.extend(self.detail_hash);
        sha256(&form)
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What the head's signature covers.
pub fn head_message(entries: u64, hash: &[u8; 32]) -> Vec<u8> {
    [b"hearth audit head 1\n".as_slice(), &entries.to_le_bytes(), hash].concat()
}

/// What the signature of a head that is kept covers: not the same, so that no kept one passes for the head.
pub(crate) fn mark_message(entries: u64, hash: &[u8; 32]) -> Vec<u8> {
    [b"hearth audit mark 1\n".as_slice(), &entries.to_le_bytes(), hash].concat()
}

/// What a tombstone's signature covers.
pub fn tombstone_message(seq: u64, detail_hash: &[u8; 32]) -> Vec<u8> {
    [b"hearth audit purge 1\n".as_slice(), &seq.to_le_bytes(), detail_hash].concat()
}

/// Signs with Ed25519; 64 bytes.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

pub(crate) fn signed(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

impl Store {
    /// Reads the whole record and says where it is not as it was written; where it is, compares the rows beside it
    /// (`held.rs`) with what its entries say of them.
    pub fn verify_audit(&self) -> Result<AuditCheck> {
        let key = self.inner.signing.verifying_key();
        // The description lies outside the file: a key exchanged inside it shows.
        let described = crate::vault::described_audit_key(&self.inner.folder)?;
        self.read(|reader| {
            let mut check = examine(reader.db, &key)?;
            let stored = meta::bytes(reader.db, "audit_public_key")?;
            if check.flaws.is_empty() && (stored.as_deref() != Some(key.as_bytes()) || described != key.to_bytes()) {
                let at = check.entries;
                check.flaws.push(Broken { seq: at, last: at, at_ms: None, why: Flaw::HeadForged });
            }
            // An entry that does not hold says nothing of others.
            if check.flaws.is_empty() {
                check.flaws = held::flaws(reader.db)?;
            }
            check.broken = check.flaws.first().cloned();
            Ok(check)
        })
    }
}

/// The signed head.
pub(crate) struct Head {
    pub(crate) entries: u64,
    pub(crate) hash: [u8; 32],
}

/// Follows the chain; where it does not hold, finds every place.
pub(crate) fn examine(db: &Connection, key: &VerifyingKey) -> Result<AuditCheck> {
    let (head, marks) = (head(db, key)?, marks(db, key)?);
    let (entries, last, followed) = follow(db, key, &marks)?;
    let ends = head.as_ref().is_some_and(|head| head.entries == entries && head.hash == last);
    let mut check = AuditCheck { entries, head: last, broken: None, flaws: Vec::new() };
    if !(followed && ends && marks.forged.is_empty()) {
        check.flaws = locate(db, key, head.as_ref(), &marks)?;
        check.broken = check.flaws.first().cloned();
    }
    Ok(check)
}

/// Follows the chain from the first entry, as far as it holds: how many entries, the last one's hash, and whether it holds
/// to its end.
fn follow(db: &Connection, key: &VerifyingKey, marks: &Marks) -> Result<(u64, [u8; 32], bool)> {
    let mut statement = db.prepare(ROWS)?;
    let mut rows = statement.query([])?;
    let (mut entries, mut head) = (0, [0; 32]);
    while let Some(row) = rows.next()? {
        let expected = entries + 1;
        if u64::try_from(row.get::<_, i64>("seq")?) != Ok(expected) {
            return Ok((entries, head, false));
        }
        let Some(kept) = Kept::read(row)? else { return Ok((entries, head, false)) };
        let hash = kept.link(expected).hash();
        let marked = marks.signed.get(&expected).is_none_or(|mark| *mark == hash);
        if hash != kept.hash || kept.previous != head || !marked || !kept.detail_is_whole(expected, key) {
            return Ok((entries, head, false));
        }
        (entries, head) = (expected, hash);
    }
    Ok((entries, head, true))
}

/// All entries with their details, in the order of their numbers.
pub(crate) const ROWS: &str = "SELECT a.seq, a.at_ms, a.kind, a.subject, a.sentence, a.detail_hash, a.previous, a.hash,
    d.detail, d.tombstone FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq ORDER BY a.seq";

/// An entry as it is kept.
pub(crate) struct Kept {
    pub(crate) at_ms: TimeMs,
    kind: String,
    subject: Option<String>,
    sentence: String,
    detail_hash: [u8; 32],
    pub(crate) previous: [u8; 32],
    pub(crate) hash: [u8; 32],
    detail: Option<String>,
    tombstone: Option<Vec<u8>>,
}

impl Kept {
    /// Reads a row of [`ROWS`]; none where a hash is none.
    pub(crate) fn read(row: &rusqlite::Row) -> Result<Option<Self>> {
        let hashes = (get_hash(row, "detail_hash"), get_hash(row, "previous"), get_hash(row, "hash"));
        let (Ok(detail_hash), Ok(previous), Ok(hash)) = hashes else { return Ok(None) };
        Ok(Some(Self {
            at_ms: row.get("at_ms")?,
            kind: row.get("kind")?,
            subject: row.get("subject")?,
            sentence: row.get("sentence")?,
            detail_hash,
            previous,
            hash,
            detail: row.get("detail")?,
            tombstone: row.get("tombstone")?,
        }))
    }

    /// The entry as it is hashed at a place.
    pub(crate) fn link(&self, seq: u64) -> Link<'_> {
        Link {
            seq,
            previous: self.previous,
            at_ms: self.at_ms,
            kind: &self.kind,
            subject: self.subject.as_deref(),
            sentence: &self.sentence,
            detail_hash: self.detail_hash,
        }
    }

    /// Whether the detail is what it was, or was cleared with a signed tombstone.
    pub(crate) fn detail_is_whole(&self, seq: u64, key: &VerifyingKey) -> bool {
        match (&self.detail, &self.tombstone) {
            (Some(detail), _) => sha256(detail.as_bytes()) == self.detail_hash,
            (None, Some(tombstone)) => signed(key, &tombstone_message(seq, &self.detail_hash), tombstone),
            (None, None) => false,
        }
    }
}

/// The signed head; none where there is none or its signature is not the vault's.
fn head(db: &Connection, key: &VerifyingKey) -> Result<Option<Head>> {
    let head = db.query_row("SELECT entries, hash, signature FROM audit_head WHERE id = 1", [], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
    });
    let Some((entries, hash, signature)) = head.optional()? else { return Ok(None) };
    let Ok(hash) = <[u8; 32]>::try_from(hash) else { return Ok(None) };
    Ok(signed(key, &head_message(entries, &hash), &signature).then_some(Head { entries, hash }))
}
