//! What is kept, used and forgotten: a person says what, and forgetting erases.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Error, ErrorCode, Memory};
use hearth_domain::{Label, MemoryId, SpaceId, TurnId};
use hearth_store::{Entry, MemoryRow, MemoryState, NewMemory};
use serde_json::json;

/// How long a forgotten memory can be put back.
const UNDO_MS: i64 = 10_000;
/// The longest memory.
const MOST_CHARS: usize = 500;

/// Memories that apply in a space.
pub(crate) fn list(open: &Open, space: SpaceId) -> Result<Vec<Memory>, Error> {
    let rows = open.store.read(|reader| reader.memories(Some(space), true)).map_err(error::store)?;
    Ok(rows.into_iter().filter(|row| row.state != MemoryState::Forgotten).map(view).collect())
}

/// Keeps a sentence.
pub(crate) fn remember(
    house: &House,
    space: Option<SpaceId>,
    text: &str,
    source: Option<TurnId>,
) -> Result<Memory, Error> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return Err(Error::new(ErrorCode::Invalid, "There is nothing to remember."));
    }
    if text.chars().count() > MOST_CHARS {
        return Err(Error::new(ErrorCode::Invalid, format!("A memory has at most {MOST_CHARS} characters."))
            .hint("Add longer text as a document."));
    }
    house.law.may_remember(&text)?;
    let open = house.open()?;
    let now = now_ms();
    let (row, _) = open
        .store
        .record_with(|writer| {
            let id = writer.add_memory(&NewMemory {
                space,
                text: text.clone(),
                learnt: "You asked".into(),
                label: Label::Internal,
                state: MemoryState::Kept,
                expires_ms: None,
                source_turn: source,
                now,
            })?;
            let entry = Entry {
                at_ms: now,
                kind: "memory.kept",
                sentence: "Remembered one sentence".into(),
                subject: Some(format!("memory:{id}")),
                detail: json!({ "space": space }),
            };
            Ok((writer.memory(id)?, entry))
        })
        .map_err(error::store)?;
    house.events.stale(&["ListMemories", "ListSpaces", "ListActivity"]);
    row.map(view).ok_or_else(|| error::missing("memory"))
}

/// Forgets memories: they are out of use at once, and erased after a while.
pub(crate) fn forget(house: &House, ids: &[i64]) -> Result<(), Error> {
    change(house, ids, MemoryState::Forgotten, "memory.forgotten", "Forgot one memory, at your request")
}

/// Puts forgotten memories back.
pub(crate) fn restore(house: &House, ids: &[i64]) -> Result<(), Error> {
    change(house, ids, MemoryState::Kept, "memory.restored", "Put one memory back")
}

fn change(house: &House, ids: &[i64], state: MemoryState, kind: &'static str, sentence: &str) -> Result<(), Error> {
    let open = house.open()?;
    for id in ids.iter().copied().map(MemoryId) {
        let row = open.store.read(|reader| reader.memory(id)).map_err(error::store)?;
        if let (MemoryState::Forgotten, Some(row)) = (state, row) {
            house.law.may_purge(row.label, "This memory")?;
        }
        let entry = Entry {
            at_ms: now_ms(),
            kind,
            sentence: sentence.into(),
            subject: Some(format!("memory:{id}")),
            detail: json!({}),
        };
        open.store.record(entry, |writer| writer.set_memory_state(id, state, now_ms())).map_err(error::store)?;
    }
    house.events.stale(&["ListMemories", "ListSpaces", "ListActivity"]);
    Ok(())
}

/// Erases what was forgotten long enough ago.
pub(crate) fn erase_forgotten(house: &House) {
    if let Some(open) = house.peek() {
        match erase(&open, now_ms() - UNDO_MS) {
            // Models that have read them forget what they read.
            Ok(0) => {}
            Ok(_) => house.schedule.forget(),
            Err(error) => tracing::warn!(%error, "forgotten memories were not erased yet"),
        }
    }
}

/// Erases everything that was forgotten in an earlier run.
pub(crate) fn erase_forgotten_of(open: &Open) -> Result<(), Error> {
    erase(open, i64::MAX).map(drop)
}

/// Erases what was forgotten before a moment; returns how much that was.
fn erase(open: &Open, before_ms: i64) -> Result<usize, Error> {
    let forgotten = open.store.read(|reader| reader.forgotten_memories(before_ms)).map_err(error::store)?;
    let count = forgotten.len();
    for id in forgotten {
        let entry = Entry {
            at_ms: now_ms(),
            kind: "memory.erased",
            sentence: "Erased one forgotten memory".into(),
            subject: Some(format!("memory:{id}")),
            detail: json!({}),
        };
        open.store.record(entry, |writer| writer.erase_memory(id)).map_err(error::store)?;
    }
    Ok(count)
}

fn view(row: MemoryRow) -> Memory {
    let MemoryRow {
        id,
        space,
        text,
        learnt,
        label,
        state,
        created_ms,
        used,
        last_used_ms,
        expires_ms: _,
        source_turn: _,
    } = row;
    Memory {
        id: id.0,
        space: space.map(|space| space.0),
        text,
        learnt,
        label: crate::view::label(label),
        created_ms,
        used,
        last_used_ms,
        paused: state == MemoryState::Paused,
    }
}
