//! Spaces at the door: their list, their names, their labels. A space's label is the least that its documents, memories
//! and questions have.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::law::label_name;
use hearth_api as api;
use hearth_api::{Error, ErrorCode};
use hearth_domain::{Label, SpaceId};
use hearth_policy::Outcome;
use hearth_store::Entry;

/// All spaces.
pub(crate) fn list(open: &Open) -> Result<Vec<api::Space>, Error> {
    let rows = open.store.read(|reader| reader.spaces()).map_err(error::store)?;
    rows.into_iter().map(|row| view(open, row.id)).collect()
}

fn view(open: &Open, id: SpaceId) -> Result<api::Space, Error> {
    let (row, counts) = open.store.read(|reader| Ok((reader.space(id)?, reader.counts(id)?))).map_err(error::store)?;
    let row = row.ok_or_else(|| error::missing("space"))?;
    let label = crate::view::label(row.label);
    Ok(api::Space { id: row.id.0, name: row.name, label, documents: counts.documents, memories: counts.memories })
}

/// Makes a space.
pub(crate) fn create(house: &House, name: &str) -> Result<api::Space, Error> {
    let (open, name) = (house.open()?, named(name)?);
    let id = open.store.write(|writer| writer.create_space(&name, now_ms())).map_err(error::store)?;
    house.events.stale(&["ListSpaces"]);
    view(&open, id)
}

/// Gives a space another name.
pub(crate) fn rename(house: &House, id: SpaceId, name: &str) -> Result<api::Space, Error> {
    let (open, name) = (house.open()?, named(name)?);
    open.store.write(|writer| writer.rename_space(id, &name)).map_err(error::store)?;
    house.events.stale(&["ListSpaces", "GetHome"]);
    view(&open, id)
}

/// Changes a space's label; lowering it must be confirmed. What is less guarded in it rises with it; nothing is lowered.
pub(crate) fn set_label(house: &House, id: SpaceId, label: Label, confirmed: bool) -> Result<api::Space, Error> {
    let open = house.open()?;
    let row = open.store.read(|reader| reader.space(id)).map_err(error::store)?;
    let row = row.ok_or_else(|| error::missing("space"))?;
    let decision = house.law.may_relabel(row.label, label);
    match decision.outcome {
        Outcome::Allow => {}
        Outcome::Ask if confirmed => {}
        Outcome::Ask => {
            let from = label_name(row.label);
            return Err(Error::new(
                ErrorCode::Denied,
                format!("Lowering the label from {from} must be confirmed. {}", decision.rule.sentence),
            ));
        }
        Outcome::Deny => crate::law::allowed(&decision, || "The label was not changed".into())?,
    }
    open.store
        .record_with(|writer| {
            let raised = writer.label_space(id, label)?;
            let detail = serde_json::json!({ "from": row.label, "to": label, "rule": decision.rule.name,
                "confirmed": confirmed, "documents": raised.documents, "memories": raised.memories });
            let sentence = format!("Labelled the space {} {}", row.name, label_name(label));
            let subject = Some(format!("space:{id}"));
            Ok(((), Entry { at_ms: now_ms(), kind: "space.labelled", sentence, subject, detail }))
        })
        .map_err(error::store)?;
    house.events.stale(&["ListSpaces", "ListDocuments", "ListMemories", "ListActivity"]);
    view(&open, id)
}

/// A name as it is kept.
pub(crate) fn named(name: &str) -> Result<String, Error> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        0 => Err(Error::new(ErrorCode::Invalid, "A name cannot be empty.")),
        1..=200 => Ok(name),
        _ => Err(Error::new(ErrorCode::Invalid, "A name has at most 200 characters.")),
    }
}
