//! Damage is found, said, and repaired from what is kept; what is purged leaves no trace.

use super::house::*;
use crate::connection::{self, Use};
use crate::*;
use hearth_domain::*;
use std::fs;
use std::os::unix::fs::FileExt;

const PAGE_BYTES: u64 = 4096;

/// A page of the file that belongs to a table or index.
fn page_of(house: &House, name: &str) -> u64 {
    let sql = "SELECT max(pageno) FROM dbstat WHERE name = ?1 AND pagetype = 'leaf'";
    house.store.read(|r| Ok(r.db.query_row(sql, [name], |row| row.get::<_, i64>(0))?)).unwrap() as u64
}

/// Flips bytes of one page on the disk.
fn spoil(house: &House, page: u64) {
    let db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let file = fs::OpenOptions::new().read(true).write(true).open(&house.store.inner.path).unwrap();
    let at = (page - 1) * PAGE_BYTES + 1000;
    let mut bytes = [0; 64];
    file.read_exact_at(&mut bytes, at).unwrap();
    bytes.iter_mut().for_each(|byte| *byte ^= 0x5a);
    file.write_all_at(&bytes, at).unwrap();
}

fn filled() -> House {
    let house = house();
    for index in 0..40 {
        let words: Vec<String> = (0..6).map(|p| format!("w{index}x{p} common text {}", "pad ".repeat(40))).collect();
        house.import(&format!("{index}"), &words.iter().map(String::as_str).collect::<Vec<_>>());
    }
    house.store.record(note("kept"), |_| Ok(())).unwrap();
    house
}

fn terms(passage: &PassageRow) -> String {
    passage.text.to_lowercase()
}

#[test]
fn damaged_full_text_is_found_and_rebuilt() {
    let house = filled();
    assert_eq!(house.store.check().unwrap(), []);
    let page = page_of(&house, "passage_terms_data");
    spoil(&house, page);
    let house = house.reopen();
    let findings = house.store.check().unwrap();
    assert!(findings.contains(&Finding::Unreadable { table: "passage_terms".into(), derived: true }), "{findings:?}");
    let rebuilt = house.store.rebuild_index(&terms).unwrap();
    assert_eq!((rebuilt.passages, rebuilt.lost, rebuilt.without_vector), (240, vec![], vec![]));
    assert_eq!(house.store.check().unwrap(), []);
    assert_eq!(house.words("w7x3", &house.everything()).len(), 1);
    assert_eq!(house.near("w7x3", &house.everything()).len(), 1);
    house.import("later", &["fresh one"]);
    let house = house.reopen();
    assert_eq!(house.words("fresh", &house.everything()).len(), 1);
    assert_eq!(house.store.check().unwrap(), []);
    assert!(house.store.record(note("and on"), |_| Ok(())).is_ok());
    assert_eq!(house.store.verify_audit().unwrap().entries, 2);
    assert!(house.store.write(|w| Ok(w.db.execute("DELETE FROM audit", [])?)).is_err(), "the record is still guarded");
}

#[test]
fn damaged_vectors_are_named_and_can_be_embedded_again() {
    let house = filled();
    let page = page_of(&house, "vector");
    spoil(&house, page);
    let house = house.reopen();
    let findings = house.store.check().unwrap();
    assert!(findings.contains(&Finding::Unreadable { table: "vector".into(), derived: true }), "{findings:?}");
    let rebuilt = house.store.rebuild_index(&terms).unwrap();
    assert!(!rebuilt.without_vector.is_empty() && rebuilt.without_vector.len() < 240);
    let named: Vec<Finding> = rebuilt.without_vector.iter().map(|id| Finding::Vector(*id)).collect();
    assert_eq!(house.store.check().unwrap(), named);
    let rows = house.store.read(|r| r.passages(&rebuilt.without_vector)).unwrap();
    house
        .store
        .write(|w| rows.iter().try_for_each(|row| w.put_embedding(row.document, row.id, &embed(&row.text))))
        .unwrap();
    assert_eq!(house.store.check().unwrap(), []);
    for row in rows {
        assert_eq!(house.near(&row.text, &house.everything()), [row.text]);
    }
}

#[test]
fn damaged_pages_lose_only_themselves() {
    let house = filled();
    let page = page_of(&house, "page");
    spoil(&house, page);
    let house = house.reopen();
    let findings = house.store.check().unwrap();
    assert!(findings.contains(&Finding::Unreadable { table: "page".into(), derived: false }), "{findings:?}");
    let rebuilt = house.store.rebuild_index(&terms).unwrap();
    assert!(rebuilt.lost.iter().any(|(table, rows)| table == "page" && (1..20).contains(rows)), "{rebuilt:?}");
    assert!(house.store.check().unwrap().iter().all(|finding| !matches!(finding, Finding::Page(_))));
    assert_eq!(house.store.read(|r| r.spaces()).unwrap()[0].documents, 40, "the rest is there");
    assert!(house.store.inner.folder.join("hearth.db.damaged").exists());
}

#[test]
fn a_changed_row_is_found() {
    let house = filled();
    house.store.warm().unwrap();
    house
        .store
        .write(|w| {
            w.db.execute("UPDATE vector SET numbers = zeroblob(32) WHERE passage = 7", [])?;
            w.db.execute("DELETE FROM vector WHERE passage = 8", [])?;
            w.db.execute("DELETE FROM passage_terms WHERE rowid = 9", [])?;
            w.db.execute("INSERT INTO passage_terms(rowid, place, terms) VALUES (999, 's1', 'ghost')", [])?;
            w.db.execute("UPDATE blob SET bytes = x'00' WHERE id = 3", [])?;
            Ok(())
        })
        .unwrap();
    let findings = house.store.check().unwrap();
    assert_eq!(findings.len(), 4, "{findings:?}");
    assert!(findings.contains(&Finding::FullText { missing: 1, left_over: 1 }));
    assert!(findings.contains(&Finding::Vector(PassageId(7))) && findings.contains(&Finding::Vector(PassageId(8))));
    assert!(matches!(findings[3], Finding::Blob(_)));
    assert_eq!(house.words("ghost", &house.everything()), [""; 0], "full text without a passage is never served");
    house.store.rebuild_index(&terms).unwrap();
    let findings = house.store.check().unwrap();
    assert_eq!(findings.len(), 3, "embeddings and bytes cannot be made up: {findings:?}");
}

/// Every page of the file decrypted, free ones included.
fn plain_bytes(house: &House) -> Vec<u8> {
    let mut db = connection::open(&house.store.inner.path, &house.store.inner.key, Use::Write, false).unwrap();
    db.serialize("main").unwrap().to_vec()
}

#[test]
fn a_purge_leaves_no_trace() {
    let house = house();
    let conversation = house.store.write(|w| w.create_conversation(house.space, "c", 1)).unwrap();
    house.import("keep", &["ordinary words stay here"]);
    let (document, first) = house.import("a", &["canaryalpha one canarybeta two", "more canarygamma"]);
    let (_, second) = house.import_version(Some(document), "canaryname", &["canarydelta three"]);
    let job = house
        .store
        .write(|w| w.add_job("import", "canaryjob", Some(house.space), &serde_json::json!(1), 1, 1))
        .unwrap();
    house.store.write(|w| w.update_job(job, &JobUpdate { document: Some(document), ..JobUpdate::default() })).unwrap();
    let turn = house.store.write(|w| w.begin_turn(conversation, "?", &[], 2)).unwrap();
    let reader = house.store.write(|w| w.begin_turn(conversation, "and?", &[], 2)).unwrap();
    let later = house.store.write(|w| w.begin_turn(conversation, "so?", &[], 2)).unwrap();
    house.store.write(|w| w.note_reading(reader, &[document])).unwrap();
    house.store.write(|w| w.note_reading(later, &[])).unwrap();
    let citation = NewCitation {
        number: 1,
        span: Span { version: second, page: 0, start: 0, end: 5 },
        document,
        quote: "canaryquote".into(),
    };
    let record = serde_json::json!({ "quotes": ["canaryrecord"] });
    house.store.write(|w| w.finish_turn(turn, TurnState::Answered, "canaryanswer", &record, &[citation], 3)).unwrap();
    let entry = Entry { detail: serde_json::json!("canarydetail"), ..note("Indexed a document.") };
    house.store.record(entry, |_| Ok(())).unwrap();
    let has = |bytes: &[u8]| bytes.windows(6).any(|window| window == b"canary");
    assert!(has(&plain_bytes(&house)), "the test can see what is there");
    assert_eq!(house.store.read(|r| r.document(document)).unwrap().unwrap().cited, 1);
    let purged = house.store.write(|w| w.purge_documents(&[document])).unwrap();
    assert_eq!(purged[0].turns, [turn, reader, later], "those that cite it, read it, or follow one that did");
    house.store.write(|w| w.rewrite_turn(turn, "withdrawn", &serde_json::Value::Null)).unwrap();
    house.store.write(|w| w.purge_audit_payload(1)).unwrap();
    assert_eq!(fs::metadata(house.dir.path().join("hearth.db-wal")).unwrap().len(), 0, "the log is empty");
    assert!(!has(&plain_bytes(&house)));
    for terms in ["canaryalpha", "canarydelta", "one"] {
        assert_eq!(house.words(terms, &house.everything()), [""; 0]);
    }
    assert_eq!(house.words("ordinary", &house.everything()).len(), 1);
    let read = |r: &Reader| Ok((r.version(first)?, r.version(second)?, r.document(document)?, r.job(job)?));
    assert_eq!(house.store.read(read).unwrap(), (None, None, None, None));
    assert_eq!(house.store.read(|r| r.citations_of(document)).unwrap()[0].quote, "");
    assert_eq!(house.store.check().unwrap(), []);
    let (next, _) = house.import("b", &["next"]);
    assert!(next > document, "ids are not used again");
}
