//! Measures the room on open sets that this project did not write: `cargo run --release -p hearth-retrieval --example evals
//! -- EVAL_DIR [VECTOR_DIR] [only]`. EVAL_DIR holds the sets; VECTOR_DIR, where given, holds embeddings made beforehand
//! (`<set>.corpus.f32`, `<set>.queries.f32`: rows of 384 little-endian f32 in file order). Says so where a set is absent.

mod bm25;
mod grounding;
mod retrieval;

use std::path::PathBuf;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let Some(sets) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: evals EVAL_DIR [VECTOR_DIR] [only]");
        return;
    };
    let vectors = arguments.next().map(PathBuf::from);
    let only = arguments.next().unwrap_or_default();
    if !sets.is_dir() {
        println!("no evaluation sets at {}", sets.display());
        return;
    }
    retrieval::run(&sets, vectors.as_deref(), &only);
    grounding::run(&sets, vectors.as_deref(), &only);
}

/// The lines of a JSON-lines file, or nothing where it is absent.
fn lines(path: &std::path::Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

fn text_of(value: &serde_json::Value, key: &str) -> String {
    value.get(key).and_then(|v| v.as_str()).unwrap_or("").to_owned()
}
