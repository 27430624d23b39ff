//! What an evaluation is asked for and what it says: the shapes only.

use serde::Serialize;
use std::path::PathBuf;

/// What is to be measured.
#[derive(Debug, Clone, Default)]
pub struct EvalPlan {
    /// The folder of the sets.
    pub data: PathBuf,
    /// Names of sets, or their beginnings; all that are there where none is named.
    pub sets: Vec<String>,
    /// A folder that keeps vectors for the next time, by the content that they are of.
    pub cache: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// Which embedder made the vectors; none where words alone were searched.
    pub embedder: Option<String>,
    /// The sets, by name.
    pub sets: Vec<EvalSet>,
}

/// One set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalSet {
    /// The name of its folder.
    pub name: String,
    /// Its parts: languages, formats, kinds of question; one where it has no parts.
    pub rows: Vec<EvalRow>,
    /// What the set's own README says of others, in its words.
    pub baseline: Option<String>,
    /// Why there are no figures.
    pub not_measured: Option<String>,
    /// Seconds that measuring took.
    pub took_s: f64,
}

/// One part of a set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalRow {
    /// What it is a part of the set by; empty for the whole.
    pub part: String,
    /// Questions, claims or files.
    pub n: usize,
    /// What was measured.
    pub figures: Vec<EvalFigure>,
    /// What the set's README says of others about this part.
    pub baseline: Option<String>,
}

/// One figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EvalFigure {
    /// What it is.
    pub name: String,
    /// Its value: a share from 0 to 1 unless the name says otherwise.
    pub value: f64,
    /// The figure of the same name that the README gives for the reference, where it gives one.
    pub reference: Option<f64>,
}

impl EvalRow {
    /// A part with its figures.
    pub(crate) fn new(part: impl Into<String>, n: usize, figures: &[(&str, f64)]) -> Self {
        let figure = |(name, value): &(&str, f64)| EvalFigure { name: (*name).into(), value: *value, reference: None };
        Self { part: part.into(), n, figures: figures.iter().map(figure).collect(), baseline: None }
    }
}
