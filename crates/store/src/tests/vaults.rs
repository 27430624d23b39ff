//! Making, opening and closing vaults; migrations; crashes; backups.

use super::house::*;
use crate::migrate::{MIGRATIONS, Migration, migrate};
use crate::*;
use rusqlite::Connection;
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn a_vault_opens_with_its_secret_only() {
    let house = house();
    let dir = house.dir.path().to_owned();
    assert_eq!(inspect(&dir).unwrap(), VaultInfo { exists: true, passphrase: true, device: false });
    assert!(matches!(create(&dir, &passphrase("other"), 1), Err(StoreError::Exists)));
    let House { store, dir: _kept, .. } = house;
    drop(store);
    let before = snapshot(&dir);
    for wrong in ["", "Open", "open ", "opeñ"] {
        assert!(matches!(open(&dir, &passphrase(wrong)), Err(StoreError::WrongSecret)));
        let change = change_secret(&dir, &passphrase(wrong), &passphrase("new"));
        assert!(matches!(change, Err(StoreError::WrongSecret)));
    }
    assert!(matches!(open(&dir, &Secret::Device), Err(StoreError::WrongSecret)));
    assert_eq!(snapshot(&dir), before, "a wrong secret changes nothing");
    change_secret(&dir, &passphrase("open"), &passphrase("new")).unwrap();
    assert!(matches!(open(&dir, &passphrase("open")), Err(StoreError::WrongSecret)));
    assert_eq!(open(&dir, &passphrase("new")).unwrap().read(|r| r.spaces()).unwrap().len(), 1);
    assert!(matches!(open(&dir.join("none"), &passphrase("new")), Err(StoreError::Missing)));
    assert_eq!(inspect(&dir.join("none")).unwrap(), VaultInfo::default());
}

fn snapshot(dir: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn nothing_is_readable_without_the_key() {
    let house = house();
    house.import("plainname.txt", &["plaintext canary"]);
    house
        .store
        .record_with(|w| Ok((w.set_setting("plainkey", &json!(1))?, super::house::note("plainsentence"))))
        .unwrap();
    for (name, bytes) in snapshot(house.dir.path()) {
        for needle in ["canary", "plain", "SQLite format", "hearth audit"] {
            let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found, "{needle} stands in {name}");
        }
    }
}

#[test]
fn a_damaged_description_or_a_missing_database_is_said() {
    let house = house();
    let House { store, dir, .. } = house;
    drop(store);
    std::fs::rename(dir.path().join("hearth.db"), dir.path().join("elsewhere")).unwrap();
    assert!(matches!(open(dir.path(), &passphrase("open")), Err(StoreError::Damaged { .. })));
    std::fs::write(dir.path().join("hearth.db"), vec![7; 8192]).unwrap();
    assert!(matches!(open(dir.path(), &passphrase("open")), Err(StoreError::Damaged { .. })));
    let path = dir.path().join("vault.json");
    let whole = std::fs::read_to_string(&path).unwrap();
    let costly = whole.replace("\"memory_kib\": 64", "\"memory_kib\": 4000000000");
    assert_ne!(costly, whole);
    for text in ["", "{", "{}", "[]", &whole[..whole.len() / 2], &costly] {
        std::fs::write(&path, text).unwrap();
        assert!(matches!(open(dir.path(), &passphrase("open")), Err(StoreError::Damaged { .. })), "{text}");
    }
}

#[test]
fn looking_for_a_keyring_is_quick() {
    let start = Instant::now();
    let available = device_available();
    assert!(start.elapsed() < Duration::from_secs(4));
    if !available {
        let dir = tempfile::tempdir().unwrap();
        let refused = create(dir.path(), &Secret::Device, 1);
        assert!(matches!(refused, Err(StoreError::NoKeyring)));
        assert_eq!(inspect(dir.path()).unwrap(), VaultInfo::default());
        let again = crate::vault::create_at_cost(dir.path(), &passphrase("x"), 2, CHEAP).unwrap();
        assert!(again.read(|r| r.spaces()).unwrap().is_empty(), "nothing was left behind");
    }
}

/// The newest step that this program knows.
fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |last| last.number)
}

#[test]
fn a_newer_file_is_refused_with_the_version_it_needs() {
    let house = house();
    let newer = |oldest| Migration {
        number: latest() + 1,
        sql: &["CREATE TABLE later(id INTEGER PRIMARY KEY) STRICT;"],
        oldest_reader: oldest,
        oldest_program: "7.8.9",
    };
    let upgrade = |store: &Store, oldest: i64| {
        let mut db =
            crate::connection::open(&store.inner.path, &store.inner.key, crate::connection::Use::Write, false).unwrap();
        migrate(&mut db, &[MIGRATIONS, &[newer(oldest)]].concat()).unwrap();
    };
    upgrade(&house.store, 1);
    let house = house.reopen(); // an addition that this program may ignore
    let back = format!("DROP TABLE later; PRAGMA user_version = {};", latest());
    house.store.write(|w| Ok(w.db.execute_batch(&back)?)).unwrap();
    upgrade(&house.store, latest() + 1);
    let House { store, dir, .. } = house;
    drop(store);
    match open(dir.path(), &passphrase("open")) {
        Err(StoreError::NeedsNewer { version }) => assert_eq!(version, "7.8.9"),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn a_file_of_each_earlier_step_is_brought_up_to_date() {
    crate::extension::register();
    for steps in 1..MIGRATIONS.len() {
        let mut db = Connection::open_in_memory().unwrap();
        migrate(&mut db, &MIGRATIONS[..steps]).unwrap();
        db.execute("INSERT INTO space(name, created_ms) VALUES ('kept', 1)", []).unwrap();
        migrate(&mut db, MIGRATIONS).unwrap();
        let spaces: i64 = db.query_row("SELECT count(*) FROM space", [], |row| row.get(0)).unwrap();
        let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!((spaces, version), (1, latest()));
    }
}

#[test]
fn a_migration_that_fails_leaves_the_old_file() {
    let mut db = Connection::open_in_memory().unwrap();
    crate::extension::register();
    migrate(&mut db, MIGRATIONS).unwrap();
    let broken = Migration {
        number: latest() + 1,
        sql: &["CREATE TABLE half(id INTEGER PRIMARY KEY) STRICT;", "CREATE TABLE half(again INTEGER) STRICT;"],
        oldest_reader: 9,
        oldest_program: "9",
    };
    assert!(migrate(&mut db, &[MIGRATIONS, &[broken]].concat()).is_err());
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, latest());
    assert!(db.prepare("SELECT * FROM half").is_err());
    assert_eq!(
        crate::table::meta::integer(&db, "oldest_reader").unwrap(),
        MIGRATIONS.last().map(|last| last.oldest_reader)
    );
}

#[test]
fn a_kill_leaves_what_was_acknowledged() {
    let house = house();
    let (document, _) = house.import("a", &["apple one"]);
    let mut images = vec![(0, image(house.dir.path()))];
    let text = "banana two";
    let new = new_version(house.space, Some(document), "a", text.as_bytes());
    house
        .store
        .record_with(|w| {
            w.put_blob(&new.hash, text.as_bytes())?;
            let (_, version) = w.begin_version(&new)?;
            images.push((0, image(house.dir.path())));
            w.keep_pages(version, &read(text))?;
            w.publish(version, &[indexed(text)], 9)?;
            // Forces pages out of the cache and into the log before the commit.
            w.db.execute_batch("PRAGMA cache_size = 1;")?;
            w.put_blob(&hash_of(&[1; 300_000]), &[1; 300_000])?;
            images.push((0, image(house.dir.path())));
            Ok(((), note("indexed")))
        })
        .unwrap();
    images.push((1, image(house.dir.path())));
    house.store.write(|w| w.purge_documents(&[document])).unwrap();
    images.push((2, image(house.dir.path())));
    for (index, (state, dir)) in images.into_iter().enumerate() {
        let store = open(dir.path(), &passphrase("open")).unwrap();
        let copy = House { dir, store, space: house.space };
        let all = copy.everything();
        let found = (copy.words("apple", &all).len(), copy.words("banana", &all).len());
        assert_eq!(found, [(1, 0), (0, 1), (0, 0)][state], "image {index}");
        assert_eq!(found, (copy.near("apple", &all).len(), copy.near("banana", &all).len()));
        assert_eq!(copy.store.verify_audit().unwrap().entries, u64::from(state > 0));
        assert_eq!(copy.store.check().unwrap(), [], "image {index}");
    }
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let house = house();
    house.import("a", &["apple one"]);
    let limit = |pages: i64| {
        house
            .store
            .write(|w| Ok(w.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?))
            .unwrap();
    };
    limit(1); // SQLite raises it to the present size
    let big = vec![3; 2_000_000];
    let full = house.store.record(note("big"), |w| w.put_blob(&hash_of(&big), &big));
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert_eq!(house.words("apple", &house.everything()).len(), 1);
    assert_eq!(house.store.check().unwrap(), []);
    limit(1 << 30);
    house.store.record(note("big"), |w| w.put_blob(&hash_of(&big), &big)).unwrap();
    let house = house.reopen();
    assert_eq!(house.store.read(|r| r.blob(&hash_of(&big))).unwrap().unwrap(), big);
    assert_eq!(house.store.verify_audit().unwrap().entries, 1);
}

#[test]
fn a_backup_opens_like_the_original() {
    let house = house();
    house.import("a", &["apple one"]);
    house.store.record(note("x"), |_| Ok(())).unwrap();
    let to = tempfile::tempdir().unwrap();
    let target = to.path().join("deep/copy");
    house.store.backup(&target).unwrap();
    assert!(matches!(house.store.backup(&target), Err(StoreError::Exists)));
    let copy = House { store: open(&target, &passphrase("open")).unwrap(), dir: to, space: house.space };
    assert_eq!(copy.words("apple", &copy.everything()), ["apple one"]);
    assert_eq!(copy.store.check().unwrap(), []);
    assert_eq!(copy.store.verify_audit().unwrap().entries, 1);
}
