//! RoBERTa and XLM-RoBERTa, as in multilingual E5 and BGE M3: BERT whose first position is row 2 of the table, behind
//! the padding's.
//!
//! <https://arxiv.org/abs/1907.11692>, <https://arxiv.org/abs/1911.02116>.

use super::bert::{BERT, NAMES};
use super::{Family, Head, Positions};

/// The description.
pub static XLM_ROBERTA: Family = Family {
    name: "xlm-roberta",
    positions: Positions::Table { name: "embeddings.position_embeddings", first: 2 },
    names: NAMES,
    head: Head { dense: "classifier.dense", tanh: true, norm: None, out: "classifier.out_proj" },
    ..BERT
};
