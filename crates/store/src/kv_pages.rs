//! Pages of models' KV caches, encrypted, one file each, so that a conversation goes on without its prompt being read
//! again. They repeat in numbers what a model has read: whenever anything is erased for good, all of them go, and their
//! key with them. Losing them costs time only. What a page holds and who asks for it are not known here.

use crate::connection::DataKey;
use crate::table::meta;
use crate::vault::random_bytes;
use crate::{Result, StoreError};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use zeroize::Zeroizing;

/// The folder beside the vault's file.
pub(crate) const FOLDER: &str = "kv";
/// Bytes of all pages together; beyond them the longest unused go.
const BUDGET_BYTES: u64 = 1 << 30;
const NONCE_BYTES: usize = 24;
const KEY: &str = "kv_key";

/// The pages of an open vault.
pub struct KvPages {
    vault: PathBuf,
    folder: PathBuf,
    key: RwLock<DataKey>,
    budget_bytes: u64,
}

impl KvPages {
    /// Takes the key out of the vault; a vault without one begins with a new one and no pages.
    pub(crate) fn open(vault: &Path, db: &Connection) -> Result<Self> {
        let folder = vault.join(FOLDER);
        let kept = meta::bytes(db, KEY)?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let key = match kept {
            Some(key) => Zeroizing::new(key),
            None => new_key(db)?,
        };
        Ok(Self { vault: vault.to_owned(), folder, key: RwLock::new(key), budget_bytes: BUDGET_BYTES })
    }

    /// The folder of their vault.
    pub fn vault(&self) -> &Path {
        &self.vault
    }

    /// Returns a page, which counts as used at `now_ms` (milliseconds since 1970). One that is not there, or was not
    /// written by this vault, is none.
    pub fn get(&self, name: &[u8; 32], now_ms: i64) -> Option<Vec<u8>> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(&key, name);
        let sealed = fs::read(&path).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload { msg: sealed, aad: name };
        let bytes = XChaCha20Poly1305::new((&**key).into()).decrypt(&XNonce::from(*nonce), payload).ok()?;
        // Which were used last decides which stay.
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms.unsigned_abs());
        let _ = File::options().append(true).open(&path).and_then(|file| file.set_modified(now));
        Some(bytes)
    }

    /// Keeps a page under a name that says everything that it depends on.
    ///
    /// # Errors
    /// Those of the file system; nothing is kept then.
    pub fn put(&self, name: &[u8; 32], bytes: &[u8]) -> Result<()> {
        let key = self.key.read().unwrap_or_else(PoisonError::into_inner);
        let mut nonce = [0; NONCE_BYTES];
        nonce.iter_mut().zip(random_bytes()?.iter()).for_each(|(to, from)| *to = *from);
        let payload = Payload { msg: bytes, aad: name };
        let sealed = XChaCha20Poly1305::new((&**key).into()).encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| StoreError::Invalid("the page could not be sealed".into()))?;
        fs::create_dir_all(&self.folder)?;
        self.make_room((NONCE_BYTES + sealed.len()) as u64)?;
        let (path, part) = (self.path(&key, name), self.path(&key, name).with_extension("part"));
        let written = fs::write(&part, [&nonce[..], &sealed].concat()).and_then(|()| fs::rename(&part, &path));
        written.inspect_err(|_| drop(fs::remove_file(&part))).map_err(StoreError::from)
    }

    /// Goes on with a new key and no pages. What a disk still holds of the old ones is noise.
    pub(crate) fn renew(&self, key: DataKey) {
        *self.key.write().unwrap_or_else(PoisonError::into_inner) = key;
        // Files that stay behind are found by nobody and give way to new ones.
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// The file of a page. Its name tells nothing to who has not the key.
    fn path(&self, key: &DataKey, name: &[u8; 32]) -> PathBuf {
        let hash = Sha256::new_with_prefix(key.as_slice()).chain_update(name).finalize();
        self.folder.join(hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn make_room(&self, needed: u64) -> Result<()> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            if let Ok(about) = entry.metadata() {
                files.push((about.modified().unwrap_or(SystemTime::UNIX_EPOCH), about.len(), entry.path()));
            }
        }
        files.sort();
        let mut held: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        for (_, bytes, path) in files {
            if held + needed <= self.budget_bytes {
                break;
            }
            fs::remove_file(path)?;
            held -= bytes;
        }
        Ok(())
    }
}

/// Makes a key and keeps it in the vault in place of the old one.
pub(crate) fn new_key(db: &Connection) -> Result<DataKey> {
    let key = random_bytes()?;
    meta::set(db, KEY, key.as_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Behind the time at which any file of these tests was written.
    const LATER: i64 = 4_000_000_000_000;

    fn vault() -> (tempfile::TempDir, Connection) {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(meta::CREATE).unwrap();
        (tempfile::tempdir().unwrap(), db)
    }

    #[test]
    fn pages_come_back_and_nobody_else_reads_them() {
        let (dir, db) = vault();
        let pages = KvPages::open(dir.path(), &db).unwrap();
        let words = b"what the model has read".repeat(50);
        pages.put(&[1; 32], &words).unwrap();
        assert_eq!((pages.get(&[1; 32], LATER), pages.get(&[2; 32], LATER)), (Some(words.clone()), None));
        assert_eq!(KvPages::open(dir.path(), &db).unwrap().get(&[1; 32], LATER), Some(words));
        let file = fs::read_dir(dir.path().join(FOLDER)).unwrap().next().unwrap().unwrap().path();
        let mut sealed = fs::read(&file).unwrap();
        assert!(!sealed.windows(8).any(|part| part == b"what the"));
        assert_eq!(KvPages::open(dir.path(), &vault().1).unwrap().get(&[1; 32], LATER), None, "another vault");
        sealed[40] ^= 1;
        fs::write(&file, &sealed).unwrap();
        assert_eq!(pages.get(&[1; 32], LATER), None, "changed");
        fs::write(&file, b"short").unwrap();
        assert_eq!(pages.get(&[1; 32], LATER), None, "cut off");
    }

    #[test]
    fn erasing_takes_files_and_key() {
        let (dir, db) = vault();
        let pages = KvPages::open(dir.path(), &db).unwrap();
        pages.put(&[1; 32], b"secret").unwrap();
        let file = fs::read_dir(dir.path().join(FOLDER)).unwrap().next().unwrap().unwrap().path();
        let sealed = fs::read(&file).unwrap();
        pages.renew(new_key(&db).unwrap());
        assert!(!dir.path().join(FOLDER).exists());
        // Even from a copy of the file nothing comes back.
        fs::create_dir(dir.path().join(FOLDER)).unwrap();
        fs::write(&file, sealed).unwrap();
        assert_eq!(
            (pages.get(&[1; 32], LATER), KvPages::open(dir.path(), &db).unwrap().get(&[1; 32], LATER)),
            (None, None)
        );
        pages.put(&[1; 32], b"new").unwrap();
        assert_eq!(pages.get(&[1; 32], LATER).as_deref(), Some(&b"new"[..]));
    }

    #[test]
    fn the_longest_unused_pages_give_way() {
        let (dir, db) = vault();
        let mut pages = KvPages::open(dir.path(), &db).unwrap();
        pages.budget_bytes = 3 * 1100;
        for name in 1..=3 {
            pages.put(&[name; 32], &[0; 1000]).unwrap();
            std::thread::sleep(Duration::from_millis(15));
        }
        assert!(pages.get(&[1; 32], LATER).is_some());
        pages.put(&[4; 32], &[0; 1000]).unwrap();
        let kept = [1, 2, 3, 4].map(|name| pages.get(&[name; 32], LATER).is_some());
        assert_eq!(kept, [true, false, true, true]);
    }
}
