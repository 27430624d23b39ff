//! Which models there are, which are here, which plays which part, and how each fits this machine.

use crate::error;
use crate::kernel::{Config, House};
use crate::schedule::needs_bytes;
use hearth_api::{Error, ErrorCode, Fit, FitLevel, Model, ModelPresence};
use hearth_domain::{ModelId, Role};
use hearth_egress::{Cancel, DownloadError, Manifest, ModelEntry};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, RwLock};

/// Roles that Hearth can use now.
pub(crate) const USED: [Role; 4] = [Role::Chat, Role::Draft, Role::Embed, Role::Rerank];
/// How much smaller (one in so many) a model must be than the one for which it guesses.
const DRAFT_SHARE: u64 = 3;

/// A model whose files are on this machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Installed {
    pub(crate) id: ModelId,
    pub(crate) name: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) weights: PathBuf,
    pub(crate) tokenizer: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) size_bytes: u64,
    pub(crate) n_ctx: u32,
    pub(crate) kv_bytes_per_token: u64,
    pub(crate) sha256: Option<String>,
    pub(crate) broken: Vec<String>,
    /// Where its weights lie when they are another program's.
    pub(crate) elsewhere: Option<PathBuf>,
    pub(crate) entry: ModelEntry,
}

/// What a model was measured to do on this machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
struct Speed {
    /// Tokens read a second.
    reads: Option<f32>,
    /// Tokens written a second.
    writes: Option<f32>,
}

/// The models of this house. Choices and measurements are in a small file beside them: nothing in it is private.
pub(crate) struct Models {
    root: PathBuf,
    bundled: Option<PathBuf>,
    manifest: Manifest,
    installed: RwLock<Vec<Installed>>,
    notes: Mutex<Notes>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Notes {
    roles: BTreeMap<Role, ModelId>,
    speeds: BTreeMap<ModelId, Speed>,
}

impl Models {
    /// Looks at what is there.
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let root = config.models_dir.clone().unwrap_or_else(|| config.data_dir.join("models"));
        let manifest = Manifest::built_in().map_err(error::internal)?;
        let notes = std::fs::read(notes_path(&root))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let models = Self {
            root,
            bundled: config.bundled_models.clone(),
            manifest,
            installed: RwLock::default(),
            notes: Mutex::new(notes),
        };
        models.look_again();
        Ok(models)
    }

    /// Where models are kept.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The catalogue.
    pub(crate) fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Reads the folders anew.
    pub(crate) fn look_again(&self) {
        let mut found: Vec<Installed> = Vec::new();
        for root in std::iter::once(&self.root).chain(self.bundled.as_ref()) {
            match hearth_egress::installed(root) {
                Ok(models) => {
                    for model in models {
                        if !found.iter().any(|known| known.id == model.entry.id) {
                            found.push(installed(model));
                        }
                    }
                }
                Err(error) => tracing::warn!(%error, "a folder of models cannot be read"),
            }
        }
        *self.installed.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = found;
    }

    /// All models that are here, as their files lie on the disk.
    pub(crate) fn all_files(&self) -> Result<Vec<hearth_egress::Installed>, Error> {
        let mut found: Vec<hearth_egress::Installed> = Vec::new();
        for root in std::iter::once(&self.root).chain(self.bundled.as_ref()) {
            let models = hearth_egress::installed(root).map_err(|error| not_here(&error))?;
            found.extend(
                models
                    .into_iter()
                    .filter(|model| !found.iter().any(|known| known.entry.id == model.entry.id))
                    .collect::<Vec<_>>(),
            );
        }
        Ok(found)
    }

    /// All models that are here.
    pub(crate) fn installed(&self) -> Vec<Installed> {
        self.installed.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Models that are here, whole, and can play a part.
    pub(crate) fn installed_for(&self, role: Role) -> Vec<Installed> {
        let can = |model: &Installed| {
            model.roles.contains(&role) && model.broken.is_empty() && unsupported(&model.entry).is_none()
        };
        self.installed().into_iter().filter(can).collect()
    }

    /// The model that guesses how a chat model goes on: the one chosen, where it is much smaller. Whether it has the same
    /// vocabulary, the engine finds out.
    pub(crate) fn draft_for(&self, model: &Installed) -> Option<Installed> {
        let chosen = self.held().roles.get(&Role::Draft).cloned()?;
        self.drafts_for(model).into_iter().find(|draft| draft.id == chosen)
    }

    /// Models that could guess for a chat model.
    fn drafts_for(&self, model: &Installed) -> Vec<Installed> {
        let smaller = |draft: &Installed| draft.size_bytes * DRAFT_SHARE <= model.size_bytes;
        let chats = self.installed_for(Role::Chat);
        if model.roles.contains(&Role::Chat) { chats.into_iter().filter(smaller).collect() } else { Vec::new() }
    }

    /// Models that could play a part.
    fn able(&self, role: Role) -> Vec<Installed> {
        match (role, self.for_role(Role::Chat)) {
            (Role::Draft, Ok(chat)) => self.drafts_for(&chat),
            (Role::Draft, Err(_)) => Vec::new(),
            _ => self.installed_for(role),
        }
    }

    /// Looks once more at a model before it is loaded, where other programs' files are used: they may have changed.
    ///
    /// # Errors
    /// `ModelMissing`, naming what is gone.
    pub(crate) fn before_loading(&self, model: &Installed) -> Result<(), Error> {
        if self.installed().iter().any(|model| model.elsewhere.is_some()) {
            self.look_again();
            match self.find(&model.id) {
                Some(now) if now.broken.is_empty() && now.weights == model.weights => {}
                Some(now) => return Err(damaged_error(&now)),
                None => return Err(error::missing("model")),
            }
        }
        Ok(())
    }

    /// One model that is here.
    pub(crate) fn find(&self, id: &ModelId) -> Option<Installed> {
        self.installed().into_iter().find(|model| model.id == *id)
    }

    /// The model that plays a part: the one chosen, else the largest that is here.
    ///
    /// # Errors
    /// `ModelMissing`, naming what to fetch, or which file is not what it should be.
    pub(crate) fn for_role(&self, role: Role) -> Result<Installed, Error> {
        let chosen = self.held().roles.get(&role).cloned();
        if let Some(chosen) = chosen.and_then(|id| self.find(&id))
            && chosen.broken.is_empty()
        {
            return Ok(chosen);
        }
        let able = self.installed_for(role);
        // An added model of unknown skill does not take a part by itself.
        if let Some(model) = able.into_iter().max_by_key(|model| (model.entry.default, model.size_bytes)) {
            return Ok(model);
        }
        let damaged =
            self.installed().into_iter().find(|model| model.roles.contains(&role) && !model.broken.is_empty());
        Err(match damaged {
            Some(model) => damaged_error(&model),
            None => {
                let default = self.manifest.defaults().find(|entry| entry.roles.contains(&role));
                let name = default.map_or("a model", |entry| entry.name.as_str());
                let part = match role {
                    Role::Embed => "to search by meaning",
                    Role::Rerank => "to order passages",
                    _ => "to answer",
                };
                Error::new(ErrorCode::ModelMissing, format!("No model is installed {part}."))
                    .hint(format!("Get {name} on the Models screen, or run `hearth models fetch-defaults`."))
            }
        })
    }

    /// The model that was chosen for a part, or plays it unasked.
    pub(crate) fn role(&self, role: Role) -> Option<ModelId> {
        self.for_role(role).ok().map(|model| model.id)
    }

    /// Gives a part to a model; nobody has to guess, so that an empty name takes that part away.
    pub(crate) fn set_role(&self, role: Role, id: ModelId) -> Result<(), Error> {
        if role == Role::Draft && id.0.is_empty() {
            self.held().roles.remove(&role);
            return self.keep_notes();
        }
        if !self.able(role).iter().any(|model| model.id == id) {
            return Err(Error::new(ErrorCode::Invalid, "This model is not installed, or cannot play this part."));
        }
        self.held().roles.insert(role, id);
        self.keep_notes()
    }

    /// Brings a model from a disk.
    pub(crate) fn add(&self, house: &House, path: &Path) -> Result<Model, Error> {
        let added = hearth_egress::add_from(path, &self.root, &self.manifest, &Cancel::new(), &mut |_| {})
            .map_err(|error| not_here(&error))?;
        self.look_again();
        let id = added.model.entry.id;
        house.note(
            "model.added",
            format!("Added {} from a file", added.model.entry.name),
            None,
            serde_json::json!({ "model": id }),
        );
        house.events.stale(&["ListModels"]);
        self.view(house, &id)
    }

    /// Removes a model's files.
    pub(crate) fn remove(&self, house: &House, id: &ModelId) -> Result<(), Error> {
        house.schedule.unload(id, None);
        hearth_egress::remove(&self.root, id).map_err(|error| not_here(&error))?;
        self.look_again();
        house.note("model.removed", format!("Removed {id}"), None, serde_json::json!({ "model": id }));
        house.events.stale(&["ListModels"]);
        house.tell_status();
        Ok(())
    }

    /// Notes what a turn measured: tokens read in how long, and the writing speed.
    pub(crate) fn note_speed(&self, id: &ModelId, read: u32, read_ms: u64, writes: Option<f32>) {
        let mut notes = self.held();
        let speed = notes.speeds.entry(id.clone()).or_default();
        let mix = |old: Option<f32>, new: f32| Some(old.map_or(new, |old| old * 0.7 + new * 0.3));
        if read >= 64 && read_ms > 0 {
            speed.reads = mix(speed.reads, read as f32 * 1e3 / read_ms as f32);
        }
        if let Some(writes) = writes {
            speed.writes = mix(speed.writes, writes);
        }
        drop(notes);
        if let Err(error) = self.keep_notes() {
            tracing::warn!(%error, "a model's speed was not kept");
        }
    }

    /// Tokens that a model was measured to read in a second.
    pub(crate) fn reading_speed(&self, id: &ModelId) -> Option<f32> {
        self.held().speeds.get(id).and_then(|speed| speed.reads)
    }

    fn keep_notes(&self) -> Result<(), Error> {
        let notes = self.held().clone();
        let path = notes_path(&self.root);
        let beside = path.with_extension("new");
        let bytes = serde_json::to_vec_pretty(&notes).map_err(error::internal)?;
        std::fs::create_dir_all(&self.root)
            .and_then(|()| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, &path))
            .map_err(|error| error::io(&error, "write", &path))
    }

    fn held(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// One model as the door shows it.
    pub(crate) fn view(&self, house: &House, id: &ModelId) -> Result<Model, Error> {
        let here = self.find(id);
        let entry = here
            .as_ref()
            .map(|model| &model.entry)
            .or_else(|| self.manifest.find(id))
            .ok_or_else(|| error::missing("model"))?;
        let needs = here.as_ref().map_or_else(|| about_bytes(entry), needs_bytes);
        let loaded = house.schedule.loaded(id).is_some();
        let state = match (&here, house.downloads.presence(&self.root, entry)) {
            (_, Some(presence)) => presence,
            (Some(model), None) if !model.broken.is_empty() => ModelPresence::Damaged { error: damaged_error(model) },
            (Some(_), None) if loaded => ModelPresence::Loaded,
            (Some(_), None) => ModelPresence::Installed,
            (None, None) => ModelPresence::Absent,
        };
        let writes = self.held().speeds.get(id).and_then(|speed| speed.writes);
        Ok(Model {
            id: id.0.clone(),
            name: entry.name.clone(),
            quantization: entry.quantization.clone(),
            size_bytes: here.as_ref().map_or_else(|| entry.bytes(), |model| model.size_bytes),
            size_about: here.is_none() && entry.files.iter().any(|file| file.size.is_none()),
            roles: entry.roles.iter().copied().map(crate::view::role).collect(),
            licence: entry.licence.clone(),
            n_ctx: entry.n_ctx,
            fit: fit(needs, entry, writes, loaded),
            state,
            unsupported: unsupported(entry),
        })
    }
}

fn notes_path(root: &Path) -> PathBuf {
    root.join("choices.json")
}

fn installed(model: hearth_egress::Installed) -> Installed {
    let hearth_egress::Installed { mut entry, folder, files, source: _, revision: _, broken, mut elsewhere } = model;
    let named =
        |ending: &str| files.iter().find(|file| file.name.ends_with(ending)).map(|file| folder.join(&file.name));
    let weights_file = files.iter().find(|file| file.name.ends_with(".gguf") || file.name.ends_with(".safetensors"));
    let elsewhere = weights_file.and_then(|file| elsewhere.remove(&file.name)).map(|place| place.path);
    let lies = |file: &hearth_egress::InstalledFile| elsewhere.clone().unwrap_or_else(|| folder.join(&file.name));
    let weights = weights_file.map(lies).unwrap_or_default();
    let estimated = weights_file
        .is_some_and(|file| file.name.ends_with(".gguf") && !broken.contains(&file.name))
        .then(|| hearth_inference::estimate(&weights).ok())
        .flatten();
    if let Some(fit) = estimated.as_ref().filter(|_| entry.architecture.is_empty()) {
        entry.architecture = fit.architecture.clone();
        entry.quantization = fit.quantization.clone();
        entry.n_ctx = fit.n_ctx;
    }
    Installed {
        id: entry.id.clone(),
        name: entry.name.clone(),
        roles: entry.roles.clone(),
        tokenizer: named("tokenizer.json"),
        config: named("config.json"),
        size_bytes: files.iter().map(|file| file.size).sum(),
        n_ctx: estimated.as_ref().map_or(entry.n_ctx, |fit| fit.n_ctx),
        kv_bytes_per_token: estimated
            .map_or_else(|| entry.kv_bytes_per_token().unwrap_or(0), |fit| fit.kv_bytes_per_token),
        sha256: weights_file.map(|file| file.sha256.to_string()),
        weights,
        broken,
        elsewhere,
        entry,
    }
}

/// What the engine cannot run yet, in words; nothing where it can.
pub(crate) fn unsupported(entry: &ModelEntry) -> Option<String> {
    let used = entry.roles.iter().any(|role| USED.contains(role));
    if !used {
        return Some("Hearth has no use for this part yet".into());
    }
    let encodes = entry.roles.iter().any(|role| matches!(role, Role::Embed | Role::Rerank));
    let known = hearth_inference::architecture::Architecture::named(&entry.architecture).is_some();
    let gguf = entry.files.iter().any(|file| file.name.ends_with(".gguf"));
    let encoder = hearth_inference::embed::NAMES.contains(&entry.architecture.as_str());
    // A file that does not say what it is gets its chance: loading says why it does not run.
    let runs = entry.architecture.is_empty() || if encodes && !gguf { encoder } else { known };
    (!runs).then(|| format!("The engine does not run {} models yet", entry.architecture))
}

fn about_bytes(entry: &ModelEntry) -> u64 {
    entry.bytes() + entry.kv_bytes_per_token().unwrap_or(0) * u64::from(entry.n_ctx.min(4096)) + (96 << 20)
}

/// How a model fits: measured where it ran here, else estimated from what memory can stream.
fn fit(needs: u64, entry: &ModelEntry, measured: Option<f32>, loaded: bool) -> Fit {
    fit_of(needs, entry.bytes(), entry.roles.contains(&Role::Chat), measured, loaded)
}

/// How weights of so many bytes fit.
pub(crate) fn fit_of(needs: u64, bytes: u64, writes_text: bool, measured: Option<f32>, loaded: bool) -> Fit {
    // Writing a token reads all weights once; 12 GB/s is what two plain cores stream.
    const STREAM_BYTES: f32 = 12e9;
    let memory = crate::machine::memory();
    let per_second = measured.or_else(|| (writes_text && bytes > 0).then(|| STREAM_BYTES / bytes as f32));
    let free = if loaded { memory.total } else { memory.available };
    let level = if memory.total > 0 && needs > memory.total * 9 / 10 {
        FitLevel::WillNotFit
    } else if memory.total > 0 && needs > free {
        FitLevel::Tight
    } else if per_second.is_some_and(|speed| speed < 5.0) {
        FitLevel::Slower
    } else {
        FitLevel::RunsWell
    };
    let short_bytes = if level == FitLevel::WillNotFit { needs.saturating_sub(memory.total * 9 / 10) } else { 0 };
    Fit { level, per_second, measured: measured.is_some(), needs_bytes: needs, short_bytes }
}

fn damaged_error(model: &Installed) -> Error {
    if let Some(path) = &model.elsewhere {
        let said = format!(
            "{} was used where another program keeps it, and {} is gone or other bytes now.",
            model.name,
            path.display()
        );
        return Error::new(ErrorCode::ModelMissing, said).hint(
            "Put the file back, or remove the model here and add it again; `hearth models found` lists what is there.",
        );
    }
    Error::new(
        ErrorCode::ModelMissing,
        format!("{} is damaged: {} is missing or cut off.", model.name, model.broken.join(", ")),
    )
    .hint("Fetch it again on the Models screen.")
}

/// A download's or import's failure at the door.
pub(crate) fn not_here(error: &DownloadError) -> Error {
    let text = crate::models::sentence(&error.to_string());
    match error {
        DownloadError::DiskFull { .. } => Error::new(ErrorCode::DiskFull, text),
        DownloadError::Gate(_) => {
            Error::new(ErrorCode::Unavailable, text).hint("Check the network, or add the model from a file.")
        }
        DownloadError::NotAModel { .. } => Error::new(ErrorCode::Invalid, text),
        DownloadError::Already(_) => Error::new(ErrorCode::AlreadyExists, text),
        _ => Error::new(ErrorCode::Unavailable, text),
    }
}

/// Words as a sentence: a capital first, a full stop last.
pub(crate) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let text = format!("{first}{}", chars.as_str());
    if text.ends_with(['.', '!', '?']) { text } else { format!("{text}.") }
}

/// The models screen.
pub(crate) fn list(house: &House) -> Result<hearth_api::Models, Error> {
    let memory = crate::machine::memory();
    let mut parts = vec![part(hearth_api::MemoryKind::Core, "Hearth", crate::machine::resident_bytes(), String::new())];
    let mut used = parts.iter().map(|part| part.bytes).sum::<u64>();
    for model in house.models.installed() {
        if let Some(engine) = house.schedule.loaded(&model.id) {
            let bytes = engine.memory_bytes();
            let cache = model.kv_bytes_per_token * u64::from(model.n_ctx);
            let note = if cache > 0 {
                format!("up to {} for {} tokens of context", crate::view::size(cache), model.n_ctx)
            } else {
                String::new()
            };
            used += bytes;
            parts.push(part(hearth_api::MemoryKind::Model, &model.name, bytes, note));
        }
    }
    let others = memory.total.saturating_sub(memory.available).saturating_sub(used);
    parts.push(part(hearth_api::MemoryKind::Others, "Other apps", others, String::new()));
    parts.push(part(hearth_api::MemoryKind::Free, "Free", memory.total.saturating_sub(used + others), String::new()));
    let here = house.models.installed();
    let view = |id: &ModelId| house.models.view(house, id);
    let absent = house.models.manifest().models.iter().filter(|entry| !here.iter().any(|model| model.id == entry.id));
    Ok(hearth_api::Models {
        machine: hearth_api::Machine {
            cores: crate::machine::cores() as u32,
            memory_bytes: memory.total,
            disk_free_bytes: crate::machine::disk_free(&house.config.data_dir),
            compute: format!("CPU, {}", hearth_inference::kernel::Kernels::detect().name),
        },
        memory: parts,
        roles: USED.iter().map(|role| role_row(house, *role)).collect(),
        installed: here.iter().map(|model| view(&model.id)).collect::<Result<_, _>>()?,
        catalogue: absent.map(|entry| view(&entry.id)).collect::<Result<_, _>>()?,
    })
}

fn part(kind: hearth_api::MemoryKind, name: &str, bytes: u64, note: String) -> hearth_api::MemoryPart {
    hearth_api::MemoryPart { kind, name: name.to_owned(), bytes, note }
}

fn role_row(house: &House, role: Role) -> hearth_api::RoleRow {
    let chat = house.models.for_role(Role::Chat).ok();
    let mut note = String::new();
    let model = if role == Role::Draft {
        let draft = chat.as_ref().and_then(|chat| house.models.draft_for(chat));
        let engine = chat.and_then(|chat| house.schedule.loaded(&chat.id));
        let why = engine.map(|engine| engine.info().draft.clone()).unwrap_or_default();
        if draft.is_some() && !why.is_empty() && why != hearth_inference::engine::GUESSES {
            note = format!("Not used: {why}");
        }
        draft.map(|draft| draft.id)
    } else {
        house.models.role(role)
    };
    hearth_api::RoleRow {
        role: crate::view::role(role),
        loaded: model.as_ref().is_some_and(|id| house.schedule.loaded(id).is_some()),
        model: model.map(|id| id.0),
        choices: house.models.able(role).into_iter().map(|model| model.id.0).collect(),
        note,
    }
}
