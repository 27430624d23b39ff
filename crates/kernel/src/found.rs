//! Models that other programs keep on this machine: which there are, whether they run here, and using them from there.

use crate::fit::{Known, fit_of, needed};
use crate::kernel::House;
use crate::models::{not_here, sentence};
use hearth_api::{Error, ErrorCode, FoundModel, Model};
use hearth_egress::{Cancel, DownloadError, Found};
use std::path::{Path, PathBuf};

fn all() -> Vec<Found> {
    let get = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    hearth_egress::found(&hearth_egress::usual_places(&get))
}

/// What the programs that are known keep at their usual places.
pub(crate) fn list(house: &House) -> Vec<FoundModel> {
    let here = house.models.installed();
    let seen = |found: Found| FoundModel { installed: here.iter().any(|model| model.id == found.id), ..view(found) };
    all().into_iter().map(seen).collect()
}

fn view(found: Found) -> FoundModel {
    let header = hearth_inference::estimate(&found.path);
    let cache = header.as_ref().map_or((0, 0), |header| (header.kv_bytes_per_token, header.n_ctx));
    let needs = needed(found.size, cache.0, cache.1);
    let told = header.as_ref().ok().map(|header| header.quantization.clone());
    FoundModel {
        id: found.id.0,
        name: found.name,
        program: found.program.to_string(),
        path: found.path.display().to_string(),
        size_bytes: found.size,
        quantization: if found.quantization.is_empty() { told.unwrap_or_default() } else { found.quantization },
        licence: found.licence.unwrap_or_else(|| "unknown".into()),
        fit: fit_of(needs, found.size, true, Known::default()),
        installed: false,
        unsupported: found
            .unusable
            .map(str::to_owned)
            .or_else(|| header.err().map(|error| sentence(&error.to_string()))),
    }
}

/// Uses a model that was found.
pub(crate) fn add(house: &House, id: &str) -> Result<Model, Error> {
    let found = all().into_iter().find(|found| found.id.0 == id).ok_or_else(|| {
        Error::new(
            ErrorCode::NotFound,
            format!("No program on this machine keeps a model {id}, and no file has this name."),
        )
        .hint("`hearth models found` lists those that are there.")
    })?;
    enter(house, &found)
}

/// Uses a file where it lies.
pub(crate) fn add_path(house: &House, path: &Path) -> Result<Model, Error> {
    let found =
        Found::file(path).map_err(|reason| not_here(&DownloadError::NotAModel { path: path.to_owned(), reason }))?;
    enter(house, &found)
}

fn enter(house: &House, found: &Found) -> Result<Model, Error> {
    crate::models::is_whole(&found.path)?;
    let models = &house.models;
    let added = hearth_egress::add_here(found, models.root(), models.manifest(), &Cancel::new(), &mut |_| {});
    let entry = added.map_err(|error| not_here(&error))?.model.entry;
    models.look_again();
    let said = format!("Added {}, used where {} keeps it", entry.name, found.program);
    house.note("model.added", said, None, serde_json::json!({ "model": entry.id }));
    house.events.stale(&["ListModels"]);
    crate::shelf::view(house, &entry.id)
}
