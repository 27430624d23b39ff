//! One file into the library: hash, read, chunk, embed, publish. Each step is kept when it is done, so that a restart
//! goes on from there; the old version answers until the new one is complete.

use crate::clock::now_ms;
use crate::embedding::whole_text;
use crate::engine::EngineError;
use crate::error;
use crate::inside::{self, Member};
use crate::jobs::{self, Payload, Source, failure};
use crate::kernel::{House, Open};
use crate::models::Installed;
use crate::near;
use crate::reader::ReaderError;
use crate::recognize;
use crate::title::names_something;
use hearth_api::{Error, ErrorCode, ImportStep, JobAction, JobFailure};
use hearth_documents::{ChunkOptions, ReadError};
use hearth_domain::{BlobHash, Document, DocumentId, JobId, Kind, Passage, SpaceId, VersionId};
use hearth_inference::embed::Kind as Side;
use hearth_retrieval::Sketch;
use hearth_store::{Entry, IndexedPassage, JobState, JobUpdate, NewVersion, Scope, StoreError, VersionState, Writer};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::time::{Duration, Instant};

/// Larger files are refused: a reader holds the whole file in memory.
pub(crate) const MAX_FILE_BYTES: u64 = 512 << 20;
/// Passages embedded at a time: small enough that a question in between waits little.
const BATCH: usize = 16;

/// One job under way.
pub(crate) struct Work<'a> {
    pub(crate) house: &'a House,
    pub(crate) open: &'a Open,
    pub(crate) job: JobId,
    pub(crate) name: &'a str,
    pub(crate) space: Option<SpaceId>,
    pub(crate) payload: Payload,
    pub(crate) step: ImportStep,
    /// What stands for the words that were read.
    pub(crate) sketch: Option<Sketch>,
    /// Files inside, whose bytes are kept.
    pub(crate) members: Vec<Member>,
}

/// Why a job did not come to its end.
pub(crate) enum Stopped {
    Cancelled,
    Closing,
    Failed(JobFailure),
}

impl std::convert::From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Stopped::Failed(match error {
            StoreError::Full => failure(
                "disk_full",
                "Disk full",
                "There is no room left on this disk. Free some space, then try again.",
            ),
            other => failure("internal", "Not kept", &error::store(other).to_string()),
        })
    }
}

impl std::convert::From<Error> for Stopped {
    fn from(error: Error) -> Self {
        let code = match error.code {
            ErrorCode::DiskFull => "disk_full",
            ErrorCode::NoMemory => "memory",
            ErrorCode::ModelMissing => "no_embedder",
            _ => "internal",
        };
        Stopped::Failed(failure(code, "Stopped", &error.to_string()))
    }
}

/// SHA-256 of some bytes.
pub(crate) fn hash(bytes: &[u8]) -> BlobHash {
    BlobHash(Sha256::digest(bytes).into())
}

/// Takes one job to its end.
pub(crate) fn import(work: &mut Work<'_>) -> Result<(), Stopped> {
    let began = Instant::now();
    let space =
        work.space.ok_or_else(|| Stopped::Failed(failure("internal", "No space", "This job names no space.")))?;
    let (bytes, origin) = work.bytes()?;
    let hash = hash(&bytes);
    if !recognize::is_readable_now(work.house, work.open, space, &hash)? && work.known(space, &hash)? {
        return Ok(());
    }
    let (document, version) = work.begin(space, &bytes, hash, origin)?;
    let outcome = finish_reading(work, space, document, version, bytes, began);
    if matches!(outcome, Err(Stopped::Cancelled)) {
        inside::let_go(work)?;
    }
    outcome
}

/// From the bytes of a version to where it answers.
fn finish_reading(
    work: &mut Work<'_>,
    space: SpaceId,
    document: DocumentId,
    version: VersionId,
    bytes: Vec<u8>,
    began: Instant,
) -> Result<(), Stopped> {
    let read = work.read(document, version, bytes)?;
    let passages = hearth_documents::chunk(&read, &ChunkOptions::default());
    work.sketch = near::sketch(&read.pages);
    work.payload.passages = Some(passages.len() as u32);
    let title = read.title.clone().unwrap_or_else(|| work.name.to_owned());
    // Another embedder may take over just then; vectors of two are never mixed.
    loop {
        let (indexed, embedder) = work.embed(passages.clone(), &title)?;
        if work.publish(space, document, version, &indexed, &embedder, began.elapsed())? {
            return Ok(());
        }
    }
}

impl Work<'_> {
    /// The file's bytes, and where they came from.
    fn bytes(&self) -> Result<(Vec<u8>, String), Stopped> {
        match &self.payload.source {
            Source::Blob { hash, origin } => {
                let bytes = self.open.store.read(|reader| reader.blob(hash))?;
                let bytes = bytes.ok_or_else(|| {
                    Stopped::Failed(failure("missing", "Missing", "The bytes of this file are not kept any more."))
                })?;
                Ok((bytes, origin.clone()))
            }
            Source::Path { path } => {
                self.house.law.may_read(path)?;
                if let Some(watched) = &self.payload.watched {
                    let bytes = crate::watch::read(self.open, watched.file, MAX_FILE_BYTES)?;
                    let bytes =
                        bytes.ok_or(Stopped::Cancelled)?.map_err(|error| Stopped::Failed(unreadable(path, &error)))?;
                    return Ok((bytes, path.display().to_string()));
                }
                Ok((read_file(path).map_err(Stopped::Failed)?, path.display().to_string()))
            }
        }
    }

    /// Whether this space has these very bytes already: then there is nothing to read.
    fn known(&mut self, space: SpaceId, hash: &BlobHash) -> Result<bool, Stopped> {
        let found = self.open.store.read(|reader| {
            let Some((document, _, VersionState::Current)) = reader.version_by_hash(space, hash)? else {
                return Ok(None);
            };
            reader.document(document)
        })?;
        let Some(row) = found else { return Ok(false) };
        let keeps = row.scope == Scope::Turn && !self.payload.only_for_question;
        self.payload.remark = Some(format!("Same as {}, not read again.", row.title));
        self.payload.kind = Some(row.kind);
        self.payload.pages = Some(row.pages);
        self.payload.passages = Some(row.passages);
        let payload = self.payload_json()?;
        let (id, job, origin) = (row.id, self.job, self.origin());
        let (watched, within) = (self.payload.watched.clone(), self.payload.inside.clone());
        let there = self.open.store.write(|writer| {
            if let Some(watched) = &watched
                && !crate::watch::settle(writer, watched.file, job, id, hash, &origin)?
            {
                return Ok(false);
            }
            if keeps {
                writer.keep_document(id)?;
            }
            if !inside::known(writer, within.as_ref(), id)? {
                return Ok(false);
            }
            let update = JobUpdate {
                now: now_ms(),
                document: Some(id),
                payload: Some(payload),
                step: Some("index".into()),
                ..JobUpdate::default()
            };
            writer.update_job(job, &update)?;
            finish(writer, job, watched.is_some() || within.is_some_and(|within| within.quiet))?;
            Ok(true)
        })?;
        if there { Ok(true) } else { Err(Stopped::Cancelled) }
    }

    /// The path that a job's bytes come from; empty where they come from elsewhere.
    fn origin(&self) -> String {
        match &self.payload.source {
            Source::Path { path } => path.display().to_string(),
            Source::Blob { .. } => String::new(),
        }
    }

    /// Keeps the bytes as a pending version: of the document that came from the same place, or of a new one.
    fn begin(
        &mut self,
        space: SpaceId,
        bytes: &[u8],
        hash: BlobHash,
        origin: String,
    ) -> Result<(DocumentId, VersionId), Stopped> {
        if let Some(version) = self.payload.version {
            let row = self.open.store.read(|reader| reader.version(version))?;
            if let Some(row) = row.filter(|row| row.hash == hash && row.state == VersionState::Pending) {
                return Ok((row.document, version));
            }
        }
        let kind = match hearth_documents::detect(self.name, bytes) {
            Ok(kind) => kind,
            Err(error) => return Err(Stopped::Failed(refused(&error))),
        };
        self.payload.kind = Some(kind);
        let from_path = matches!(self.payload.source, Source::Path { .. });
        let scope = if self.payload.only_for_question { Scope::Turn } else { Scope::Kept };
        let (name, label, reason, job) =
            (self.name.to_owned(), self.payload.label, self.payload.label_reason.clone(), self.job);
        let mut payload = self.payload.clone();
        let kept = self.open.store.write(|writer| {
            let mut label = label;
            let same = if from_path { writer.document_by_origin(space, &origin)? } else { None };
            let mut same = same.filter(|row| row.removed_ms.is_none() && row.scope == scope);
            if let Some(jobs::Watched { document: Some(id), returns, .. }) = payload.watched {
                same = writer.document(id)?.filter(|row| returns || row.removed_ms.is_none()).or(same);
            }
            // Bytes that are there, read again for the sake of their scans, are the next version of what they are.
            if let Some((holder, old, VersionState::Current)) = writer.version_by_hash(space, &hash)?
                && writer.has_unread_pages(old)?
            {
                same = writer.document(holder)?.or(same);
            }
            if let Some(within) = &payload.inside {
                let Some(parent) = inside::parent(writer, within)? else {
                    return writer.drop_blob(&hash).map(|_| None);
                };
                label = parent.label;
                same = inside::before(writer, within)?;
            }
            writer.put_blob(&hash, bytes)?;
            let (document, version) = writer.begin_version(&NewVersion {
                space,
                document: same.as_ref().map(|row| row.id),
                name,
                kind,
                label,
                label_rule: reason,
                origin: Some(origin),
                scope,
                hash,
                size_bytes: bytes.len() as u64,
                now: now_ms(),
            })?;
            if let Some(within) = &payload.inside {
                writer.put_inside(within.parent, &within.name, document, same.is_none())?;
            }
            payload.version = Some(version);
            payload.remark =
                same.filter(|row| row.version.is_some()).map(|row| format!("Replaces version {}.", row.versions));
            let value = serde_json::to_value(&payload).map_err(|error| StoreError::Invalid(error.to_string()))?;
            let update = JobUpdate {
                now: now_ms(),
                document: Some(document),
                payload: Some(value),
                size_bytes: Some(bytes.len() as u64),
                ..JobUpdate::default()
            };
            writer.update_job(job, &update)?;
            Ok(Some((document, version, payload)))
        })?;
        // What it came in was removed meanwhile.
        let (document, version, payload) = kept.ok_or(Stopped::Cancelled)?;
        self.payload = payload;
        Ok((document, version))
    }

    /// The version's pages: those kept by an earlier run, or freshly read.
    fn read(&mut self, document: DocumentId, version: VersionId, bytes: Vec<u8>) -> Result<Document, Stopped> {
        if let Some(kept) = self.kept(version)? {
            return Ok(kept);
        }
        let password = self.open.jobs.take_password(self.job);
        let mut told = Instant::now();
        let read = {
            let (house, open, job) = (self.house, self.open, self.job);
            let mut progress = |done: u32, total: u32| {
                if total > 0 && told.elapsed() > Duration::from_millis(200) {
                    told = Instant::now();
                    let update = JobUpdate {
                        now: now_ms(),
                        done: Some(done.into()),
                        total: Some(total.into()),
                        ..JobUpdate::default()
                    };
                    if let Err(error) = jobs::note(house, open, job, &update) {
                        tracing::warn!(%error, "progress was not noted");
                    }
                }
                !open.jobs.should_end(job)
            };
            recognize::read(house, self.name, bytes, password.as_deref(), &mut progress)
        };
        let mut read = read.map_err(|error| self.reading_failed(&error))?;
        read.title = read.title.filter(|title| names_something(title));
        self.payload.kind = Some(read.kind);
        self.payload.pages = Some(read.pages.len() as u32);
        self.payload.remark = self.payload.remark.take().or_else(|| recognize::remark(&read));
        inside::keep(self, document, &mut read)?;
        self.open.store.write(|writer| writer.keep_pages(version, &read))?;
        Ok(read)
    }

    /// Pages that an earlier run kept before it was interrupted.
    fn kept(&self, version: VersionId) -> Result<Option<Document>, Stopped> {
        // What was inside was not kept with the pages.
        if matches!(self.payload.kind, Some(Kind::Email | Kind::Mailbox | Kind::Archive)) {
            return Ok(None);
        }
        let kept = self.open.store.read(|reader| {
            let pages = reader.pages(version)?;
            Ok(reader.version(version)?.filter(|_| !pages.is_empty()).map(|row| (row, pages)))
        })?;
        Ok(kept.and_then(|(row, pages)| {
            Some(Document {
                kind: self.payload.kind?,
                title: row.title,
                author: row.author,
                created: row.created,
                language: row.language,
                pages,
                outline: row.outline,
                warnings: row.warnings,
                attachments: Vec::new(),
            })
        }))
    }

    /// Passages with their vectors, and whose these are; without vectors, and of nobody, where no embedder is installed.
    fn embed(&mut self, passages: Vec<Passage>, title: &str) -> Result<(Vec<IndexedPassage>, String), Stopped> {
        self.step = ImportStep::Embed;
        let total = passages.len() as u64;
        let payload = self.payload_json()?;
        self.note(JobUpdate {
            step: Some("embed".into()),
            done: Some(0),
            total: Some(total),
            payload: Some(payload),
            ..JobUpdate::default()
        })?;
        let (model, embedder) = match crate::reindex::of_index(self.house, self.open) {
            Ok((model, embedder)) => (Some(model), embedder),
            // Words are found without a model; vectors are made once there is one for them (`reindex`).
            Err(error) if error.code == ErrorCode::ModelMissing => {
                let said = "Found by its words alone until there is a model that searches by meaning.";
                self.payload.remark.get_or_insert_with(|| said.to_owned());
                (None, String::new())
            }
            Err(error) => return Err(error.into()),
        };
        let mut indexed = Vec::with_capacity(passages.len());
        let mut rest = passages.into_iter().peekable();
        let mut told = Instant::now();
        while rest.peek().is_some() {
            if self.open.jobs.should_end(self.job) {
                return Err(self.ended());
            }
            let batch: Vec<Passage> = rest.by_ref().take(BATCH).collect();
            let texts = batch.iter().map(|passage| whole_text(&passage.context, &passage.text, title)).collect();
            self.house.foreground.give_way(&|| self.open.jobs.should_end(self.job));
            let vectors = match &model {
                Some(model) => self.vectors(model, texts)?,
                None => vec![Vec::new(); batch.len()],
            };
            for (passage, embedding) in batch.into_iter().zip(vectors) {
                let terms = hearth_retrieval::index_terms(&passage.text, &passage.context, title);
                indexed.push(IndexedPassage { passage, terms, embedding });
            }
            if told.elapsed() > Duration::from_millis(200) {
                told = Instant::now();
                self.note(JobUpdate { done: Some(indexed.len() as u64), ..JobUpdate::default() })?;
            }
        }
        Ok((indexed, embedder))
    }

    /// One batch through the embedder; an engine that died is started anew once.
    fn vectors(&self, model: &Installed, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Stopped> {
        for attempt in 0..2 {
            match self.house.schedule.engine(self.house, model)?.embed(Side::Passage, texts.clone()) {
                Ok(vectors) => return Ok(vectors),
                Err(EngineError::Died) if attempt == 0 => {}
                Err(error) => {
                    let message = format!("The embedder {} failed: {error}.", model.name);
                    return Err(Stopped::Failed(failure("no_embedder", "Not embedded", &message)));
                }
            }
        }
        Err(Stopped::Failed(failure("no_embedder", "Not embedded", "The embedder's process died twice. Try again.")))
    }

    /// Lets a version answer; says whether its vectors are still those of the index.
    fn publish(
        &mut self,
        space: SpaceId,
        document: DocumentId,
        version: VersionId,
        indexed: &[IndexedPassage],
        embedder: &str,
        took: Duration,
    ) -> Result<bool, Stopped> {
        self.step = ImportStep::Index;
        self.note(JobUpdate { step: Some("index".into()), ..JobUpdate::default() })?;
        if self.open.jobs.should_end(self.job) {
            return Err(self.ended());
        }
        let (payload, sketch, members) = (&self.payload, self.sketch.as_ref(), self.members.as_slice());
        let payload_quiet = payload.inside.as_ref().is_some_and(|within| within.quiet);
        let brought = RefCell::new(Vec::new());
        let (job, pages, origin) = (self.job, self.payload.pages.unwrap_or(0), self.origin());
        let watched = self.payload.watched.clone();
        let (other, gone, twin) = (Cell::new(false), Cell::new(false), Cell::new(None));
        let kept = self.open.store.record_with(|writer| {
            if !embedder.is_empty() && writer.embedder()?.as_deref() != Some(embedder) {
                other.set(true);
                return Err(StoreError::Invalid("another embedder took over".into()));
            }
            // The same bytes may have come in at the same time, as another file.
            if let Some(row) = writer.version(version)?
                && let Some((holder, _, VersionState::Current)) = writer.version_by_hash(space, &row.hash)?
                && holder != document
            {
                twin.set(Some(row.hash));
                return Err(StoreError::Invalid("these bytes answer already".into()));
            }
            let published = writer.publish(version, indexed, now_ms())?;
            near::compare(writer, document, version, sketch)?;
            let mut payload = payload.clone();
            if let Some(within) = &payload.inside
                && inside::parent(writer, within)?.is_none()
            {
                gone.set(true);
                return Err(StoreError::Invalid("what it came in was removed".into()));
            }
            payload.brought = inside::bring(writer, space, document, &payload, members)?;
            brought.replace(payload.brought.clone());
            payload.remark = payload.remark.or(near::remark(writer, document)?);
            let payload = serde_json::to_value(&payload).map_err(|error| StoreError::Invalid(error.to_string()))?;
            writer.update_job(job, &JobUpdate { now: now_ms(), payload: Some(payload), ..JobUpdate::default() })?;
            finish(writer, job, watched.is_some() || payload_quiet)?;
            let row = writer.document(document)?.ok_or(StoreError::NotFound { what: "document", id: document.0 })?;
            let hash = writer.version(version)?.map(|row| row.hash);
            if let (Some(watched), Some(hash)) = (&watched, &hash) {
                if !crate::watch::settle(writer, watched.file, job, document, hash, &origin)? {
                    gone.set(true);
                    return Err(StoreError::Invalid("the file went away".into()));
                }
                if watched.returns && row.removed_ms.is_some() {
                    writer.restore_document(document)?;
                }
            }
            let hash = hash.map(|hash| hash.to_string());
            let entry = Entry {
                at_ms: now_ms(),
                kind: "document.indexed",
                sentence: format!("Indexed {}", row.title),
                subject: Some(format!("document:{document}")),
                detail: json!({
                    "space": space, "document": document, "version": version, "hash": hash, "pages": pages,
                    "passages": published.passages, "superseded": published.superseded, "took_ms": took.as_millis() as u64,
                }),
            };
            Ok(((), entry))
        });
        match kept {
            Ok(_) => {
                self.open.jobs.push(brought.into_inner().into_iter().map(JobId));
                Ok(true)
            }
            Err(_) if other.get() => Ok(false),
            Err(_) if twin.get().is_some() => {
                let known = twin.get().map(|hash| self.known(space, &hash)).transpose()?.unwrap_or(false);
                if known {
                    self.open.store.write(|writer| writer.discard_version(version))?;
                }
                Ok(known)
            }
            Err(_) if gone.get() => {
                self.open.store.write(|writer| writer.discard_version(version))?;
                Err(Stopped::Cancelled)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn note(&self, update: JobUpdate) -> Result<(), Stopped> {
        jobs::note(self.house, self.open, self.job, &JobUpdate { now: now_ms(), ..update }).map_err(Stopped::from)
    }

    fn payload_json(&self) -> Result<serde_json::Value, Stopped> {
        serde_json::to_value(&self.payload).map_err(|error| Stopped::from(error::internal(error)))
    }

    fn ended(&self) -> Stopped {
        if self.house.peek().is_none_or(|open| !std::ptr::eq(&*open, self.open)) {
            Stopped::Closing
        } else {
            Stopped::Cancelled
        }
    }

    fn reading_failed(&self, error: &ReaderError) -> Stopped {
        Stopped::Failed(match error {
            ReaderError::Cancelled => return self.ended(),
            ReaderError::Read(ReadError::Cancelled) => return self.ended(),
            ReaderError::Read(error) => refused(error),
            ReaderError::Scanned(why) => failure("no_text", "Scanned, no text", why),
            ReaderError::Timeout(seconds) => failure(
                "timeout",
                "Too slow",
                &format!(
                    "Reading was stopped after {seconds} s without an end. The file may be damaged; save it anew and try again."
                ),
            ),
            ReaderError::Died(_) => failure(
                "memory",
                "Not readable",
                "Reading this file ended its reader process: it needs more memory than a reader may use, or it is damaged. Nothing else was touched.",
            ),
            ReaderError::Start(why) => failure("internal", "No reader", &format!("The reader did not start: {why}.")),
        })
    }
}

/// Ends a job well. What happens in watched folders is not told file by file.
fn finish(writer: &Writer<'_>, job: JobId, watched: bool) -> Result<(), StoreError> {
    writer.finish_job(job, JobState::Done, None, now_ms())?;
    if watched { writer.dismiss_job(job) } else { Ok(()) }
}

/// A reader's refusal with what can be done about it.
fn refused(error: &ReadError) -> JobFailure {
    let (title, actions) = match error {
        ReadError::Empty => ("Empty", vec![JobAction::Remove]),
        ReadError::Encrypted => ("Locked", vec![JobAction::EnterPassword, JobAction::Remove]),
        ReadError::WrongPassword => ("Wrong password", vec![JobAction::EnterPassword, JobAction::Remove]),
        ReadError::NoText { .. } => ("Scanned, no text", vec![JobAction::Remove]),
        ReadError::Unsupported { .. } => ("Not a kind Hearth reads", vec![JobAction::Remove]),
        ReadError::TooLarge { .. } => ("Too large", vec![JobAction::Remove]),
        ReadError::Bomb { .. } => ("Refused", vec![JobAction::Remove]),
        ReadError::Damaged { .. } | ReadError::Cancelled => ("Damaged", vec![JobAction::Retry, JobAction::Remove]),
    };
    JobFailure { code: error.code().into(), title: title.into(), message: error.to_string(), actions }
}

/// A file's bytes, or why there are none.
fn read_file(path: &Path) -> Result<Vec<u8>, JobFailure> {
    let meta = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if meta.len() > MAX_FILE_BYTES {
        let message = format!(
            "This file has {}. Hearth reads files up to {}. Split it into parts.",
            crate::view::size(meta.len()),
            crate::view::size(MAX_FILE_BYTES)
        );
        return Err(failure("too_large", "Too large", &message));
    }
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> JobFailure {
    let (code, title) = match error.kind() {
        std::io::ErrorKind::NotFound => ("missing", "Missing"),
        _ => ("unreadable", "Not allowed"),
    };
    failure(code, title, &error::io(error, "read", path).to_string())
}

/// Pages, text and boxes of one file; nothing is kept.
pub(crate) fn extract(house: &House, path: &Path, password: Option<&str>) -> Result<serde_json::Value, Error> {
    let bytes = read_file(path).map_err(|failure| Error::new(ErrorCode::Invalid, failure.message))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let document = recognize::read(house, &name, bytes, password, &mut |_, _| true).map_err(|error| match &error {
        ReaderError::Read(read) => Error::new(ErrorCode::Invalid, read.to_string()),
        ReaderError::Died(_) | ReaderError::Start(_) => Error::new(ErrorCode::ProcessDied, error.to_string()),
        _ => Error::new(ErrorCode::Invalid, error.to_string()),
    })?;
    let passages = hearth_documents::chunk(&document, &ChunkOptions::default());
    let attachments: Vec<_> =
        document.attachments.iter().map(|file| json!({ "name": file.name, "bytes": file.bytes.len() })).collect();
    let document = Document { attachments: Vec::new(), ..document };
    Ok(json!({ "document": document, "attachments": attachments, "passages": passages }))
}
