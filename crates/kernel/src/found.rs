//! Models that other programs keep on this machine: which there are, whether they run here, and using them from there.

use crate::kernel::House;
use crate::models::{fit_of, not_here};
use hearth_api::{Error, ErrorCode, Fit, Model};
use hearth_egress::{Cancel, DownloadError, Found};
use std::path::{Path, PathBuf};

/// A model that another program keeps on this machine.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FoundModel {
    /// The id that it gets here.
    pub id: String,
    /// As its program names it.
    pub name: String,
    /// The program that keeps it.
    pub program: String,
    /// Its file.
    pub path: PathBuf,
    /// Its size, bytes.
    pub size_bytes: u64,
    /// Such as `Q4_K_M`; empty where it is not known.
    pub quantization: String,
    /// Its licence; `unknown` where its program keeps none.
    pub licence: String,
    /// How it fits this machine.
    pub fit: Fit,
    /// Whether a model of this id is installed.
    pub installed: bool,
    /// Why it cannot be used; nothing where it can.
    pub unsupported: Option<String>,
}

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
    const CONTEXT: u64 = 4096;
    let header = hearth_inference::estimate(&found.path);
    let cache = header.as_ref().map_or(0, |header| header.kv_bytes_per_token * u64::from(header.n_ctx).min(CONTEXT));
    let needs = found.size.saturating_add(cache).saturating_add(96 << 20);
    let told = header.as_ref().ok().map(|header| header.quantization.clone());
    FoundModel {
        id: found.id.0,
        name: found.name,
        program: found.program.to_string(),
        path: found.path,
        size_bytes: found.size,
        quantization: if found.quantization.is_empty() { told.unwrap_or_default() } else { found.quantization },
        licence: found.licence.unwrap_or_else(|| "unknown".into()),
        fit: fit_of(needs, found.size, true, None, false),
        installed: false,
        unsupported: found.unusable.map(str::to_owned).or_else(|| header.err().map(|error| error.to_string())),
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
    let models = &house.models;
    let added = hearth_egress::add_here(found, models.root(), models.manifest(), &Cancel::new(), &mut |_| {});
    let entry = added.map_err(|error| not_here(&error))?.model.entry;
    models.look_again();
    let said = format!("Added {}, used where {} keeps it", entry.name, found.program);
    house.note("model.added", said, None, serde_json::json!({ "model": entry.id }));
    house.events.stale(&["ListModels"]);
    models.view(house, &entry.id)
}
