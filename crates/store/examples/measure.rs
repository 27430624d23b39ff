//! Measures the store on made-up passages: `cargo run --release -p hearth-store --example measure -- 100000`.
//! Prints one table. Not a test: it asserts nothing.

use hearth_domain::{
    BlobHash, Block, BlockKind, Document, DocumentId, Kind, Label, Page, Passage, Place, SpaceId, Words,
};
use hearth_store::*;
use std::time::Instant;

const DIMS: usize = 384;
const PER_DOCUMENT: usize = 200;
const WORDS: usize = 110;

/// Numbers that look random and are the same on every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    /// A word of a vocabulary of 50,000, common ones often.
    fn word(&mut self) -> String {
        format!("w{}", (50_000f32.powf(self.next()) - 1.0) as u32)
    }

    fn vector(&mut self) -> Vec<f32> {
        let vector: Vec<f32> = (0..DIMS).map(|_| self.next() + self.next() + self.next() - 1.5).collect();
        let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
        vector.into_iter().map(|x| x / length).collect()
    }
}

fn resident_mib() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<f64>().ok()).unwrap_or(0.0) * 4096.0 / f64::from(1 << 20)
}

fn document(dice: &mut Dice) -> (Document, Vec<IndexedPassage>) {
    let (mut pages, mut passages) = (Vec::new(), Vec::new());
    for page in 0..PER_DOCUMENT / 4 {
        let mut text = String::new();
        for _ in 0..4 {
            let words: Vec<String> = (0..WORDS).map(|_| dice.word()).collect();
            let start = text.len() as u32;
            text += &words.join(" ");
            let range = start..text.len() as u32;
            text.push('\n');
            passages.push(IndexedPassage {
                passage: Passage { page: page as u32, range, text: words.join(" "), context: vec!["Part".into()] },
                terms: words.join(" "),
                embedding: dice.vector(),
            });
        }
        let blocks = vec![Block { kind: BlockKind::Paragraph, range: 0..text.len() as u32 }];
        let place = Place::Page { number: page as u32 + 1, label: None };
        pages.push(Page { place, text, blocks, boxes: vec![], size_pt: None, words: Words::Written });
    }
    let read = Document {
        kind: Kind::Text,
        title: None,
        author: None,
        created: None,
        language: None,
        pages,
        outline: vec![],
        warnings: vec![],
        attachments: vec![],
    };
    (read, passages)
}

fn publish(store: &Store, space: SpaceId, index: usize, dice: &mut Dice) -> Result<(DocumentId, f64)> {
    let (read, passages) = document(dice);
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&(index as u64).to_le_bytes());
    let new = NewVersion {
        space,
        document: None,
        name: format!("{index}.txt"),
        kind: Kind::Text,
        label: Label::Internal,
        label_rule: "measure".into(),
        origin: None,
        scope: Scope::Kept,
        hash: BlobHash(hash),
        size_bytes: 1,
        now: 1,
    };
    let start = Instant::now();
    let id = store.write(|w| {
        let (id, version) = w.begin_version(&new)?;
        w.keep_pages(version, &read)?;
        w.publish(version, &passages, 1)?;
        Ok(id)
    })?;
    Ok((id, start.elapsed().as_secs_f64()))
}

fn line(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share) as usize).copied().unwrap_or(0.0) * 1000.0;
    println!("{name:<46} p50 {:>8.2} ms   p95 {:>8.2} ms", at(0.5), at(0.95));
}

fn timed<T>(runs: usize, mut f: impl FnMut(usize) -> Result<T>) -> Result<Vec<f64>> {
    (0..runs)
        .map(|run| {
            let start = Instant::now();
            f(run)?;
            Ok(start.elapsed().as_secs_f64())
        })
        .collect()
}

fn main() -> Result<()> {
    let count: usize = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let folder = std::env::temp_dir().join(format!("hearth-measure-{}", std::process::id()));
    let secret = Secret::Passphrase("measure".to_owned().into());
    let store = create(&folder, &secret, 1)?;
    let space = store.write(|w| w.create_space("Measure", 1))?;
    let mut dice = Dice(7);
    let (mut documents, mut spent) = (Vec::new(), 0.0);
    for index in 0..count.div_ceil(PER_DOCUMENT) {
        let (id, seconds) = publish(&store, space, index, &mut dice)?;
        documents.push(id);
        spent += seconds;
    }
    println!("{count} passages of {DIMS} dimensions, {} documents", documents.len());
    println!("publish: {:.0} passages/s; memory {:.0} MiB", count as f64 / spent, resident_mib());
    drop(store);
    let start = Instant::now();
    let store = open(&folder, &secret)?;
    println!("open with passphrase: {:.0} ms", start.elapsed().as_secs_f64() * 1000.0);
    println!("file: {:.0} MiB", std::fs::metadata(folder.join("hearth.db"))?.len() as f64 / f64::from(1 << 20));
    let everything = SearchFilter::space(space);
    let few = documents.iter().step_by(20).copied().collect::<Vec<_>>();
    let few = SearchFilter { documents: Some(few), ..everything.clone() };
    let one = SearchFilter { documents: documents.first().map(|id| vec![*id]), ..everything.clone() };
    let queries: Vec<Vec<f32>> = (0..100).map(|_| dice.vector()).collect();
    let vector = |filter: &SearchFilter, run: usize| store.read(|r| r.search_vectors(&queries[run % 100], filter, 50));
    line("vectors, 5% of documents, from the table", timed(20, |run| vector(&few, run))?);
    line("vectors, one document, from the table", timed(20, |run| vector(&one, run))?);
    println!("memory before warm: {:.0} MiB", resident_mib());
    let start = Instant::now();
    store.warm()?;
    println!("warm: {:.0} ms; memory {:.0} MiB", start.elapsed().as_secs_f64() * 1000.0, resident_mib());
    line("vectors, whole space", timed(100, |run| vector(&everything, run))?);
    line("vectors, 5% of documents", timed(100, |run| vector(&few, run))?);
    line("vectors, one document", timed(100, |run| vector(&one, run))?);
    let term = |text: String, weight| Term { text, weight, prefix: false };
    let mixed =
        |dice: &mut Dice| TextQuery { any: (0..8).map(|_| term(dice.word(), 1.0)).collect(), ..TextQuery::default() };
    let common = |run: usize| TextQuery {
        any: (1..6).map(|n| term(format!("w{}", n + run % 10), 1.0)).collect(),
        ..TextQuery::default()
    };
    let text = |query: &TextQuery, filter: &SearchFilter| store.read(|r| r.search_text(query, filter, 50));
    line("words, 8 of a text's own, first time", timed(100, |_| text(&mixed(&mut dice), &everything))?);
    line("words, 8 of a text's own", timed(100, |_| text(&mixed(&mut dice), &everything))?);
    line("words, 5 very common", timed(30, |run| text(&common(run), &everything))?);
    line("words, 5 very common, 5% of documents", timed(30, |run| text(&common(run), &few))?);
    line("words, 8 of a text's own, one document", timed(100, |_| text(&mixed(&mut dice), &one))?);
    let begin = |run: usize| store.read(|r| r.terms_from(&format!("w{}", 1 + run % 9), 3..7, 40_000));
    line("words of the index that begin alike", timed(20, begin)?);
    let ids = text(&common(0), &everything)?.into_iter().map(|hit| hit.passage).collect::<Vec<_>>();
    line("50 passages with their places", timed(100, |_| store.read(|r| r.passages(&ids)))?);
    println!("memory after searching: {:.0} MiB", resident_mib());
    let replaced = timed(10, |run| {
        let (read, passages) = document(&mut dice);
        let document = documents.get(run).copied();
        let new = NewVersion {
            space,
            document,
            name: "new".into(),
            kind: Kind::Text,
            label: Label::Internal,
            label_rule: "measure".into(),
            origin: None,
            scope: Scope::Kept,
            hash: BlobHash([run as u8 + 1; 32]),
            size_bytes: 1,
            now: 2,
        };
        store.write(|w| {
            let (_, version) = w.begin_version(&new)?;
            w.keep_pages(version, &read)?;
            w.publish(version, &passages, 2)
        })
    })?;
    line("replace a document of 200 passages", replaced);
    let record = |_| {
        let entry = Entry {
            at_ms: 1,
            kind: "measure",
            sentence: "Measured.".into(),
            subject: None,
            detail: serde_json::json!({}),
        };
        store.record(entry, |_| Ok(()))
    };
    line("one entry of the record", timed(50, record)?);
    line(
        "purge a document",
        timed(3, |run| {
            let id = documents.get(20 + run).copied().unwrap_or(DocumentId(0));
            store.write(|w| w.purge_documents(&[id]))
        })?,
    );
    line("check everything", timed(1, |_| store.check())?);
    println!("memory at the end: {:.0} MiB", resident_mib());
    drop(store);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
