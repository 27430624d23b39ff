//! Watched folders and the files that were seen in them: which bytes each file had when it was last looked at, and which
//! document answers for it. What is to be done about a change is the kernel's business.

use crate::word::{get_json, json};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{BlobHash, DocumentId, JobId, Label, SpaceId, TimeMs};
use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE watched_folder (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL REFERENCES space(id),
    path TEXT NOT NULL,
    label TEXT NOT NULL,
    paused INTEGER NOT NULL DEFAULT 0,
    mounts TEXT NOT NULL DEFAULT '{}',  -- JSON: which device each mounted folder was on
    added_ms INTEGER NOT NULL,
    looked_ms INTEGER,                  -- when it was last seen whole
    UNIQUE (space, path)
) STRICT;
CREATE TABLE watched_file (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    folder INTEGER NOT NULL REFERENCES watched_folder(id) ON DELETE CASCADE,
    path TEXT NOT NULL,                 -- below the folder, parted by /
    print TEXT NOT NULL,                -- size, times and identity when it was last looked at
    hash BLOB,                          -- of its bytes then
    document INTEGER,                   -- the one that answers for it; may be purged
    job INTEGER,                        -- the latest that read it
    refused TEXT,                       -- why it is left out
    gone_ms INTEGER,                    -- since when it is not there
    UNIQUE (folder, path)
) STRICT;
CREATE INDEX watched_file_hash ON watched_file(hash);
CREATE INDEX watched_file_document ON watched_file(document);
";

/// A folder that a space stays in step with.
#[derive(Debug, Clone, PartialEq)]
pub struct WatchedFolderRow {
    /// Its id.
    pub id: i64,
    /// The space that its documents go to.
    pub space: SpaceId,
    /// Where it is.
    pub path: String,
    /// The label of its documents.
    pub label: Label,
    /// Whether a person set it aside.
    pub paused: bool,
    /// What is kept of mounted folders in it.
    pub mounts: Value,
    /// When it was chosen.
    pub added_ms: TimeMs,
    /// When it was last seen whole.
    pub looked_ms: Option<TimeMs>,
}

/// A file that was seen in a watched folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchedFileRow {
    /// Its id.
    pub id: i64,
    /// The folder.
    pub folder: i64,
    /// Its path below the folder, parted by `/`.
    pub path: String,
    /// Size, times and identity when it was last looked at.
    pub print: String,
    /// Hash of its bytes then; `None` while it was never read.
    pub hash: Option<BlobHash>,
    /// The document that answers for it; it may have been removed or purged.
    pub document: Option<DocumentId>,
    /// The job that read it last.
    pub job: Option<JobId>,
    /// Why it is left out.
    pub refused: Option<String>,
    /// Since when it is not there.
    pub gone_ms: Option<TimeMs>,
}

/// How many files of a watched folder stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WatchedCounts {
    /// Files that are there.
    pub files: u32,
    /// Of those, files whose document answers.
    pub answering: u32,
    /// Of those, files that are left out.
    pub refused: u32,
    /// Of those, files whose job waits or runs.
    pub moving: u32,
    /// Of those, files whose job failed.
    pub failed: u32,
}

const FOLDER: &str = "SELECT id, space, path, label, paused, mounts, added_ms, looked_ms FROM watched_folder";
const FILE: &str = "SELECT id, folder, path, print, hash, document, job, refused, gone_ms FROM watched_file";

fn folder_row(row: &Row) -> rusqlite::Result<WatchedFolderRow> {
    Ok(WatchedFolderRow {
        id: row.get("id")?,
        space: SpaceId(row.get("space")?),
        path: row.get("path")?,
        label: crate::word::get_word(row, "label")?,
        paused: row.get("paused")?,
        mounts: get_json(row, "mounts")?,
        added_ms: row.get("added_ms")?,
        looked_ms: row.get("looked_ms")?,
    })
}

fn file_row(row: &Row) -> rusqlite::Result<WatchedFileRow> {
    let hash: Option<Vec<u8>> = row.get("hash")?;
    Ok(WatchedFileRow {
        id: row.get("id")?,
        folder: row.get("folder")?,
        path: row.get("path")?,
        print: row.get("print")?,
        hash: hash.and_then(|bytes| bytes.try_into().ok()).map(BlobHash),
        document: row.get::<_, Option<i64>>("document")?.map(DocumentId),
        job: row.get::<_, Option<i64>>("job")?.map(JobId),
        refused: row.get("refused")?,
        gone_ms: row.get("gone_ms")?,
    })
}

impl Reader<'_> {
    /// All watched folders, oldest first; only of one space where one is named.
    pub fn watched_folders(&self, space: Option<SpaceId>) -> Result<Vec<WatchedFolderRow>> {
        let sql = format!("{FOLDER} WHERE ?1 IS NULL OR space = ?1 ORDER BY id");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([space.map(|space| space.0)], folder_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One watched folder.
    pub fn watched_folder(&self, id: i64) -> Result<Option<WatchedFolderRow>> {
        let mut statement = self.db.prepare_cached(&format!("{FOLDER} WHERE id = ?1"))?;
        Ok(statement.query_row([id], folder_row).optional()?)
    }

    /// Every file that was seen in a folder, those that are gone too, by path.
    pub fn watched_files(&self, folder: i64) -> Result<Vec<WatchedFileRow>> {
        let mut statement = self.db.prepare_cached(&format!("{FILE} WHERE folder = ?1 ORDER BY path"))?;
        Ok(statement.query_map([folder], file_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One file of a watched folder.
    pub fn watched_file(&self, id: i64) -> Result<Option<WatchedFileRow>> {
        let mut statement = self.db.prepare_cached(&format!("{FILE} WHERE id = ?1"))?;
        Ok(statement.query_row([id], file_row).optional()?)
    }

    /// The file at a place of a watched folder.
    pub fn watched_file_at(&self, folder: i64, path: &str) -> Result<Option<WatchedFileRow>> {
        let mut statement = self.db.prepare_cached(&format!("{FILE} WHERE folder = ?1 AND path = ?2"))?;
        Ok(statement.query_row((folder, path), file_row).optional()?)
    }

    /// Files that are gone and whose document is not removed, or that have none.
    pub fn watched_left(&self, folder: i64) -> Result<Vec<WatchedFileRow>> {
        let sql = format!(
            "{FILE} WHERE folder = ?1 AND gone_ms IS NOT NULL AND (document IS NULL
                OR document IN (SELECT id FROM document WHERE removed_ms IS NULL)) ORDER BY id"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([folder], file_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Files that are there and that a document answers for.
    pub fn watched_files_of(&self, document: DocumentId) -> Result<Vec<WatchedFileRow>> {
        let sql = format!("{FILE} WHERE document = ?1 AND gone_ms IS NULL ORDER BY id");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([document.0], file_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Files of a space's watched folders that are gone and had these bytes, latest gone first.
    pub fn watched_gone(&self, space: SpaceId, hash: &BlobHash) -> Result<Vec<WatchedFileRow>> {
        let sql = format!(
            "{FILE} WHERE hash = ?2 AND gone_ms IS NOT NULL
                AND folder IN (SELECT id FROM watched_folder WHERE space = ?1) ORDER BY gone_ms DESC, id DESC"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((space.0, hash.0), file_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Which watched folder each document of a space stands in: pairs of document and folder.
    pub fn watched_documents(&self, space: SpaceId) -> Result<Vec<(DocumentId, i64)>> {
        let sql = "SELECT DISTINCT f.document, f.folder FROM watched_file f JOIN watched_folder w ON w.id = f.folder
            WHERE w.space = ?1 AND f.document IS NOT NULL AND f.gone_ms IS NULL";
        let mut statement = self.db.prepare_cached(sql)?;
        let found = statement.query_map([space.0], |row| Ok((DocumentId(row.get(0)?), row.get(1)?)))?;
        Ok(found.collect::<rusqlite::Result<_>>()?)
    }

    /// How the files of a watched folder stand.
    pub fn watched_counts(&self, folder: i64) -> Result<WatchedCounts> {
        let sql = "SELECT count(*),
            count(*) FILTER (WHERE d.version IS NOT NULL AND d.removed_ms IS NULL),
            count(*) FILTER (WHERE f.refused IS NOT NULL),
            count(*) FILTER (WHERE j.state IN ('waiting', 'running')),
            count(*) FILTER (WHERE j.state = 'failed' AND f.refused IS NULL)
            FROM watched_file f LEFT JOIN document d ON d.id = f.document LEFT JOIN job j ON j.id = f.job
            WHERE f.folder = ?1 AND f.gone_ms IS NULL";
        Ok(self.db.prepare_cached(sql)?.query_row([folder], |row| {
            Ok(WatchedCounts {
                files: row.get(0)?,
                answering: row.get(1)?,
                refused: row.get(2)?,
                moving: row.get(3)?,
                failed: row.get(4)?,
            })
        })?)
    }

    /// Files that are there and whose document answers with other bytes than theirs: the document went on with another
    /// file, or nothing has read them yet.
    pub fn watched_adrift(&self, folder: i64) -> Result<Vec<WatchedFileRow>> {
        let sql = "SELECT f.id, f.folder, f.path, f.print, f.hash, f.document, f.job, f.refused, f.gone_ms
            FROM watched_file f LEFT JOIN document d ON d.id = f.document LEFT JOIN version v ON v.id = d.version
            LEFT JOIN job j ON j.id = f.job
            WHERE f.folder = ?1 AND f.gone_ms IS NULL AND f.refused IS NULL AND (
                (f.document IS NULL AND f.job IS NULL)
                OR (d.removed_ms IS NULL AND v.hash <> f.hash AND (j.state IS NULL OR j.state = 'done')))";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([folder], file_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Begins to watch a folder.
    pub fn add_watched_folder(&self, space: SpaceId, path: &str, label: Label, now: TimeMs) -> Result<i64> {
        let sql = "INSERT INTO watched_folder(space, path, label, added_ms) VALUES (?1, ?2, ?3, ?4)";
        self.db.prepare_cached(sql)?.execute((space.0, path, label.word(), now))?;
        Ok(self.db.last_insert_rowid())
    }

    /// Sets a watched folder aside, or takes it up again.
    pub fn pause_watched_folder(&self, id: i64, paused: bool) -> Result<()> {
        found(self.db.execute("UPDATE watched_folder SET paused = ?2 WHERE id = ?1", (id, paused))?, id)
    }

    /// Notes that a folder was seen whole, and which devices it was on.
    pub fn looked_at_folder(&self, id: i64, mounts: &Value, now: TimeMs) -> Result<()> {
        let sql = "UPDATE watched_folder SET mounts = ?2, looked_ms = ?3 WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id, json(mounts)?, now))?, id)
    }

    /// Stops watching a folder and forgets its files; documents stay as they are.
    pub fn drop_watched_folder(&self, id: i64) -> Result<()> {
        self.db.execute("DELETE FROM watched_file WHERE folder = ?1", [id])?;
        found(self.db.execute("DELETE FROM watched_folder WHERE id = ?1", [id])?, id)
    }

    /// Notes a file as it is now, at its place: bytes, document and job of it, and why it is left out. It is there.
    pub fn put_watched_file(
        &self,
        folder: i64,
        path: &str,
        print: &str,
        hash: Option<&BlobHash>,
        document: Option<DocumentId>,
        refused: Option<&str>,
    ) -> Result<i64> {
        let sql =
            "INSERT INTO watched_file(folder, path, print, hash, document, refused) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
            ON CONFLICT (folder, path) DO UPDATE SET print = ?3, hash = ?4, document = ?5, refused = ?6, gone_ms = NULL
            RETURNING id";
        let row = (folder, path, print, hash.map(|hash| hash.0.to_vec()), document.map(|document| document.0), refused);
        Ok(self.db.prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
    }

    /// Notes which job reads a file.
    pub fn read_watched_file(&self, id: i64, job: JobId) -> Result<()> {
        found(self.db.prepare_cached("UPDATE watched_file SET job = ?2 WHERE id = ?1")?.execute((id, job.0))?, id)
    }

    /// Notes that a file was read by `job` into a document, as these bytes. False when the file went away meanwhile, or
    /// another job reads it: then what was read must not answer.
    pub fn settle_watched_file(&self, id: i64, job: JobId, document: DocumentId, hash: &BlobHash) -> Result<bool> {
        let sql = "UPDATE watched_file SET document = ?3, hash = ?4, refused = NULL
            WHERE id = ?1 AND job = ?2 AND gone_ms IS NULL";
        Ok(self.db.prepare_cached(sql)?.execute((id, job.0, document.0, hash.0))? > 0)
    }

    /// Notes why a file is left out.
    pub fn refuse_watched_file(&self, id: i64, why: &str) -> Result<()> {
        self.db.prepare_cached("UPDATE watched_file SET refused = ?2 WHERE id = ?1")?.execute((id, why))?;
        Ok(())
    }

    /// Notes that a file is not there any more.
    pub fn lose_watched_file(&self, id: i64, now: TimeMs) -> Result<()> {
        let sql = "UPDATE watched_file SET gone_ms = coalesce(gone_ms, ?2) WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id, now))?, id)
    }

    /// Forgets a file.
    pub fn drop_watched_file(&self, id: i64) -> Result<()> {
        self.db.prepare_cached("DELETE FROM watched_file WHERE id = ?1")?.execute([id])?;
        Ok(())
    }

    /// Says where a document lies now, and what it is called.
    pub fn move_document(&self, id: DocumentId, name: &str, origin: &str) -> Result<()> {
        let sql = "UPDATE document SET name = ?2, origin = ?3 WHERE id = ?1";
        if self.db.prepare_cached(sql)?.execute((id.0, name, origin))? == 0 {
            return Err(StoreError::NotFound { what: "document", id: id.0 });
        }
        self.touch(id);
        Ok(())
    }
}

fn found(changed: usize, id: i64) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "watched folder", id }) } else { Ok(()) }
}
