//! Repairing a damaged vault: what can be read is kept, full text and vectors are made again, the rest is said.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Error, ErrorCode, Finding};
use hearth_domain::PassageId;
use hearth_inference::embed::Kind;
use hearth_store::{Entry, Finding as Damage, PassageRow, Rebuilt, Secret, Store, StoreError};
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
    match damages(&open) {
        Ok((found, _)) if found.is_empty() => {
            return Ok(vec![finding("vault", true, "Whole: there is nothing to repair.".into())]);
        }
        // Some damage keeps even the looking from its end.
        Ok(_) | Err(StoreError::Damaged { .. }) => {}
        Err(error) => return Err(error::store(error)),
    }
    let rebuilt = rebuild(&open.store)?;
    open.embedded.forget();
    let embedded = embed(house, &rebuilt.without_vector);
    open.store.warm().map_err(error::store)?;
    let mut found = told(&rebuilt);
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
    open.store.record(entry(&rebuilt), |_| Ok(())).map_err(error::store)?;
    house.events.stale(&["ListDocuments", "GetHome", "ListSpaces", "ListActivity", "ListConversations"]);
    Ok(found)
}

/// Rebuilds the file of a vault that is damaged where opening looks, so that it stays closed. What lost its vectors is
/// embedded again once it is open.
///
/// # Errors
/// `WrongPassphrase`; `Damaged` when not even the file's beginning can be read (then only a backup helps).
pub(crate) fn rebuild_closed(house: &House, secret: &Secret) -> Result<Vec<Finding>, Error> {
    if house.peek().is_some() {
        return Err(Error::new(ErrorCode::InUse, "The vault is open: it is repaired as it is."));
    }
    let store = hearth_store::open(&house.config.data_dir, secret).map_err(error::store)?;
    let rebuilt = rebuild(&store)?;
    if let Err(error) = store.record(entry(&rebuilt), |_| Ok(())) {
        tracing::warn!(%error, "the repair was not recorded");
    }
    Ok(told(&rebuilt))
}

fn rebuild(store: &Store) -> Result<Rebuilt, Error> {
    let terms = |row: &PassageRow| hearth_retrieval::index_terms(&row.text, &row.context, &row.title);
    store.rebuild_index(&terms).map_err(error::store)
}

fn finding(name: &str, works: bool, detail: String) -> Finding {
    Finding { name: name.into(), works, detail }
}

fn told(rebuilt: &Rebuilt) -> Vec<Finding> {
    let passages = crate::view::count(rebuilt.passages as usize, "passage", "passages");
    let kept = "The damaged file is kept beside it as hearth.db.damaged; delete it when nothing is missing.";
    let lost =
        |(table, rows): &(String, u64)| finding(table, false, format!("{rows} rows could not be read and are lost."));
    let vault = finding("vault", true, format!("Rebuilt with {passages}. {kept}"));
    std::iter::once(vault).chain(rebuilt.lost.iter().map(lost)).collect()
}

fn entry(rebuilt: &Rebuilt) -> Entry {
    Entry {
        at_ms: now_ms(),
        kind: "vault.repaired",
        sentence: summary(rebuilt),
        subject: None,
        detail: json!({ "passages": rebuilt.passages, "lost": rebuilt.lost }),
    }
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
