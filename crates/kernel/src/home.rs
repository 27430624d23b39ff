//! The status bar and the home screen of a space.

use crate::clock::today_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Changed, Error, Home, JobState, MemoryUse, ModelState, ModelStatus, Status};
use hearth_domain::{Role, SpaceId};
use hearth_store::DocumentFilter;

/// Changes shown on the home screen, at most.
const CHANGES: usize = 6;

/// What the status bar always states.
pub(crate) fn status(house: &House) -> Status {
    let open = house.peek();
    let memory = crate::machine::memory();
    let hearth_bytes = crate::machine::resident_bytes() + house.schedule.memory_bytes();
    let bytes_out_today = open
        .as_ref()
        .and_then(|open| open.store.read(|reader| reader.ledger_totals(today_ms())).ok())
        .map_or(0, |totals| totals.bytes_out);
    Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        mode: crate::view::mode(house.law.held().rules.mode),
        model: model(house),
        memory: MemoryUse {
            hearth_bytes,
            others_bytes: memory.total.saturating_sub(memory.available).saturating_sub(hearth_bytes),
            total_bytes: memory.total,
        },
        vault: house.vault_state(),
        bytes_out_today,
        indexing: open
            .as_ref()
            .and_then(|open| crate::jobs::under_way(open).or_else(|| crate::reindex::under_way(open))),
        downloads: house.downloads.under_way(),
        data_dir: house.config.data_dir.display().to_string(),
        dialogs: house.config.dialogs.is_some(),
    }
}

fn model(house: &House) -> Option<ModelStatus> {
    match house.models.for_role(Role::Chat) {
        Ok(model) => Some(ModelStatus {
            id: model.id.0.clone(),
            name: model.name.clone(),
            state: house.schedule.state(&model.id),
        }),
        Err(_) => {
            let default = house.models.manifest().defaults().find(|entry| entry.roles.contains(&Role::Chat))?;
            Some(ModelStatus { id: default.id.0.clone(), name: default.name.clone(), state: ModelState::Missing })
        }
    }
}

/// The home screen of a space.
pub(crate) fn home(open: &Open, space: SpaceId) -> Result<Home, Error> {
    let (name, counts, last_visit_ms, newest) = open
        .store
        .read(|reader| {
            let Some(row) = reader.space(space)? else { return Ok(None) };
            let last = reader.conversations(space, 1)?.first().map(|row| row.updated_ms);
            let filter = DocumentFilter { space: Some(space), ..DocumentFilter::default() };
            Ok(Some((row.name, reader.counts(space)?, last, reader.documents(&filter)?)))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("space"))?;
    let jobs = crate::jobs::list(open, space)?;
    let mut changed: Vec<Changed> = newest
        .into_iter()
        .filter_map(|row| {
            let at_ms = row.indexed_ms?;
            let pages = crate::view::count(row.pages as usize, "page", "pages");
            let what = if row.versions > 1 {
                format!("has a new version {}, {pages}", row.versions)
            } else {
                format!("was added, {pages}")
            };
            (last_visit_ms.is_none_or(|visit| at_ms > visit)).then_some(Changed {
                document: row.id.0,
                title: row.title,
                what,
                at_ms,
            })
        })
        .collect();
    changed.sort_by_key(|change| std::cmp::Reverse(change.at_ms));
    changed.truncate(CHANGES);
    Ok(Home {
        space: name,
        documents: counts.documents,
        need_you: jobs.iter().filter(|job| job.state == JobState::Failed).count() as u32,
        on_the_way: jobs.iter().filter(|job| matches!(job.state, JobState::Waiting | JobState::Running)).count() as u32,
        last_visit_ms,
        changed,
    })
}
