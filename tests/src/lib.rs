//! What whole-house tests share: a house in a temporary folder whose engine is scripted, so that a test conducts what
//! the model says. The reader, the store, retrieval, verification and the record are the real ones.

pub mod peer;
pub mod scan;

use anyhow::{Context, Result, anyhow};
use hearth_api::{AnyCommand, Envelope, Event, Job, Turn, TurnNews, TurnState};
use hearth_kernel::{Config, Kernel};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The passphrase of every test vault.
pub const PASSPHRASE: &str = "four words make one";

/// What the scripted chat model does. It travels inside the weights file, since an engine sees nothing else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Script {
    /// Answers to questions that contain a word, in order; the first that fits is given. Without one, the model says the
    /// first passage's words again.
    pub answers: Vec<(String, String)>,
    /// Milliseconds between words.
    pub pause_ms: u64,
    /// Dies while it loads.
    pub dies_loading: bool,
    /// Dies after this many words.
    pub dies_after: Option<usize>,
    /// Dies when it is asked something with these words.
    pub dies_on: Option<String>,
    /// Ends its answers otherwise each time: no real engine does.
    pub changes_mind: bool,
    /// What it writes when it is asked for other words.
    pub other_words: Option<String>,
    /// Makes its file larger.
    pub padding: String,
    /// Takes memory without end after this many words.
    pub eats_after: Option<usize>,
    /// Any generation is a defect: the process says so and dies.
    pub forbid_requests: bool,
}

/// A house in a temporary folder.
pub struct House {
    /// The running kernel.
    pub kernel: Kernel,
    /// Its folder.
    pub folder: TempDir,
    events: tokio::sync::broadcast::Receiver<Envelope>,
    child: PathBuf,
}

impl House {
    /// A house with an open vault, scripted models and no documents. `child` is the path of `hearth-child`.
    pub fn new(child: &str, script: &Script) -> Result<House> {
        let folder = tempfile::tempdir()?;
        let house = Self::start(child, folder)?;
        house.install(script)?;
        house.call("CreateVault", json!({ "passphrase": PASSPHRASE }))?;
        Ok(house)
    }

    /// The same where nothing recognizes text in pictures.
    pub fn without_recognition(child: &str, script: &Script) -> Result<House> {
        let folder = tempfile::tempdir()?;
        let house = Self::start_with(child, folder, |config| config.recognizer = "/not/installed/tesseract".into())?;
        house.install(script)?;
        house.call("CreateVault", json!({ "passphrase": PASSPHRASE }))?;
        Ok(house)
    }

    /// A house in a folder that may hold a vault already.
    pub fn start(child: &str, folder: TempDir) -> Result<House> {
        Self::start_with(child, folder, |_| ())
    }

    /// The same, whose engines give their memory back when nobody used them for so long.
    pub fn start_idle(child: &str, folder: TempDir, idle: Option<Duration>) -> Result<House> {
        Self::start_with(child, folder, |config| config.idle = idle)
    }

    fn start_with(child: &str, folder: TempDir, change: impl Fn(&mut Config)) -> Result<House> {
        let child = PathBuf::from(child);
        let mut config = Config { child: child.clone(), threads: Some(1), ..Config::new(folder.path().join("data")) };
        change(&mut config);
        let kernel = Kernel::start(config).map_err(|error| anyhow!("{error}"))?;
        let events = kernel.subscribe();
        Ok(House { kernel, folder, events, child })
    }

    /// Ends this house in order and starts it anew in the same folder.
    pub fn restart(self) -> Result<House> {
        let child = self.child.display().to_string();
        Self::reopen(&child, self.close())
    }

    /// Ends this house in order; its folder stays.
    pub fn close(self) -> TempDir {
        let House { kernel, folder, .. } = self;
        kernel.stop();
        folder
    }

    /// Opens the vault of a folder again, once nobody else has it.
    pub fn reopen(child: &str, folder: TempDir) -> Result<House> {
        let until = Instant::now() + Duration::from_secs(10);
        let config = || Config { child: child.into(), threads: Some(1), ..Config::new(folder.path().join("data")) };
        let kernel = loop {
            match Kernel::start(config()) {
                Ok(kernel) => break kernel,
                Err(error) if error.code == hearth_api::ErrorCode::InUse && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                Err(error) => return Err(anyhow!("{error}")),
            }
        };
        let events = kernel.subscribe();
        let house = House { kernel, folder, events, child: child.into() };
        house.call("UnlockVault", json!({ "passphrase": PASSPHRASE }))?;
        Ok(house)
    }

    /// Installs a scripted chat model and a scripted embedder, in place of those that are there.
    pub fn install(&self, script: &Script) -> Result<()> {
        let made = self.folder.path().join("made");
        let embedder = made.join("scripted-embedder");
        std::fs::create_dir_all(&embedder)?;
        let mut weights = b"GGUF".to_vec();
        weights.extend(serde_json::to_vec(script)?);
        std::fs::write(made.join("scripted-chat.gguf"), weights)?;
        std::fs::write(
            embedder.join("config.json"),
            r#"{"model_type":"bert","hidden_size":64,"max_position_embeddings":512}"#,
        )?;
        std::fs::write(embedder.join("tokenizer.json"), "{}")?;
        std::fs::write(embedder.join("model.safetensors"), "scripted")?;
        for path in [made.join("scripted-chat.gguf"), embedder] {
            self.kernel.add_model(&path).map_err(|error| anyhow!("{error}"))?;
        }
        Ok(())
    }

    /// Installs one more chat model with a script, by the name of its file; gives its id.
    pub fn install_chat(&self, name: &str, script: &Script) -> Result<String> {
        let mut weights = b"GGUF".to_vec();
        weights.extend(serde_json::to_vec(script)?);
        self.install_weights(name, weights)
    }

    /// Installs a chat model of any bytes; gives its id.
    pub fn install_weights(&self, name: &str, weights: Vec<u8>) -> Result<String> {
        let path = self.file(&format!("{name}.gguf"), weights)?;
        Ok(self.kernel.add_model(&path).map_err(|error| anyhow!("{error}"))?.id)
    }

    /// Installs a chat model whose bytes are others by the time that it is loaded; gives its id.
    pub fn install_spoilt(&self, name: &str, weights: Vec<u8>) -> Result<String> {
        let whole = b"GGUF".iter().copied().chain(std::iter::repeat(b' ')).take(weights.len()).collect();
        let id = self.install_weights(name, whole)?;
        let models = self.folder.path().join("data").join("models");
        std::fs::write(models.join(&id).join(format!("{name}.gguf")), weights)?;
        Ok(id)
    }

    /// What the trace says of a station of a turn.
    pub fn station(&self, turn: i64, name: &str) -> Result<hearth_api::Station> {
        let trace: hearth_api::Trace = serde_json::from_value(self.call("GetTrace", json!({ "turn": turn }))?)?;
        trace.stations.into_iter().find(|station| station.name == name).context("a station of this name")
    }

    /// One command by name, with its reply.
    pub fn call(&self, name: &str, args: Value) -> Result<Value> {
        self.try_call(name, args).map_err(|error| anyhow!("{name}: {error}"))
    }

    /// One command by name, with its reply or its error of the door.
    pub fn try_call(&self, name: &str, args: Value) -> Result<Value, hearth_api::Error> {
        let command: AnyCommand = serde_json::from_value(json!({ "name": name, "args": args }))
            .map_err(|error| hearth_api::Error::new(hearth_api::ErrorCode::Invalid, error.to_string()))?;
        self.kernel.dispatch(command)
    }

    /// The first space.
    pub fn space(&self) -> Result<i64> {
        self.call("ListSpaces", json!({}))?[0]["id"].as_i64().context("a space")
    }

    /// Writes a file outside of the house and gives its path.
    pub fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.folder.path().join("files").join(name);
        std::fs::create_dir_all(path.parent().context("a folder")?)?;
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Hands paths over, imports them into the first space and waits for their ends.
    pub fn import(&self, paths: &[PathBuf]) -> Result<Vec<Job>> {
        let ids = self.begin_import(paths)?;
        self.wait_for(&ids)
    }

    /// Hands paths over and imports them, without waiting.
    pub fn begin_import(&self, paths: &[PathBuf]) -> Result<Vec<i64>> {
        let offer = self.kernel.offer_paths(paths.to_vec()).map_err(|error| anyhow!("{error}"))?;
        let space = self.space()?;
        let jobs = self.call(
            "ImportOffer",
            json!({ "offer": offer.id, "space": space, "destination": { "kind": "keep" }, "label": null }),
        )?;
        let jobs: Vec<Job> = serde_json::from_value(jobs)?;
        Ok(jobs.iter().map(|job| job.id).collect())
    }

    /// Waits until jobs have ended, and gives them.
    pub fn wait_for(&self, ids: &[i64]) -> Result<Vec<Job>> {
        let mut last: Vec<Job> = Vec::new();
        self.kernel
            .wait_for_jobs(ids, &mut |job| {
                last.retain(|known| known.id != job.id);
                last.push(job.clone());
            })
            .map_err(|error| anyhow!("{error}"))?;
        last.sort_by_key(|job| job.id);
        Ok(last)
    }

    /// Imports one text file and expects it to be ready.
    pub fn text(&self, name: &str, text: &str) -> Result<i64> {
        let path = self.file(name, text)?;
        let jobs = self.import(&[path])?;
        let job = jobs.first().context("a job")?;
        anyhow::ensure!(job.state == hearth_api::JobState::Done, "{name}: {:?}", job.failure);
        job.document.context("a document")
    }

    /// Asks in a new conversation of the first space and waits for the end.
    pub fn ask(&mut self, text: &str) -> Result<Turn> {
        self.ask_in(None, text, &[])
    }

    /// Asks with a conversation and attachments, and waits for the end.
    pub fn ask_in(&mut self, conversation: Option<i64>, text: &str, attachments: &[i64]) -> Result<Turn> {
        let turn = self.begin_ask(conversation, text, attachments)?;
        self.ended(turn)
    }

    /// Asks without waiting; gives the turn.
    pub fn begin_ask(&self, conversation: Option<i64>, text: &str, attachments: &[i64]) -> Result<i64> {
        let space = self.space()?;
        let args = json!({ "space": space, "conversation": conversation, "text": text, "attachments": attachments, "grounding": "documents" });
        self.call("Ask", args)?["turn"].as_i64().context("a turn")
    }

    /// Waits for the end of a turn.
    pub fn ended(&mut self, turn: i64) -> Result<Turn> {
        match self.news(turn, |news| matches!(news, TurnNews::Ended { .. }))? {
            TurnNews::Ended { turn } => Ok(*turn),
            other => Err(anyhow!("{other:?}")),
        }
    }

    /// Waits for news of a turn.
    pub fn news(&mut self, turn: i64, wanted: impl Fn(&TurnNews) -> bool) -> Result<TurnNews> {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            match self.events.try_recv() {
                Ok(Envelope { event: Event::Turn { turn: of, news, .. }, .. }) if of == turn && wanted(&news) => {
                    return Ok(news);
                }
                Ok(_) => {}
                Err(tokio::sync::broadcast::error::TryRecvError::Empty) => std::thread::sleep(Duration::from_millis(5)),
                Err(error) => return Err(error.into()),
            }
        }
        Err(anyhow!("turn {turn} brought no such news in time"))
    }

    /// The conversation of a turn, by the list.
    pub fn conversation(&self) -> Result<i64> {
        let space = self.space()?;
        self.call("ListConversations", json!({ "space": space }))?[0]["id"].as_i64().context("a conversation")
    }

    /// Waits until something holds that happens in the background.
    pub fn until(&self, what: &str, holds: impl Fn(&House) -> bool) -> Result<()> {
        let until = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            anyhow::ensure!(Instant::now() < until, "{what}: not in time");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// The folder of the vault.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

/// The page text that a citation points into, as a viewer would read it.
pub fn cited(house: &House, at: hearth_api::Span) -> Result<String> {
    let page = house.call("GetPage", json!({ "version": at.version, "page": at.page, "width_px": 0, "spans": [] }))?;
    let units: Vec<u16> = page["text"].as_str().context("text")?.encode_utf16().collect();
    let slice = units.get(at.start as usize..at.end as usize).context("a span inside its page")?;
    Ok(String::from_utf16(slice)?)
}

/// Whether a turn ended well.
pub fn answered(turn: &Turn) -> bool {
    turn.state == TurnState::Answered
}

/// All files below a folder.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}
