//! Repairing a damaged vault: what can be read is kept, full text and vectors are made again, the rest is said.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Error, Finding};
use hearth_domain::PassageId;
use hearth_inference::embed::Kind;
use hearth_store::{Entry, Finding as Damage, PassageRow, Rebuilt, StoreError};
use serde_json::json;
use std::collections::HashSet;

/// Passages embedded at a time.
const BATCH: usize = 32;

/// Rebuilds the vault's file when something in it is damaged, and says what came of it.
///
/// # Errors
/// `Locked`; `Damaged` when not even the file's schema can be read (then only a backup helps).
pub(crate) fn repair(house: &House) -> Result<Vec<Finding>, Error> {
    let open = house.open()?;
    let finding = |name: &str, works: bool, detail: String| Finding { name: name.into(), works, detail };
    if damages(&open).map_err(error::store)?.0.is_empty() {
        return Ok(vec![finding("vault", true, "Whole: there is nothing to repair.".into())]);
    }
    let rebuilt = open
        .store
        .rebuild_index(&|row: &PassageRow| hearth_retrieval::index_terms(&row.text, &row.context, &row.title))
        .map_err(error::store)?;
    let embedded = embed(house, &rebuilt.without_vector);
    open.store.warm().map_err(error::store)?;
    let mut found = vec![finding(
        "vault",
        true,
        format!(
            "Rebuilt with {}. The damaged file is kept beside it as hearth.db.damaged; delete it when nothing is missing.",
            crate::view::count(rebuilt.passages as usize, "passage", "passages")
        ),
    )];
    match &embedded {
        Ok(0) => {}
        Ok(n) => found.push(finding(
            "vectors",
            true,
            format!("Made again for {}.", crate::view::count(*n, "passage", "passages")),
        )),
        Err(why) => found.push(finding(
            "vectors",
            false,
            format!("{} passages are found by their words alone until this works: {why}", rebuilt.without_vector.len()),
        )),
    }
    for (table, rows) in &rebuilt.lost {
        found.push(finding(table, false, format!("{rows} rows could not be read and are lost.")));
    }
    let entry = Entry {
        at_ms: now_ms(),
        kind: "vault.repaired",
        sentence: summary(&rebuilt),
        subject: None,
        detail: json!({ "passages": rebuilt.passages, "lost": rebuilt.lost }),
    };
    open.store.record(entry, |_| Ok(())).map_err(error::store)?;
    house.events.stale(&["ListDocuments", "GetHome", "ListSpaces", "ListActivity", "ListConversations"]);
    Ok(found)
}

/// What is damaged, and how many passages only wait for their vectors: those imported while there was no embedder.
pub(crate) fn damages(open: &Open) -> Result<(Vec<Damage>, usize), StoreError> {
    let mut found = open.store.check()?;
    let waiting: HashSet<PassageId> = open.store.read(|reader| match reader.next_embedder()? {
        Some(_) => Ok(HashSet::new()),
        None => Ok(reader.unembedded(PassageId(0), usize::MAX >> 1)?.into_iter().collect()),
    })?;
    let before = found.len();
    found.retain(|damage| !matches!(damage, Damage::Vector(passage) if waiting.contains(passage)));
    let waiting = before - found.len();
    Ok((found, waiting))
}

fn summary(rebuilt: &Rebuilt) -> String {
    let lost: u64 = rebuilt.lost.iter().map(|(_, rows)| rows).sum();
    if lost == 0 {
        "Rebuilt the vault; nothing was lost".into()
    } else {
        format!("Rebuilt the vault; {lost} rows were lost")
    }
}

/// Embeds passages again; gives how many.
fn embed(house: &House, passages: &[PassageId]) -> Result<usize, Error> {
    if passages.is_empty() {
        return Ok(0);
    }
    let open = house.open()?;
    let (model, _) = crate::reindex::of_index(house, &open)?;
    for ids in passages.chunks(BATCH) {
        let rows = open.store.read(|reader| reader.passages(ids)).map_err(error::store)?;
        let texts = rows.iter().map(|row| crate::embedding::whole_text(&row.context, &row.text, &row.title)).collect();
        let vectors = house.schedule.engine(house, &model)?.embed(Kind::Passage, texts).map_err(error::internal)?;
        open.store
            .write(|writer| {
                rows.iter()
                    .zip(&vectors)
                    .try_for_each(|(row, vector)| writer.put_embedding(row.document, row.id, vector))
            })
            .map_err(error::store)?;
    }
    Ok(passages.len())
}
