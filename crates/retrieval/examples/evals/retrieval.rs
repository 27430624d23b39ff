//! nDCG@10 and Recall@10 on the retrieval sets: BM25 alone, vectors alone, reciprocal rank fusion, and the room's ranking.

use crate::bm25::Index;
use crate::{lines, text_of};
use hearth_domain::{DocumentId, PassageId, VersionId};
use hearth_retrieval::{Candidate, RankOptions, Ranking, Scored, index_terms, quotes, rank, understand};
use std::collections::HashMap;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

const POOL: usize = 50;
const DIMENSIONS: usize = 384;

struct Document {
    id: String,
    title: String,
    text: String,
    conversation: String,
}

pub fn run(sets: &Path, vectors: Option<&Path>, only: &str) {
    let plain = ["ret_scifact", "ret_cranfield", "ret_xquad_en", "ret_hotpotqa", "ret_musique", "ret_nq", "mem_locomo"];
    println!("{:<22} {:>5}  {:>13}  {:>13}  {:>13}  {:>13}  floor", "set", "n", "BM25", "vectors", "RRF", "Hearth");
    for set in plain {
        if set.contains(only) {
            one(sets, vectors, set, "");
        }
    }
    for language in ["de", "es", "ru", "tr", "ar", "hi", "zh", "th"] {
        if "ret_xquad_multi".contains(only) {
            one(sets, vectors, "ret_xquad_multi", &format!(".{language}"));
        }
    }
}

fn floats(path: Option<std::path::PathBuf>) -> Vec<Vec<f32>> {
    let bytes = path.and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
    let values: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
    values.chunks_exact(DIMENSIONS).map(<[f32]>::to_vec).collect()
}

fn one(sets: &Path, vectors: Option<&Path>, set: &str, language: &str) {
    let folder = sets.join(set);
    let documents: Vec<Document> = lines(&folder.join(format!("corpus{language}.jsonl")))
        .iter()
        .map(|v| Document {
            id: text_of(v, "_id"),
            title: text_of(v, "title"),
            text: text_of(v, "text"),
            conversation: v.get("metadata").map(|m| text_of(m, "conversation")).unwrap_or_default(),
        })
        .collect();
    if documents.is_empty() {
        println!("{set}{language}: absent");
        return;
    }
    let queries = lines(&folder.join(format!("queries{language}.jsonl")));
    let mut relevant: HashMap<String, HashMap<String, f64>> = HashMap::new();
    for line in std::fs::read_to_string(folder.join(format!("qrels{language}.tsv"))).unwrap_or_default().lines().skip(1)
    {
        let mut parts = line.split('\t');
        if let (Some(query), Some(document), Some(score)) = (parts.next(), parts.next(), parts.next()) {
            let grade: f64 = score.parse().unwrap_or(0.0);
            if grade > 0.0 {
                relevant.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
            }
        }
    }
    let corpus_vectors = floats(vectors.map(|v| v.join(format!("{set}.corpus{language}.f32"))));
    let query_vectors = floats(vectors.map(|v| v.join(format!("{set}.queries{language}.f32"))));
    let with_vectors = corpus_vectors.len() == documents.len() && query_vectors.len() == queries.len();
    let indexed: Vec<String> = documents.iter().map(|d| index_terms(&d.text, &[], &d.title)).collect();
    let index = Index::new(indexed.iter().map(String::as_str));
    let mut dump =
        std::env::var_os("DUMP").and_then(|path| std::fs::OpenOptions::new().create(true).append(true).open(path).ok());

    let mut sums = [[0.0f64; 2]; 4];
    let (mut asked, mut answered, mut refused, mut foreign) = (0usize, 0usize, 0usize, 0usize);
    let (mut rank_us, mut quote_us) = (0u128, 0u128);
    for (at, value) in queries.iter().enumerate() {
        let id = text_of(value, "_id");
        let Some(truth) = relevant.get(&id) else { continue };
        let conversation = value.get("metadata").map(|m| text_of(m, "conversation")).unwrap_or_default();
        let within = |d: usize| documents[d].conversation == conversation;
        let query = understand(&text_of(value, "text"), &[]);
        let lexical = index.search(&query, POOL, &within);
        let vector = if with_vectors { nearest(&query_vectors[at], &corpus_vectors, &within) } else { Vec::new() };
        let fused = reciprocal(&lexical, &vector);
        let options = RankOptions {
            limit: 20,
            query_embedding: with_vectors.then(|| query_vectors[at].clone()),
            ..RankOptions::default()
        };
        let pool = candidates(&documents, &lexical, &vector, &corpus_vectors);
        let started = Instant::now();
        let ranking = rank(&query, pool, &options);
        rank_us += started.elapsed().as_micros();
        let started = Instant::now();
        let found = quotes(&query, &ranking, 3, None);
        quote_us += started.elapsed().as_micros();
        std::hint::black_box(found);
        if let Some(file) = dump.as_mut() {
            write_features(file, set, language, &id, &query, &ranking, &documents, truth);
        }
        asked += 1;
        answered += usize::from(ranking.relevant);
        // The same question over the documents that do not hold its answer: it should be refused.
        if set.starts_with("ret_xquad") {
            // Five paragraphs in a row are of one article: the neighbours go too.
            let own = documents.iter().position(|d| truth.contains_key(&d.id)).unwrap_or(0);
            let other = |d: usize| d.abs_diff(own) > 5;
            let lexical = index.search(&query, POOL, &other);
            let vector = if with_vectors { nearest(&query_vectors[at], &corpus_vectors, &other) } else { Vec::new() };
            let ranking = rank(&query, candidates(&documents, &lexical, &vector, &corpus_vectors), &options);
            foreign += 1;
            refused += usize::from(!ranking.relevant);
            if let Some(file) = dump.as_mut() {
                write_features(
                    file,
                    set,
                    language,
                    &format!("{id}-other"),
                    &query,
                    &ranking,
                    &documents,
                    &HashMap::new(),
                );
            }
        }
        let ours: Vec<usize> = ranking.passages.iter().map(|p| p.candidate.passage.0 as usize).collect();
        let orders = [
            lexical.iter().map(|(d, _)| *d).collect::<Vec<_>>(),
            vector.iter().map(|(d, _)| *d).collect(),
            fused,
            ours,
        ];
        for (sum, order) in sums.iter_mut().zip(orders) {
            let (ndcg, recall) = score(&order, &documents, truth);
            sum[0] += ndcg;
            sum[1] += recall;
        }
    }
    let n = asked.max(1) as f64;
    print!("{:<22} {asked:>5}", format!("{set}{language}"));
    for sum in sums {
        print!("  {:.3} / {:.3}", sum[0] / n, sum[1] / n);
    }
    print!("  answered {:.2}", answered as f64 / n);
    if foreign > 0 {
        print!(", refused when it should {:.2}", refused as f64 / foreign as f64);
    }
    println!("  rank {:.1} ms, quotes {:.1} ms", rank_us as f64 / n / 1000.0, quote_us as f64 / n / 1000.0);
}

fn nearest(query: &[f32], corpus: &[Vec<f32>], within: &dyn Fn(usize) -> bool) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = corpus
        .iter()
        .enumerate()
        .filter(|(at, _)| within(*at))
        .map(|(at, v)| (at, v.iter().zip(query).map(|(a, b)| a * b).sum()))
        .collect();
    best.sort_by(|a, b| b.1.total_cmp(&a.1));
    best.truncate(POOL);
    best
}

fn reciprocal(lexical: &[(usize, f32)], vector: &[(usize, f32)]) -> Vec<usize> {
    let mut scores: HashMap<usize, f64> = HashMap::new();
    for list in [lexical, vector] {
        for (rank, (document, _)) in list.iter().enumerate() {
            *scores.entry(*document).or_default() += 1.0 / (60.0 + rank as f64 + 1.0);
        }
    }
    let mut order: Vec<(usize, f64)> = scores.into_iter().collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    order.into_iter().map(|(document, _)| document).collect()
}

fn candidates(
    documents: &[Document],
    lexical: &[(usize, f32)],
    vector: &[(usize, f32)],
    embeddings: &[Vec<f32>],
) -> Vec<Candidate> {
    let make = |at: usize| Candidate {
        passage: PassageId(at as i64),
        document: DocumentId(at as i64),
        version: VersionId(at as i64),
        page: 0,
        start: 0,
        end: documents[at].text.len() as u32,
        title: documents[at].title.clone(),
        context: Vec::new(),
        text: documents[at].text.clone(),
        lexical: None,
        vector: None,
        embedding: embeddings.get(at).cloned(),
    };
    let scored = |rank: usize, score: f32| Some(Scored { rank: rank as u32, score });
    let first =
        lexical.iter().enumerate().map(|(rank, (at, score))| Candidate { lexical: scored(rank, *score), ..make(*at) });
    let second =
        vector.iter().enumerate().map(|(rank, (at, score))| Candidate { vector: scored(rank, *score), ..make(*at) });
    first.chain(second).collect()
}

fn score(order: &[usize], documents: &[Document], truth: &HashMap<String, f64>) -> (f64, f64) {
    let gain = |at: usize, grade: f64| grade / (at as f64 + 2.0).log2();
    let got: f64 =
        order.iter().take(10).enumerate().filter_map(|(at, d)| Some(gain(at, *truth.get(&documents[*d].id)?))).sum();
    let mut grades: Vec<f64> = truth.values().copied().collect();
    grades.sort_by(|a, b| b.total_cmp(a));
    let ideal: f64 = grades.iter().take(10).enumerate().map(|(at, grade)| gain(at, *grade)).sum();
    let hit = order.iter().take(10).filter(|d| truth.contains_key(&documents[**d].id)).count();
    (got / ideal.max(f64::MIN_POSITIVE), hit as f64 / truth.len() as f64)
}

#[allow(clippy::too_many_arguments)]
fn write_features(
    file: &mut std::fs::File,
    set: &str,
    language: &str,
    id: &str,
    query: &hearth_retrieval::Query,
    ranking: &Ranking,
    documents: &[Document],
    truth: &HashMap<String, f64>,
) {
    for p in &ranking.passages {
        let y = u8::from(truth.contains_key(&documents[p.candidate.passage.0 as usize].id));
        let w = &p.why;
        let _ = writeln!(
            file,
            "{set}{language}\t{id}\t{y}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}",
            query.english,
            w.lexical,
            w.cosine.unwrap_or(-1.0),
            w.coverage,
            w.title_match,
            w.proximity,
            w.phrases,
            query.phrases.len(),
            p.score
        );
    }
}
