//! The handle: one writer, a few readers, the index in memory. Who may do what when; no SQL of any table.

use crate::connection::{self, DataKey, Use};
use crate::held::HeldRow;
use crate::kv_pages::{self, KvPages};
use crate::resident::{self, Resident};
use crate::table::audit::{self, AuditSeq, Entry};
use crate::{Result, StoreError, migrate};
use ed25519_dalek::SigningKey;
use hearth_domain::DocumentId;
use rusqlite::{Connection, TransactionBehavior};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};

/// Readers at work at the same time; one more waits.
const READERS: usize = 4;

/// An open vault. Clones share it. It has no threads: every call blocks the caller.
///
/// A `read` or `write` must not be called from inside another one of the same thread.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) folder: PathBuf,
    pub(crate) path: PathBuf,
    pub(crate) key: DataKey,
    pub(crate) signing: SigningKey,
    writer: Mutex<Connection>,
    readers: Mutex<Readers>,
    freed: Condvar,
    pub(crate) resident: RwLock<Resident>,
    kv_pages: KvPages,
}

/// Idle readers; the one with the wide cache is taken first.
#[derive(Default)]
struct Readers {
    wide: Option<Connection>,
    narrow: Vec<Connection>,
    open: usize,
    wide_open: bool,
}

/// Reads of one snapshot.
pub struct Reader<'a> {
    pub(crate) db: &'a Connection,
    /// `None` inside a write, whose changes the index in memory does not know.
    pub(crate) inner: Option<&'a Inner>,
}

/// Writes of one transaction. Reads through it see what it wrote.
pub struct Writer<'a> {
    reader: Reader<'a>,
    pub(crate) signing: &'a SigningKey,
    touched: RefCell<BTreeSet<DocumentId>>,
    purged: Cell<bool>,
    changed: RefCell<BTreeSet<HeldRow>>,
}

impl<'a> Deref for Writer<'a> {
    type Target = Reader<'a>;

    fn deref(&self) -> &Reader<'a> {
        &self.reader
    }
}

impl Writer<'_> {
    /// Notes that a document's passages, vectors, scope or presence changed.
    pub(crate) fn touch(&self, document: DocumentId) {
        self.touched.borrow_mut().insert(document);
    }

    /// Notes that a row changed which the next entry holds.
    pub(crate) fn change(&self, row: HeldRow) {
        self.changed.borrow_mut().insert(row);
    }

    /// The rows that changed since the last entry.
    pub(crate) fn take_changed(&self) -> BTreeSet<HeldRow> {
        self.changed.take()
    }

    /// Notes that something must not stay behind in the write-ahead log.
    pub(crate) fn note_purge(&self) {
        self.purged.set(true);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// Opens the file in `folder` with its key, brings its schema up to date, and reads the key of its record.
    pub(crate) fn start(folder: &Path, key: DataKey, create: bool) -> Result<Self> {
        let path = folder.join(crate::vault::DATABASE);
        let mut writer = connection::open(&path, &key, Use::Write, create).map_err(connection::as_damage)?;
        migrate::migrate(&mut writer, migrate::MIGRATIONS)?;
        let signing = audit::signing_key(&mut writer)?;
        let kv_pages = KvPages::open(folder, &writer)?;
        Ok(Self {
            inner: Arc::new(Inner {
                folder: folder.to_owned(),
                path,
                key,
                signing,
                writer: Mutex::new(writer),
                readers: Mutex::default(),
                freed: Condvar::new(),
                resident: RwLock::default(),
                kv_pages,
            }),
        })
    }

    /// Pages of models' KV caches. All of them go when anything is erased for good.
    pub fn kv_pages(&self) -> &KvPages {
        &self.inner.kv_pages
    }

    /// Runs reads on one consistent snapshot.
    pub fn read<T>(&self, f: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let mut lease = self.inner.lease()?;
        let value = (|| {
            let snapshot = lease.unchecked_transaction()?;
            let value = f(&Reader { db: &snapshot, inner: Some(&self.inner) })?;
            snapshot.finish()?;
            Ok(value)
        })();
        if matches!(value, Err(StoreError::Damaged { .. })) {
            lease.discard();
        }
        value
    }

    /// Runs writes in one transaction: all of them are kept, or, when `f` fails, none.
    pub fn write<T>(&self, f: impl FnOnce(&Writer) -> Result<T>) -> Result<T> {
        let mut db = lock(&self.inner.writer);
        let value = self.transact(&mut db, f);
        if matches!(value, Err(StoreError::Damaged { .. })) {
            // A connection that met a damaged page refuses every page from then on; a fresh one reads the others.
            *db = connection::open(&self.inner.path, &self.inner.key, Use::Write, false)?;
        }
        value
    }

    fn transact<T>(&self, db: &mut Connection, f: impl FnOnce(&Writer) -> Result<T>) -> Result<T> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let writer = Writer {
            reader: Reader { db: &transaction, inner: None },
            signing: &self.inner.signing,
            touched: RefCell::default(),
            purged: Cell::default(),
            changed: RefCell::default(),
        };
        let value = f(&writer)?;
        let (touched, purged) = (writer.touched.take(), writer.purged.get());
        // What a model read of what is erased goes with it: the old key of its pages does not outlive this transaction.
        let new_key = if purged { Some(kv_pages::new_key(&transaction)?) } else { None };
        if touched.is_empty() {
            transaction.commit()?;
        } else {
            // The index in memory steps over together with the file: nobody searches between.
            let mut resident = resident::lock_write(&self.inner.resident);
            transaction.commit()?;
            resident.refresh(db, &touched);
        }
        if let Some(key) = new_key {
            self.inner.kv_pages.renew(key);
            // Best effort: a reader that is still at work keeps the log; the next purge or close empties it.
            let _ = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        }
        Ok(value)
    }

    /// Runs writes and notes them in the record, in one transaction.
    pub fn record<T>(&self, entry: Entry, f: impl FnOnce(&Writer) -> Result<T>) -> Result<(T, AuditSeq)> {
        self.record_with(|writer| Ok((f(writer)?, entry)))
    }

    /// As [`Store::record`], with an entry that is made from what was written.
    pub fn record_with<T>(&self, f: impl FnOnce(&Writer) -> Result<(T, Entry)>) -> Result<(T, AuditSeq)> {
        self.write(|writer| {
            let (value, entry) = f(writer)?;
            let seq = writer.append(&entry)?;
            Ok((value, seq))
        })
    }

    /// Loads the index in memory, unless it is larger than its budget (then searches read the table).
    pub fn warm(&self) -> Result<()> {
        self.inner.load_resident()
    }

    /// Writes a copy into the folder `to`, which opens with the same secrets. The folder must not hold a vault.
    pub fn backup(&self, to: &Path) -> Result<()> {
        if to.join(crate::vault::DATABASE).exists() || to.join(crate::vault::DESCRIPTION).exists() {
            return Err(StoreError::Exists);
        }
        std::fs::create_dir_all(to)?;
        let target = to.join(crate::vault::DATABASE);
        let name = target.to_str().ok_or_else(|| StoreError::Invalid("the path is not UTF-8".into()))?;
        // A connection of its own: a long copy holds up no writer.
        let db = self.inner.lease_once(Use::Write)?;
        db.execute("VACUUM INTO ?1", [name])?;
        std::fs::File::open(&target)?.sync_all()?;
        std::fs::copy(self.inner.folder.join(crate::vault::DESCRIPTION), to.join(crate::vault::DESCRIPTION))?;
        Ok(())
    }
}

impl Inner {
    /// Loads the index in memory unless it is there. A fresh connection sees the latest commit, and while the lock is
    /// held there can be no later one.
    pub(crate) fn load_resident(&self) -> Result<()> {
        let mut resident = resident::lock_write(&self.resident);
        if resident.may_load() {
            resident.load(&connection::open(&self.path, &self.key, Use::ReadOnce, false)?)?;
        }
        Ok(())
    }

    fn lease(&self) -> Result<Lease<'_>> {
        let mut readers = lock(&self.readers);
        loop {
            if let Some(db) = readers.wide.take() {
                return Ok(Lease { inner: self, db: Some((db, Use::ReadWide)) });
            }
            if let Some(db) = readers.narrow.pop() {
                return Ok(Lease { inner: self, db: Some((db, Use::ReadNarrow)) });
            }
            if readers.open < READERS {
                let usage = if readers.wide_open { Use::ReadNarrow } else { Use::ReadWide };
                let db = connection::open(&self.path, &self.key, usage, false)?;
                readers.open += 1;
                readers.wide_open = true;
                return Ok(Lease { inner: self, db: Some((db, usage)) });
            }
            readers = self.freed.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A further connection with an empty cache, closed after use.
    pub(crate) fn lease_once(&self, usage: Use) -> Result<Lease<'_>> {
        let mut readers = lock(&self.readers);
        let db = connection::open(&self.path, &self.key, usage, false)?;
        readers.open += 1;
        Ok(Lease { inner: self, db: Some((db, usage)) })
    }

    /// Runs `f` on the writer's connection while no reader is open.
    pub(crate) fn exclusively<T>(&self, f: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        let mut writer = lock(&self.writer);
        let mut readers = lock(&self.readers);
        while readers.open > readers.narrow.len() + usize::from(readers.wide.is_some()) {
            readers = self.freed.wait(readers).unwrap_or_else(PoisonError::into_inner);
        }
        *readers = Readers::default();
        f(&mut writer)
    }
}

/// A reader on loan; goes back when dropped, also when the borrower panics.
pub(crate) struct Lease<'a> {
    inner: &'a Inner,
    db: Option<(Connection, Use)>,
}

impl Lease<'_> {
    /// Has the connection closed when it comes back: one that met a damaged page refuses every page from then on.
    fn discard(&mut self) {
        if let Some((_, usage)) = &mut self.db {
            if *usage == Use::ReadWide {
                lock(&self.inner.readers).wide_open = false;
            }
            *usage = Use::ReadOnce;
        }
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.db {
            Some((db, _)) => db,
            None => unreachable!("a lease holds its connection until it is dropped"),
        }
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some((db, usage)) = self.db.take() {
            let mut readers = lock(&self.inner.readers);
            match usage {
                Use::ReadWide => readers.wide = Some(db),
                Use::ReadNarrow => readers.narrow.push(db),
                Use::ReadOnce | Use::Write => {
                    readers.open -= 1;
                    drop(db);
                }
            }
            self.inner.freed.notify_all();
        }
    }
}
