//! Jobs: background work that survives the program's end. What a step means is the kernel's business.

use crate::word::{get_json, get_json_option, get_word, json, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, JobId, SpaceId, TimeMs};
use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, Row, params_from_iter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE job (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    space INTEGER REFERENCES space(id),
    document INTEGER,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    step TEXT NOT NULL DEFAULT '',
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL,
    payload TEXT NOT NULL,        -- JSON
    error TEXT,                   -- JSON
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    finished_ms INTEGER,
    dismissed INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX job_state ON job(state);
CREATE INDEX job_document ON job(document);
";

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    /// It is in the queue.
    Waiting,
    /// It is worked on, or was when the program ended.
    Running,
    /// It is finished.
    Done,
    /// It went wrong.
    Failed,
    /// A person cancelled it.
    Cancelled,
}

/// One job.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// What sort of work, such as `import`.
    pub kind: String,
    /// The space it works for.
    pub space: Option<SpaceId>,
    /// The document it works on, once there is one.
    pub document: Option<DocumentId>,
    /// What people see it by, such as a file name.
    pub name: String,
    /// How it stands.
    pub state: JobState,
    /// What it is doing or did last.
    pub step: String,
    /// How far that step is.
    pub done: u64,
    /// Of how much; 0 while unknown.
    pub total: u64,
    /// Size of what it works on.
    pub size_bytes: u64,
    /// What is needed to do or resume it.
    pub payload: Value,
    /// What went wrong.
    pub error: Option<Value>,
    /// When it was queued.
    pub created_ms: TimeMs,
    /// When it last changed.
    pub updated_ms: TimeMs,
    /// When it ended.
    pub finished_ms: Option<TimeMs>,
    /// Whether a person put it out of sight.
    pub dismissed: bool,
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only in one of these states; empty means any.
    pub states: Vec<JobState>,
    /// Only of this sort.
    pub kind: Option<String>,
    /// Only for this space.
    pub space: Option<SpaceId>,
    /// Dismissed ones too.
    pub include_dismissed: bool,
    /// At most so many; 0 means all.
    pub limit: usize,
}

/// What changed about a job; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct JobUpdate {
    /// When.
    pub now: TimeMs,
    /// What it is doing.
    pub step: Option<String>,
    /// How far that step is.
    pub done: Option<u64>,
    /// Of how much.
    pub total: Option<u64>,
    /// Size of what it works on.
    pub size_bytes: Option<u64>,
    /// The document it works on.
    pub document: Option<DocumentId>,
    /// What is needed to resume it.
    pub payload: Option<Value>,
}

const SELECT: &str = "SELECT id, kind, space, document, name, state, step, done, total, size_bytes, payload, error,
    created_ms, updated_ms, finished_ms, dismissed FROM job";

fn from_row(row: &Row) -> rusqlite::Result<JobRow> {
    let whole = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
    Ok(JobRow {
        id: JobId(row.get("id")?),
        kind: row.get("kind")?,
        space: row.get::<_, Option<i64>>("space")?.map(SpaceId),
        document: row.get::<_, Option<i64>>("document")?.map(DocumentId),
        name: row.get("name")?,
        state: get_word(row, "state")?,
        step: row.get("step")?,
        done: whole("done")?,
        total: whole("total")?,
        size_bytes: whole("size_bytes")?,
        payload: get_json(row, "payload")?,
        error: get_json_option(row, "error")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
        finished_ms: row.get("finished_ms")?,
        dismissed: row.get("dismissed")?,
    })
}

impl Reader<'_> {
    /// Jobs, oldest first.
    pub fn jobs(&self, filter: &JobFilter) -> Result<Vec<JobRow>> {
        let mut sql = format!("{SELECT} WHERE 1");
        let mut values: Vec<Sql> = Vec::new();
        if !filter.states.is_empty() {
            sql += &format!(" AND state IN ({})", vec!["?"; filter.states.len()].join(","));
            for state in &filter.states {
                values.push(word(state)?.into());
            }
        }
        if let Some(kind) = &filter.kind {
            sql += " AND kind = ?";
            values.push(kind.clone().into());
        }
        if let Some(space) = filter.space {
            sql += " AND space = ?";
            values.push(space.0.into());
        }
        if !filter.include_dismissed {
            sql += " AND NOT dismissed";
        }
        sql += " ORDER BY id LIMIT ?";
        values.push(if filter.limit == 0 { -1 } else { filter.limit as i64 }.into());
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map(params_from_iter(values), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// How many jobs of a sort are on the way, and how many are done, of those in sight.
    pub fn count_jobs(&self, kind: &str) -> Result<(u64, u64)> {
        let sql =
            "SELECT count(*) FILTER (WHERE state IN ('waiting', 'running')), count(*) FILTER (WHERE state = 'done')
            FROM job WHERE kind = ?1 AND NOT dismissed";
        let whole = |row: &Row, column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(self.db.prepare_cached(sql)?.query_row([kind], |row| Ok((whole(row, 0)?, whole(row, 1)?)))?)
    }

    /// One job.
    pub fn job(&self, id: JobId) -> Result<Option<JobRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }
}

impl Writer<'_> {
    /// Queues a job.
    pub fn add_job(
        &self,
        kind: &str,
        name: &str,
        space: Option<SpaceId>,
        payload: &Value,
        size_bytes: u64,
        now: TimeMs,
    ) -> Result<JobId> {
        let sql = "INSERT INTO job(kind, space, name, state, size_bytes, payload, created_ms, updated_ms)
            VALUES (?1, ?2, ?3, 'waiting', ?4, ?5, ?6, ?6)";
        let space = space.map(|space| space.0);
        self.db.prepare_cached(sql)?.execute((kind, space, name, size_bytes as i64, json(payload)?, now))?;
        Ok(JobId(self.db.last_insert_rowid()))
    }

    /// Takes a job out of the queue to work on it. Whether it still was there: it may have been cancelled meanwhile.
    pub fn begin_job(&self, id: JobId, step: &str, now: TimeMs) -> Result<bool> {
        let sql = "UPDATE job SET state = 'running', step = ?2, updated_ms = ?3 WHERE id = ?1 AND state = 'waiting'";
        Ok(self.db.prepare_cached(sql)?.execute((id.0, step, now))? > 0)
    }

    /// Notes how far a job is.
    pub fn update_job(&self, id: JobId, update: &JobUpdate) -> Result<()> {
        let sql = "UPDATE job SET updated_ms = ?2, step = coalesce(?3, step), done = coalesce(?4, done),
            total = coalesce(?5, total), size_bytes = coalesce(?6, size_bytes), document = coalesce(?7, document),
            payload = coalesce(?8, payload) WHERE id = ?1";
        let changed = self.db.prepare_cached(sql)?.execute((
            id.0,
            update.now,
            &update.step,
            update.done.map(|n| n as i64),
            update.total.map(|n| n as i64),
            update.size_bytes.map(|n| n as i64),
            update.document.map(|id| id.0),
            update.payload.as_ref().map(json).transpose()?,
        ))?;
        found(changed, id)
    }

    /// Ends a job, with what went wrong when it did.
    pub fn finish_job(&self, id: JobId, state: JobState, error: Option<&Value>, now: TimeMs) -> Result<()> {
        let sql = "UPDATE job SET state = ?2, error = ?3, updated_ms = ?4, finished_ms = ?4 WHERE id = ?1";
        let error = error.map(json).transpose()?;
        found(self.db.prepare_cached(sql)?.execute((id.0, word(&state)?, error, now))?, id)
    }

    /// Puts a job back into the queue: for retrying. Its payload stays as it is.
    pub fn requeue_job(&self, id: JobId, now: TimeMs) -> Result<()> {
        let sql = "UPDATE job SET state = 'waiting', error = NULL, finished_ms = NULL, dismissed = 0, updated_ms = ?2
            WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id.0, now))?, id)
    }

    /// Puts an ended job out of sight.
    pub fn dismiss_job(&self, id: JobId) -> Result<()> {
        found(self.db.execute("UPDATE job SET dismissed = 1 WHERE id = ?1 AND finished_ms IS NOT NULL", [id.0])?, id)
    }

    /// Puts back into the queue what the last run of the program was working on when it ended. Says which jobs.
    pub fn requeue_interrupted(&self, now: TimeMs) -> Result<Vec<JobId>> {
        let sql = "UPDATE job SET state = 'waiting', updated_ms = ?1 WHERE state = 'running' RETURNING id";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([now], |row| Ok(JobId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
    }
}

fn found(changed: usize, id: JobId) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "job", id: id.0 }) } else { Ok(()) }
}
