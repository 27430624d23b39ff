//! The library's table and inspector; removing, restoring, labelling.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::near::{self, Standing};
use crate::view;
use hearth_api::{
    DocumentDetail, DocumentRow, DocumentStatus, Error, ErrorCode, Job, JobState, LaterRevision, Library, Relation,
    VersionRow, Within,
};
use hearth_domain::{DocumentId, Kind, Label, SpaceId};
use hearth_policy::Outcome;
use hearth_store::{DocumentFilter, Entry, StoreError, VersionState};
use serde_json::json;
use std::collections::HashMap;

/// Files inside one document that the inspector names.
const SHOWN_INSIDE: usize = 500;

/// What the table is asked for.
pub(crate) struct Wanted {
    pub(crate) space: SpaceId,
    pub(crate) text: Option<String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) limit: usize,
}

/// Documents of a space, and files that have not become one.
pub(crate) fn list(open: &Open, wanted: Wanted) -> Result<Library, Error> {
    let text = wanted.text.filter(|text| !text.trim().is_empty());
    let filter = DocumentFilter {
        space: Some(wanted.space),
        labels: wanted.labels.clone(),
        kinds: wanted.kinds.clone(),
        text: text.clone(),
        ..DocumentFilter::default()
    };
    let documents = open.store.read(|reader| reader.documents(&filter)).map_err(error::store)?;
    let jobs = crate::jobs::list(open, wanted.space)?;
    let (watched, standing) = open
        .store
        .read(|reader| Ok((reader.watched_documents(wanted.space)?, Standing::of(reader, wanted.space)?)))
        .map_err(error::store)?;
    let watched: HashMap<DocumentId, i64> = watched.into_iter().collect();
    let titles: HashMap<DocumentId, String> = documents.iter().map(|row| (row.id, row.title.clone())).collect();
    // A filter may leave the later revision out of the list.
    let title = |id: DocumentId| {
        let row = || open.store.read(|reader| reader.document(id)).ok().flatten().map(|row| row.title);
        titles.get(&id).cloned().or_else(row).unwrap_or_default()
    };
    let mut rows: Vec<DocumentRow> = Vec::new();
    for document in documents {
        let job = jobs.iter().rfind(|job| job.document == Some(document.id.0) && job.state != JobState::Done);
        if document.version.is_some() || job.is_some() {
            let folder = watched.get(&document.id).copied();
            let later = standing.later(document.id).map(|id| LaterRevision { document: id.0, title: title(id) });
            let near = standing.near(document.id);
            rows.push(DocumentRow { watched: folder, later, near, ..row(document, job) });
        }
    }
    for job in &jobs {
        let is_row = job.document.is_some_and(|id| rows.iter().any(|row| row.id == Some(id)));
        let fits = text.as_ref().is_none_or(|text| job.name.to_lowercase().contains(&text.to_lowercase()))
            && (wanted.labels.is_empty() || wanted.labels.contains(&view::label_from(job.label)))
            && (wanted.kinds.is_empty() || job.kind.is_some_and(|kind| wanted.kinds.contains(&view::kind_from(kind))));
        if !is_row && fits && job.state != JobState::Done {
            rows.push(job_row(job));
        }
    }
    let total = rows.len() as u32;
    rows.truncate(wanted.limit.max(1));
    Ok(Library { rows, total })
}

fn status(job: Option<&Job>, indexed: bool) -> DocumentStatus {
    match job {
        Some(job) if job.state == JobState::Waiting => DocumentStatus::Waiting,
        Some(job) if job.state == JobState::Running => {
            let share = if job.total > 0 { job.done as f32 / job.total as f32 } else { 0.0 };
            DocumentStatus::Working { step: job.step, share: share.clamp(0.0, 1.0) }
        }
        Some(job) if job.state == JobState::Failed => DocumentStatus::Failed {
            title: job.failure.as_ref().map_or_else(|| "Failed".into(), |failure| failure.title.clone()),
        },
        _ if indexed => DocumentStatus::Indexed,
        _ => DocumentStatus::Waiting,
    }
}

fn row(document: hearth_store::DocumentRow, job: Option<&Job>) -> DocumentRow {
    let current = document.versions - u32::from(job.is_some() && document.version.is_some() && document.versions > 1);
    let status =
        if document.removed_ms.is_some() { DocumentStatus::Removed } else { status(job, document.version.is_some()) };
    DocumentRow {
        id: Some(document.id.0),
        job: job.map(|job| job.id),
        title: document.title,
        name: document.name,
        kind: Some(view::kind(document.kind)),
        version_name: view::version_name(current, document.versions),
        label: view::label(document.label),
        status,
        indexed_ms: document.indexed_ms,
        size_bytes: document.size_bytes,
        pages: document.pages,
        passages: document.passages,
        watched: None,
        later: None,
        near: false,
    }
}

fn job_row(job: &Job) -> DocumentRow {
    DocumentRow {
        id: None,
        job: Some(job.id),
        title: job.name.clone(),
        name: job.name.clone(),
        kind: job.kind,
        version_name: String::new(),
        label: job.label,
        status: status(Some(job), false),
        indexed_ms: None,
        size_bytes: job.size_bytes,
        pages: 0,
        passages: 0,
        watched: None,
        later: None,
        near: false,
    }
}

/// What the inspector shows of one document.
pub(crate) fn detail(open: &Open, id: DocumentId) -> Result<DocumentDetail, Error> {
    let (document, versions) =
        open.store.read(|reader| Ok((reader.document(id)?, reader.versions(id)?))).map_err(error::store)?;
    let document = document.ok_or_else(|| error::missing("document"))?;
    let jobs = crate::jobs::list(open, document.space)?;
    let job = jobs.iter().rfind(|job| job.document == Some(id.0) && job.state != JobState::Done);
    let watched = open
        .store
        .read(|reader| {
            let file = reader.watched_files_of(id)?.into_iter().next();
            file.map(|file| reader.watched_folder(file.folder)).transpose()
        })
        .map_err(error::store)?
        .flatten();
    let current = versions.iter().find(|version| version.state == VersionState::Current);
    let alike = near::alike(open, id)?;
    let (holders, holds) = open
        .store
        .read(|reader| {
            let outer = reader.holders(id)?.into_iter().map(|row| (row.parent, row.name));
            let inner = reader.inside(id)?.into_iter().map(|row| (row.child, row.name));
            Ok((within(reader, outer)?, within(reader, inner)?))
        })
        .map_err(error::store)?;
    Ok(DocumentDetail {
        holders,
        holds,
        author: current.and_then(|version| version.author.clone()),
        created: current.and_then(|version| version.created.clone()),
        origin: document.origin.clone(),
        watched: watched.as_ref().map(|folder| crate::watch::name_of(&folder.path)),
        label_reason: document.label_rule.clone(),
        cited_in: document.cited,
        warnings: current
            .map(|version| version.warnings.iter().map(|warning| warning.message.clone()).collect())
            .unwrap_or_default(),
        versions: versions
            .iter()
            .filter(|version| version.state != VersionState::Pending)
            .map(|version| VersionRow {
                id: version.id.0,
                number: version.number,
                hash: version.hash.to_string(),
                imported_ms: version.imported_ms,
                size_bytes: version.size_bytes,
                pages: version.pages,
                current: version.state == VersionState::Current,
            })
            .collect(),
        row: DocumentRow {
            watched: watched.map(|folder| folder.id),
            later: alike
                .iter()
                .find(|other| other.relation == Relation::Later)
                .map(|other| LaterRevision { document: other.document, title: other.title.clone() }),
            near: alike.iter().any(|other| other.relation == Relation::Same),
            ..row(document, job)
        },
        alike,
    })
}

/// Documents that hold another or lie in one, as the inspector names them; not what was removed or is not read yet.
fn within(
    reader: &hearth_store::Reader<'_>,
    rows: impl Iterator<Item = (DocumentId, String)>,
) -> hearth_store::Result<Vec<Within>> {
    let mut out = Vec::new();
    for (id, name) in rows.take(SHOWN_INSIDE) {
        if let Some(row) = reader.document(id)?.filter(|row| row.removed_ms.is_none() && row.version.is_some()) {
            out.push(Within { document: id.0, title: row.title, name });
        }
    }
    Ok(out)
}

/// Removes documents from every answer at once, with what came in inside them.
pub(crate) fn remove(house: &House, ids: &[i64]) -> Result<(), Error> {
    let open = house.open()?;
    for id in ids.iter().copied().map(DocumentId) {
        // What is removed is erased when Hearth is next started.
        for row in with_followers(&open, id)? {
            house.law.may_purge(row.label, &row.title)?;
        }
        open.store
            .record_with(|writer| {
                let row = writer.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
                let inside = writer.remove_document(id, now_ms())?;
                let sentence = format!("Removed {}{}", row.title, also(&inside));
                Ok(((), entry("document.removed", sentence, id, followed(&inside))))
            })
            .map_err(error::store)?;
    }
    house.events.stale(&["ListDocuments", "GetConversation", "GetHome", "ListSpaces", "ListActivity"]);
    Ok(())
}

/// A document and those that go with it where it is removed.
fn with_followers(open: &Open, id: DocumentId) -> Result<Vec<hearth_store::DocumentRow>, Error> {
    let rows = |reader: &hearth_store::Reader<'_>| {
        let mut rows = Vec::new();
        for one in reader.with_inside(&[id])? {
            if one == id || reader.holders(one)?.iter().any(|row| row.follows) {
                rows.extend(reader.document(one)?);
            }
        }
        Ok(rows)
    };
    open.store.read(rows).map_err(error::store)
}

/// What the record says of files that went along.
fn also(inside: &[DocumentId]) -> String {
    if inside.is_empty() {
        return String::new();
    }
    format!(" and {} inside it", view::count(inside.len(), "file", "files"))
}

fn followed(inside: &[DocumentId]) -> serde_json::Value {
    if inside.is_empty() { json!({}) } else { json!({ "inside": inside }) }
}

/// Puts removed documents back, with what went with them.
pub(crate) fn restore(house: &House, ids: &[i64]) -> Result<(), Error> {
    let open = house.open()?;
    for id in ids.iter().copied().map(DocumentId) {
        open.store
            .record_with(|writer| {
                let row = writer.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
                let inside = writer.restore_document(id)?;
                let sentence = format!("Put {}{} back", row.title, also(&inside));
                Ok(((), entry("document.restored", sentence, id, followed(&inside))))
            })
            .map_err(error::store)?;
    }
    house.events.stale(&["ListDocuments", "GetConversation", "GetHome", "ListSpaces", "ListActivity"]);
    Ok(())
}

/// Changes a label; lowering it must be confirmed.
pub(crate) fn set_label(house: &House, id: DocumentId, label: Label, confirmed: bool) -> Result<(), Error> {
    let open = house.open()?;
    let row = open
        .store
        .read(|reader| reader.document(id))
        .map_err(error::store)?
        .ok_or_else(|| error::missing("document"))?;
    let space = open.store.read(|reader| reader.space(row.space)).map_err(error::store)?;
    if let Some(space) = space.filter(|space| space.label > label) {
        let least = crate::law::label_name(space.label);
        return Err(Error::new(ErrorCode::Invalid, format!("Everything in {} is at least {least}.", space.name))
            .hint("Change the label of the space first."));
    }
    let decision = house.law.may_relabel(row.label, label);
    match decision.outcome {
        Outcome::Allow => {}
        Outcome::Ask if confirmed => {}
        Outcome::Ask => {
            let from = crate::law::label_name(row.label);
            return Err(Error::new(
                ErrorCode::Denied,
                format!("Lowering the label from {from} must be confirmed. {}", decision.rule.sentence),
            ));
        }
        Outcome::Deny => crate::law::allowed(&decision, || "The label was not changed".into())?,
    }
    open.store
        .record_with(|writer| {
            writer.set_label(id, label, "chosen by a person", now_ms())?;
            let inside: Vec<DocumentId> = writer.label_inside(id)?.into_iter().map(|(child, _)| child).collect();
            let sentence = format!("Labelled {}{} {}", row.title, also(&inside), crate::law::label_name(label));
            let detail = json!({ "from": row.label, "to": label, "rule": decision.rule.name, "confirmed": confirmed,
                "inside": inside });
            Ok(((), entry("document.labelled", sentence, id, detail)))
        })
        .map_err(error::store)?;
    house.events.stale(&["ListDocuments", "ListActivity"]);
    Ok(())
}

fn entry(kind: &'static str, sentence: String, id: DocumentId, detail: serde_json::Value) -> Entry {
    Entry { at_ms: now_ms(), kind, sentence, subject: Some(format!("document:{id}")), detail }
}
