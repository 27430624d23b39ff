//! Starts and stops everything; owns the handles.

use crate::downloads::Downloads;
use crate::error;
use crate::events::Events;
use crate::foreground::Foreground;
use crate::hands::Hands;
use crate::jobs::Jobs;
use crate::law::Law;
use crate::ledger::Ledger;
use crate::lock::FolderLock;
use crate::models::Models;
use crate::offers::Offers;
use crate::pages::Pages;
use crate::reader::{ReaderLimits, Readers};
use crate::schedule::Schedule;
use crate::turn::Turns;
use crate::watch::Watch;
use hearth_api::{AnyCommand, Commands, Envelope, Error, Event, Model, Offer};
use hearth_egress::GateSettings;
use hearth_store::Store;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;
use tokio::sync::broadcast;

/// What a shell decides.
#[derive(Clone)]
pub struct Config {
    /// The folder that holds the vault, the models and the lock.
    pub data_dir: PathBuf,
    /// Where models are kept; `data_dir/models` when absent.
    pub models_dir: Option<PathBuf>,
    /// A folder of models that came with the program; only read.
    pub bundled_models: Option<PathBuf>,
    /// The program started as engine and reader: one whose `main` begins with [`crate::run_child_if_asked`].
    pub child: PathBuf,
    /// File dialogs, where the shell has them.
    pub dialogs: Option<Arc<dyn Dialogs>>,
    /// Threads that compute; all cores when absent.
    pub threads: Option<usize>,
    /// The program that recognizes text in pictures, looked up on the search path where it is a bare name.
    pub recognizer: PathBuf,
    /// The name of this profile on a shared machine, as an organization's policy may name it; `default` when absent.
    pub profile: Option<String>,
    /// How long an engine that nobody uses keeps its memory; 15 minutes when absent.
    pub idle: Option<Duration>,
    /// For tests only: where models are fetched from instead. Without it nothing on this machine is ever asked for one.
    pub test_mirror: Option<TestMirror>,
}

/// A place on this machine that serves models to a test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestMirror {
    /// The port of `127.0.0.1` that it listens at, without encryption.
    pub port: u16,
    /// A manifest (TOML) whose models stand before those of the catalogue.
    pub manifest: PathBuf,
}

impl Config {
    /// A kernel without dialogs on all cores, whose children are the `hearth` program beside this one, else this very one.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            models_dir: None,
            bundled_models: None,
            child: child_program(),
            dialogs: None,
            threads: None,
            recognizer: "tesseract".into(),
            profile: None,
            idle: None,
            test_mirror: None,
        }
    }
}

impl Config {
    /// As [`Config::new`], for one profile of a shared machine: a vault of its own below the folder, models in common.
    ///
    /// # Errors
    /// `Invalid` where the name is not one.
    pub fn for_profile(data_dir: impl Into<PathBuf>, name: &str) -> Result<Self, Error> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !(1..=32).contains(&name.len()) || !name.chars().all(plain) {
            let said = "A profile's name has 1 to 32 small letters, digits, - and _.";
            return Err(Error::new(hearth_api::ErrorCode::Invalid, said));
        }
        let base = data_dir.into();
        let own = base.join("profiles").join(name);
        Ok(Self { models_dir: Some(base.join("models")), profile: Some(name.to_owned()), ..Self::new(own) })
    }
}

/// The program for engines and readers. The window's own program carries the web view, whose libraries start threads
/// before `main`, and a process can confine itself only while it has one thread; the command has neither.
pub(crate) fn child_program() -> PathBuf {
    let own = std::env::current_exe().unwrap_or_default();
    let beside = own.with_file_name(format!("hearth{}", std::env::consts::EXE_SUFFIX));
    if beside.is_file() { beside } else { own }
}

/// The system's file dialogs. Calls block; the kernel makes them off the shell's main thread.
pub trait Dialogs: Send + Sync {
    /// Files (or one folder) that a person chose; empty when they chose none.
    fn files(&self, folder: bool) -> Vec<PathBuf>;
    /// A model file that a person chose.
    fn model_file(&self) -> Option<PathBuf>;
    /// Where a person wants a file of this name kept.
    fn save(&self, name: &str) -> Option<PathBuf>;
}

/// How models are fetched: from the hub, or from a test's mirror on this machine.
fn gate_settings(mirror: Option<&TestMirror>) -> GateSettings {
    const HERE: &str = "127.0.0.1";
    match mirror {
        None => GateSettings::default(),
        Some(mirror) => GateSettings {
            hub: format!("http://{HERE}:{}", mirror.port),
            loopback_for_tests: Some(HERE.to_owned()),
            ..GateSettings::default()
        },
    }
}

/// The platform's folder for Hearth's data.
pub fn default_data_dir() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")))
    };
    base.unwrap_or_else(std::env::temp_dir).join("hearth")
}

/// The running house. Cheap to clone; every clone is the same house.
#[derive(Clone)]
pub struct Kernel {
    pub(crate) house: Arc<House>,
}

/// What all rooms of the kernel share.
pub(crate) struct House {
    pub(crate) config: Config,
    pub(crate) events: Events,
    telling: Mutex<()>,
    pub(crate) law: Arc<Law>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) models: Models,
    pub(crate) schedule: Schedule,
    pub(crate) downloads: Downloads,
    pub(crate) readers: Readers,
    pub(crate) offers: Offers,
    pub(crate) foreground: Foreground,
    pub(crate) hands: Arc<Hands>,
    pub(crate) vault: RwLock<Option<Arc<Open>>>,
    _lock: FolderLock,
}

/// What exists only while the vault is open.
pub(crate) struct Open {
    pub(crate) store: Store,
    pub(crate) turns: Turns,
    pub(crate) contests: crate::contest::Contests,
    pub(crate) jobs: Jobs,
    pub(crate) watch: Watch,
    pub(crate) pages: Pages,
    pub(crate) remote: crate::remote::Remote,
    pub(crate) retention: crate::retention::Retention,
    pub(crate) collector: crate::collector::Collector,
    pub(crate) embedded: crate::reindex::Embedded,
    pub(crate) used_ms: AtomicI64,
    pub(crate) lock_after_minutes: AtomicI64,
}

impl Kernel {
    /// Starts the house in a folder. The vault stays as it is: fresh or locked.
    ///
    /// # Errors
    /// `InUse` when another Hearth has the folder; otherwise what the file system says.
    pub fn start(config: Config) -> Result<Kernel, Error> {
        let lock = FolderLock::take(&config.data_dir)?;
        let threads = config.threads.unwrap_or_else(crate::machine::cores).max(1);
        let models = Models::open(&config)?;
        let law = Arc::new(Law::new(&config.data_dir, config.profile.clone()));
        let ledger = Arc::new(Ledger::new(config.data_dir.join("ledger.jsonl")));
        let house = Arc::new(House {
            events: Events::new(),
            telling: Mutex::default(),
            downloads: Downloads::new(
                Arc::clone(&law),
                Arc::clone(&ledger),
                gate_settings(config.test_mirror.as_ref()),
            ),
            law,
            ledger,
            schedule: Schedule::new(config.child.clone(), threads),
            readers: Readers { program: config.child.clone(), limits: ReaderLimits::default() },
            offers: Offers::default(),
            foreground: Foreground::default(),
            hands: Arc::default(),
            models,
            vault: RwLock::new(None),
            _lock: lock,
            config,
        });
        crate::schedule::keep_house(&house)?;
        Ok(Kernel { house })
    }

    /// Answers any command with its reply as JSON. A defect in a handler becomes an error with an id.
    pub fn dispatch(&self, command: AnyCommand) -> Result<serde_json::Value, Error> {
        let name = command.name();
        let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Commands::dispatch(self, command)));
        answered.unwrap_or_else(|_| Err(error::internal(format!("the command {name} broke off"))))
    }

    /// Listens to what happens from now on. A receiver that lags must ask anew for what is on screen.
    pub fn subscribe(&self) -> broadcast::Receiver<Envelope> {
        self.house.events.subscribe()
    }

    /// Mints a grant for paths that a person handed over. Only shells call this, never with what a page said.
    pub fn offer_paths(&self, paths: Vec<PathBuf>) -> Result<Offer, Error> {
        crate::roles::may(&self.house, "ImportOffer")?;
        self.house.offers.paths(paths)
    }

    /// A person drags files over the window (or away): `x` and `y` in CSS px.
    pub fn dragged(&self, over: bool, x: f32, y: f32) {
        self.house.events.tell(Event::Drag { over, x, y });
    }

    /// A person dropped files on the window at `x`, `y` in CSS px.
    pub fn dropped(&self, paths: Vec<PathBuf>, x: f32, y: f32) {
        match self.offer_paths(paths) {
            Ok(offer) => self.house.events.tell(Event::Dropped { offer, x, y }),
            Err(error) => {
                tracing::warn!(%error, "a drop came to nothing");
                self.house.events.tell(Event::Drag { over: false, x, y });
            }
        }
    }

    /// This window came to the front because another start was asked for.
    pub fn focused(&self) {
        self.house.events.tell(Event::Focused);
    }

    /// Pages, text and boxes of one file, read in the reader process; nothing is kept.
    pub fn extract(&self, path: &Path, password: Option<&str>) -> Result<serde_json::Value, Error> {
        crate::import::extract(&self.house, path, password)
    }

    /// Adds a model from a file or folder.
    pub fn add_model(&self, path: &Path) -> Result<Model, Error> {
        crate::roles::may(&self.house, "AddModel")?;
        self.house.models.add(&self.house, path)
    }

    /// The models that other programs keep on this machine. Works without a vault.
    pub fn found_models(&self) -> Vec<hearth_api::FoundModel> {
        crate::found::list(&self.house)
    }

    /// Uses a model that another program keeps, by its id among [`Kernel::found_models`], without copying it.
    pub fn add_found_model(&self, id: &str) -> Result<Model, Error> {
        crate::roles::may(&self.house, "AddFoundModel")?;
        crate::found::add(&self.house, id)
    }

    /// Uses a model file where it lies, without copying it.
    pub fn add_model_here(&self, path: &Path) -> Result<Model, Error> {
        crate::roles::may(&self.house, "AddFoundModel")?;
        crate::found::add_path(&self.house, path)
    }

    /// Packs installed models into a new file, for machines that are never online. `progress` hears a file's name, bytes
    /// done, bytes in all. Works without a vault.
    pub fn pack_models(
        &self,
        models: &[String],
        to: &Path,
        progress: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<crate::PackedModels, Error> {
        crate::bundles::pack(&self.house, models, to, progress)
    }

    /// Adds the models of a file that another house packed and signed; `trusted` is the fingerprint of its key. Works
    /// without a vault.
    pub fn unpack_models(
        &self,
        from: &Path,
        trusted: Option<&str>,
        progress: &mut dyn FnMut(&str, u64, u64),
    ) -> Result<crate::UnpackedModels, Error> {
        crate::roles::may(&self.house, "AddModel")?;
        crate::bundles::unpack(&self.house, from, trusted, progress)
    }

    /// Signs an organization's policy (TOML) with the key of this house and writes it to a new file. Works without a vault.
    ///
    /// # Errors
    /// `Invalid` with every flaw and its line; otherwise what the file system says.
    pub fn pack_policy(&self, from: &Path, to: &Path) -> Result<crate::PolicyLetter, Error> {
        crate::organization::pack(&self.house, from, to)
    }

    /// Looks at an organization's policy in a file, signed or not, and changes nothing. Works without a vault.
    ///
    /// # Errors
    /// `Invalid` with every flaw and its line, `Damaged` where the signature is not over the text.
    pub fn check_policy(&self, from: &Path) -> Result<crate::PolicyLetter, Error> {
        crate::organization::check(from)
    }

    /// Loads an organization's signed policy: it holds from then on. `trusted` is the fingerprint of the key that signed it,
    /// given once; later ones must be signed with the same key and be newer.
    ///
    /// # Errors
    /// What is wrong with it; what held before still holds.
    pub fn load_policy(&self, from: &Path, trusted: Option<&str>) -> Result<crate::PolicyLetter, Error> {
        crate::organization::load(&self.house, from, trusted)
    }

    /// Fetches the models that Hearth needs to answer, where they are missing. `progress` hears name, bytes done, bytes in
    /// all. Works without a vault.
    pub fn fetch_default_models(&self, progress: &mut dyn FnMut(&str, u64, u64)) -> Result<(), Error> {
        crate::downloads::fetch_defaults(&self.house, progress)
    }

    /// Keeps a space in step with a folder that a person chose or named, from now on. Only shells call this, never with
    /// what a page said.
    pub fn watch_path(
        &self,
        path: &Path,
        space: i64,
        label: Option<hearth_api::Label>,
    ) -> Result<hearth_api::WatchedFolder, Error> {
        crate::roles::may(&self.house, "ChooseWatched")?;
        let label = label.map(crate::view::label_from);
        crate::watch::add(&self.house, path, hearth_domain::SpaceId(space), label)
    }

    /// Has watched folders looked over at once, and waits until the library is in step with them as they were then.
    /// `progress` hears how each stands.
    pub fn bring_in_step(
        &self,
        folders: &[i64],
        progress: &mut dyn FnMut(&hearth_api::WatchedFolder),
    ) -> Result<(), Error> {
        crate::watch::bring_in_step(&self.house, folders, progress)
    }

    /// Rebuilds the file of a vault that is too damaged to be opened, and says what came of it; it stays closed. Without a
    /// passphrase the keyring's key is tried.
    ///
    /// # Errors
    /// `Damaged` where that cannot be done.
    pub fn rebuild_closed_vault(&self, passphrase: Option<String>) -> Result<Vec<hearth_api::Finding>, Error> {
        crate::repair::rebuild_closed(&self.house, &crate::vault::secret(passphrase))
    }

    /// Waits until jobs have ended, however. `progress` hears every change.
    pub fn wait_for_jobs(&self, jobs: &[i64], progress: &mut dyn FnMut(&hearth_api::Job)) -> Result<(), Error> {
        crate::jobs::wait(&self.house, jobs, progress)
    }

    /// Peak memory of each process of the house, this one first, in bytes, by name. For benchmarks.
    pub fn peak_memory(&self) -> Vec<(String, u64)> {
        let own = crate::machine::peak_memory().map(|bytes| ("the house itself".to_owned(), bytes));
        own.into_iter().chain(self.house.schedule.peak_memory()).collect()
    }

    /// Fills a space with made-up passages, for benchmarks of large libraries.
    pub fn fill_for_bench(&self, space: i64, passages: u64, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
        crate::bench::fill(&self.house, hearth_domain::SpaceId(space), passages, progress)
    }

    /// Measures the house on sets with known answers. The vault must be open and is filled with what the sets hold: it
    /// should be one that is thrown away. `progress` hears what is being done, `done` each set that is.
    pub fn evaluate(
        &self,
        plan: &crate::EvalPlan,
        progress: &mut dyn FnMut(&str),
        done: &mut dyn FnMut(&crate::EvalSet),
    ) -> Result<crate::Evaluation, Error> {
        crate::eval::evaluate(&self.house, plan, progress, done)
    }

    /// Ends the house in order: turns are kept as stopped, jobs stay resumable, engines end, and nothing is
    /// at work any more.
    pub fn stop(&self) {
        self.house.lock_vault("Hearth was closed");
        self.house.downloads.pause_all();
        self.house.schedule.unload_all(None);
        self.house.hands.end();
    }
}

impl House {
    /// What is open, if anything is; notes that it was used.
    pub(crate) fn open(&self) -> Result<Arc<Open>, Error> {
        let open = self.peek().ok_or_else(error::locked)?;
        open.used_ms.store(crate::clock::now_ms(), Ordering::SeqCst);
        Ok(open)
    }

    /// What is open, without counting as use.
    pub(crate) fn peek(&self) -> Option<Arc<Open>> {
        self.vault.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    /// Tells every window the facts of the status bar. One at a time: what is told last was also read last.
    pub(crate) fn tell_status(&self) {
        let _turn = self.telling.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.events.tell(Event::Status { status: crate::home::status(self) });
    }
}
