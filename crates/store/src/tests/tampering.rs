//! Tampering: a thousand ways to change a record behind the store's back, each located; anchors; a clock that is set back;
//! a disk that is full.

use super::house::*;
use super::record::{append_unsigned, with_entries};
use crate::chain::{Link, examine, sha256};
use crate::connection::{self, Use};
use crate::*;
use rusqlite::{Connection, params};
use serde_json::json;
use std::collections::BTreeSet;

const ENTRIES: i64 = 150;
/// Entries whose detail was purged: they bear tombstones.
const PURGED: [i64; 3] = [9, 70, 133];

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as i64).rem_euclid(n)
    }

    fn bytes(&mut self) -> [u8; 32] {
        sha256(&self.below(i64::MAX).to_le_bytes())
    }
}

/// What is to be found.
struct Expected {
    /// All entries that are named.
    located: BTreeSet<i64>,
    /// One of them, with what is wrong with it.
    at: i64,
    why: Flaw,
}

fn only(at: i64, why: Flaw) -> Expected {
    Expected { located: [at].into(), at, why }
}

fn stretch(from: i64, to: i64, at: i64, why: Flaw) -> Expected {
    Expected { located: (from..=to).collect(), at, why }
}

const WAYS: i64 = 19;

/// Tampers in one way, as somebody who has the data key but not the signing key.
fn tamper(db: &Connection, way: i64, dice: &mut Dice) -> Expected {
    let at = 1 + dice.below(ENTRIES);
    let run = |sql: &str| db.execute(sql, [at]).unwrap();
    let set = |column: &str, bytes: [u8; 32]| {
        db.execute(&format!("UPDATE audit SET {column} = ?2 WHERE seq = ?1"), params![at, bytes]).unwrap()
    };
    match way {
        0 => {
            run("UPDATE audit SET sentence = sentence || '!' WHERE seq = ?1");
            only(at, Flaw::Edited)
        }
        1 => {
            db.execute("UPDATE audit SET at_ms = at_ms - ?2 WHERE seq = ?1", [at, 1 + dice.below(9)]).unwrap();
            only(at, Flaw::Edited)
        }
        2 => {
            run("UPDATE audit SET kind = 'nothing' WHERE seq = ?1");
            only(at, Flaw::Edited)
        }
        3 => {
            run("UPDATE audit SET subject = CASE WHEN subject IS NULL THEN '' END WHERE seq = ?1");
            only(at, Flaw::Edited)
        }
        4 => {
            let column = ["detail_hash", "previous", "hash"][dice.below(3) as usize];
            set(column, dice.bytes());
            only(at, Flaw::Edited)
        }
        5 => {
            run("UPDATE audit_detail SET detail = '{}', tombstone = NULL WHERE seq = ?1");
            only(at, Flaw::DetailEdited)
        }
        6 => {
            run("UPDATE audit_detail SET detail = NULL, tombstone = NULL WHERE seq = ?1");
            only(at, Flaw::DetailEdited)
        }
        7 => {
            let other = PURGED.into_iter().find(|other| *other != at).unwrap();
            let sql = "UPDATE audit_detail SET detail = NULL,
                tombstone = (SELECT tombstone FROM audit_detail WHERE seq = ?2) WHERE seq = ?1";
            db.execute(sql, [at, other]).unwrap();
            only(at, Flaw::DetailEdited)
        }
        8 => {
            run("DELETE FROM audit_detail WHERE seq = ?1");
            only(at, Flaw::DetailEdited)
        }
        9 => {
            run("DELETE FROM audit WHERE seq = ?1");
            only(at, Flaw::Missing)
        }
        10 => {
            let to = (at + dice.below(20)).min(ENTRIES);
            db.execute("DELETE FROM audit WHERE seq BETWEEN ?1 AND ?2", [at, to]).unwrap();
            stretch(at, to, at, Flaw::Missing)
        }
        11 => {
            run("DELETE FROM audit WHERE seq >= ?1");
            stretch(at, ENTRIES, ENTRIES, Flaw::Missing)
        }
        12 => {
            // Drops one and closes the gap.
            run("DELETE FROM audit WHERE seq = ?1");
            run("UPDATE audit SET seq = seq - 1000 WHERE seq > ?1");
            db.execute("UPDATE audit SET seq = seq + 999 WHERE seq < 0", []).unwrap();
            stretch(at, ENTRIES, at, Flaw::Missing)
        }
        13 => {
            let other = 1 + (at - 1 + 1 + dice.below(ENTRIES - 1)) % ENTRIES;
            run("UPDATE audit SET seq = -1 WHERE seq = ?1");
            db.execute("UPDATE audit SET seq = ?1 WHERE seq = ?2", [at, other]).unwrap();
            db.execute("UPDATE audit SET seq = ?1 WHERE seq = -1", [other]).unwrap();
            Expected { located: [at, other].into(), at, why: Flaw::OutOfOrder }
        }
        14 => {
            // Puts a well-formed one in, and moves the others on.
            run("UPDATE audit SET seq = seq - 1000 WHERE seq >= ?1");
            db.execute("UPDATE audit SET seq = seq + 1001 WHERE seq < 0", []).unwrap();
            forge(db, at, "Put in.");
            stretch(at, ENTRIES, at, Flaw::Inserted)
        }
        15 => {
            // Edits one and gives it the hash that it should have: it is not the one that the next or a signed head names.
            run("UPDATE audit SET sentence = 'Another sentence.' WHERE seq = ?1");
            rechain(db, at, at);
            match at {
                64 => stretch(1, 64, 64, Flaw::Rewritten),
                128 => stretch(65, 128, 128, Flaw::Rewritten),
                ENTRIES => stretch(129, ENTRIES, ENTRIES, Flaw::Rewritten),
                at => only(at, Flaw::Edited),
            }
        }
        16 => {
            // Edits one and chains all later ones anew: kept heads and the head do not agree.
            run("UPDATE audit SET sentence = 'Another sentence.' WHERE seq = ?1");
            rechain(db, at, ENTRIES);
            let from = if at > 128 { 129 } else { 1 + (at - 1) / 64 * 64 };
            stretch(from, ENTRIES, at, Flaw::Rewritten)
        }
        17 => {
            let entries = 1 + dice.below(ENTRIES - 1);
            match dice.below(3) {
                0 => db.execute("UPDATE audit_head SET signature = zeroblob(64)", []).unwrap(),
                1 => db
                    .execute(
                        "UPDATE audit_head SET entries = ?1, hash = (SELECT hash FROM audit WHERE seq = ?1)",
                        [entries],
                    )
                    .unwrap(),
                // A kept head does not pass for the head.
                _ => db
                    .execute(
                        "UPDATE audit_head SET entries = 64, hash = (SELECT hash FROM audit_mark WHERE seq = 64),
                            signature = (SELECT signature FROM audit_mark WHERE seq = 64)",
                        [],
                    )
                    .unwrap(),
            };
            only(ENTRIES, Flaw::HeadForged)
        }
        _ => {
            append_unsigned(db, ENTRIES as u64 + 1);
            only(ENTRIES + 1, Flaw::EndsElsewhere)
        }
    }
}

/// Puts a well-formed entry at a place, in place of the one there.
fn forge(db: &Connection, seq: i64, sentence: &str) {
    let previous: [u8; 32] = match seq {
        1 => [0; 32],
        _ => db.query_row("SELECT hash FROM audit WHERE seq = ?1", [seq - 1], |r| r.get(0)).unwrap(),
    };
    let detail_hash = sha256(b"null");
    let link = Link { seq: seq as u64, previous, at_ms: 1, kind: "forged", subject: None, sentence, detail_hash };
    let sql = "INSERT INTO audit(seq, at_ms, kind, sentence, detail_hash, previous, hash)
        VALUES (?1, 1, 'forged', ?2, ?3, ?4, ?5)";
    db.execute(sql, params![seq, sentence, detail_hash, previous, link.hash()]).unwrap();
}

/// Gives entries the hashes that they should have, each with that of the one before.
fn rechain(db: &Connection, from: i64, to: i64) {
    for seq in from..=to {
        let previous: [u8; 32] = match seq {
            1 => [0; 32],
            _ => db.query_row("SELECT hash FROM audit WHERE seq = ?1", [seq - 1], |r| r.get(0)).unwrap(),
        };
        let sql = "SELECT at_ms, kind, subject, sentence, detail_hash FROM audit WHERE seq = ?1";
        let hash = db
            .query_row(sql, [seq], |row| {
                let (kind, sentence): (String, String) = (row.get(1)?, row.get(3)?);
                let subject: Option<String> = row.get(2)?;
                Ok(Link {
                    seq: seq as u64,
                    previous,
                    at_ms: row.get(0)?,
                    kind: &kind,
                    subject: subject.as_deref(),
                    sentence: &sentence,
                    detail_hash: row.get(4)?,
                }
                .hash())
            })
            .unwrap();
        let sql = "UPDATE audit SET previous = ?2, hash = ?3 WHERE seq = ?1";
        db.execute(sql, params![seq, previous, hash]).unwrap();
    }
}

#[test]
fn a_thousand_tamperings_are_located() {
    let house = with_entries(ENTRIES);
    for seq in PURGED {
        house.store.write(|w| w.purge_audit_payload(seq as u64)).unwrap();
    }
    assert_eq!(house.store.verify_audit().unwrap().flaws, []);
    let key = house.store.inner.signing.verifying_key();
    let db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let mut dice = Dice(0x9E37_79B9);
    let mut located = 0;
    for round in 0..1000 {
        db.execute_batch(
            "BEGIN; DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; DROP TRIGGER audit_in_order;",
        )
        .unwrap();
        let way = round % WAYS;
        let expected = tamper(&db, way, &mut dice);
        let check = examine(&db, &key).unwrap();
        let named: BTreeSet<i64> = check.flaws.iter().flat_map(|flaw| flaw.seq as i64..=flaw.last as i64).collect();
        let there = check
            .flaws
            .iter()
            .any(|flaw| flaw.why == expected.why && (flaw.seq as i64..=flaw.last as i64).contains(&expected.at));
        assert!(
            there && named == expected.located,
            "round {round}, way {way}: {:?} at {} wanted in {:?}, found {:?}",
            expected.why,
            expected.at,
            expected.located,
            check.flaws
        );
        located += 1;
        db.execute_batch("ROLLBACK").unwrap();
    }
    assert_eq!(located, 1000);
    assert_eq!(house.store.verify_audit().unwrap().flaws, [], "nothing of it was kept");
}

#[test]
fn several_tamperings_are_located_each() {
    let house = with_entries(ENTRIES);
    let key = house.store.inner.signing.verifying_key();
    let db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF; DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;
        UPDATE audit SET sentence = 'x' WHERE seq IN (7, 8, 90); DELETE FROM audit WHERE seq BETWEEN 20 AND 22;
        DELETE FROM audit_detail WHERE seq = 130;",
    )
    .unwrap();
    let found: Vec<_> = examine(&db, &key).unwrap().flaws.iter().map(|flaw| (flaw.seq, flaw.last, flaw.why)).collect();
    assert_eq!(
        found,
        [
            (7, 7, Flaw::Edited),
            (8, 8, Flaw::Edited),
            (20, 22, Flaw::Missing),
            (90, 90, Flaw::Edited),
            (130, 130, Flaw::DetailEdited)
        ]
    );
}

#[test]
fn an_anchor_shows_what_was_taken_off_behind_it() {
    let house = with_entries(5);
    let early = tempfile::tempdir().unwrap();
    house.store.backup(&early.path().join("early")).unwrap();
    let noted = |index: i64| Entry {
        at_ms: 5000 + index,
        kind: "turn.answered",
        sentence: "More.".into(),
        subject: None,
        detail: json!({}),
    };
    for index in 0..3 {
        house.store.record(noted(index), |_| Ok(())).unwrap();
    }
    let anchor = house.store.anchor(9000).unwrap();
    assert_eq!((anchor.entries, house.store.check_anchor(&anchor).unwrap()), (8, AnchorCheck::Holds));
    house.store.record(noted(4), |_| Ok(())).unwrap();
    assert_eq!(house.store.check_anchor(&anchor).unwrap(), AnchorCheck::Holds);
    // A folder put back to an earlier state holds in itself, and not against the anchor.
    let old = open(&early.path().join("early"), &passphrase("open")).unwrap();
    assert_eq!(old.verify_audit().unwrap().flaws, []);
    assert_eq!(old.check_anchor(&anchor).unwrap(), AnchorCheck::Broken(6, Flaw::Missing));
    for index in 0..3 {
        old.record(noted(index + 10), |_| Ok(())).unwrap();
    }
    assert_eq!(old.check_anchor(&anchor).unwrap(), AnchorCheck::Broken(8, Flaw::Rewritten));
    let forged = Anchor { entries: 5, ..anchor.clone() };
    assert_eq!(house.store.check_anchor(&forged).unwrap(), AnchorCheck::Forged);
    assert_eq!(with_entries(8).store.check_anchor(&anchor).unwrap(), AnchorCheck::Elsewhere);
}

#[test]
fn a_clock_that_is_set_back_is_told_once_and_times_do_not_go_back() {
    let house = house();
    for at_ms in [100_000, 40_000, 41_000, 101_000, 90_000, 100_500] {
        let entry = Entry { at_ms, kind: "turn.answered", sentence: "Done.".into(), subject: None, detail: json!({}) };
        house.store.record(entry, |_| Ok(())).unwrap();
    }
    let rows = house.store.read(|r| r.audit_between(0, i64::MAX)).unwrap();
    let times: Vec<(i64, &str)> = rows.iter().map(|row| (row.at_ms, row.kind.as_str())).collect();
    assert_eq!(
        times,
        [
            (100_000, "turn.answered"),
            (100_000, "clock.back"),
            (100_000, "turn.answered"),
            (100_000, "turn.answered"),
            (101_000, "turn.answered"),
            (101_000, "clock.back"),
            (101_000, "turn.answered"),
            (101_000, "turn.answered"),
        ]
    );
    assert!(rows[1].sentence.contains("set back by 60 s"), "{}", rows[1].sentence);
    assert_eq!(house.store.verify_audit().unwrap().flaws, []);
}

#[test]
fn on_a_full_disk_neither_the_effect_nor_its_entry_is_kept() {
    let house = with_entries(3);
    house
        .store
        .write(|w| {
            let pages: i64 = w.db.query_row("PRAGMA page_count", [], |row| row.get(0))?;
            w.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
        .unwrap();
    let large = "x".repeat(200_000);
    let entry = || Entry {
        at_ms: 2000,
        kind: "turn.answered",
        sentence: "Done.".into(),
        subject: None,
        detail: json!({ "long": large }),
    };
    let refused = house.store.record(entry(), |w| w.set_setting("effect", &json!(1)));
    assert!(matches!(refused, Err(StoreError::Full)), "{refused:?}");
    assert_eq!(house.store.read(|r| r.setting("effect")).unwrap(), None, "no effect without its entry");
    let check = house.store.verify_audit().unwrap();
    assert_eq!((check.entries, check.flaws.len()), (3, 0));
    house.store.write(|w| Ok(w.db.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(()))?)).unwrap();
    house.store.record(entry(), |w| w.set_setting("effect", &json!(1))).unwrap();
    assert_eq!(house.store.verify_audit().unwrap().entries, 4);
}
