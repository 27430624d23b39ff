//! Anchors: signed heads that are kept outside of the vault. A whole folder put back to an earlier state, or entries taken
//! off the end, are found against one; without one they cannot be.

use crate::chain::{self, Flaw};
use crate::word::get_hash;
use crate::{Reader, Result, Store};
use ed25519_dalek::VerifyingKey;
use hearth_domain::TimeMs;
use rusqlite::OptionalExtension;

/// The end of the record at a moment, signed by the vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// How many entries there were.
    pub entries: u64,
    /// The hash of the last.
    pub hash: [u8; 32],
    /// When it was made, by this machine's clock.
    pub at_ms: TimeMs,
    /// The key that signed it.
    pub public_key: [u8; 32],
    /// Ed25519 over [`anchor_message`].
    pub signature: Vec<u8>,
}

/// What comparing the record with an anchor found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorCheck {
    /// The record goes on from where the anchor was made.
    Holds,
    /// The anchor's signature is not of its key: it was changed.
    Forged,
    /// It is of another vault.
    Elsewhere,
    /// The record is not as it was then: what is wrong, and at which entry.
    Broken(u64, Flaw),
}

/// What an anchor's signature covers.
pub fn anchor_message(entries: u64, hash: &[u8; 32], at_ms: TimeMs) -> Vec<u8> {
    [b"hearth audit anchor 1\n".as_slice(), &entries.to_le_bytes(), hash, &at_ms.to_le_bytes()].concat()
}

impl Store {
    /// The end of the record as it is now, signed, to be kept elsewhere.
    pub fn anchor(&self, at_ms: TimeMs) -> Result<Anchor> {
        let head = self.read(|reader| reader.audit_head())?;
        let signature = chain::sign(&self.inner.signing, &anchor_message(head.entries, &head.hash, at_ms)).to_vec();
        Ok(Anchor { entries: head.entries, hash: head.hash, at_ms, public_key: head.public_key, signature })
    }

    /// Compares the record with an anchor of it. Whether what lies before the anchored entry is whole is for
    /// [`Store::verify_audit`] to say.
    pub fn check_anchor(&self, anchor: &Anchor) -> Result<AnchorCheck> {
        let Anchor { entries, hash, at_ms, public_key, signature } = anchor;
        let message = anchor_message(*entries, hash, *at_ms);
        if !VerifyingKey::from_bytes(public_key).is_ok_and(|key| chain::signed(&key, &message, signature)) {
            return Ok(AnchorCheck::Forged);
        }
        if *public_key != self.inner.signing.verifying_key().to_bytes() {
            return Ok(AnchorCheck::Elsewhere);
        }
        self.read(|reader| {
            let known = reader.audit_hash(*entries)?;
            Ok(match known {
                _ if *entries == 0 => AnchorCheck::Holds,
                Some(known) if known == *hash => AnchorCheck::Holds,
                Some(_) => AnchorCheck::Broken(*entries, Flaw::Rewritten),
                None => AnchorCheck::Broken(reader.audit_head()?.entries + 1, Flaw::Missing),
            })
        })
    }
}

impl Reader<'_> {
    /// The hash of an entry.
    pub(crate) fn audit_hash(&self, seq: u64) -> Result<Option<[u8; 32]>> {
        let id = i64::try_from(seq).unwrap_or(i64::MAX);
        let mut statement = self.db.prepare_cached("SELECT hash FROM audit WHERE seq = ?1")?;
        Ok(statement.query_row([id], |row| get_hash(row, "hash")).optional()?)
    }
}
