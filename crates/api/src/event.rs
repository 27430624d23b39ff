//! The one stream: what happens, told to every open window.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An event with its place in the stream. A gap in `seq` means: ask again for what is on screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Envelope {
    /// Counts up by one.
    pub seq: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// The stream has begun.
    Hello,
    /// The status bar's facts.
    Status {
        /// All of them.
        status: super::Status,
    },
    /// A turn moved on. Carries only what is new.
    Turn {
        /// Its conversation.
        conversation: i64,
        /// The turn.
        turn: i64,
        /// What is new.
        news: TurnNews,
    },
    /// A file moved on.
    Job {
        /// The whole job.
        job: super::Job,
    },
    /// A model moved on (download, load).
    Model {
        /// The whole model.
        model: super::Model,
    },
    /// A person dragged files over the window, or away.
    Drag {
        /// Over the window now.
        over: bool,
        /// Pointer, in CSS px, while over.
        x: f32,
        /// Pointer, in CSS px, while over.
        y: f32,
    },
    /// A person dropped files on the window.
    Dropped {
        /// The grant.
        offer: super::Offer,
        /// Where, in CSS px.
        x: f32,
        /// Where, in CSS px.
        y: f32,
    },
    /// What these commands answered may be stale: ask again if it is on screen.
    Stale {
        /// Names of commands.
        commands: Vec<String>,
    },
    /// Another instance was started: this window came to the front.
    Focused,
}

/// What is new about a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TurnNews {
    /// It began.
    Began {
        /// As it stands.
        turn: Box<super::Turn>,
    },
    /// Exact quotes, before any model runs.
    Quotes {
        /// At most three.
        quotes: Vec<super::Quote>,
        /// The sources so far.
        sources: Vec<super::Source>,
        /// From the question's arrival.
        took_ms: u32,
        /// Documents that were searched.
        searched_documents: u32,
    },
    /// What it is doing: "Loading SmolLM2 135M", "Reading 4 pages", "Answering", "Checking".
    Doing {
        /// The words.
        what: String,
        /// Tokens a second, while known.
        tokens_per_second: Option<f32>,
    },
    /// More words of the answer; not yet checked.
    Words {
        /// They follow what came before.
        text: String,
    },
    /// Sentences as checked so far; they replace the ones before.
    Checked {
        /// In order.
        sentences: Vec<super::Sentence>,
        /// The sources so far.
        sources: Vec<super::Source>,
    },
    /// It ended: the whole turn as kept.
    Ended {
        /// As it stands.
        turn: Box<super::Turn>,
    },
}
