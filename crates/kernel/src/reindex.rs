//! Another embedder takes over: every passage is embedded again in the background, resumable, while the old vectors go on
//! answering; then both change places at once. What makes one passage's vector in daily work is `import`.

use crate::clock::now_ms;
use crate::embedding::{identity, whole_text};
use crate::error;
use crate::kernel::{House, Open};
use crate::models::Installed;
use hearth_api::{Error, Progress};
use hearth_domain::{PassageId, Role};
use hearth_inference::embed::Kind;
use hearth_store::Entry;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Passages embedded at a time.
const BATCH: usize = 16;
/// How often somebody looks whether another embedder was chosen.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// After a failure nothing is tried for so long.
const REST: Duration = Duration::from_secs(30);

/// Up to which passage all have a vector, and of which embedder: to look at every one of a million again and again takes a
/// processor of its own. Passages come behind all others, and lose their vectors with themselves, with their embedder or in a
/// repair alone.
#[derive(Default)]
pub(crate) struct Embedded(Mutex<Option<(String, PassageId)>>);

impl Embedded {
    fn up_to(&self, embedder: &str) -> PassageId {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(of, _)| of == embedder).map_or(PassageId(0), |(_, passage)| *passage)
    }

    fn note(&self, embedder: &str, passage: PassageId) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((embedder.to_owned(), passage));
    }

    /// Has every passage looked at again.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Looks after the vectors of an open vault until it is closed.
pub(crate) fn start(house: &Arc<House>, open: &Arc<Open>) -> Result<(), Error> {
    let (weak, open, hands) = (Arc::downgrade(house), Arc::downgrade(open), Arc::clone(&house.hands));
    house.hands.start("reindex", move || {
        let mut wait = LOOK_EVERY;
        while hands.rest(wait) {
            let (Some(house), Some(open)) = (weak.upgrade(), open.upgrade()) else { return };
            if open.jobs.is_stopped() {
                return;
            }
            wait = LOOK_EVERY;
            if let Err(error) = look(&house, &open) {
                tracing::warn!(%error, "passages were not embedded again");
                wait = REST;
            }
        }
    })
}

/// The embedder whose vectors answer, if it is here: questions and new documents go through it. In a vault where nobody
/// said so yet it is the one that is in use.
///
/// # Errors
/// `ModelMissing` where there is no embedder, or the one of these vectors is gone and nobody took over yet.
pub(crate) fn of_index(house: &House, open: &Open) -> Result<(Installed, String), Error> {
    let wanted = house.models.for_role(Role::Embed)?;
    let name = identity(&wanted);
    let of = open.store.read(|reader| reader.embedder()).map_err(error::store)?;
    match of {
        Some(of) if of == name => Ok((wanted, name)),
        None => {
            open.store.write(|writer| writer.begin_vectors(&name)).map_err(error::store)?;
            Ok((wanted, name))
        }
        Some(of) => {
            let mut able = house.models.installed_for(Role::Embed).into_iter();
            if let Some(model) = able.find(|model| identity(model) == of) {
                return Ok((model, of));
            }
            // No question can be compared with what the old embedder made.
            open.store.write(|writer| writer.begin_vectors(&name)).map_err(error::store)?;
            Ok((wanted, name))
        }
    }
}

/// How far embedding again has come, where it is under way.
pub(crate) fn under_way(open: &Open) -> Option<Progress> {
    let counts = open.store.read(|reader| {
        let next = reader.next_embedder()?.map(|_| reader.reembedded()).transpose()?;
        Ok(next)
    });
    counts.ok().flatten().map(|(done, total)| Progress { done, total })
}

/// Embeds what is missing; gives back when nothing is, or the vault closes, or another embedder was chosen meanwhile.
fn look(house: &House, open: &Open) -> Result<(), Error> {
    let Ok(wanted) = house.models.for_role(Role::Embed) else { return Ok(()) };
    let name = identity(&wanted);
    let (of_index, of) = of_index(house, open)?;
    if of == name {
        let next = open.store.read(|reader| reader.next_embedder()).map_err(error::store)?;
        if next.is_some() {
            // The choice was taken back.
            open.store.write(|writer| writer.end_reindex()).map_err(error::store)?;
            house.tell_status();
        }
        return fill(house, open, &of_index, &name, false).map(|_| ());
    }
    open.store.write(|writer| writer.begin_reindex(&name)).map_err(error::store)?;
    house.tell_status();
    if !fill(house, open, &wanted, &name, true)? {
        return Ok(());
    }
    let total = open.store.read(|reader| reader.reembedded()).map_err(error::store)?.1;
    let entry = Entry {
        at_ms: now_ms(),
        kind: "index.renewed",
        sentence: format!(
            "{} takes over: {} embedded again",
            wanted.name,
            crate::view::count(total as usize, "passage", "passages")
        ),
        subject: Some(format!("model:{}", wanted.id)),
        detail: json!({ "embedder": name, "before": of }),
    };
    let finished =
        open.store.read(|reader| Ok(reader.unembedded(PassageId(0), 1)?.is_empty())).map_err(error::store)?;
    if finished {
        open.store.record(entry, |writer| writer.finish_reindex().map(|_| ())).map_err(error::store)?;
        house.events.stale(&["ListActivity"]);
    }
    house.tell_status();
    Ok(())
}

/// Embeds the passages that have no vector, of the next embedder or (`next` false) of the present one. Says whether it
/// came to the end.
fn fill(house: &House, open: &Open, model: &Installed, name: &str, next: bool) -> Result<bool, Error> {
    let mut after = if next { PassageId(0) } else { open.embedded.up_to(name) };
    let newest = open.store.read(|reader| reader.newest_passage()).map_err(error::store)?;
    let mut told = Instant::now();
    loop {
        let end = || open.jobs.is_stopped();
        house.foreground.give_way(&end);
        let chosen = house.models.for_role(Role::Embed).is_ok_and(|model| identity(&model) == name);
        if end() || !chosen {
            return Ok(false);
        }
        let rows = open
            .store
            .read(|reader| {
                let ids = reader.unembedded(after, BATCH)?;
                reader.passages(&ids)
            })
            .map_err(error::store)?;
        let Some(last) = rows.iter().map(|row| row.id).max() else {
            if !next {
                open.embedded.note(name, newest);
            }
            return Ok(true);
        };
        after = last;
        let texts = rows.iter().map(|row| whole_text(&row.context, &row.text, &row.title)).collect();
        let vectors = house.schedule.engine(house, model)?.embed(Kind::Passage, texts).map_err(error::internal)?;
        open.store
            .write(|writer| {
                let of = if next { writer.next_embedder()? } else { writer.embedder()? };
                if of.as_deref() != Some(name) {
                    return Ok(()); // it changed meanwhile
                }
                rows.iter().zip(&vectors).try_for_each(|(row, vector)| match next {
                    true => writer.put_next_embedding(row.id, vector),
                    false if writer.passages(&[row.id])?.is_empty() => Ok(()),
                    false => writer.put_embedding(row.document, row.id, vector),
                })
            })
            .map_err(error::store)?;
        if told.elapsed() > Duration::from_secs(1) {
            told = Instant::now();
            house.tell_status();
        }
    }
}
