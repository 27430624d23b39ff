//! Measures an embedder by itself on retrieval sets: nDCG@10 and Recall@10 by vectors alone, and how long embedding took.
//! A set is a folder with `corpus.jsonl` and `queries.jsonl` (`_id`, `title`, `text`) and `qrels.tsv`.
//! `cargo run --release -p hearth-inference --example retrieve -- MODEL_FOLDER THREADS [int8] SET...`

use hearth_inference::embed::{Embedder, Kind, Options, Precision, Texts};
use std::collections::HashMap;
use std::path::Path;
use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, threads) = (args.first().ok_or("which model?")?, args.get(1).ok_or("how many threads?")?.parse()?);
    let precision = if args.iter().any(|a| a == "int8") { Precision::Eight } else { Precision::Full };
    let read = |name: &str| std::fs::read(Path::new(folder).join(name));
    let options = Options { threads, precision, ..Options::default() };
    let mut weights = std::fs::File::open(Path::new(folder).join("model.safetensors"))?;
    let mut e = Embedder::load(&mut weights, &read("tokenizer.json")?, &read("config.json")?, &options)?;
    for set in args.iter().skip(2).filter(|a| *a != "int8") {
        measure(&mut e, Path::new(set))?;
    }
    Ok(())
}

/// Ids and texts of a file.
fn texts(path: &Path) -> Result<Vec<(String, String)>, Failure> {
    let mut out = Vec::new();
    for line in std::fs::read_to_string(path)?.lines().filter(|l| !l.trim().is_empty()) {
        let row: serde_json::Value = serde_json::from_str(line)?;
        let text = |key: &str| row.get(key).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let id = row.get("_id").or(row.get("id")).map(|v| v.as_str().map_or(v.to_string(), str::to_owned));
        out.push((id.ok_or("a row without an id")?, format!("{}\n{}", text("title"), text("text")).trim().to_owned()));
    }
    Ok(out)
}

fn vectors(e: &mut Embedder, kind: Kind, texts: &[(String, String)]) -> Result<Vec<f32>, Failure> {
    let mut work = Texts::new(kind, texts.iter().map(|t| t.1.clone()).collect());
    while work.left() > 0 {
        work.step(e, &|| false)?;
    }
    Ok(work.values)
}

fn measure(e: &mut Embedder, set: &Path) -> Result<(), Failure> {
    let (corpus, queries) = (texts(&set.join("corpus.jsonl"))?, texts(&set.join("queries.jsonl"))?);
    let mut wanted: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in std::fs::read_to_string(set.join("qrels.tsv"))?.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let (Some(query), Some(document)) = (fields.first(), fields.get(fields.len().saturating_sub(2))) else {
            continue;
        };
        if let Some(gain) = fields.last().and_then(|g| g.parse::<f64>().ok()).filter(|g| *g > 0.0) {
            wanted.entry((*query).into()).or_default().insert((*document).into(), gain);
        }
    }
    let begun = Instant::now();
    let passages = vectors(e, Kind::Passage, &corpus)?;
    let seconds = begun.elapsed().as_secs_f64();
    let asked = vectors(e, Kind::Query, &queries)?;
    let (mut ndcg, mut recall, mut n) = (0.0, 0.0, 0);
    for ((id, _), q) in queries.iter().zip(asked.chunks_exact(e.dims())) {
        let Some(gains) = wanted.get(id) else { continue };
        let dot = |p: &[f32]| p.iter().zip(q).map(|(a, b)| a * b).sum::<f32>();
        let mut ranked: Vec<(f32, &str)> =
            passages.chunks_exact(e.dims()).zip(&corpus).map(|(p, (id, _))| (dot(p), id.as_str())).collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
        let top = || ranked.iter().take(10).map(|(_, id)| gains.get(*id).copied().unwrap_or(0.0));
        let mut ideal: Vec<f64> = gains.values().copied().collect();
        ideal.sort_by(|a, b| b.total_cmp(a));
        let best: f64 = ideal.iter().take(10).enumerate().map(|(i, g)| g * discount(i)).sum();
        ndcg += top().enumerate().map(|(i, g)| g * discount(i)).sum::<f64>() / best;
        recall += top().filter(|g| *g > 0.0).count() as f64 / gains.len() as f64;
        n += 1;
    }
    let (set, n) = (set.file_name().unwrap_or_default().to_string_lossy().into_owned(), f64::from(n));
    let quantization = e.figures().quantization;
    println!(
        "{set} {quantization}: nDCG@10 {:.4}, Recall@10 {:.4}, {} passages in {seconds:.1} s",
        ndcg / n,
        recall / n,
        corpus.len()
    );
    Ok(())
}
