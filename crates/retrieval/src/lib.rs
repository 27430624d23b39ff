//! The retrieval room: the words of the index, what a question looks for, candidates -> ranked passages -> exact quotes,
//! answer -> checked sentences. Pure: no IO, no async, no clock, no SQL; embeddings come in from outside.

mod abstain;
mod align;
mod amounts;
mod candidate;
mod cells;
mod central;
mod claims;
mod dates;
mod differ;
mod evidence;
mod facts;
mod figures;
mod fold;
mod follow;
mod gather;
mod near;
mod parts;
mod polarity;
mod query;
mod quotes;
mod rank;
mod reorder;
mod rephrase;
mod revise;
mod second;
mod sentences;
mod series;
mod similarity;
mod spelling;
mod stem;
mod terms;
mod verify;
mod whole;
mod words;

pub use abstain::{Reason, abstain};
pub use candidate::{Candidate, RankOptions, Ranked, Ranking, Reranked, Scored, Why};
pub use central::central;
pub use claims::{Source, texts_wanted};
pub use gather::{Topic, asks_what_changed, document_named, versions_named, wants_all};
pub use near::{Called, NEARLY_THE_SAME, REVISED, Sketch, later, name_key, names, revision_number};
pub use query::{Ask, Exchange, Query, QueryTerm, same_language, understand};
pub use quotes::{Cell, Quote, quotes};
pub use rank::{FLOOR, rank};
pub use reorder::reorder;
pub use rephrase::{
    Rephrased, Vocabulary, by_claims, in_their_words, merge_looks, rephrasings, vocabulary, written_anew,
};
pub use revise::{Revision, likeness, revise};
pub use sentences::sentences;
pub use series::{asks_for_the_latest, asks_for_the_past, earlier_issues};
pub use similarity::{Embedded, NoSimilarity, Similarity};
pub use spelling::{Doubtful, ReadAs, doubtful, nearest, written};
pub use terms::{index_terms, terms};
pub use verify::{Confidence, confidence, supporting, verify};
