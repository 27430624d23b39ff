//! Which models there are, which are here, which plays which part, and how each fits this machine.

use crate::error;
use crate::kernel::{Config, House};
use crate::notes::{Measured, Notes};
use hearth_api::{Error, ErrorCode, Model};
use hearth_domain::{ModelId, Role};
use hearth_egress::{Cancel, DownloadError, Manifest, ModelEntry};
use std::path::{Path, PathBuf};
use std::sync::RwLock;

/// Roles that Hearth can use now.
pub(crate) const USED: [Role; 5] = [Role::Chat, Role::Draft, Role::Code, Role::Embed, Role::Rerank];
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
    /// Its own longest context.
    pub(crate) n_ctx: u32,
    /// The context that a person chose.
    pub(crate) context: Option<u32>,
    pub(crate) kv_bytes_per_token: u64,
    pub(crate) sha256: Option<String>,
    pub(crate) broken: Vec<String>,
    /// Where its weights lie when they are another program's.
    pub(crate) elsewhere: Option<PathBuf>,
    pub(crate) entry: ModelEntry,
}

/// The models of this house. Choices and measurements are in a small file beside them: nothing in it is private.
pub(crate) struct Models {
    root: PathBuf,
    bundled: Option<PathBuf>,
    manifest: Manifest,
    installed: RwLock<Vec<Installed>>,
    notes: Notes,
}

impl Models {
    /// Looks at what is there.
    pub(crate) fn open(config: &Config) -> Result<Self, Error> {
        let root = config.models_dir.clone().unwrap_or_else(|| config.data_dir.join("models"));
        let built_in = Manifest::built_in().map_err(error::internal)?;
        let manifest = match &config.test_mirror {
            None => built_in,
            Some(mirror) => {
                let text = std::fs::read_to_string(&mirror.manifest)
                    .map_err(|error| error::io(&error, "read", &mirror.manifest))?;
                Manifest::parse(&text, None).map_err(error::internal)?.joined(built_in)
            }
        };
        let models = Self {
            notes: Notes::open(&root),
            root,
            bundled: config.bundled_models.clone(),
            manifest,
            installed: RwLock::default(),
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
                            let context = self.notes.held().contexts.get(&model.entry.id).copied();
                            found.push(installed(model, context));
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
        let chosen = self.notes.held().roles.get(&Role::Draft).cloned()?;
        self.drafts_for(model).into_iter().find(|draft| draft.id == chosen)
    }

    /// Models that could guess for a chat model.
    fn drafts_for(&self, model: &Installed) -> Vec<Installed> {
        let smaller = |draft: &Installed| draft.size_bytes * DRAFT_SHARE <= model.size_bytes;
        let chats = self.installed_for(Role::Chat);
        if model.roles.contains(&Role::Chat) { chats.into_iter().filter(smaller).collect() } else { Vec::new() }
    }

    /// Models that could play a part.
    pub(crate) fn able(&self, role: Role) -> Vec<Installed> {
        match (role, self.for_role(Role::Chat)) {
            (Role::Draft, Ok(chat)) => self.drafts_for(&chat),
            (Role::Draft, Err(_)) => Vec::new(),
            // Whoever writes answers can write those about code.
            (Role::Code, _) => {
                let code = self.installed_for(Role::Code);
                let others = self.installed_for(Role::Chat).into_iter();
                let others: Vec<_> = others.filter(|model| !code.iter().any(|known| known.id == model.id)).collect();
                code.into_iter().chain(others).collect()
            }
            _ => self.installed_for(role),
        }
    }

    /// Models that can write an answer, best first: who plays the part, who answers otherwise, then models of the catalogue
    /// before others and large ones before small ones.
    pub(crate) fn writers(&self, part: Role) -> Vec<Installed> {
        let firsts = [self.for_role(part).ok(), self.for_role(Role::Chat).ok()];
        let mut line: Vec<Installed> = Vec::new();
        let mut rest = self.installed_for(Role::Chat);
        rest.extend(self.installed_for(Role::Code));
        rest.sort_by_key(|model| {
            let known = self.manifest.find(&model.id).is_some();
            std::cmp::Reverse((model.roles.contains(&Role::Chat), known, model.size_bytes))
        });
        for model in firsts.into_iter().flatten().chain(rest) {
            if !line.iter().any(|known| known.id == model.id) {
                line.push(model);
            }
        }
        line
    }

    /// Models that are here for writing answers and cannot, each with the reason.
    pub(crate) fn unable(&self) -> Vec<(Installed, String)> {
        let writes = |model: &Installed| model.roles.iter().any(|role| matches!(role, Role::Chat | Role::Code));
        let why = |model: Installed| {
            let damaged = (!model.broken.is_empty()).then(|| damaged_error(&model).message);
            let why = damaged.or_else(|| unsupported(&model.entry).map(|why| sentence(&why)))?;
            Some((model, why))
        };
        self.installed().into_iter().filter(writes).filter_map(why).collect()
    }

    /// Who was chosen for a part, whether it can play it or not.
    pub(crate) fn chosen(&self, role: Role) -> Option<ModelId> {
        self.notes.held().roles.get(&role).cloned()
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
        let chosen = self.chosen(role);
        if may_be_empty(role) && chosen.as_ref().is_some_and(|id| id.0.is_empty()) {
            return Err(Error::new(ErrorCode::ModelMissing, "This part is left empty."));
        }
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

    /// Gives a part to a model. An empty name takes it away where nobody has to play it.
    pub(crate) fn set_role(&self, role: Role, id: ModelId) -> Result<(), Error> {
        let empties = may_be_empty(role) && id.0.is_empty();
        if !empties && !self.able(role).iter().any(|model| model.id == id) {
            return Err(Error::new(ErrorCode::Invalid, "This model is not installed, or cannot play this part."));
        }
        self.notes.change(|kept| {
            kept.roles.insert(role, id);
        })
    }

    /// Chooses the context of a model, within its own; nothing leaves it to the model.
    pub(crate) fn set_context(&self, id: &ModelId, tokens: Option<u32>) -> Result<(), Error> {
        const LEAST: u32 = 1024;
        let model = self.find(id).ok_or_else(|| error::missing("model"))?;
        if crate::embedding::part(&model) != hearth_inference::wire::Role::Chat {
            let said = format!("{} reads passages, each as far as it can; there is no context to choose.", model.name);
            return Err(Error::new(ErrorCode::Invalid, said));
        }
        // What a file does not say of its context, the engine finds out and holds to.
        let most = if model.n_ctx == 0 { u32::MAX } else { model.n_ctx.max(LEAST) };
        if let Some(tokens) = tokens.filter(|tokens| !(LEAST..=most).contains(tokens)) {
            let said = format!("{} reads {LEAST} to {most} tokens of context, not {tokens}.", model.name);
            return Err(Error::new(ErrorCode::Invalid, said));
        }
        self.notes.change(|kept| match tokens {
            Some(tokens) => drop(kept.contexts.insert(id.clone(), tokens)),
            None => drop(kept.contexts.remove(id)),
        })?;
        self.look_again();
        Ok(())
    }

    /// Brings a model from a disk.
    pub(crate) fn add(&self, house: &House, path: &Path) -> Result<Model, Error> {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        std::iter::once(path.to_owned()).chain(inside).try_for_each(|path| is_whole(&path))?;
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
        crate::shelf::view(house, &id)
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
        let kept = self.notes.change(|kept| {
            let speed = kept.speeds.entry(id.clone()).or_default();
            let mix = |old: Option<f32>, new: f32| Some(old.map_or(new, |old| old * 0.7 + new * 0.3));
            if read >= 64 && read_ms > 0 {
                speed.reads = mix(speed.reads, read as f32 * 1e3 / read_ms as f32);
            }
            if let Some(writes) = writes {
                speed.writes = mix(speed.writes, writes);
            }
        });
        if let Err(error) = kept {
            tracing::warn!(%error, "a model's speed was not kept");
        }
    }

    /// Keeps what a short run of a model gave; its speeds are these from now on.
    pub(crate) fn keep_measured(&self, id: &ModelId, measured: Measured) -> Result<(), Error> {
        self.notes.change(|kept| {
            let speed = kept.speeds.entry(id.clone()).or_default();
            *speed = crate::notes::Speed { reads: measured.reads, writes: Some(measured.writes) };
            kept.measured.insert(id.clone(), measured);
        })
    }

    /// What a model was measured to do: these weights, on this machine.
    pub(crate) fn measured(&self, model: &Installed) -> Option<Measured> {
        let kept = self.notes.held().measured.get(&model.id).cloned();
        kept.filter(|kept| kept.sha256 == model.sha256 && kept.machine == crate::machine::name())
    }

    /// What a loaded model needs, bytes.
    pub(crate) fn needs_bytes(&self, model: &Installed) -> u64 {
        crate::fit::needs_bytes(model, self.measured(model).as_ref())
    }

    /// What a model was seen to do here.
    pub(crate) fn speed(&self, id: &ModelId) -> crate::notes::Speed {
        self.notes.held().speeds.get(id).copied().unwrap_or_default()
    }
}

/// Whether a GGUF file holds what its beginning promises; other files are not looked at.
///
/// # Errors
/// `Invalid` with what is wrong and what to do.
pub(crate) fn is_whole(path: &Path) -> Result<(), Error> {
    let gguf = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("gguf"));
    match hearth_inference::estimate(path) {
        Err(hearth_inference::Error::Damaged(why)) if gguf => {
            let said = format!("{} is damaged or cut off: {why}. Nothing was added.", path.display());
            Err(Error::new(ErrorCode::Invalid, said)
                .hint("Copy or download the file again, compare its length with the original, then add it."))
        }
        _ => Ok(()),
    }
}

/// Whether nobody has to play a part.
pub(crate) fn may_be_empty(role: Role) -> bool {
    matches!(role, Role::Draft | Role::Code)
}

fn installed(model: hearth_egress::Installed, context: Option<u32>) -> Installed {
    let hearth_egress::Installed { mut entry, folder, files, source: _, revision: _, mut broken, mut elsewhere } =
        model;
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
    // A file that was cut off before it came here has the length that is known of it.
    if let Some(file) = weights_file
        && estimated.is_none()
        && elsewhere.is_none()
        && is_whole(&weights).is_err()
        && !broken.contains(&file.name)
    {
        broken.push(file.name.clone());
    }
    if let Some(fit) = estimated.as_ref().filter(|_| entry.architecture.is_empty()) {
        entry.architecture = fit.architecture.clone();
        entry.quantization = fit.quantization.clone();
        entry.n_ctx = fit.n_ctx;
    }
    let n_ctx = estimated.as_ref().map_or(entry.n_ctx, |fit| fit.n_ctx);
    Installed {
        id: entry.id.clone(),
        name: entry.name.clone(),
        roles: entry.roles.clone(),
        tokenizer: named("tokenizer.json"),
        config: named("config.json"),
        size_bytes: files.iter().map(|file| file.size).sum(),
        n_ctx,
        context: context.map(|tokens| if n_ctx == 0 { tokens } else { tokens.min(n_ctx) }),
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

pub(crate) fn damaged_error(model: &Installed) -> Error {
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
    .hint("Fetch it again on the Models screen, or remove it and add a whole copy.")
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
