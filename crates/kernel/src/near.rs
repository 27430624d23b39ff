//! Documents that are nearly the same, and which of them replace others: compared in the background as they come in, shown
//! where a person sees them, and settled by a person where names do not say.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Alike, Error, ErrorCode, LaterRevision, Relation};
use hearth_domain::{DocumentId, Page, SpaceId, VersionId};
use hearth_retrieval::{Called, NEARLY_THE_SAME, REVISED, Sketch, later, name_key};
use hearth_store::{AlikeRow, Entry, Judged, Reader, Scope, Writer};
use serde_json::json;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet};

/// What stands for the words of some pages.
pub(crate) fn sketch(pages: &[Page]) -> Option<Sketch> {
    Sketch::of(pages.iter().map(|page| page.text.as_str()))
}

/// Compares what has not been compared yet: documents from before they were compared at all, and those brought in for one
/// question that were kept since. Interrupted, it goes on where it was.
pub(crate) fn compare_new(open: &Open) -> hearth_store::Result<()> {
    while !open.jobs.is_stopped()
        && let Some((document, version)) = open.store.read(|reader| reader.unsketched())?
    {
        let pages = open.store.read(|reader| reader.pages(version))?;
        let sketch = sketch(&pages);
        open.store.write(|writer| compare(writer, document, version, sketch.as_ref()))?;
    }
    Ok(())
}

/// Notes what a version that begins to answer is nearly the same as.
pub(crate) fn compare(
    writer: &Writer<'_>,
    document: DocumentId,
    version: VersionId,
    sketch: Option<&Sketch>,
) -> hearth_store::Result<()> {
    let Some(row) = writer.document(document)?.filter(|row| row.scope == Scope::Kept) else { return Ok(()) };
    let mut keys: Vec<u64> = sketch.into_iter().flat_map(Sketch::keys).collect();
    keys.push(name_key(&row.name));
    writer.put_sketch(document, version, sketch.map(Sketch::to_bytes).as_deref(), &keys)?;
    let Some(sketch) = sketch else { return Ok(()) };
    let created = writer.version(version)?.and_then(|version| version.created);
    let own = Called { name: &row.name, created: created.as_deref() };
    for other in writer.sketches_sharing(row.space, document, &keys)? {
        let share = Sketch::from_bytes(&other.minima).map_or(0.0, |theirs| sketch.resemblance(&theirs));
        let order = later(own, Called { name: &other.name, created: other.created.as_deref() });
        if share < if order.is_some() { REVISED } else { NEARLY_THE_SAME } {
            continue;
        }
        let later = order.map(|order| if order == Ordering::Greater { document } else { other.document });
        writer.put_alike(document, other.document, share, later, Judged::Found)?;
    }
    Ok(())
}

/// What is nearly the same as a document, for the inspector.
pub(crate) fn alike(open: &Open, document: DocumentId) -> Result<Vec<Alike>, Error> {
    let rows = open.store.read(|reader| reader.alike(document)).map_err(error::store)?;
    let show = |row: AlikeRow| Alike {
        document: row.other.0,
        version: row.version.0,
        title: row.title,
        percent: (row.share * 100.0).round().clamp(0.0, 100.0) as u32,
        relation: match row.later {
            None => Relation::Same,
            Some(later) if later == row.other => Relation::Later,
            Some(_) => Relation::Earlier,
        },
        chosen: row.judged == Judged::Chosen,
    };
    Ok(rows.into_iter().map(show).collect())
}

/// One line for the list of imports: what a document that just came in is nearly the same as.
pub(crate) fn remark(reader: &Reader<'_>, document: DocumentId) -> hearth_store::Result<Option<String>> {
    let first = reader.alike(document)?.into_iter().next();
    Ok(first.map(|row| match row.later {
        Some(later) if later == document => format!("A later revision of {}.", row.title),
        Some(_) => format!("An earlier revision of {}.", row.title),
        None => format!("Nearly the same as {}.", row.title),
    }))
}

/// How the documents of a space stand to each other.
#[derive(Default)]
pub(crate) struct Standing {
    later: HashMap<DocumentId, DocumentId>,
    near: HashSet<DocumentId>,
}

impl Standing {
    pub(crate) fn of(reader: &Reader<'_>, space: SpaceId) -> hearth_store::Result<Self> {
        let mut standing = Self::default();
        for pair in reader.alike_in(space)? {
            match pair.revisions() {
                Some((earlier, later)) => _ = standing.later.entry(earlier).or_insert(later),
                None => standing.near.extend(pair.documents),
            }
        }
        Ok(standing)
    }

    /// Whether a document is nearly the same as another, and neither is the later.
    pub(crate) fn near(&self, document: DocumentId) -> bool {
        self.near.contains(&document)
    }

    /// The later revision of a document.
    pub(crate) fn later(&self, document: DocumentId) -> Option<DocumentId> {
        self.later.get(&document).copied()
    }

    /// Documents that a later one, which may be read too, comes before, with it.
    pub(crate) fn superseded(&self, left_out: &BTreeSet<DocumentId>) -> HashMap<DocumentId, DocumentId> {
        let may = |pair: &(&DocumentId, &DocumentId)| !left_out.contains(pair.1);
        self.later.iter().filter(may).map(|(earlier, later)| (*earlier, *later)).collect()
    }
}

/// The later revision of a document, if one answers.
pub(crate) fn later_revision(reader: &Reader<'_>, document: DocumentId) -> Option<LaterRevision> {
    let rows = reader.alike(document).ok()?;
    let row = rows.into_iter().find(|row| row.later == Some(row.other))?;
    Some(LaterRevision { document: row.other.0, title: row.title })
}

/// Keeps what a person says `other` is to `document`.
pub(crate) fn judge(house: &House, document: i64, other: i64, relation: Relation) -> Result<(), Error> {
    let open = house.open()?;
    let (one, two) = (DocumentId(document), DocumentId(other));
    let known = open.store.read(|reader| Ok((reader.document(one)?, reader.document(two)?))).map_err(error::store)?;
    let (Some(row), Some(against)) = known else { return Err(error::missing("document")) };
    let (later, judged, words) = match relation {
        Relation::Same => (None, Judged::Chosen, "nearly the same as"),
        Relation::Later => (Some(two), Judged::Chosen, "an earlier revision of"),
        Relation::Earlier => (Some(one), Judged::Chosen, "a later revision of"),
        Relation::Different => (None, Judged::Apart, "another document than"),
    };
    let entry = Entry {
        at_ms: now_ms(),
        kind: "document.judged",
        sentence: format!("Said that {} is {words} {}", row.title, against.title),
        subject: Some(format!("document:{one}")),
        detail: json!({ "document": one, "other": two, "later": later, "relation": relation }),
    };
    open.store.record(entry, |writer| writer.judge_alike(one, two, later, judged)).map_err(|failed| match failed {
        hearth_store::StoreError::NotFound { .. } => {
            Error::new(ErrorCode::Invalid, "These two documents were not found to be alike.")
                .hint("Only documents that share much of their text can be put in order.")
        }
        failed => error::store(failed),
    })?;
    house.events.stale(&["ListDocuments", "GetConversation", "ListActivity"]);
    Ok(())
}
