//! The models screen: this machine's memory, who plays which part, and each model as the door shows it.

use crate::error;
use crate::fit::{Known, about_bytes, computed_bytes, fit};
use crate::kernel::House;
use crate::machine::kernels;
use crate::models::{USED, damaged_error, may_be_empty, unsupported};
use crate::notes::Measured;
use hearth_api::{Error, MemoryKind, MemoryPart, Model, ModelPresence};
use hearth_domain::{ModelId, Role};
use hearth_inference::wire::ModelInfo;

/// One model as the door shows it.
pub(crate) fn view(house: &House, id: &ModelId) -> Result<Model, Error> {
    let models = &house.models;
    let here = models.find(id);
    let entry = here
        .as_ref()
        .map(|model| &model.entry)
        .or_else(|| models.manifest().find(id))
        .ok_or_else(|| error::missing("model"))?;
    let engine = house.schedule.loaded(id);
    let state = match (&here, house.downloads.presence(models.root(), entry)) {
        (_, Some(presence)) => presence,
        (Some(model), None) if !model.broken.is_empty() => ModelPresence::Damaged { error: damaged_error(model) },
        (Some(_), None) if engine.is_some() => ModelPresence::Loaded,
        (Some(_), None) => ModelPresence::Installed,
        (None, None) => ModelPresence::Absent,
    };
    let measured = here.as_ref().and_then(|model| models.measured(model));
    let known = Known {
        per_second: here.as_ref().and_then(|_| models.speed(id).writes),
        measured_bytes: measured.as_ref().map(|measured| measured.peak_bytes),
        loaded: engine.is_some(),
    };
    let needs = here.as_ref().map_or_else(|| about_bytes(entry), |model| models.needs_bytes(model));
    Ok(Model {
        id: id.0.clone(),
        name: entry.name.clone(),
        quantization: entry.quantization.clone(),
        size_bytes: here.as_ref().map_or_else(|| entry.bytes(), |model| model.size_bytes),
        size_about: here.is_none() && entry.files.iter().any(|file| file.size.is_none()),
        roles: entry.roles.iter().copied().map(crate::view::role).collect(),
        licence: entry.licence.clone(),
        n_ctx: here.as_ref().map_or(entry.n_ctx, |model| model.n_ctx),
        context: here.as_ref().and_then(|model| model.context),
        fit: fit(needs, entry, known),
        computed_bytes: here.as_ref().map_or(needs, computed_bytes),
        measured: measured.map(shown),
        place: engine.map(|engine| place(engine.info())).unwrap_or_default(),
        elsewhere: here.as_ref().and_then(|model| model.elsewhere.as_ref()).map(|path| path.display().to_string()),
        state,
        unsupported: unsupported(entry),
    })
}

fn shown(measured: Measured) -> hearth_api::Measured {
    let Measured { sha256: _, machine, at_ms, load_ms, reads, writes, peak_bytes, tokens: _, place } = measured;
    hearth_api::Measured {
        at_ms,
        machine,
        load_ms: u32::try_from(load_ms).unwrap_or(u32::MAX),
        reads_per_second: reads,
        per_second: writes,
        peak_bytes,
        place,
    }
}

/// Where an engine computes, in its words.
pub(crate) fn place(info: &ModelInfo) -> String {
    if info.place.starts_with("the processor") { format!("CPU, {}", kernels(&info.kernel)) } else { info.place.clone() }
}

/// The models screen.
pub(crate) fn list(house: &House) -> Result<hearth_api::Models, Error> {
    let memory = crate::machine::memory();
    let mut parts = vec![part(MemoryKind::Core, "Hearth", crate::machine::resident_bytes(), String::new())];
    let mut used = parts.iter().map(|part| part.bytes).sum::<u64>();
    let here = house.models.installed();
    for model in &here {
        if let Some(engine) = house.schedule.loaded(&model.id) {
            let bytes = engine.memory_bytes();
            let cache = model.kv_bytes_per_token * u64::from(engine.info().n_ctx);
            let mut notes = Vec::new();
            if cache > 0 {
                notes.push(format!("up to {} for {} tokens of context", crate::view::size(cache), engine.info().n_ctx));
            }
            if engine.info().device_bytes > 0 {
                let there = crate::view::size(engine.info().device_bytes);
                notes.push(format!("{there} more on {}", engine.info().place));
            }
            used += bytes;
            parts.push(part(MemoryKind::Model, &model.name, bytes, notes.join(", ")));
        }
    }
    let others = memory.total.saturating_sub(memory.available).saturating_sub(used);
    parts.push(part(MemoryKind::Others, "Other apps", others, String::new()));
    parts.push(part(MemoryKind::Free, "Free", memory.total.saturating_sub(used + others), String::new()));
    let view = |id: &ModelId| view(house, id);
    let absent = house.models.manifest().models.iter().filter(|entry| !here.iter().any(|model| model.id == entry.id));
    Ok(hearth_api::Models {
        machine: hearth_api::Machine {
            cores: crate::machine::cores() as u32,
            memory_bytes: memory.total,
            disk_free_bytes: crate::machine::disk_free(&house.config.data_dir),
            compute: compute(house),
        },
        memory: parts,
        roles: USED.iter().map(|role| role_row(house, *role)).collect(),
        installed: here.iter().map(|model| view(&model.id)).collect::<Result<_, _>>()?,
        catalogue: absent.map(|entry| view(&entry.id)).collect::<Result<_, _>>()?,
    })
}

/// What computes: as the engine of the chat model says, else what this machine has.
fn compute(house: &House) -> String {
    let chat = house.models.role(Role::Chat).and_then(|id| house.schedule.loaded(&id));
    let bare = || format!("CPU, {}", kernels(hearth_inference::kernel::Kernels::detect().name));
    chat.map_or_else(bare, |engine| place(engine.info()))
}

fn part(kind: MemoryKind, name: &str, bytes: u64, note: String) -> MemoryPart {
    MemoryPart { kind, name: name.to_owned(), bytes, note }
}

fn role_row(house: &House, role: Role) -> hearth_api::RoleRow {
    let models = &house.models;
    let mut note = String::new();
    let model = if role == Role::Draft {
        let chat = models.for_role(Role::Chat).ok();
        let draft = chat.as_ref().and_then(|chat| models.draft_for(chat));
        let engine = chat.and_then(|chat| house.schedule.loaded(&chat.id));
        let why = engine.map(|engine| engine.info().draft.clone()).unwrap_or_default();
        if draft.is_some() && !why.is_empty() && why != hearth_inference::engine::GUESSES {
            note = format!("Not used: {why}");
        }
        draft.map(|draft| draft.id)
    } else {
        models.role(role)
    };
    let chosen = models.chosen(role).and_then(|id| models.find(&id));
    if let Some(chosen) = chosen.filter(|chosen| model.as_ref() != Some(&chosen.id) && !chosen.broken.is_empty()) {
        note = format!("Instead of {}, which is damaged", chosen.name);
    }
    hearth_api::RoleRow {
        role: crate::view::role(role),
        loaded: model.as_ref().is_some_and(|id| house.schedule.loaded(id).is_some()),
        model: model.map(|id| id.0),
        choices: models.able(role).into_iter().map(|model| model.id.0).collect(),
        may_be_empty: may_be_empty(role),
        note,
    }
}
