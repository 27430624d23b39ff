//! Files inside files: what is attached to letters and lies in archives becomes documents of its own, which say what they came
//! in, carry its label, and are removed with it.

use crate::clock::now_ms;
use crate::import::{self, MAX_FILE_BYTES, Stopped, Work};
use crate::jobs::{IMPORT, Payload, Source};
use crate::offers::plain_name;
use hearth_documents::ReadError;
use hearth_domain::{BlobHash, Document, DocumentId, Kind, SpaceId, Warning};
use hearth_store::{DocumentRow, LABEL_OF_PARENT, StoreError, Writer};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};

/// Files within files within files.
const MAX_DEPTH: u8 = 3;
/// Names that one warning tells.
const NAMES: usize = 10;

/// Where a file came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inside {
    /// The document that holds it.
    pub(crate) parent: DocumentId,
    /// The document that a person handed over.
    pub(crate) root: DocumentId,
    /// Its name there, with its path.
    pub(crate) name: String,
    /// It is not told on its own, as it came in by a watched folder.
    pub(crate) quiet: bool,
}

/// A file inside, whose bytes are kept.
pub(crate) struct Member {
    name: String,
    hash: BlobHash,
    size_bytes: u64,
    /// Its bytes were not in the vault before.
    new: bool,
}

/// Keeps the bytes of what is inside a document, and warns of what cannot be read.
pub(crate) fn keep(work: &mut Work<'_>, document: DocumentId, read: &mut Document) -> Result<(), Stopped> {
    let files = std::mem::take(&mut read.attachments);
    let (mut unread, mut deep, mut many) = (Vec::new(), 0usize, 0usize);
    let root = work.payload.inside.as_ref().map_or(document, |inside| inside.root);
    for file in files {
        match hearth_documents::detect(&file.name, &file.bytes) {
            Err(ReadError::Unsupported { .. }) => {
                unread.push(file.name);
                continue;
            }
            Err(ReadError::Empty) => continue,
            _ if work.payload.depth >= MAX_DEPTH => {
                deep += 1;
                continue;
            }
            _ => {}
        }
        let size_bytes = file.bytes.len() as u64;
        if !work.open.jobs.unpack(root, size_bytes, MAX_FILE_BYTES) {
            many += 1;
            continue;
        }
        let hash = import::hash(&file.bytes);
        let new = work.open.store.write(|writer| {
            let new = !writer.has_blob(&hash)?;
            writer.put_blob(&hash, &file.bytes)?;
            Ok(new)
        })?;
        work.members.push(Member { name: file.name, hash, size_bytes, new });
    }
    let mut warn = |message: String| read.warnings.push(Warning { page: None, message });
    if !unread.is_empty() {
        let more = unread.len().saturating_sub(NAMES);
        let mut names = unread.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
        if more > 0 {
            names.push_str(&format!(" and {more} more"));
        }
        warn(format!("Not read, because Hearth does not read their kind: {names}."));
    }
    if deep > 0 {
        let files = crate::view::count(deep, "file", "files");
        warn(format!("{files} inside were left out: files within files are read {MAX_DEPTH} deep."));
    }
    if many > 0 {
        let (files, most) = (crate::view::count(many, "file", "files"), crate::view::size(MAX_FILE_BYTES));
        warn(format!("{files} inside were left out: all that was unpacked here is more than {most}."));
    }
    Ok(())
}

/// Lets go of bytes that a job kept and nobody has asked for.
pub(crate) fn let_go(work: &mut Work<'_>) -> Result<(), Stopped> {
    let members = std::mem::take(&mut work.members);
    Ok(work.open.store.write(|writer| {
        members.iter().filter(|member| member.new).try_for_each(|member| writer.drop_blob(&member.hash).map(drop))
    })?)
}

/// What a file came in, while that is there.
pub(crate) fn parent(writer: &Writer<'_>, inside: &Inside) -> Result<Option<DocumentRow>, StoreError> {
    Ok(writer.document(inside.parent)?.filter(|row| row.removed_ms.is_none()))
}

/// The document that had this name inside before, of which this is the next version. One that a person brought in on its
/// own stays as it is.
pub(crate) fn before(writer: &Writer<'_>, inside: &Inside) -> Result<Option<DocumentRow>, StoreError> {
    let row = writer.inside_at(inside.parent, &inside.name)?.filter(|row| row.follows);
    let child = row.map(|row| writer.document(row.child)).transpose()?.flatten();
    Ok(child.filter(|child| child.removed_ms.is_none()))
}

/// Bytes that are known already came in inside something, or were brought by a person. Says whether they are still wanted.
pub(crate) fn known(writer: &Writer<'_>, inside: Option<&Inside>, document: DocumentId) -> Result<bool, StoreError> {
    let Some(inside) = inside else { return writer.stand_alone(document).map(|()| true) };
    if parent(writer, inside)?.is_none() {
        return Ok(false);
    }
    writer.put_inside(inside.parent, &inside.name, document, false)?;
    writer.label_inside(inside.parent)?;
    Ok(true)
}

/// Queues what is inside a document that answers now, and takes away what is not inside any more. Says which jobs.
pub(crate) fn bring(
    writer: &Writer<'_>,
    space: SpaceId,
    document: DocumentId,
    payload: &Payload,
    members: &[Member],
) -> Result<Vec<i64>, StoreError> {
    let known = writer.inside(document)?;
    if members.is_empty() && known.is_empty() {
        return Ok(Vec::new());
    }
    let Some(row) = writer.document(document)? else { return Ok(Vec::new()) };
    let names: HashSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    for gone in known.iter().filter(|known| !names.contains(known.name.as_str())) {
        writer.drop_inside(document, &gone.name, now_ms())?;
    }
    let known: HashMap<&str, DocumentId> = known.iter().map(|known| (known.name.as_str(), known.child)).collect();
    let mut jobs = Vec::with_capacity(members.len());
    for member in members {
        // What a person removed does not come back with a later version of what holds it.
        if let Some(child) = known.get(member.name.as_str())
            && row.removed_ms.is_none()
            && writer.document(*child)?.is_some_and(|child| child.removed_ms.is_some())
        {
            continue;
        }
        let source = Source::Blob { hash: member.hash, origin: origin(writer, &row, &member.name)? };
        let within = payload.inside.as_ref();
        let mut child = Payload::new(
            source,
            payload.only_for_question,
            row.label,
            LABEL_OF_PARENT.to_owned(),
            payload.depth.saturating_add(1),
        );
        child.inside = Some(Inside {
            parent: document,
            root: within.map_or(document, |inside| inside.root),
            name: member.name.clone(),
            quiet: payload.watched.is_some() || within.is_some_and(|inside| inside.quiet),
        });
        let child = serde_json::to_value(&child).map_err(|error| StoreError::Invalid(error.to_string()))?;
        let name = plain_name(&member.name);
        jobs.push(writer.add_job(IMPORT, &name, Some(space), &child, member.size_bytes, now_ms())?.0);
    }
    Ok(jobs)
}

/// Where a file came from, in words.
fn origin(writer: &Writer<'_>, holder: &DocumentRow, name: &str) -> Result<String, StoreError> {
    let whole = match (holder.kind, name.rsplit_once('/')) {
        (Kind::Archive, _) => format!("{name} in {}", holder.name),
        (_, Some((letter, _))) => format!("attached to {letter} in {}", holder.name),
        (_, None) => format!("attached to {}", holder.name),
    };
    let further = holder.origin.as_deref().filter(|origin| !origin.is_empty());
    Ok(match further {
        Some(further) if !writer.holders(holder.id)?.is_empty() => format!("{whole}, {further}"),
        _ => whole,
    })
}
