//! The queue on disk: one job for each file, worked on by two import threads, resumable, cancellable, with typed
//! progress. What a job does is in `import`; this is only who works on what.

use crate::clock::now_ms;
use crate::error;
use crate::import;
use crate::inside::Inside;
use crate::kernel::{House, Open};
use crate::offers::{From, Offered};
use hearth_api::{Destination, Error, ErrorCode, Event, ImportStep, Job, JobAction, JobFailure};
use hearth_domain::{BlobHash, DocumentId, JobId, Kind, Label, SpaceId, VersionId};
use hearth_store::{Entry, JobFilter, JobRow, JobState, JobUpdate, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// Files that are read at a time.
const WORKERS: usize = 2;
/// So many changes in a watched folder are read before other files that wait.
const FEW: usize = 16;
/// The word for this sort of job in the store.
pub(crate) const IMPORT: &str = "import";

/// What a job must know to be done again after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) source: Source,
    pub(crate) only_for_question: bool,
    pub(crate) label: Label,
    pub(crate) label_reason: String,
    /// How many files this one was taken out of.
    pub(crate) depth: u8,
    pub(crate) version: Option<VersionId>,
    pub(crate) kind: Option<Kind>,
    pub(crate) pages: Option<u32>,
    pub(crate) passages: Option<u32>,
    pub(crate) remark: Option<String>,
    /// For a file of a watched folder.
    #[serde(default)]
    pub(crate) watched: Option<Watched>,
    /// For a file that came in inside another.
    #[serde(default)]
    pub(crate) inside: Option<Inside>,
    /// The jobs of the files inside this one.
    #[serde(default)]
    pub(crate) brought: Vec<i64>,
}

/// The file of a watched folder that a job reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Watched {
    /// Its row.
    pub(crate) file: i64,
    /// The document that it is the next version of.
    pub(crate) document: Option<DocumentId>,
    /// The file was gone, and its document out of every answer; it comes back with what is read.
    pub(crate) returns: bool,
}

impl Payload {
    /// A job that has not begun.
    pub(crate) fn new(source: Source, only_for_question: bool, label: Label, label_reason: String, depth: u8) -> Self {
        Self {
            source,
            only_for_question,
            label,
            label_reason,
            depth,
            version: None,
            kind: None,
            pages: None,
            passages: None,
            remark: None,
            watched: None,
            inside: None,
            brought: Vec::new(),
        }
    }
}

/// Where a job's bytes come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Source {
    /// A file that a person pointed at.
    Path { path: PathBuf },
    /// Bytes that are kept in the vault already.
    Blob { hash: BlobHash, origin: String },
}

/// The queue of one open vault.
#[derive(Default)]
pub(crate) struct Jobs {
    queue: Mutex<VecDeque<JobId>>,
    woken: Condvar,
    cancelled: Mutex<HashSet<JobId>>,
    passwords: Mutex<HashMap<JobId, String>>,
    /// Jobs whose end could not be kept, for want of room: they ended all the same.
    unkept: Mutex<HashMap<JobId, JobFailure>>,
    /// Bytes that came out of each file that a person handed over.
    unpacked: Mutex<HashMap<DocumentId, u64>>,
    stopped: AtomicBool,
}

impl Jobs {
    /// Stops the workers after the step that they are at; their jobs stay resumable.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::SeqCst);
        self.woken.notify_all();
    }

    /// Whether the vault is closing.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    /// Ends a job here, where the vault has no room to keep that it did.
    fn end_unkept(&self, job: JobId, failure: JobFailure) {
        held(&self.unkept).insert(job, failure);
    }

    /// Whether a job should end now: cancelled, or the vault is closing.
    pub(crate) fn should_end(&self, job: JobId) -> bool {
        self.stopped.load(Ordering::SeqCst) || held(&self.cancelled).contains(&job)
    }

    /// The password that a person gave for a job, once.
    pub(crate) fn take_password(&self, job: JobId) -> Option<String> {
        held(&self.passwords).remove(&job)
    }

    /// Counts bytes that came out of a file and the files inside it, where that stays below `most`.
    pub(crate) fn unpack(&self, root: DocumentId, bytes: u64, most: u64) -> bool {
        let mut unpacked = held(&self.unpacked);
        let so_far = unpacked.entry(root).or_default();
        let fits = so_far.saturating_add(bytes) <= most;
        *so_far += if fits { bytes } else { 0 };
        fits
    }

    pub(crate) fn push(&self, jobs: impl IntoIterator<Item = JobId>) {
        held(&self.queue).extend(jobs);
        self.woken.notify_all();
    }

    /// Queues files of a watched folder; a few changes come before whatever waits in line.
    pub(crate) fn push_watched(&self, jobs: Vec<JobId>) {
        if jobs.len() > FEW {
            return self.push(jobs);
        }
        let mut queue = held(&self.queue);
        jobs.into_iter().rev().for_each(|job| queue.push_front(job));
        drop(queue);
        self.woken.notify_all();
    }

    /// Ends jobs that run, whose files went away or changed again.
    pub(crate) fn end(&self, jobs: Vec<JobId>) {
        held(&self.cancelled).extend(jobs);
    }

    /// Waits for the next job; `None` when stopped.
    fn next(&self) -> Option<JobId> {
        let mut queue = held(&self.queue);
        loop {
            if self.stopped.load(Ordering::SeqCst) {
                return None;
            }
            if let Some(job) = queue.pop_front() {
                return Some(job);
            }
            queue = self
                .woken
                .wait_timeout(queue, Duration::from_secs(1))
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0;
        }
    }
}

/// Takes up what the last run left, and starts the workers.
pub(crate) fn start(house: &Arc<House>, open: &Arc<Open>) -> Result<(), Error> {
    match open.store.write(|writer| writer.requeue_interrupted(now_ms())) {
        // With no room left what is kept can still be read; the next opening takes them up.
        Ok(_) | Err(StoreError::Full) => {}
        Err(error) => return Err(error::store(error)),
    }
    let filter = JobFilter { states: vec![JobState::Waiting], kind: Some(IMPORT.into()), ..JobFilter::default() };
    let waiting = open.store.read(|reader| reader.jobs(&filter)).map_err(error::store)?;
    open.jobs.push(waiting.into_iter().map(|job| job.id));
    for n in 1..=WORKERS {
        let (weak, open) = (Arc::downgrade(house), Arc::downgrade(open));
        house.hands.start(&format!("import-{n}"), move || {
            loop {
                // The vault may be locked, and the house gone, while the worker waits.
                let Some(job) = open.upgrade().and_then(|open| open.jobs.next()) else { return };
                let (Some(house), Some(open)) = (weak.upgrade(), open.upgrade()) else { return };
                work(&house, &open, job);
            }
        })?;
    }
    Ok(())
}

fn work(house: &House, open: &Open, id: JobId) {
    let job = match open.store.read(|reader| reader.job(id)) {
        Ok(Some(job)) => job,
        Ok(None) => return,
        Err(error) => {
            open.jobs.end_unkept(id, failure("internal", "Not kept", &error::store(error).to_string()));
            return;
        }
    };
    let outcome = match open.store.write(|writer| writer.begin_job(id, "read", now_ms())) {
        Ok(true) => {
            tell(house, open, id);
            take_in(house, open, &job)
        }
        Ok(false) => return, // it was cancelled meanwhile
        Err(error) => Err(import::Stopped::from(error::store(error))),
    };
    let outcome = outcome.map_err(|stopped| match stopped {
        import::Stopped::Failed(failure) if failure.code == "disk_full" => {
            import::Stopped::Failed(disk_full(house, job.size_bytes))
        }
        other => other,
    });
    let closing = matches!(outcome, Err(import::Stopped::Closing));
    let ended = match outcome {
        Ok(()) => Ok(()),
        Err(import::Stopped::Closing) => open.store.write(|writer| writer.requeue_job(id, now_ms())),
        Err(import::Stopped::Cancelled) => {
            open.store.write(|writer| writer.finish_job(id, JobState::Cancelled, None, now_ms()))
        }
        Err(import::Stopped::Failed(failure)) if crate::watch::leaves_out(open, id, &failure) => {
            open.store.write(|writer| {
                writer.finish_job(id, JobState::Cancelled, None, now_ms())?;
                writer.dismiss_job(id)
            })
        }
        Err(import::Stopped::Failed(failure)) => {
            let entry = Entry {
                at_ms: now_ms(),
                kind: "document.failed",
                sentence: format!("Could not read {}", job.name),
                subject: Some(format!("job:{id}")),
                detail: json!({ "code": failure.code, "message": failure.message }),
            };
            let detail = serde_json::to_value(&failure).ok();
            open.store
                .record(entry, |writer| writer.finish_job(id, JobState::Failed, detail.as_ref(), now_ms()))
                .map(|_| ())
        }
    };
    held(&open.jobs.cancelled).remove(&id);
    crate::watch::went_on(open, &job);
    match ended {
        Err(StoreError::Full) if !closing => open.jobs.end_unkept(id, disk_full(house, job.size_bytes)),
        Err(error) if !closing => {
            tracing::error!(%error, job = id.0, "a job's end was not kept");
            open.jobs.end_unkept(id, failure("internal", "Not kept", &error::store(error).to_string()));
        }
        // It is taken up where it was left when the vault is opened again.
        _ => {}
    }
    tell(house, open, id);
    house.events.stale(&["ListDocuments", "GetConversation", "GetHome", "ListSpaces", "ListActivity", "ListWatched"]);
    house.tell_status();
}

/// What is said of a file for which there is no room, and how much to make.
fn disk_full(house: &House, size_bytes: u64) -> JobFailure {
    const LEAST: u64 = 100_000_000;
    let folder = &house.config.data_dir;
    let wanted = LEAST.max(size_bytes.saturating_mul(3));
    let said = format!(
        "There is no room left on the disk of {}: {} is free. Make room for {} more, then import this file again.",
        folder.display(),
        crate::view::size(crate::machine::disk_free(folder)),
        crate::view::size(wanted)
    );
    failure("disk_full", "Disk full", &said)
}

/// Imports the file of a job; a defect on the way is that file's failure.
fn take_in(house: &House, open: &Open, job: &JobRow) -> Result<(), import::Stopped> {
    let payload = serde_json::from_value::<Payload>(job.payload.clone()).map_err(|why| {
        import::Stopped::Failed(failure("internal", "Broke off", &format!("This job cannot be read: {why}.")))
    })?;
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        import::import(&mut import::Work {
            house,
            open,
            job: job.id,
            name: &job.name,
            space: job.space,
            payload,
            step: ImportStep::Read,
            sketch: None,
            members: Vec::new(),
        })
    }))
    .unwrap_or_else(|_| {
        Err(import::Stopped::Failed(failure(
            "internal",
            "Broke off",
            "Reading this file broke off. It is kept out; the rest is untouched.",
        )))
    })
}

/// Spends an offer: one job for each file, all in one transaction.
pub(crate) fn import_offer(
    house: &House,
    offer: i64,
    space: SpaceId,
    destination: Destination,
    label: Option<Label>,
) -> Result<Vec<Job>, Error> {
    let open = house.open()?;
    open.store.read(|reader| reader.space(space)).map_err(error::store)?.ok_or_else(|| error::missing("space"))?;
    let files = house.offers.take(offer)?;
    let question = matches!(destination, Destination::Question { .. });
    add(house, &open, files, space, question, label, 0)
}

/// Files of fewer bytes are small.
const SMALL: u64 = 256 * 1024;

/// Queues files that are in hand.
pub(crate) fn add(
    house: &House,
    open: &Open,
    files: Vec<Offered>,
    space: SpaceId,
    only_for_question: bool,
    label: Option<Label>,
    depth: u8,
) -> Result<Vec<Job>, Error> {
    let now = now_ms();
    let rows = open
        .store
        .write(|writer| {
            let mut rows = Vec::with_capacity(files.len());
            for file in &files {
                let source = match &file.from {
                    From::Path(path) => Source::Path { path: path.clone() },
                    From::Bytes { bytes, origin } => {
                        let hash = import::hash(bytes);
                        writer.put_blob(&hash, bytes)?;
                        Source::Blob { hash, origin: origin.clone() }
                    }
                };
                let reason =
                    if label.is_some() { "chosen when it was added" } else { "the label of new documents" }.to_owned();
                let payload = Payload::new(source, only_for_question, label.unwrap_or(Label::Internal), reason, depth);
                let payload = serde_json::to_value(payload)
                    .map_err(|error| hearth_store::StoreError::Invalid(error.to_string()))?;
                let id = writer.add_job(IMPORT, &file.name, Some(space), &payload, file.size_bytes, now)?;
                rows.extend(writer.job(id)?);
            }
            Ok(rows)
        })
        .map_err(error::store)?;
    // Small files first, of like size in their order: a long report does not hold the letters behind it back.
    let sizes = files.iter().map(|file| (file.size_bytes / SMALL).checked_ilog2());
    let mut line: Vec<(Option<u32>, JobId)> = sizes.zip(rows.iter().map(|row| row.id)).collect();
    line.sort_by_key(|(size, _)| *size);
    open.jobs.push(line.into_iter().map(|(_, id)| id));
    house.tell_status();
    Ok(rows.iter().filter_map(view).collect())
}

/// Jobs of a space that a person should see.
pub(crate) fn list(open: &Open, space: SpaceId) -> Result<Vec<Job>, Error> {
    let filter = JobFilter { kind: Some(IMPORT.into()), space: Some(space), ..JobFilter::default() };
    let rows = open.store.read(|reader| reader.jobs(&filter)).map_err(error::store)?;
    Ok(rows.iter().filter(|row| row.state != JobState::Cancelled).filter_map(|row| shown(open, row)).collect())
}

/// Files done and files in all among those on the way.
pub(crate) fn under_way(open: &Open) -> Option<hearth_api::Progress> {
    let (moving, done) = open.store.read(|reader| reader.count_jobs(IMPORT)).ok()?;
    let moving = moving.saturating_sub(held(&open.jobs.unkept).len() as u64);
    (moving > 0).then_some(hearth_api::Progress { done, total: done + moving })
}

/// Stops jobs, or takes them out of the queue. Those that ended are left alone.
pub(crate) fn cancel(house: &House, jobs: &[i64]) -> Result<(), Error> {
    let open = house.open()?;
    open.store
        .write(|writer| {
            for id in jobs.iter().copied().map(JobId) {
                let row = writer.job(id)?.ok_or(StoreError::NotFound { what: "file", id: id.0 })?;
                held(&open.jobs.unkept).remove(&id);
                match row.state {
                    JobState::Waiting => writer.finish_job(id, JobState::Cancelled, None, now_ms())?,
                    JobState::Running => drop(held(&open.jobs.cancelled).insert(id)),
                    _ => {}
                }
            }
            Ok(())
        })
        .map_err(error::store)?;
    house.events.stale(&["ListJobs", "ListDocuments"]);
    house.tell_status();
    Ok(())
}

/// Puts a failed job back into the queue.
pub(crate) fn retry(house: &House, job: i64, password: Option<String>) -> Result<Job, Error> {
    let open = house.open()?;
    let id = JobId(job);
    let row = find(&open, id)?;
    if !matches!(row.state, JobState::Failed | JobState::Cancelled) && !held(&open.jobs.unkept).contains_key(&id) {
        return Err(Error::new(ErrorCode::Invalid, "This file is on its way already."));
    }
    if let Some(password) = password {
        held(&open.jobs.passwords).insert(id, password);
    }
    open.store.write(|writer| writer.requeue_job(id, now_ms())).map_err(error::store)?;
    held(&open.jobs.unkept).remove(&id);
    open.jobs.push([id]);
    tell(house, &open, id);
    view(&find(&open, id)?).ok_or_else(|| error::missing("job"))
}

/// Takes ended jobs off the list.
pub(crate) fn dismiss(house: &House, jobs: &[i64]) -> Result<(), Error> {
    let open = house.open()?;
    open.store.write(|writer| jobs.iter().try_for_each(|job| writer.dismiss_job(JobId(*job)))).map_err(error::store)?;
    house.events.stale(&["ListJobs", "ListDocuments"]);
    Ok(())
}

fn find(open: &Open, id: JobId) -> Result<JobRow, Error> {
    open.store.read(|reader| reader.job(id)).map_err(error::store)?.ok_or_else(|| error::missing("file"))
}

/// Notes where a job is, on disk and to every window.
pub(crate) fn note(house: &House, open: &Open, id: JobId, update: &JobUpdate) -> Result<(), Error> {
    open.store.write(|writer| writer.update_job(id, update)).map_err(error::store)?;
    tell(house, open, id);
    Ok(())
}

fn tell(house: &House, open: &Open, id: JobId) {
    if let Ok(Some(row)) = open.store.read(|reader| reader.job(id))
        && let Some(job) = shown(open, &row)
    {
        house.events.tell(Event::Job { job });
    }
}

/// Waits until jobs have ended.
pub(crate) fn wait(house: &House, jobs: &[i64], progress: &mut dyn FnMut(&Job)) -> Result<(), Error> {
    let open = house.open()?;
    let mut seen: HashMap<i64, Job> = HashMap::new();
    let mut left: Vec<JobId> = jobs.iter().copied().map(JobId).collect();
    while !left.is_empty() {
        let rows: Vec<JobRow> = open
            .store
            .read(|reader| left.iter().filter_map(|id| reader.job(*id).transpose()).collect())
            .map_err(error::store)?;
        left.clear();
        for (id, job) in rows.iter().filter_map(|row| Some((row.id, shown(&open, row)?))) {
            if job.finished_ms.is_none() {
                left.push(id);
            } else if let Some(row) = rows.iter().find(|row| row.id == id) {
                // What came in inside it is on its way too.
                left.extend(brought(row).into_iter().filter(|id| !seen.contains_key(&id.0)));
            }
            if seen.get(&job.id) != Some(&job) {
                progress(&job);
                seen.insert(job.id, job);
            }
        }
        if !left.is_empty() {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// The jobs of the files inside the one that a job brought in.
fn brought(row: &JobRow) -> Vec<JobId> {
    let payload = serde_json::from_value::<Payload>(row.payload.clone());
    payload.map(|payload| payload.brought.into_iter().map(JobId).collect()).unwrap_or_default()
}

/// A failure without a way on but to take the file off the list.
pub(crate) fn failure(code: &str, title: &str, message: &str) -> JobFailure {
    JobFailure {
        code: code.into(),
        title: title.into(),
        message: message.into(),
        actions: vec![JobAction::Retry, JobAction::Remove],
    }
}

/// A job as the door shows it, also where its end could not be kept.
fn shown(open: &Open, row: &JobRow) -> Option<Job> {
    let job = view(row)?;
    let failure = held(&open.jobs.unkept).get(&row.id).filter(|_| row.finished_ms.is_none()).cloned();
    let Some(failure) = failure else { return Some(job) };
    let (state, finished_ms) = (hearth_api::JobState::Failed, Some(row.created_ms));
    Some(Job { state, finished_ms, note: String::new(), failure: Some(failure), ..job })
}

/// A job as it is kept.
fn view(row: &JobRow) -> Option<Job> {
    let payload: Payload = serde_json::from_value(row.payload.clone()).ok()?;
    let step = match row.step.as_str() {
        "embed" => ImportStep::Embed,
        "index" => ImportStep::Index,
        _ => ImportStep::Read,
    };
    let state = match row.state {
        JobState::Waiting => hearth_api::JobState::Waiting,
        JobState::Running => hearth_api::JobState::Running,
        JobState::Done => hearth_api::JobState::Done,
        JobState::Failed => hearth_api::JobState::Failed,
        JobState::Cancelled => hearth_api::JobState::Cancelled,
    };
    let (done, total) = (row.done as u32, row.total as u32);
    let note = match (state, step) {
        (hearth_api::JobState::Waiting, _) => "Waiting. Two files are read at a time.".to_owned(),
        (hearth_api::JobState::Running, ImportStep::Read) if total > 0 => {
            format!("Reading page {} of {total}", done.min(total))
        }
        (hearth_api::JobState::Running, ImportStep::Read) => "Reading".to_owned(),
        (hearth_api::JobState::Running, ImportStep::Embed) => format!("Embedding, passage {done} of {total}"),
        (hearth_api::JobState::Running, ImportStep::Index) => "Into the index".to_owned(),
        _ => String::new(),
    };
    Some(Job {
        id: row.id.0,
        space: row.space.map_or(0, |space| space.0),
        name: row.name.clone(),
        kind: payload.kind.map(crate::view::kind),
        size_bytes: row.size_bytes,
        state,
        step,
        done,
        total,
        note,
        failure: row.error.clone().and_then(|error| serde_json::from_value(error).ok()),
        document: row.document.map(|DocumentId(id)| id),
        pages: payload.pages,
        passages: payload.passages,
        label: crate::view::label(payload.label),
        remark: payload.remark,
        created_ms: row.created_ms,
        finished_ms: row.finished_ms,
    })
}

pub(crate) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
