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
//! in the encrypted file and its public half also beside it in the vault's description. What this cannot show is a whole
//! folder put back to an earlier state: for that a copy of the head must be kept elsewhere.

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
}

/// Where the record is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The entry; where entries are missing, the first missing one.
    pub seq: u64,
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
    /// It does not follow from the one before.
    OutOfOrder,
    /// Its words do not give its hash.
    Edited,
    /// Its detail is not what it was, or was cleared without a signed tombstone.
    DetailEdited,
    /// The signed head does not end here: entries were added or taken off behind its back.
    EndsElsewhere,
    /// The head's signature is not this vault's.
    HeadForged,
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

/// What a tombstone's signature covers.
pub fn tombstone_message(seq: u64, detail_hash: &[u8; 32]) -> Vec<u8> {
    [b"hearth audit purge 1\n".as_slice(), &seq.to_le_bytes(), detail_hash].concat()
}

/// Signs with Ed25519; 64 bytes.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> [u8; 64] {
    key.sign(message).to_bytes()
}

fn signed(key: &VerifyingKey, message: &[u8], signature: &[u8]) -> bool {
    Signature::from_slice(signature).is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

impl Store {
    /// Reads the whole record and says how far it is as it was written.
    pub fn verify_audit(&self) -> Result<AuditCheck> {
        let key = self.inner.signing.verifying_key();
        // The description lies outside the file: a key exchanged inside it shows.
        let described = crate::vault::described_audit_key(&self.inner.folder)?;
        self.read(|reader| {
            let mut check = walk(reader.db, &key)?;
            let stored = meta::bytes(reader.db, "audit_public_key")?;
            if check.broken.is_none() && (stored.as_deref() != Some(key.as_bytes()) || described != key.to_bytes()) {
                check.broken = Some(Broken { seq: check.entries, at_ms: None, why: Flaw::HeadForged });
            }
            Ok(check)
        })
    }
}

/// Follows the chain from the first entry.
fn walk(db: &Connection, key: &VerifyingKey) -> Result<AuditCheck> {
    let mut check = AuditCheck { entries: 0, head: [0; 32], broken: None };
    let sql = "SELECT a.seq, a.at_ms, a.kind, a.subject, a.sentence, a.detail_hash, a.previous, a.hash, d.detail,
        d.tombstone FROM audit a LEFT JOIN audit_detail d ON d.seq = a.seq ORDER BY a.seq";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let expected = check.entries + 1;
        let at_ms = row.get("at_ms")?;
        let seq = row.get::<_, i64>("seq")?;
        if u64::try_from(seq) != Ok(expected) {
            // A number below 1 was put before the first; one above means that those between are gone.
            let (seq, why) = if seq < 1 { (0, Flaw::OutOfOrder) } else { (expected, Flaw::Missing) };
            check.broken = Some(Broken { seq, at_ms: None, why });
            return Ok(check);
        }
        let (kind, sentence): (String, String) = (row.get("kind")?, row.get("sentence")?);
        let subject: Option<String> = row.get("subject")?;
        let hashes = (get_hash(row, "detail_hash"), get_hash(row, "previous"), get_hash(row, "hash"));
        let broken = |why| Some(Broken { seq: expected, at_ms: Some(at_ms), why });
        let (Ok(detail_hash), Ok(previous), Ok(hash)) = hashes else {
            check.broken = broken(Flaw::Edited);
            return Ok(check);
        };
        let link = Link {
            seq: expected,
            previous,
            at_ms,
            kind: &kind,
            subject: subject.as_deref(),
            sentence: &sentence,
            detail_hash,
        };
        if link.hash() != hash {
            check.broken = broken(Flaw::Edited);
            return Ok(check);
        }
        if previous != check.head {
            check.broken = broken(Flaw::OutOfOrder);
            return Ok(check);
        }
        let whole = match (row.get::<_, Option<String>>("detail")?, row.get::<_, Option<Vec<u8>>>("tombstone")?) {
            (Some(detail), _) => sha256(detail.as_bytes()) == detail_hash,
            (None, Some(tombstone)) => signed(key, &tombstone_message(expected, &detail_hash), &tombstone),
            (None, None) => false,
        };
        if !whole {
            check.broken = broken(Flaw::DetailEdited);
            return Ok(check);
        }
        check.entries = expected;
        check.head = hash;
    }
    check.broken = end(db, key, &check)?;
    Ok(check)
}

/// Compares the end of the chain with the signed head.
fn end(db: &Connection, key: &VerifyingKey, check: &AuditCheck) -> Result<Option<Broken>> {
    let head = db.query_row("SELECT entries, hash, signature FROM audit_head WHERE id = 1", [], |row| {
        Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(2)?))
    });
    let broken = |seq, why| Ok(Some(Broken { seq, at_ms: None, why }));
    let Some((entries, hash, signature)) = head.optional()? else { return broken(check.entries, Flaw::HeadForged) };
    let Ok(hash) = <[u8; 32]>::try_from(hash) else { return broken(check.entries, Flaw::HeadForged) };
    if !signed(key, &head_message(entries, &hash), &signature) {
        return broken(check.entries, Flaw::HeadForged);
    }
    if entries > check.entries {
        return broken(check.entries + 1, Flaw::Missing);
    }
    if entries < check.entries || hash != check.head {
        return broken(entries.saturating_add(1).min(check.entries), Flaw::EndsElsewhere);
    }
    Ok(None)
}
