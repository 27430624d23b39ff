//! Downloads of models: begun by a person, paused and resumed, told as they go. The bytes are `egress`'s matter.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::House;
use crate::law::Law;
use crate::ledger::Ledger;
use crate::models::not_here;
use hearth_api::{Error, ErrorCode, Event, Model, ModelPresence};
use hearth_domain::ModelId;
use hearth_egress::{Cancel, DownloadError, Gate, GateSettings, ModelEntry, Outbound, Step, Verdict};
use hearth_policy::Outcome;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// How often progress is told.
const TELL: Duration = Duration::from_millis(250);

/// Downloads under way and those that failed.
pub(crate) struct Downloads {
    law: Arc<Law>,
    ledger: Arc<Ledger>,
    settings: GateSettings,
    state: Mutex<HashMap<ModelId, State>>,
}

enum State {
    Running { cancel: Cancel, done: u64, total: u64, speed: u64, discard: bool },
    Failed { error: Error },
}

impl Downloads {
    pub(crate) fn new(law: Arc<Law>, ledger: Arc<Ledger>, settings: GateSettings) -> Self {
        Self { law, ledger, settings, state: Mutex::default() }
    }

    fn gate(&self) -> Result<Gate, Error> {
        let law: Arc<dyn hearth_egress::Law> = Arc::new(DownloadLaw(Arc::clone(&self.law)));
        let ledger: Arc<dyn hearth_egress::Ledger> = Arc::clone(&self.ledger) as Arc<dyn hearth_egress::Ledger>;
        Gate::new(law, ledger, Arc::new(now_ms), self.settings.clone())
            .map_err(|error| not_here(&DownloadError::Gate(error)))
    }

    /// How a model's download stands, where there is one: under way, or parts of one on disk.
    pub(crate) fn presence(&self, root: &Path, entry: &ModelEntry) -> Option<ModelPresence> {
        let state = self.held();
        let error = match state.get(&entry.id) {
            Some(State::Running { done, total, speed, .. }) => {
                return Some(ModelPresence::Downloading {
                    done_bytes: *done,
                    total_bytes: *total,
                    bytes_per_second: *speed,
                });
            }
            Some(State::Failed { error }) => Some(error.clone()),
            None => None,
        };
        let parts = std::fs::read_dir(root.join(&entry.id.0)).ok()?.flatten();
        let done_bytes: u64 = parts
            .filter(|part| part.file_name().to_string_lossy().ends_with(".part"))
            .filter_map(|part| part.metadata().ok())
            .map(|meta| meta.len())
            .sum();
        (done_bytes > 0 || error.is_some()).then(|| ModelPresence::Paused {
            done_bytes,
            total_bytes: entry.bytes(),
            error,
        })
    }

    /// Downloads under way: bytes done and in all.
    pub(crate) fn under_way(&self) -> Option<hearth_api::Progress> {
        let state = self.held();
        let running = state.values().filter_map(|state| match state {
            State::Running { done, total, .. } => Some((*done, *total)),
            State::Failed { .. } => None,
        });
        running.reduce(|a, b| (a.0 + b.0, a.1 + b.1)).map(|(done, total)| hearth_api::Progress { done, total })
    }

    /// Sets a download aside.
    pub(crate) fn pause(&self, id: &ModelId) {
        if let Some(State::Running { cancel, .. }) = self.held().get(id) {
            cancel.cancel();
        }
    }

    /// Ends a download and throws away what is there.
    pub(crate) fn discard(&self, root: &Path, id: &ModelId) -> Result<(), Error> {
        let mut state = self.held();
        if let Some(State::Running { cancel, discard, .. }) = state.get_mut(id) {
            *discard = true;
            cancel.cancel();
            return Ok(());
        }
        state.remove(id);
        drop(state);
        hearth_egress::remove(root, id).map_err(|error| not_here(&error))
    }

    /// Sets all downloads aside.
    pub(crate) fn pause_all(&self) {
        for state in self.held().values() {
            if let State::Running { cancel, .. } = state {
                cancel.cancel();
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<ModelId, State>> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The rules as the gate asks them.
struct DownloadLaw(Arc<Law>);

impl hearth_egress::Law for DownloadLaw {
    fn may(&self, outbound: &Outbound) -> Verdict {
        let decision = self.0.may_download(&outbound.host);
        let rule = decision.rule.name.clone();
        match decision.outcome {
            Outcome::Allow => Verdict::Allow { rule },
            Outcome::Ask | Outcome::Deny => Verdict::Deny { rule, sentence: decision.rule.sentence },
        }
    }
}

/// Begins or goes on with a download, on a thread of its own.
pub(crate) fn start(house: &Arc<House>, id: &ModelId) -> Result<Model, Error> {
    let entry = house.models.manifest().find(id).cloned().ok_or_else(|| error::missing("model"))?;
    if house.models.find(id).is_some_and(|model| model.broken.is_empty()) {
        return crate::shelf::view(house, id);
    }
    let weights = entry.files.iter().find(|file| file.name.ends_with(".gguf") || file.name.ends_with(".safetensors"));
    let hash = weights.and_then(|file| file.sha256).map(|hash| hash.to_string());
    house.law.may_load(&entry.name, hash.as_deref())?;
    let gate = house.downloads.gate()?;
    let cancel = Cancel::new();
    {
        let mut state = house.downloads.held();
        if matches!(state.get(id), Some(State::Running { .. })) {
            drop(state);
            return crate::shelf::view(house, id);
        }
        let running =
            State::Running { cancel: cancel.clone(), done: 0, total: entry.bytes(), speed: 0, discard: false };
        state.insert(id.clone(), running);
    }
    let (house_there, entry_there) = (Arc::clone(house), entry.clone());
    let started = house.hands.start("download", move || run(&house_there, &gate, &entry_there, &cancel));
    if let Err(why) = started {
        house.downloads.held().remove(id);
        return Err(why);
    }
    house.tell_status();
    crate::shelf::view(house, id)
}

fn run(house: &House, gate: &Gate, entry: &ModelEntry, cancel: &Cancel) {
    let mut told = Instant::now();
    let (mut marked, mut marked_bytes) = (Instant::now(), 0u64);
    let fetched = hearth_egress::download(gate, entry, house.models.root(), cancel, &mut |progress| {
        if told.elapsed() < TELL && progress.step != Step::Done {
            return;
        }
        told = Instant::now();
        let passed = marked.elapsed().as_secs_f64();
        if let Some(State::Running { done, total, speed, .. }) = house.downloads.held().get_mut(&entry.id) {
            *done = progress.done_bytes;
            *total = progress.total_bytes;
            if passed > 1.0 {
                *speed = (progress.done_bytes.saturating_sub(marked_bytes) as f64 / passed) as u64;
            }
        }
        if passed > 1.0 {
            (marked, marked_bytes) = (Instant::now(), progress.done_bytes);
        }
        tell(house, &entry.id);
        house.tell_status();
    });
    let before = house.downloads.held().remove(&entry.id);
    let discard = matches!(before, Some(State::Running { discard: true, .. }));
    house.models.look_again();
    match fetched {
        Ok(_) => house.note(
            "model.downloaded",
            format!("Downloaded {}, {}", entry.name, crate::view::size(entry.bytes())),
            None,
            serde_json::json!({ "model": entry.id, "sha256": entry.files.iter().map(|file| file.sha256).collect::<Vec<_>>() }),
        ),
        Err(DownloadError::Cancelled) if discard => {
            if let Err(error) = hearth_egress::remove(house.models.root(), &entry.id) {
                tracing::warn!(%error, "parts of a download were not removed");
            }
        }
        Err(DownloadError::Cancelled) => {}
        Err(why) => {
            house.downloads.held().insert(entry.id.clone(), State::Failed { error: not_here(&why) });
        }
    }
    tell(house, &entry.id);
    house.events.stale(&["ListModels"]);
    house.tell_status();
}

fn tell(house: &House, id: &ModelId) {
    if let Ok(model) = crate::shelf::view(house, id) {
        house.events.tell(Event::Model { model });
    }
}

/// Fetches the default models that are missing, and says how far it is.
pub(crate) fn fetch_defaults(house: &House, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<(), Error> {
    let missing: Vec<&ModelEntry> = house
        .models
        .manifest()
        .defaults()
        .filter(|entry| house.models.find(&entry.id).is_none_or(|model| !model.broken.is_empty()))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let gate = house.downloads.gate()?;
    for entry in missing {
        let cancel = Cancel::new();
        let fetched = hearth_egress::download(&gate, entry, house.models.root(), &cancel, &mut |step| {
            progress(&entry.name, step.done_bytes, step.total_bytes);
        });
        house.models.look_again();
        fetched.map_err(|error| {
            Error { code: ErrorCode::ModelMissing, ..not_here(&error) }
                .hint("Check the network and try again, or bring the file: `hearth models add PATH`.")
        })?;
    }
    Ok(())
}
