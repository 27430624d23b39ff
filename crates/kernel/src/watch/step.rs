//! Bringing a space in step with one look at a folder: content decides. A file with known bytes is a move or a copy, one
//! with other bytes is read by a job, one that is gone takes its document out of every answer, unless another file has the
//! same bytes. Each change and its entry in the record share a transaction.

use super::reach::hash_below;
use super::scan::{Scan, whole};
use crate::clock::now_ms;
use crate::jobs::{self, Payload, Source};
use hearth_domain::{BlobHash, DocumentId, JobId};
use hearth_store::{
    Entry, JobState, Result, Store, StoreError, VersionState, WatchedFileRow, WatchedFolderRow, Writer,
};
use serde_json::json;
use std::io::ErrorKind;
use std::path::Path;

/// Files that are looked into before what they are is kept.
const BATCH: usize = 64;

/// What was done about a look.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// Jobs to be worked on.
    pub(crate) jobs: Vec<JobId>,
    /// Jobs whose files went away.
    pub(crate) ended: Vec<JobId>,
    /// Files that changed again while they were looked into, with their prints.
    pub(crate) again: Vec<(String, String)>,
    /// Whether documents moved, went or came back.
    pub(crate) changed: bool,
}

/// A file whose bytes were looked at.
struct Hashed {
    path: String,
    print: String,
    size_bytes: u64,
    /// Its hash, or why it is left out.
    hash: std::result::Result<BlobHash, String>,
}

/// One folder in a look.
pub(crate) struct Step<'a> {
    pub(crate) store: &'a Store,
    pub(crate) folder: &'a WatchedFolderRow,
    pub(crate) root: &'a Path,
    /// Whether to leave off: the vault closes.
    pub(crate) ends: &'a dyn Fn() -> bool,
}

impl Step<'_> {
    /// Takes in what settled: files at `changed` and rows that are `gone`.
    pub(crate) fn take(&self, scan: &Scan, changed: &[String], gone: &[i64]) -> Result<Done> {
        let mut done = Done::default();
        // What is gone is noted first, but only as gone: a file with its bytes may have come up elsewhere.
        self.store.write(|writer| gone.iter().try_for_each(|id| writer.lose_watched_file(*id, now_ms())))?;
        for batch in changed.chunks(BATCH) {
            let mut hashed = Vec::new();
            for path in batch {
                if (self.ends)() {
                    return Ok(done);
                }
                hashed.extend(self.look_into(scan, path, &mut done));
            }
            self.keep(&hashed, &mut done)?;
        }
        for row in self.store.read(|reader| reader.watched_left(self.folder.id))? {
            self.let_go(&row, &mut done)?;
        }
        self.bring_back_adrift(&mut done)?;
        Ok(done)
    }

    fn look_into(&self, scan: &Scan, path: &str, done: &mut Done) -> Option<Hashed> {
        let seen = scan.files.get(path)?;
        let hash = if seen.size_bytes > crate::import::MAX_FILE_BYTES {
            let (is, most) = (crate::view::size(seen.size_bytes), crate::view::size(crate::import::MAX_FILE_BYTES));
            Err(format!("It has {is}. Hearth reads files up to {most}."))
        } else {
            match hash_below(self.root, path) {
                Ok((_, now)) if now.print != seen.print => {
                    done.again.push((path.to_owned(), now.print));
                    return None;
                }
                Ok((hash, _)) => Ok(hash),
                Err(error) if error.kind() == ErrorKind::NotFound => return None,
                Err(error) => Err(crate::error::io(&error, "read", &whole(self.root, path)).message),
            }
        };
        Some(Hashed { path: path.to_owned(), print: seen.print.clone(), size_bytes: seen.size_bytes, hash })
    }

    fn keep(&self, files: &[Hashed], done: &mut Done) -> Result<()> {
        for file in files {
            match &file.hash {
                Err(why) => self.store.write(|writer| self.refuse(writer, file, why))?,
                Ok(hash) => self.store.write(|writer| self.place(writer, file, hash, done))?,
            }
        }
        Ok(())
    }

    /// A file that cannot be read is left out; what was read of it before goes on answering.
    fn refuse(&self, writer: &Writer<'_>, file: &Hashed, why: &str) -> Result<()> {
        let before = writer.watched_file_at(self.folder.id, &file.path)?.filter(|row| row.gone_ms.is_none());
        let (hash, document) = before.map_or((None, None), |row| (row.hash, row.document));
        writer.put_watched_file(self.folder.id, &file.path, &file.print, hash.as_ref(), document, Some(why))?;
        Ok(())
    }

    /// Decides what a file with these bytes at this place is.
    fn place(&self, writer: &Writer<'_>, file: &Hashed, hash: &BlobHash, done: &mut Done) -> Result<()> {
        let (folder, path) = (self.folder.id, file.path.as_str());
        let here = writer.watched_file_at(folder, path)?;
        if let Some(row) = &here
            && row.hash.as_ref() == Some(hash)
            && row.gone_ms.is_none()
        {
            // Touched, not changed.
            writer.put_watched_file(folder, path, &file.print, Some(hash), row.document, row.refused.as_deref())?;
            return Ok(());
        }
        // A place that has a document keeps it: a file that was renamed onto another is its next version.
        if here.as_ref().is_none_or(|row| row.gone_ms.is_some() || row.document.is_none())
            && let Some(gone) = self.same_but_gone(writer, path, hash)?
        {
            return self.bring(writer, file, hash, &gone, done);
        }
        let row = here.filter(|row| row.document.is_some());
        // A person took this document out while its file lay there: it stays out.
        if let Some(row) = &row
            && row.gone_ms.is_none()
            && row.document.map(|id| out(writer, id)).transpose()? == Some(true)
        {
            writer.put_watched_file(folder, path, &file.print, Some(hash), row.document, None)?;
            return Ok(());
        }
        let id = writer.put_watched_file(
            folder,
            path,
            &file.print,
            Some(hash),
            row.as_ref().and_then(|row| row.document),
            None,
        )?;
        let returns = row.is_some_and(|row| row.gone_ms.is_some());
        self.queue(writer, id, path, file.size_bytes, returns, done)
    }

    /// A file of the space that is gone and had these bytes, whose document is still there: best the one of this place,
    /// then one of the same name.
    fn same_but_gone(&self, writer: &Writer<'_>, path: &str, hash: &BlobHash) -> Result<Option<WatchedFileRow>> {
        let name = path.rsplit('/').next();
        let mut found: Vec<(bool, bool, WatchedFileRow)> = Vec::new();
        for row in writer.watched_gone(self.folder.space, hash)? {
            let Some(id) = row.document else { continue };
            let Some(document) = writer.document(id)? else { continue };
            let answers = writer.versions(id)?.iter().any(|v| v.state == VersionState::Current && v.hash == *hash);
            let own = Some(self.whole_of(writer, &row)?) == document.origin;
            if own && answers {
                let here = row.folder == self.folder.id && row.path == path;
                found.push((here, row.path.rsplit('/').next() == name, row));
            }
        }
        found.sort_by_key(|(here, named, row)| (!here, !named, std::cmp::Reverse(row.id)));
        Ok(found.into_iter().next().map(|(_, _, row)| row))
    }

    fn whole_of(&self, writer: &Writer<'_>, row: &WatchedFileRow) -> Result<String> {
        let root = match row.folder == self.folder.id {
            true => self.folder.path.clone(),
            false => writer.watched_folder(row.folder)?.map(|folder| folder.path).unwrap_or_default(),
        };
        Ok(whole(Path::new(&root), &row.path).display().to_string())
    }

    /// A document goes on at another place, or comes back at its own.
    fn bring(
        &self,
        writer: &Writer<'_>,
        file: &Hashed,
        hash: &BlobHash,
        gone: &WatchedFileRow,
        done: &mut Done,
    ) -> Result<()> {
        let Some(id) = gone.document else { return Ok(()) };
        let before = writer.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
        writer.drop_watched_file(gone.id)?;
        let row = writer.put_watched_file(self.folder.id, &file.path, &file.print, Some(hash), Some(id), None)?;
        if let Some(job) = gone.job {
            writer.read_watched_file(row, job)?;
        }
        if before.removed_ms.is_some() {
            writer.restore_document(id)?;
        }
        let origin = whole(self.root, &file.path).display().to_string();
        if before.origin.as_deref() != Some(origin.as_str()) {
            let name = file.path.rsplit('/').next().unwrap_or(&file.path);
            writer.move_document(id, name, &origin)?;
            let detail = json!({ "from": before.origin, "to": origin });
            writer.append(&entry("document.moved", format!("{} lies elsewhere now", before.title), id, detail))?;
        }
        done.changed = true;
        Ok(())
    }

    /// A file is gone: its document goes on with another file of the same bytes, or leaves every answer.
    fn let_go(&self, row: &WatchedFileRow, done: &mut Done) -> Result<()> {
        self.store.write(|writer| {
            if let Some(job) = row.job
                && let Some(job) = writer.job(job)?.filter(|job| job.finished_ms.is_none())
            {
                done.ended.push(job.id);
                if job.state == JobState::Waiting {
                    writer.finish_job(job.id, JobState::Cancelled, None, now_ms())?;
                }
            }
            match row.document {
                Some(id) => done.changed |= release(writer, id, &self.whole_of(writer, row)?, "its file is gone")?,
                None => writer.drop_watched_file(row.id)?,
            }
            Ok(())
        })
    }

    /// Files whose document went on without them are read anew.
    fn bring_back_adrift(&self, done: &mut Done) -> Result<()> {
        for row in self.store.read(|reader| reader.watched_adrift(self.folder.id))? {
            self.store.write(|writer| {
                let Some(row) = writer.watched_file(row.id)?.filter(|row| row.gone_ms.is_none()) else { return Ok(()) };
                self.queue(writer, row.id, &row.path, 0, false, done)
            })?;
        }
        Ok(())
    }

    /// Queues a job that reads a file.
    fn queue(
        &self,
        writer: &Writer<'_>,
        id: i64,
        path: &str,
        size_bytes: u64,
        returns: bool,
        done: &mut Done,
    ) -> Result<()> {
        let row = writer.watched_file(id)?.ok_or(StoreError::NotFound { what: "watched file", id })?;
        if let Some(before) = row.job
            && let Some(before) = writer.job(before)?
        {
            match before.state {
                JobState::Waiting => return Ok(()), // it will read what is there then
                JobState::Running => done.ended.push(before.id),
                JobState::Failed => writer.dismiss_job(before.id)?,
                JobState::Done | JobState::Cancelled => {}
            }
        }
        let origin = whole(self.root, path);
        let owned = match row.document {
            Some(document) => writer
                .document(document)?
                .filter(|document| document.origin.as_deref() == Some(&*origin.display().to_string()))
                .map(|document| document.id),
            None => None,
        };
        let name = path.rsplit('/').next().unwrap_or(path).to_owned();
        let folder = super::name_of(&self.folder.path);
        let payload = Payload {
            watched: Some(jobs::Watched { file: id, document: owned, returns: returns && owned.is_some() }),
            ..Payload::new(
                Source::Path { path: origin },
                false,
                self.folder.label,
                format!("the label of the watched folder {folder}"),
                0,
            )
        };
        let payload = serde_json::to_value(payload).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let job = writer.add_job(jobs::IMPORT, &name, Some(self.folder.space), &payload, size_bytes, now_ms())?;
        writer.read_watched_file(id, job)?;
        done.jobs.push(job);
        Ok(())
    }
}

/// A file at `origin` does not stand for a document any more: the document goes on with another watched file that it
/// answers for, or leaves every answer if it came from there. True when it left.
pub(crate) fn release(writer: &Writer<'_>, id: DocumentId, origin: &str, why: &str) -> Result<bool> {
    let Some(document) = writer.document(id)?.filter(|document| document.removed_ms.is_none()) else {
        return Ok(false);
    };
    if document.origin.as_deref() != Some(origin) {
        return Ok(false);
    }
    let current: Option<BlobHash> =
        writer.versions(id)?.into_iter().find(|version| version.state == VersionState::Current).map(|v| v.hash);
    for other in writer.watched_files_of(id)? {
        let Some(folder) = writer.watched_folder(other.folder)? else { continue };
        let place = whole(Path::new(&folder.path), &other.path);
        if other.hash == current && current.is_some() && place.display().to_string() != origin {
            let name = other.path.rsplit('/').next().unwrap_or(&other.path);
            writer.move_document(id, name, &place.display().to_string())?;
            return Ok(false);
        }
    }
    writer.remove_document(id, now_ms())?;
    let sentence = format!("Removed {}: {why}", document.title);
    writer.append(&entry("document.removed", sentence, id, json!({ "origin": origin })))?;
    Ok(true)
}

fn out(writer: &Writer<'_>, id: DocumentId) -> Result<bool> {
    Ok(writer.document(id)?.is_none_or(|document| document.removed_ms.is_some()))
}

fn entry(kind: &'static str, sentence: String, id: DocumentId, detail: serde_json::Value) -> Entry {
    Entry { at_ms: now_ms(), kind, sentence, subject: Some(format!("document:{id}")), detail }
}
