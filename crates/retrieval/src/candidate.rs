//! What the store found and what ranking makes of it: the shapes only.

use hearth_domain::{DocumentId, PassageId, Span, VersionId};
use std::collections::HashSet;

/// Where one search placed a passage, and with what score of its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// From 0.
    pub rank: u32,
    /// Lexical: BM25, larger is better. Vector: cosine, -1 to 1.
    pub score: f32,
}

/// A passage that a search found, with what is needed to judge it.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The passage.
    pub passage: PassageId,
    /// The document it is of.
    pub document: DocumentId,
    /// The version it is of.
    pub version: VersionId,
    /// Index of the page.
    pub page: u32,
    /// First byte of the page's text.
    pub start: u32,
    /// One past the last byte of the page's text.
    pub end: u32,
    /// What the document is called.
    pub title: String,
    /// The headings above the passage, outermost first, and the row that names a table's columns.
    pub context: Vec<String>,
    /// The passage: exactly bytes `start..end` of the page's text.
    pub text: String,
    /// Where full text found it, if it did.
    pub lexical: Option<Scored>,
    /// Where the vector search found it, if it did.
    pub vector: Option<Scored>,
    /// Its embedding (normalized), where at hand.
    pub embedding: Option<Vec<f32>>,
}

impl Candidate {
    /// The whole passage as a span.
    pub fn span(&self) -> Span {
        Span { version: self.version, page: self.page, start: self.start, end: self.end }
    }
}

/// What ranking may be told besides the candidates. `RankOptions::default()` is right for a question.
#[derive(Debug, Clone, Default)]
pub struct RankOptions {
    /// At most this many passages come back; 0 means 12.
    pub limit: usize,
    /// The embedding of `Query::text` (normalized): gives every candidate that carries its own embedding a cosine, also
    /// those that only full text found.
    pub query_embedding: Option<Vec<f32>>,
    /// Whether the embedder knows more languages than English.
    pub multilingual_embedder: bool,
    /// Documents that the question names or that were attached to it: for these the floor does not hold.
    pub named: Vec<DocumentId>,
    /// Documents that have a later revision in reach: it comes first, unless they are named.
    pub superseded: HashSet<DocumentId>,
    /// Documents of a series with a later one in reach, where the question asks for the latest.
    pub earlier: HashSet<DocumentId>,
}

/// Why a passage stands where it stands. Shares are 0 to 1.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Why {
    /// Its place in full text, from 0.
    pub lexical_rank: Option<u32>,
    /// Its place in the vector search, from 0.
    pub vector_rank: Option<u32>,
    /// BM25 over the query's terms as a share of the best candidate's.
    pub lexical: f32,
    /// Cosine with the question, where known.
    pub cosine: Option<f32>,
    /// The terms of the query that it, its headings or its title hold.
    pub matched_terms: Vec<String>,
    /// Share of the query's weight that it holds.
    pub coverage: f32,
    /// Share of the query's weight that title and headings hold.
    pub title_match: f32,
    /// How near each other the matched terms stand.
    pub proximity: f32,
    /// Share of the query's phrases that it holds word for word.
    pub phrases: f32,
    /// It says nearly the same as a better one.
    pub duplicate: bool,
    /// Its document has a later revision in reach.
    pub superseded: bool,
    /// The latest is asked for, and its document is not the latest of its series.
    pub earlier: bool,
    /// How far it states amounts, where the question asks for one.
    pub amounts: Option<f32>,
    /// What a reranker said of it, where one read it.
    pub reranked: Option<Reranked>,
}

/// What a reranker said of a passage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reranked {
    /// Its place before, from 0.
    pub before: u32,
    /// How well it answers, 0 to 1; 0.5 is undecided.
    pub score: f32,
}

/// A candidate with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranked {
    /// The passage.
    pub candidate: Candidate,
    /// How surely it bears on the question, 0 to 1: the same meaning whichever search found it.
    pub score: f32,
    /// What that rests on.
    pub why: Why,
}

/// What came of ranking.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ranking {
    /// Best first, near-duplicates last.
    pub passages: Vec<Ranked>,
    /// Whether any passage passes the floor. Where none does, the answer is that the documents do not say.
    pub relevant: bool,
}
