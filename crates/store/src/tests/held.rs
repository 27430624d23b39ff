//! Rows that entries hold: a thousand ways to change a question, its answer, citations or trace, or a connection of the
//! ledger behind the store's back, each located; and the ways in which the house itself changes them, which hold.

use super::house::*;
use crate::connection::{self, Use};
use crate::held::flaws;
use crate::*;
use hearth_domain::*;
use rusqlite::Connection;
use serde_json::json;

const TURNS: i64 = 12;

fn entry(at_ms: i64, subject: String) -> Entry {
    Entry { at_ms, kind: "test", sentence: "Done.".into(), subject: Some(subject), detail: json!({ "n": at_ms }) }
}

fn trace(n: i64) -> Vec<TraceRow> {
    let row = |station: &str, at: f64| TraceRow {
        station: station.into(),
        started_ms: at,
        duration_ms: 0.1 + n as f64 / 3.0,
        outcome: "done".into(),
        sentence: format!("Did {station}."),
        detail: json!({ "figures": [n, 0.1] }),
    };
    vec![row("retrieve", 0.0), row("generate", 1.5), row("verify", 7.25)]
}

fn connection_row(n: i64) -> NewLedger {
    NewLedger {
        at_ms: n,
        purpose: "model_download".into(),
        host: "host.example".into(),
        rule: "models you fetch".into(),
        outcome: "begun".into(),
        bytes_out: 400,
        bytes_in: 0,
        who: "person".into(),
        label: String::new(),
    }
}

/// A vault with finished questions and settled connections, each held by an entry.
fn with_rows() -> House {
    let house = house();
    let conversation = house.store.write(|w| w.create_conversation(house.space, "Talk", 1)).unwrap();
    for n in 1..=TURNS {
        let turn = house.store.write(|w| w.begin_turn(conversation, "What is it?", &[], n)).unwrap();
        let span = Span { version: VersionId(3), page: 0, start: 1, end: 9 };
        let citations: Vec<NewCitation> = (1..=2)
            .map(|number| NewCitation { number, span, document: DocumentId(3), quote: format!("Quote {n}") })
            .collect();
        let record = json!({ "quotes": [n], "calls": ["a", "b"] });
        house
            .store
            .record(entry(n, format!("turn:{turn}")), |w| {
                w.finish_turn(turn, TurnState::Answered, &format!("Answer {n}."), &record, &citations, n)?;
                w.add_trace(turn, &trace(n))
            })
            .unwrap();
        let kept = |w: &Writer<'_>| {
            let id = w.add_ledger(&connection_row(n))?;
            Ok((id, entry(n, format!("connection:{id}"))))
        };
        let (id, _) = house.store.record_with(kept).unwrap();
        let ended = |w: &Writer<'_>| w.settle_ledger(id, "done, 200", 400, 9_000);
        house.store.record(entry(n, format!("connection:{id}")), ended).unwrap();
    }
    assert_eq!(house.store.verify_audit().unwrap().flaws, []);
    house
}

/// Changes one thing in a way, and says which row that was and what is wrong with it.
fn tamper(db: &Connection, way: usize, id: i64) -> (HeldRow, RowFlaw) {
    let (turn, line) = (HeldRow::Turn(TurnId(id)), HeldRow::Connection(id));
    let (sql, row, flaw) = match way {
        0 => ("UPDATE turn SET question = question || ' not' WHERE id = ?1", turn, RowFlaw::Edited),
        1 => ("UPDATE turn SET answer = replace(answer, 'n', 'm') WHERE id = ?1", turn, RowFlaw::Edited),
        2 => ("UPDATE turn SET record = '{}' WHERE id = ?1", turn, RowFlaw::Edited),
        3 => ("UPDATE turn SET state = 'abstained' WHERE id = ?1", turn, RowFlaw::Edited),
        4 => ("UPDATE turn SET finished_ms = finished_ms + 1 WHERE id = ?1", turn, RowFlaw::Edited),
        5 => ("UPDATE turn SET attachments = '[7]' WHERE id = ?1", turn, RowFlaw::Edited),
        6 => ("UPDATE trace SET duration_ms = duration_ms + 0.001 WHERE turn = ?1", turn, RowFlaw::Edited),
        7 => ("UPDATE trace SET detail = 'null' WHERE turn = ?1 AND station = 'generate'", turn, RowFlaw::Edited),
        8 => ("DELETE FROM trace WHERE turn = ?1 AND station = 'retrieve'", turn, RowFlaw::Edited),
        9 => (
            "INSERT INTO trace(turn, station, started_ms, duration_ms, outcome, sentence, detail)
                SELECT turn, 'again', started_ms, duration_ms, outcome, sentence, detail FROM trace WHERE turn = ?1 LIMIT 1",
            turn,
            RowFlaw::Edited,
        ),
        10 => ("UPDATE citation SET start = start + 1 WHERE turn = ?1 AND number = 2", turn, RowFlaw::Edited),
        11 => ("DELETE FROM citation WHERE turn = ?1", turn, RowFlaw::Edited),
        12 => ("DELETE FROM turn WHERE id = ?1", turn, RowFlaw::Missing),
        13 => ("UPDATE ledger SET host = 'other.example' WHERE id = ?1", line, RowFlaw::Edited),
        14 => ("UPDATE ledger SET bytes_out = bytes_out - 1 WHERE id = ?1", line, RowFlaw::Edited),
        15 => ("UPDATE ledger SET outcome = 'refused' WHERE id = ?1", line, RowFlaw::Edited),
        16 => ("UPDATE ledger SET label = 'public' WHERE id = ?1", line, RowFlaw::Edited),
        17 => ("DELETE FROM ledger WHERE id = ?1", line, RowFlaw::Missing),
        18 => (
            "INSERT INTO ledger(id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in)
                SELECT id + 1000, at_ms, purpose, host, rule, outcome, 1, 1 FROM ledger WHERE id = ?1",
            HeldRow::Connection(id + 1000),
            RowFlaw::Inserted,
        ),
        _ => (
            "INSERT INTO turn(id, conversation, position, asked_ms, question, attachments, state)
                SELECT id + 1000, conversation, position + 1000, asked_ms, question, attachments, 'answered' FROM turn
                WHERE id = ?1",
            HeldRow::Turn(TurnId(id + 1000)),
            RowFlaw::Inserted,
        ),
    };
    assert!(db.execute(sql, [id]).unwrap() > 0, "way {way} changed nothing");
    (row, flaw)
}

#[test]
fn a_thousand_changes_of_rows_are_located() {
    let house = with_rows();
    let db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for round in 0..1000_usize {
        db.execute_batch("BEGIN").unwrap();
        let (row, flaw) = tamper(&db, round % 20, 1 + (round / 20) as i64 * 7 % TURNS);
        let found: Vec<Flaw> = flaws(&db).unwrap().into_iter().map(|broken| broken.why).collect();
        assert_eq!(found, [Flaw::Row(row, flaw)], "round {round}");
        db.execute_batch("ROLLBACK").unwrap();
    }
    db.execute("UPDATE turn SET answer = 'Forged.' WHERE id = 5", []).unwrap();
    let check = house.store.verify_audit().unwrap();
    let broken = check.broken.unwrap();
    assert_eq!(broken.why, Flaw::Row(HeldRow::Turn(TurnId(5)), RowFlaw::Edited));
    let of = house.store.read(|r| r.audit_for("turn:5")).unwrap();
    assert_eq!(of.last().map(|row| row.seq), Some(broken.seq), "named with the entry that holds it");
}

#[test]
fn what_the_house_changes_with_an_entry_holds_and_without_one_shows() {
    let house = with_rows();
    let turn = TurnId(3);
    let again = |w: &Writer<'_>| {
        w.rewrite_turn(turn, "[Erased.]", &json!(null))?;
        w.erase_trace(turn)?;
        w.audit_for("turn:3")?.iter().try_for_each(|row| w.purge_audit_payload(row.seq))
    };
    house.store.record(entry(100, "purge".into()), again).unwrap();
    assert_eq!(house.store.verify_audit().unwrap().flaws, [], "the entry that erases holds what is left");
    house.store.write(|w| w.rewrite_turn(TurnId(4), "Else.", &json!(null))).unwrap();
    let found = house.store.verify_audit().unwrap().flaws;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].why, Flaw::Row(HeldRow::Turn(TurnId(4)), RowFlaw::Edited));
}

#[test]
fn rows_from_before_any_was_held_are_left_alone() {
    let house = house();
    let conversation = house.store.write(|w| w.create_conversation(house.space, "Talk", 1)).unwrap();
    let finished = |w: &Writer<'_>| {
        let turn = w.begin_turn(conversation, "Old?", &[], 1)?;
        w.finish_turn(turn, TurnState::Answered, "Old.", &json!(null), &[], 1)
    };
    house.store.write(finished).unwrap();
    assert_eq!(house.store.verify_audit().unwrap().flaws, []);
    house.store.record(entry(2, "turn:2".into()), finished).unwrap();
    assert_eq!(house.store.verify_audit().unwrap().flaws, []);
    house.store.write(finished).unwrap();
    let found = house.store.verify_audit().unwrap().flaws;
    assert_eq!(found[0].why, Flaw::Row(HeldRow::Turn(TurnId(3)), RowFlaw::Inserted));
}
