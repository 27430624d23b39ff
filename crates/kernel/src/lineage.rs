//! Where an answer came from, and where a document went: read from what is kept with the turns.

use crate::error;
use crate::kernel::Open;
use crate::turn::call::CallRecord;
use crate::turn::{Detail, TurnRecord};
use hearth_api::{DocumentUse, Error, Lineage, LineageMemory, LineageModel, LineageVersion, TurnState};
use hearth_domain::{DocumentId, MemoryId, TurnId, VersionId};
use hearth_store::{MemoryState, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// What an answer was made from.
pub(crate) fn of_turn(open: &Open, id: TurnId) -> Result<Lineage, Error> {
    let found = open
        .store
        .read(|reader| {
            let Some(row) = reader.turn(id)? else { return Ok(None) };
            let record: TurnRecord = serde_json::from_value(row.record).unwrap_or_default();
            let trace = reader.trace(id)?;
            let data = |station: &str| {
                let row = trace.iter().find(|row| row.station == station)?;
                Some(serde_json::from_value::<Detail>(row.detail.clone()).unwrap_or_default().data)
            };
            let tool = data("Tool").and_then(|data| data.get("tool")?.as_str().map(str::to_owned));
            let earlier: BTreeSet<i64> =
                record.calls.iter().flat_map(|call| &call.earlier).map(|turn| turn.0).collect();
            Ok(Some(Lineage {
                turn: id.0,
                conversation: row.conversation.0,
                question: row.question,
                versions: versions(reader, id, &record)?,
                memories: memories(reader, &record)?,
                tools: tool.into_iter().collect(),
                models: models(&record.calls),
                earlier: earlier.into_iter().collect(),
            }))
        })
        .map_err(error::store)?;
    found.ok_or_else(|| error::missing("question"))
}

fn versions(reader: &Reader<'_>, id: TurnId, record: &TurnRecord) -> hearth_store::Result<Vec<LineageVersion>> {
    let mut passages: BTreeMap<VersionId, BTreeSet<(u32, u32, u32)>> = BTreeMap::new();
    for given in record.calls.iter().flat_map(|call| &call.given) {
        passages.entry(given.version).or_default().insert((given.page, given.start, given.end));
    }
    for source in &record.sources {
        passages.entry(source.version).or_default();
    }
    let citations = reader.citations(id)?;
    let mut versions = Vec::new();
    for (version, given) in passages {
        let row = reader.version(version)?;
        let kept = record.sources.iter().find(|source| source.version == version);
        let cited = citations.iter().filter(|citation| citation.span.version == version);
        let document = row.as_ref().map(|row| row.document).or(kept.map(|source| source.document));
        let document = document.or(citations.iter().find(|one| one.span.version == version).map(|one| one.document));
        let now = document.map(|document| reader.document(document)).transpose()?.flatten();
        versions.push(LineageVersion {
            document: document.map_or(0, |document| document.0),
            version: version.0,
            title: match (&now, kept) {
                (Some(now), _) => now.title.clone(),
                (None, Some(kept)) => kept.title.clone(),
                (None, None) => "An erased document".into(),
            },
            number: row.as_ref().map_or(0, |row| row.number),
            sha256: row.as_ref().map(|row| row.hash.to_string()).unwrap_or_default(),
            current: now.is_some_and(|now| now.removed_ms.is_none() && now.version == Some(version)),
            passages: given.len() as u32,
            cited: cited.count() as u32,
        });
    }
    versions.sort_by_key(|version| (std::cmp::Reverse(version.cited), version.version));
    Ok(versions)
}

fn memories(reader: &Reader<'_>, record: &TurnRecord) -> hearth_store::Result<Vec<LineageMemory>> {
    let ids: BTreeSet<MemoryId> =
        record.calls.iter().flat_map(|call| &call.memories).map(|(memory, _)| *memory).collect();
    let one = |id: MemoryId| {
        let kept = reader.memory(id)?.filter(|row| row.state != MemoryState::Forgotten);
        Ok(LineageMemory { memory: id.0, text: kept.map(|row| row.text).unwrap_or_default() })
    };
    ids.into_iter().map(one).collect()
}

fn models(calls: &[CallRecord]) -> Vec<LineageModel> {
    calls
        .iter()
        .map(|call| LineageModel {
            wrote: call.of.clone(),
            name: call.name.clone(),
            sha256: call.sha256.clone(),
            recipe: format!("{}, version {}", call.recipe.name, call.recipe.version),
        })
        .collect()
}

/// Every answer that used a document, newest first.
pub(crate) fn of_document(open: &Open, document: DocumentId) -> Result<Vec<DocumentUse>, Error> {
    open.store
        .read(|reader| {
            let citations = reader.citations_of(document)?;
            let numbers: BTreeMap<VersionId, u32> =
                reader.versions(document)?.into_iter().map(|row| (row.id, row.number)).collect();
            let mut uses = Vec::new();
            for turn in reader.turns_touching(document)?.into_iter().rev() {
                let Some(row) = reader.turn(turn)? else { continue };
                let Some(conversation) = reader.conversation(row.conversation)? else { continue };
                let cited: Vec<_> = citations.iter().filter(|citation| citation.turn == turn).collect();
                let versions: BTreeSet<u32> =
                    cited.iter().filter_map(|citation| numbers.get(&citation.span.version).copied()).collect();
                uses.push(DocumentUse {
                    turn: turn.0,
                    conversation: conversation.id.0,
                    question: row.question,
                    asked_ms: row.asked_ms,
                    state: state(row.state),
                    cited: cited.len() as u32,
                    versions: versions.into_iter().collect(),
                    replaced: row.replaced_by.is_some(),
                });
            }
            Ok(uses)
        })
        .map_err(error::store)
}

fn state(state: hearth_store::TurnState) -> TurnState {
    match state {
        hearth_store::TurnState::Running => TurnState::Running,
        hearth_store::TurnState::Answered => TurnState::Answered,
        hearth_store::TurnState::Abstained => TurnState::Abstained,
        hearth_store::TurnState::Refused => TurnState::Refused,
        hearth_store::TurnState::Stopped => TurnState::Stopped,
        hearth_store::TurnState::Failed => TurnState::Failed,
    }
}
