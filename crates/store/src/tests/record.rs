//! The record: what is noted, what is refused, what a purge leaves. Tampering: `tampering.rs`.

use super::house::*;
use crate::connection::{self, Use};
use crate::*;
use rusqlite::Connection;
use serde_json::{Value, json};

fn entry(index: i64) -> Entry {
    Entry {
        at_ms: 1000 + index,
        kind: if index % 2 == 0 { "turn.answered" } else { "document.indexed" },
        sentence: format!("Sentence {index}."),
        subject: (index % 3 != 0).then(|| format!("turn:{}", index % 4)),
        detail: if index % 5 == 0 { Value::Null } else { json!({ "index": index, "words": ["a", "ü"] }) },
    }
}

pub(super) fn with_entries(count: i64) -> House {
    let house = house();
    for index in 1..=count {
        let ((), seq) = house.store.record(entry(index), |w| w.set_setting("last", &json!(index))).unwrap();
        assert_eq!(seq, AuditSeq(index as u64));
    }
    house
}

#[test]
fn a_recipe_that_changed_is_the_next_version_and_the_old_one_stays() {
    let house = house();
    let keep =
        |name: &str, hash: u8, body: Value| house.store.write(|w| w.keep_recipe(name, &[hash; 32], &body, 7)).unwrap();
    assert_eq!(keep("answer", 1, json!({ "top_k": 0 })), 1);
    assert_eq!(keep("answer", 2, json!({ "top_k": 40 })), 2);
    assert_eq!(keep("answer", 1, json!({ "top_k": 0 })), 1, "the same bytes are the same version");
    assert_eq!(keep("other", 1, json!({})), 1, "versions are counted for each name");
    let (first, all) = house.store.read(|r| Ok((r.recipe("answer", 1)?, r.recipes()?))).unwrap();
    assert_eq!(first.unwrap().body, json!({ "top_k": 0 }));
    let named: Vec<_> = all.iter().map(|row| (row.name.as_str(), row.version)).collect();
    assert_eq!(named, [("answer", 2), ("answer", 1), ("other", 1)]);
    assert_eq!(house.store.read(|r| r.recipe_version("answer", &[9; 32])).unwrap(), None);
}

/// Writes behind the store's back, as somebody who has the data key but not the program's manners.
fn tamper(house: &House, f: impl FnOnce(&Connection)) {
    let db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_no_delete;
         DROP TRIGGER IF EXISTS audit_in_order;",
    )
    .unwrap();
    f(&db);
}

#[test]
fn an_effect_and_its_entry_share_a_transaction() {
    let house = with_entries(3);
    let failed: Result<((), AuditSeq)> = house.store.record_with(|w| {
        w.set_setting("last", &json!(99))?;
        Err(StoreError::Invalid("no".into()))
    });
    assert!(failed.is_err());
    house
        .store
        .read(|r| {
            assert_eq!(r.setting("last")?, Some(json!(3)));
            let rows = r.audit(None, 10, None)?;
            assert_eq!(rows.iter().map(|row| row.seq).collect::<Vec<_>>(), [3, 2, 1]);
            assert_eq!((rows[1].sentence.as_str(), rows[1].subject.as_deref()), ("Sentence 2.", Some("turn:2")));
            assert_eq!(rows[1].detail, Some(json!({ "index": 2, "words": ["a", "ü"] })));
            assert_eq!(rows[0].previous, rows[1].hash);
            assert_eq!(r.audit(Some(3), 1, None)?[0].seq, 2);
            assert_eq!(r.audit(None, 10, Some("SENTENCE 1"))?.len(), 1);
            assert_eq!(r.audit_for("turn:1")?.len(), 1);
            assert_eq!(r.audit_head()?.entries, 3);
            Ok(())
        })
        .unwrap();
    let check = house.store.verify_audit().unwrap();
    assert_eq!((check.entries, check.broken), (3, None));
}

#[test]
fn the_table_refuses_changes() {
    let house = with_entries(2);
    for sql in [
        "UPDATE audit SET sentence = 'x'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE seq = 2",
        "INSERT OR REPLACE INTO audit SELECT seq, 0, kind, subject, sentence, detail_hash, previous, hash FROM audit",
        "INSERT INTO audit SELECT seq + 5, at_ms, kind, subject, sentence, detail_hash, previous, hash FROM audit",
    ] {
        let refused = house.store.write(|w| Ok(w.db.execute(sql, [])?)).unwrap_err();
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
}

#[test]
fn a_purged_detail_leaves_a_tombstone_that_verifies() {
    let house = with_entries(5);
    house.store.write(|w| w.purge_audit_payload(3)).unwrap();
    assert!(matches!(house.store.write(|w| w.purge_audit_payload(9)), Err(StoreError::NotFound { .. })));
    let row = house.store.read(|r| r.audit(Some(4), 1, None)).unwrap().remove(0);
    assert_eq!((row.seq, row.detail), (3, None));
    assert_eq!(house.store.verify_audit().unwrap().broken, None);
    let house = house.reopen();
    assert_eq!(house.store.verify_audit().unwrap().entries, 5);
    // Clearing without a tombstone, or with another entry's, is not a purge.
    tamper(&house, |db| {
        db.execute("UPDATE audit_detail SET detail = NULL, tombstone = (SELECT tombstone FROM audit_detail WHERE seq = 3) WHERE seq = 4", []).unwrap();
    });
    let broken = house.store.verify_audit().unwrap().broken.unwrap();
    assert_eq!((broken.seq, broken.why, broken.at_ms), (4, Flaw::DetailEdited, Some(1004)));
}

pub(super) fn append_unsigned(db: &Connection, seq: u64) {
    let previous: Vec<u8> =
        db.query_row("SELECT hash FROM audit WHERE seq = ?1", [seq as i64 - 1], |r| r.get(0)).unwrap();
    let detail_hash = crate::chain::sha256(b"null");
    let link = crate::chain::Link {
        seq,
        previous: previous.clone().try_into().unwrap(),
        at_ms: 1,
        kind: "forged",
        subject: None,
        sentence: "Forged.",
        detail_hash,
    };
    let sql = "INSERT INTO audit(seq, at_ms, kind, sentence, detail_hash, previous, hash) VALUES (?1, 1, 'forged', 'Forged.', ?2, ?3, ?4)";
    db.execute(sql, (seq as i64, detail_hash, previous, link.hash())).unwrap();
    db.execute("INSERT INTO audit_detail(seq, detail) VALUES (?1, 'null')", [seq as i64]).unwrap();
}

#[test]
fn a_forged_head_or_key_shows() {
    let forge = |sql: &str| {
        let house = with_entries(4);
        tamper(&house, |db| {
            append_unsigned(db, 5);
            db.execute_batch(sql).unwrap();
        });
        house.store.verify_audit().unwrap().broken.unwrap().why
    };
    assert_eq!(
        forge("UPDATE audit_head SET entries = 5, hash = (SELECT hash FROM audit WHERE seq = 5)"),
        Flaw::HeadForged
    );
    assert_eq!(forge("DELETE FROM audit_head"), Flaw::HeadForged);
    assert_eq!(forge("SELECT 1"), Flaw::EndsElsewhere);
    // A new key with which everything is signed again does not agree with the vault's description.
    let house = with_entries(4);
    let other = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    tamper(&house, |db| {
        let hash: Vec<u8> = db.query_row("SELECT hash FROM audit WHERE seq = 4", [], |r| r.get(0)).unwrap();
        let message = crate::chain::head_message(4, &hash.try_into().unwrap());
        db.execute("UPDATE audit_head SET signature = ?1", [crate::chain::sign(&other, &message)]).unwrap();
        db.execute("UPDATE meta SET value = ?1 WHERE key = 'audit_secret_key'", [other.to_bytes()]).unwrap();
        let public = other.verifying_key().to_bytes();
        db.execute("UPDATE meta SET value = ?1 WHERE key = 'audit_public_key'", [public]).unwrap();
    });
    let house = house.reopen();
    assert_eq!(house.store.verify_audit().unwrap().broken.unwrap().why, Flaw::HeadForged);
}
