//! Words about two models compared on the same questions.

use crate::Turn;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Which of two answers is better, as they stand on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Preferred {
    /// The first.
    First,
    /// The second.
    Second,
    /// Neither.
    Equal,
}

/// Two models on the same questions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Contest {
    /// Its id.
    pub id: i64,
    /// The space that is asked.
    pub space: i64,
    /// When it began.
    pub begun_ms: i64,
    /// The models' names, in the order in which they were given.
    pub names: (String, String),
    /// Whether names are hidden until a choice.
    pub blind: bool,
    /// Whether questions are being asked now.
    pub running: bool,
    /// The questions in order.
    pub questions: Vec<ContestQuestion>,
    /// What all comparisons of the two models came to. While names are hidden, undecided questions do not count.
    pub totals: PairTotals,
}

/// One question that two models were asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ContestQuestion {
    /// Its id.
    pub id: i64,
    /// What was asked.
    pub question: String,
    /// The answer that stands first.
    pub first: ContestAnswer,
    /// The answer that stands second.
    pub second: ContestAnswer,
    /// Whether both models read the same passages; none until both have answered.
    pub same_passages: Option<bool>,
    /// What a person chose last.
    pub choice: Option<Preferred>,
    /// How often a person chose: earlier choices are kept.
    pub choices: u32,
}

/// One model's answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ContestAnswer {
    /// The model's name; none while it is hidden.
    pub model: Option<String>,
    /// The turn, once it was asked. While the name is hidden it names no model.
    pub turn: Option<Turn>,
    /// Sentences that claim something.
    pub claims: u32,
    /// Those that the documents support.
    pub supported: u32,
}

/// What all comparisons of two models came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PairTotals {
    /// One of them.
    pub first: SideTotals,
    /// The other.
    pub second: SideTotals,
    /// Questions that both have answered.
    pub questions: u32,
    /// Choices of neither.
    pub equal: u32,
    /// Questions without a choice.
    pub undecided: u32,
}

/// What all comparisons came to for one of two models.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct SideTotals {
    /// Its id.
    pub model: String,
    /// Its name.
    pub name: String,
    /// How often it was chosen.
    pub wins: u32,
    /// Sentences that claim something.
    pub claims: u32,
    /// Those that the documents support.
    pub supported: u32,
    /// Milliseconds to the first word, the median.
    pub first_word_ms: Option<u32>,
    /// Tokens written a second, the median.
    pub tokens_per_second: Option<f32>,
    /// Milliseconds to the end, the median.
    pub total_ms: Option<u32>,
}

/// One line of the list of comparisons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ContestRow {
    /// Its id.
    pub id: i64,
    /// When it began.
    pub begun_ms: i64,
    /// The models' names.
    pub names: (String, String),
    /// Questions.
    pub questions: u32,
    /// Questions that a person has chosen on.
    pub decided: u32,
    /// Whether questions are being asked now.
    pub running: bool,
}
