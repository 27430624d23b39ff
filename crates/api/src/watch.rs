//! Words about watched folders: folders of this machine that a space stays in step with.

use super::Label;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A folder that a space stays in step with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WatchedFolder {
    /// Its id.
    pub id: i64,
    /// The space that its documents go to.
    pub space: i64,
    /// Its last name.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// The label of its documents.
    pub label: Label,
    /// How it stands.
    pub state: WatchState,
    /// The state in a few words, with the reason where there is one: "Watching", "Not reachable: ...".
    pub words: String,
    /// Files in it that were seen.
    pub files: u32,
    /// Of those, files whose document answers.
    pub answering: u32,
    /// Of those, files that are being read or wait for it.
    pub waiting: u32,
    /// What needs a person or is left out, at most 200.
    pub problems: Vec<WatchProblem>,
    /// How many there are in all.
    pub problems_total: u32,
    /// When it was last seen whole.
    pub looked_ms: Option<i64>,
}

/// How a watched folder stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum WatchState {
    /// It is being looked over.
    Looking,
    /// The system tells of changes as they happen.
    Watching,
    /// It is looked over every few seconds: its file system does not tell of changes.
    Polling,
    /// A person set it aside.
    Paused,
    /// It cannot be seen, such as a drive that is away. Its documents stay as they were.
    NotReachable,
    /// It holds more files than are followed.
    TooMany,
}

/// Something in a watched folder that did not become a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct WatchProblem {
    /// Its path below the folder.
    pub path: String,
    /// Why, in one sentence.
    pub why: String,
    /// Its job, where trying again may help.
    pub job: Option<i64>,
}
