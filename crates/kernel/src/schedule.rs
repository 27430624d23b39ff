//! Which engine processes run: loaded when first needed, ended when idle, refused with the shortfall in figures when
//! memory is short.

use crate::clock::now_ms;
use crate::engine::{Engine, EngineError, is_stopped_here};
use crate::fit::kv_budget_bytes;
use crate::kernel::{House, Open};
use crate::models::Installed;
use hearth_api::{Error, ErrorCode, ModelState};
use hearth_domain::ModelId;
use hearth_inference::wire::Load;
use hearth_store::KvPages;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError, Weak};
use std::time::{Duration, SystemTime};

/// An engine that was not used for this long gives its memory back.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Memory that stays free for everybody else.
const RESERVE_BYTES: u64 = 256 << 20;
/// Nothing that only saves time is stored on a disk with less room than this.
const DISK_RESERVE_BYTES: u64 = 1 << 30;

/// Starts, keeps and ends engines.
pub(crate) struct Schedule {
    program: PathBuf,
    threads: usize,
    engines: Mutex<HashMap<ModelId, Slot>>,
    peaks: Mutex<HashMap<String, u64>>,
}

/// One model's place: held while it loads, so that two callers load it once.
#[derive(Clone, Default)]
struct Slot {
    engine: Arc<Mutex<Option<Arc<Engine>>>>,
    state: Arc<Mutex<Option<ModelState>>>,
    /// The weights' length and time of change when they last failed to load.
    failed: Arc<Mutex<Option<Stamp>>>,
}

/// What tells whether a file is still the same.
type Stamp = (u64, SystemTime);

impl Schedule {
    pub(crate) fn new(program: PathBuf, threads: usize) -> Self {
        Self { program, threads, engines: Mutex::default(), peaks: Mutex::default() }
    }

    /// The engine of a model, loaded if need be.
    ///
    /// # Errors
    /// `NoMemory` with the shortfall, `ModelMissing` or `ProcessDied` with what to do.
    pub(crate) fn engine(&self, house: &House, model: &Installed) -> Result<Arc<Engine>, Error> {
        house.law.may_load(&model.name, model.sha256.as_deref())?;
        let slot = held(&self.engines).entry(model.id.clone()).or_default().clone();
        let mut place = self.place(&slot, model)?;
        if let Some(engine) = place.as_ref().filter(|engine| !engine.is_dead()) {
            return Ok(Arc::clone(engine));
        }
        self.note_peak(model, place.as_ref());
        *place = None;
        *held(&slot.state) = Some(ModelState::Loading);
        house.tell_status();
        let looked = house.models.before_loading(model).and_then(|()| self.make_room(house, model));
        let loaded = looked.and_then(|()| self.load(house, model));
        // A turn that was stopped meanwhile says nothing of the model.
        let given_up = loaded.is_err() && is_stopped_here();
        let error = loaded.as_ref().err().filter(|_| !given_up);
        *held(&slot.state) = error.map(|error| ModelState::Failed { error: error.clone() });
        // A want of memory passes; what else was wrong stays wrong until the file is another.
        let lasting = !given_up && loaded.as_ref().is_err_and(|error| error.code != ErrorCode::NoMemory);
        *held(&slot.failed) = if lasting { stamp(&model.weights) } else { None };
        if let Ok(engine) = &loaded {
            *place = Some(Arc::clone(engine));
        }
        drop(place);
        house.tell_status();
        loaded
    }

    /// A model's place, waited for while somebody else loads the model, unless the turn of this thread is stopped.
    fn place<'a>(&self, slot: &'a Slot, model: &Installed) -> Result<MutexGuard<'a, Option<Arc<Engine>>>, Error> {
        loop {
            match slot.engine.try_lock() {
                Ok(place) => return Ok(place),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if is_stopped_here() => {
                    return Err(failed(model, &EngineError::GivenUp));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    fn load(&self, house: &House, model: &Installed) -> Result<Arc<Engine>, Error> {
        let load = Load {
            weights: model.weights.clone(),
            draft: house.models.draft_for(model).map(|draft| draft.weights),
            tokenizer: model.tokenizer.clone(),
            config: model.config.clone(),
            encoding: crate::embedding::encoding(model),
            role: crate::embedding::part(model),
            threads: u32::try_from(self.threads).unwrap_or(1),
            n_ctx: model.context,
            kv_budget_bytes: kv_budget_bytes(model),
            hardware: hearth_inference::wire::Hardware::Any,
            stores_pages: model.sha256.is_some(),
        };
        let draft_bytes = house.models.draft_for(model).map_or(0, |draft| draft.size_bytes);
        let cap = (model.size_bytes + draft_bytes) * 4 + kv_budget_bytes(model) + (1 << 30);
        Engine::start(&self.program, load, model.sha256.as_deref(), cap).map_err(|error| failed(model, &error))
    }

    /// Ends idle engines until the model fits.
    fn make_room(&self, house: &House, model: &Installed) -> Result<(), Error> {
        let needs = house.models.needs_bytes(model) + house.models.draft_for(model).map_or(0, |draft| draft.size_bytes);
        loop {
            let memory = crate::machine::memory();
            if memory.total == 0 || memory.available >= needs + RESERVE_BYTES {
                return Ok(());
            }
            if !self.unload_idlest(house, &model.id) {
                let free = memory.available.saturating_sub(RESERVE_BYTES);
                return Err(Error::new(
                    ErrorCode::NoMemory,
                    format!(
                        "{} did not load. It needs {} and {} is free.",
                        model.name,
                        crate::view::gb(needs),
                        crate::view::gb(free)
                    ),
                )
                .hint("Close other programs, or choose a smaller model."));
            }
        }
    }

    fn unload_idlest(&self, house: &House, except: &ModelId) -> bool {
        let idlest = held(&self.engines)
            .iter()
            .filter(|(id, _)| *id != except)
            .filter_map(|(id, slot)| Some((id.clone(), slot.engine.try_lock().ok()?.clone()?)))
            .filter(|(_, engine)| !engine.is_busy())
            .min_by_key(|(_, engine)| engine.used_ms());
        match idlest {
            Some((id, _)) => self.unload(&id, house.peek().as_deref()),
            None => false,
        }
    }

    /// Ends a model's engine; what it had read of its last conversation stays with the open vault. Says whether there was
    /// one.
    pub(crate) fn unload(&self, model: &ModelId, open: Option<&Open>) -> bool {
        let Some(slot) = held(&self.engines).get(model).cloned() else { return false };
        *held(&slot.state) = None;
        let Some(engine) = held(&slot.engine).take() else { return false };
        self.note(model.to_string(), engine.peak_memory_bytes());
        let pages = open.map(|open| open.store.kv_pages());
        // Where the system does not say how much is free, nothing speaks against it.
        let roomy = |pages: &&KvPages| !(1..DISK_RESERVE_BYTES).contains(&crate::machine::disk_free(pages.vault()));
        if let Some(pages) = pages.filter(roomy)
            && let Err(error) = engine.store_pages(pages)
        {
            tracing::warn!(%error, "what an engine had read was not stored");
        }
        engine.kill();
        true
    }

    /// Ends all engines.
    pub(crate) fn unload_all(&self, open: Option<&Open>) {
        let all: Vec<ModelId> = held(&self.engines).keys().cloned().collect();
        for model in all {
            self.unload(&model, open);
        }
    }

    /// Lets all engines forget what they have read.
    pub(crate) fn forget(&self) {
        let slots: Vec<Slot> = held(&self.engines).values().cloned().collect();
        for engine in slots.iter().filter_map(|slot| slot.engine.try_lock().ok()?.clone()) {
            engine.forget();
        }
    }

    /// Ends engines that nobody used for a while. Says whether any ended.
    fn sweep(&self, house: &House) -> bool {
        let (now, long) = (now_ms(), house.config.idle.unwrap_or(IDLE).as_millis() as i64);
        let idle: Vec<ModelId> = held(&self.engines)
            .iter()
            .filter(|(_, slot)| {
                slot.engine.try_lock().is_ok_and(|place| {
                    place.as_ref().is_some_and(|engine| !engine.is_busy() && now - engine.used_ms() > long)
                })
            })
            .map(|(id, _)| id.clone())
            .collect();
        let open = if idle.is_empty() { None } else { house.peek() };
        idle.iter().filter(|id| self.unload(id, open.as_deref())).count() > 0
    }

    /// What a model is doing.
    pub(crate) fn state(&self, model: &ModelId) -> ModelState {
        let Some(slot) = held(&self.engines).get(model).cloned() else { return ModelState::Idle };
        if let Some(state) = held(&slot.state).clone() {
            return state;
        }
        let Ok(place) = slot.engine.try_lock() else { return ModelState::Loading };
        match place.as_ref() {
            Some(engine) if engine.is_dead() => ModelState::Idle,
            Some(engine) if engine.is_busy() => ModelState::Working,
            Some(_) => ModelState::Ready,
            None => ModelState::Idle,
        }
    }

    /// Why a model did not load the last time, where nothing was changed since that could help.
    pub(crate) fn failed_before(&self, model: &Installed) -> Option<Error> {
        let slot = held(&self.engines).get(&model.id).cloned()?;
        let then = *held(&slot.failed);
        let same = then.is_some() && then == stamp(&model.weights);
        match held(&slot.state).clone() {
            Some(ModelState::Failed { error }) if same => Some(error),
            _ => None,
        }
    }

    /// A model that failed gets another chance: a person chose it.
    pub(crate) fn forgive(&self, model: &ModelId) {
        if let Some(slot) = held(&self.engines).get(model).cloned() {
            *held(&slot.failed) = None;
        }
    }

    /// The engine of a model where it is loaded.
    pub(crate) fn loaded(&self, model: &ModelId) -> Option<Arc<Engine>> {
        let slot = held(&self.engines).get(model).cloned()?;
        let place = slot.engine.try_lock().ok()?;
        place.as_ref().filter(|engine| !engine.is_dead()).cloned()
    }

    /// Resident memory of all engines.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let slots: Vec<Slot> = held(&self.engines).values().cloned().collect();
        slots.iter().filter_map(|slot| Some(slot.engine.try_lock().ok()?.as_ref()?.memory_bytes())).sum()
    }

    /// The most memory each process had, by name.
    pub(crate) fn peak_memory(&self) -> Vec<(String, u64)> {
        let slots: Vec<(ModelId, Slot)> =
            held(&self.engines).iter().map(|(id, slot)| (id.clone(), slot.clone())).collect();
        for (id, slot) in slots {
            if let Some(engine) = slot.engine.try_lock().ok().and_then(|place| place.clone()) {
                self.note(id.to_string(), engine.peak_memory_bytes());
            }
        }
        let mut peaks: Vec<_> = held(&self.peaks).iter().map(|(name, bytes)| (name.clone(), *bytes)).collect();
        peaks.sort();
        peaks
    }

    fn note_peak(&self, model: &Installed, engine: Option<&Arc<Engine>>) {
        if let Some(engine) = engine {
            self.note(model.id.to_string(), engine.peak_memory_bytes());
        }
    }

    fn note(&self, name: String, bytes: u64) {
        let mut peaks = held(&self.peaks);
        let peak = peaks.entry(name).or_default();
        *peak = bytes.max(*peak);
    }
}

fn stamp(file: &Path) -> Option<Stamp> {
    let meta = std::fs::metadata(file).ok()?;
    Some((meta.len(), meta.modified().ok()?))
}

fn failed(model: &Installed, error: &EngineError) -> Error {
    let message = format!("{} did not load. {}", model.name, crate::models::sentence(&error.to_string()));
    match error {
        EngineError::Start(_) => Error::new(ErrorCode::ProcessDied, message),
        EngineError::GivenUp => Error::new(ErrorCode::Unavailable, format!("{} was not waited for.", model.name)),
        _ => Error::new(ErrorCode::ModelMissing, message)
            .hint("Fetch the model again on the Models screen, or choose another one."),
    }
}

/// One thread looks after what grows old: idle engines, and a vault that nobody uses.
pub(crate) fn keep_house(house: &Arc<House>) -> Result<(), Error> {
    const EVERY: Duration = Duration::from_secs(5);
    let every = house.config.idle.map_or(EVERY, |idle| idle.min(EVERY));
    let (weak, hands): (Weak<House>, _) = (Arc::downgrade(house), Arc::clone(&house.hands));
    house.hands.start("housekeeping", move || {
        while hands.rest(every) {
            let Some(house) = weak.upgrade() else { return };
            if house.schedule.sweep(&house) {
                house.tell_status();
            }
            house.lock_when_unused();
            crate::memory::erase_forgotten(&house);
            crate::retention::keep(&house);
        }
    })
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
