//! Station 5, Retrieve: candidates from full text and vectors, ranked; the best sentences go to the window at once.

use super::again::{self, Looked};
use super::listing;
use super::recall::Recalled;
use super::record::{CellRecord, QuoteRecord, SourceRecord, keep_so_far, standing_of};
use super::rerank::{LOOKED_AT, rerank};
use super::spell::respell;
use super::state::{Ended, Turn};
use super::trail::Detail;
use crate::engine::{Engine, Stoppable};
use crate::error;
use crate::kernel::{House, Open};
use crate::near::Standing;
use hearth_api::{Error, Grounding, Outcome, TurnNews};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use hearth_inference::embed::Kind;
use hearth_retrieval::{
    Ask, Candidate, FLOOR, Query, Quote, RankOptions, Ranking, ReadAs, Scored, Why, abstain, asks_for_the_latest,
    asks_for_the_past, earlier_issues, quotes, rank, written,
};
use hearth_store::{DocumentFilter, Hits, PassageRow, SearchFilter, Term, TextQuery};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Candidates taken from each search.
const EACH: usize = 50;
/// Passages that are handed on.
pub(crate) const KEPT: usize = 10;
/// Quotes shown.
const QUOTES: usize = 3;

/// A question with the passages that bear on it.
pub(crate) struct Grounded {
    pub(crate) recalled: Recalled,
    pub(crate) passages: Vec<PassageRow>,
}

/// Finds passages, shows quotes, and abstains when nothing bears on the question.
pub(crate) fn retrieve(turn: &mut Turn<'_>, recalled: Recalled) -> Result<Grounded, Ended> {
    turn.go_on()?;
    let started = turn.trail.now();
    let question = recalled.routed.permitted.question();
    if question.grounding == Grounding::General {
        let detail = Detail {
            decision: Some("A person asked for an answer from general knowledge.".into()),
            ..Detail::default()
        };
        turn.trail.note("Retrieve", started, Outcome::Skipped, "No documents were searched", detail);
        turn.open.store.write(|writer| writer.note_reading(turn.id, &[]))?;
        return Ok(Grounded { recalled, passages: Vec::new() });
    }
    if recalled.query.kind == Ask::Chat && question.attachments.is_empty() {
        turn.record.general = true;
        turn.trail.note("Retrieve", started, Outcome::Skipped, "Nothing is asked of the documents", Detail::default());
        turn.open.store.write(|writer| writer.note_reading(turn.id, &[]))?;
        return Ok(Grounded { recalled, passages: Vec::new() });
    }
    let named = named(turn, &recalled)?;
    let filter = filter_of(&recalled, &named);
    let mut found = find(turn.house, turn.open, &recalled.query, &filter, LOOKED_AT, &named)?;
    turn.record.searched_documents = found.searched;
    let again = match found.ranking.relevant {
        true => None,
        // Other words find nothing where nothing is.
        false if found.searched == 0 => None,
        false => {
            let place = again::Where { filter: &filter, named: &named, limit: LOOKED_AT };
            again::before_abstaining(turn, &recalled, &place, &mut found)?
        }
    };
    let rows = found.rows;
    let go_on = || !turn.is_stopped();
    let (ranking, second) = rerank(turn.house, &recalled.query.text, found.ranking, &rows, KEPT, &go_on);
    // What other words found is quoted by those words.
    let words = again.as_ref().and_then(|looked| looked.query.as_ref()).unwrap_or(&found.query);
    let quoted = quotes(words, &ranking, QUOTES);
    for quote in &quoted {
        let Some(row) = ranking.passages.get(quote.candidate).and_then(|ranked| rows.get(&ranked.candidate.passage))
        else {
            continue;
        };
        let source = turn.record.source(turn.open, row, quote.span)?;
        let cell =
            quote.cell.clone().map(|hearth_retrieval::Cell { span, text, head }| CellRecord { text, head, span });
        turn.record.quotes.push(QuoteRecord { source, text: quote.text.clone(), span: quote.span, cell });
    }
    let took_ms = turn.trail.now() as u32;
    turn.record.quotes_ms = Some(took_ms);
    show(turn, took_ms);
    let passages = to_be_read(&recalled.query.text, &ranking, &rows, &found.superseded);
    turn.record.takes_in(passages.iter().map(standing_of));
    let ordered = orders(turn, &passages);
    let respelled = respelled(&found.read_as, &ranking);
    let looked = again.as_ref().map(|looked| looked.said.clone());
    let said = [respelled, looked, second, ordered].into_iter().flatten().reduce(|one, other| format!("{one} {other}"));
    let counts = [found.candidates, quoted.len()];
    note(turn, started, &ranking, &found.read_as, counts, found.without_vectors, (again.as_ref(), said));
    // Before a word is written.
    let read: Vec<DocumentId> = passages.iter().map(|row| row.document).collect();
    keep_so_far(turn, &read)?;
    if passages.is_empty() || !ranking.relevant {
        return Err(say_nothing_found(turn, &recalled, &found.query, &ranking, question.space)?);
    }
    Ok(Grounded { recalled, passages })
}

/// The passages that a model reads: what a document says that has a later revision is left out where that revision speaks
/// too, so that no answer mixes the two; unless what was before is asked for.
fn to_be_read(
    question: &str,
    ranking: &Ranking,
    rows: &HashMap<PassageId, PassageRow>,
    superseded: &HashMap<DocumentId, DocumentId>,
) -> Vec<PassageRow> {
    let past = asks_for_the_past(question);
    let speaks = |document: &DocumentId| {
        ranking.passages.iter().any(|other| other.candidate.document == *document && other.score >= FLOOR)
    };
    let out_of_date = |ranked: &hearth_retrieval::Ranked| {
        ranked.why.superseded && !past && superseded.get(&ranked.candidate.document).is_some_and(speaks)
    };
    let read = ranking.passages.iter().filter(|ranked| !out_of_date(ranked));
    read.filter_map(|ranked| rows.get(&ranked.candidate.passage).cloned()).collect()
}

/// The documents that a question names: those attached; for "summarise this" with none at hand, what came last.
pub(super) fn named(turn: &Turn<'_>, recalled: &Recalled) -> Result<Vec<DocumentId>, Ended> {
    let (question, left_out) = (recalled.routed.permitted.question(), recalled.routed.permitted.left_out());
    let may = |id: &DocumentId| !left_out.contains(id);
    if !question.attachments.is_empty() || recalled.query.kind != Ask::Summarise {
        return Ok(question.attachments.iter().copied().filter(may).collect());
    }
    let meant = super::units::meant(turn, &recalled.routed.permitted)?;
    if !meant.is_empty() {
        return Ok(meant);
    }
    if !recalled.query.names_nothing() {
        return Ok(Vec::new());
    }
    let limit = 1 + left_out.len();
    let newest = DocumentFilter { space: Some(question.space), limit, ..DocumentFilter::default() };
    let rows = turn.open.store.read(|reader| reader.documents(&newest))?;
    Ok(rows.into_iter().map(|row| row.id).filter(may).take(1).collect())
}

fn show(turn: &Turn<'_>, took_ms: u32) {
    let (quotes, sources) = turn.record.shown(turn.open);
    turn.tell(TurnNews::Quotes { quotes, sources, took_ms, searched_documents: turn.record.searched_documents });
}

fn note(
    turn: &mut Turn<'_>,
    started: f64,
    ranking: &Ranking,
    read_as: &[ReadAs],
    [candidates, quoted]: [usize; 2],
    without_vectors: Option<Error>,
    (again, reranked): (Option<&Looked>, Option<String>),
) {
    let kept = if ranking.relevant { ranking.passages.len() } else { 0 };
    let sentence = format!(
        "{}{} found, {kept} kept, {}",
        if again.is_some() { "Looked twice: " } else { "" },
        crate::view::count(candidates, "passage", "passages"),
        crate::view::count(quoted, "quote", "quotes")
    );
    let weighed =
        ranking.passages.iter().map(|ranked| explain(ranked.score, &ranked.candidate, &ranked.why, read_as)).collect();
    let mut data = searched_for(turn, ranking);
    data["looks"] = serde_json::json!(if again.is_some() { 2 } else { 1 });
    let detail = Detail {
        aside: format!("quotes at {:.2} s", turn.trail.now() / 1e3),
        decision: match (without_vectors.map(|e| format!("Full text alone was searched: {}", e.message)), reranked) {
            (Some(one), Some(other)) => Some(format!("{one} {other}")),
            (one, other) => one.or(other),
        },
        weighed,
        data,
        ..Detail::default()
    };
    let outcome = if kept == 0 { Outcome::Partly } else { Outcome::Done };
    turn.trail.note("Retrieve", started, outcome, sentence, detail);
}

/// What the passages of a ranking are, for machines.
pub(super) fn searched_for(turn: &Turn<'_>, ranking: &Ranking) -> serde_json::Value {
    // Erased meanwhile, a version has no hash any more.
    let hash = |version| turn.open.store.read(|reader| reader.version(version)).ok().flatten();
    let one = |ranked: &hearth_retrieval::Ranked| {
        let one = &ranked.candidate;
        serde_json::json!({ "passage": one.passage, "version": one.version, "page": one.page, "start": one.start,
            "end": one.end, "sha256": hash(one.version).map(|row| row.hash.to_string()), "score": ranked.score })
    };
    serde_json::json!({ "passages": ranking.passages.iter().map(one).collect::<Vec<_>>() })
}

/// Passages that give orders to a model are named in the record; what they say stays text like any other.
fn orders(turn: &Turn<'_>, passages: &[PassageRow]) -> Option<String> {
    let ordered: Vec<&PassageRow> =
        passages.iter().filter(|row| !hearth_policy::content::orders(&row.text).is_empty()).collect();
    if ordered.is_empty() {
        return None;
    }
    let many = crate::view::count(ordered.len(), "passage", "passages");
    let read: Vec<_> = ordered
        .iter()
        .map(|row| serde_json::json!({ "document": row.document, "version": row.version, "passage": row.id }))
        .collect();
    let sentence = format!("{many} with orders to a model read: nothing follows from them");
    let subject = Some(format!("turn:{}", turn.id));
    turn.house.note("content.orders", sentence, subject, serde_json::json!({ "passages": read }));
    Some(format!("{many} with orders to a model: words like any other here, believed like a page of the web."))
}

/// Words that stand nowhere and were read as others, in a sentence; the others as the best passage writes them.
fn respelled(read_as: &[ReadAs], ranking: &Ranking) -> Option<String> {
    let one = |read: &ReadAs| {
        let there = |text: &str| written(&read.term, text).map(str::to_lowercase);
        let found = ranking.passages.iter().find_map(|ranked| there(&ranked.candidate.text));
        format!("“{}” stands nowhere here and was read as “{}”.", read.asked, found.unwrap_or(read.term.clone()))
    };
    (!read_as.is_empty()).then(|| read_as.iter().map(one).collect::<Vec<_>>().join(" "))
}

/// Why a passage ranked where it did, in words.
fn explain(score: f32, candidate: &Candidate, why: &Why, read_as: &[ReadAs]) -> String {
    let mut parts = Vec::new();
    if let Some(rank) = why.lexical_rank {
        parts.push(format!("words {}", rank + 1));
    }
    if let Some(rank) = why.vector_rank {
        parts.push(format!("meaning {}", rank + 1));
    }
    if !why.matched_terms.is_empty() {
        parts.push(format!("holds {}", why.matched_terms.join(", ")));
    }
    for ReadAs { asked, term } in read_as.iter().filter(|read| why.matched_terms.contains(&read.term)) {
        parts.push(format!("“{asked}” read as {term}"));
    }
    if why.superseded {
        parts.push("a later revision comes first".to_owned());
    }
    if why.earlier {
        parts.push("not the latest of its series".to_owned());
    }
    match why.amounts {
        Some(0.0) => parts.push("states no amount".to_owned()),
        Some(_) => parts.push("states amounts".to_owned()),
        None => {}
    }
    if let Some(reranked) = why.reranked {
        parts.push(format!("{:.2} when read with the question, {} before", reranked.score, reranked.before + 1));
    }
    format!("{score:.2}  {} ({})", candidate.title, parts.join("; "))
}

/// "Your documents do not say" is an answer, and says which part was not found.
fn say_nothing_found(
    turn: &mut Turn<'_>,
    recalled: &Recalled,
    query: &Query,
    ranking: &Ranking,
    space: SpaceId,
) -> Result<Ended, Ended> {
    let name =
        turn.open.store.read(|reader| reader.space(space))?.map_or_else(|| "this space".to_owned(), |row| row.name);
    let missing = abstain(query, ranking).map(|reason| reason.missing).unwrap_or_default();
    let about = if missing.is_empty() {
        format!("Nothing in {name} answers this.")
    } else {
        format!("Nothing in {name} says anything about {}.", join(&missing))
    };
    let on_the_way = crate::jobs::under_way(turn.open).map(|progress| {
        let files = crate::view::count(progress.total.saturating_sub(progress.done) as usize, "file is", "files are");
        format!("{files} still being read: ask again when they are in.")
    });
    let about =
        [about].into_iter().chain(on_the_way).chain(recalled.routed.permitted.withheld()).collect::<Vec<_>>().join(" ");
    turn.answer = about.clone();
    turn.record.not_said = Some(about);
    turn.record.unused_passages = ranking.passages.len() as u32;
    Ok(Ended::Abstained)
}

fn join(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("“{one}”"),
        [head @ .., last] => {
            format!("{} or “{last}”", head.iter().map(|word| format!("“{word}”")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// What a question may find passages in: its space and its documents, without what the rules keep out.
pub(super) fn filter_of(recalled: &Recalled, named: &[DocumentId]) -> SearchFilter {
    let permitted = &recalled.routed.permitted;
    let question = permitted.question();
    let without = permitted.left_out().clone();
    SearchFilter { without, ..filter(question.space, named, question.grounding) }
}

/// Which documents a question may find passages in. Applied before the best are cut off.
fn filter(space: SpaceId, attachments: &[DocumentId], grounding: Grounding) -> SearchFilter {
    let only = grounding == Grounding::Attached && !attachments.is_empty();
    let documents = only.then(|| attachments.to_vec());
    SearchFilter { documents, also: attachments.to_vec(), ..SearchFilter::space(space) }
}

/// What a search came to.
pub(crate) struct Found {
    /// The question as it was searched for.
    pub(crate) query: Query,
    /// Its words that stand nowhere in reach, and what they were read as.
    pub(crate) read_as: Vec<ReadAs>,
    pub(crate) ranking: Ranking,
    pub(crate) rows: HashMap<PassageId, PassageRow>,
    pub(crate) candidates: usize,
    pub(crate) searched: u32,
    /// Documents that have a later revision in reach, with it.
    pub(crate) superseded: HashMap<DocumentId, DocumentId>,
    pub(crate) without_vectors: Option<Error>,
}

impl Found {
    /// What a turn quotes of it, for evaluations.
    pub(crate) fn quoted(&self) -> Vec<Quote> {
        let mut ranking = self.ranking.clone();
        ranking.passages.truncate(KEPT);
        quotes(&self.query, &ranking, QUOTES)
    }
}

/// Candidates from both searches, merged and ranked.
pub(super) fn find(
    house: &House,
    open: &Open,
    query: &Query,
    filter: &SearchFilter,
    limit: usize,
    named: &[DocumentId],
) -> Result<Found, Error> {
    // Before anything is read: who embeds may have to read too.
    let engine = crate::reindex::of_index(house, open).and_then(|(model, _)| house.schedule.engine(house, &model));
    let embed = |engine: Arc<Engine>| {
        let vectors = engine.embed(Kind::Query, vec![query.text.clone()]).map_err(error::internal)?;
        vectors.into_iter().next().ok_or_else(|| error::internal("no vector"))
    };
    let (turn, mut without_vectors) = (Stoppable::here(), None);
    let vector = || {
        let _stoppable = turn.as_ref().map(Stoppable::by);
        // A missing or broken embedder costs the vector half, not the answer.
        engine.and_then(embed).map_err(|error| without_vectors = Some(error)).ok()
    };
    let found = find_with(open, query, vector, filter, limit, named)?;
    Ok(Found { without_vectors, ..found })
}

/// The same by whatever gives the question's vector.
fn find_with(
    open: &Open,
    query: &Query,
    vector: impl FnOnce() -> Option<Vec<f32>> + Send,
    filter: &SearchFilter,
    limit: usize,
    named: &[DocumentId],
) -> Result<Found, Error> {
    let (query, read_as) = open.store.read(|reader| respell(reader, query, filter)).map_err(error::store)?;
    let text = TextQuery {
        any: query
            .terms
            .iter()
            .map(|term| Term { text: term.text.clone(), weight: term.weight, prefix: term.prefix })
            .collect(),
        phrases: query.phrases.clone(),
        ..TextQuery::default()
    };
    let (mut candidates, rows, searched, superseded, vector) = open
        .store
        .read(|reader| {
            let Hits { text: lexical, near: semantic, vector } = reader.search(&text, vector, filter, EACH)?;
            let mut found: Vec<(PassageId, Option<Scored>, Option<Scored>)> = Vec::new();
            let scored = |rank: usize, score: f32| Some(Scored { rank: rank as u32, score });
            for (rank, hit) in lexical.iter().enumerate() {
                found.push((hit.passage, scored(rank, hit.score), None));
            }
            for (rank, hit) in semantic.iter().enumerate() {
                match found.iter_mut().find(|(passage, ..)| *passage == hit.passage) {
                    Some((.., vector)) => *vector = scored(rank, hit.cosine),
                    None => found.push((hit.passage, None, scored(rank, hit.cosine))),
                }
            }
            if query.kind == Ask::Summarise {
                for passage in spread(reader, named)? {
                    if !found.iter().any(|(known, ..)| *known == passage) {
                        found.push((passage, None, None));
                    }
                }
            }
            let ids: Vec<PassageId> = found.iter().map(|(passage, ..)| *passage).collect();
            let rows: HashMap<PassageId, PassageRow> =
                reader.passages(&ids)?.into_iter().map(|row| (row.id, row)).collect();
            let vectors: HashMap<PassageId, Vec<f32>> = reader.embeddings(&ids)?.into_iter().collect();
            let candidates: Vec<Candidate> = found
                .into_iter()
                .filter_map(|(passage, lexical, vector)| {
                    let row = rows.get(&passage)?;
                    if !listing::bears(row, &query.text, named, rows.values()) {
                        return None;
                    }
                    Some(Candidate {
                        passage,
                        document: row.document,
                        version: row.version,
                        page: row.page,
                        start: row.start,
                        end: row.end,
                        title: row.title.clone(),
                        context: row.context.clone(),
                        text: row.text.clone(),
                        lexical,
                        vector,
                        embedding: vectors.get(&passage).cloned(),
                    })
                })
                .collect();
            let searched = match &filter.documents {
                Some(documents) => documents.len() as u32,
                None => reader.counts(filter.space)?.documents + filter.also.len() as u32,
            };
            let superseded = Standing::of(reader, filter.space)?.superseded(&filter.without);
            Ok((candidates, rows, searched, superseded, vector))
        })
        .map_err(error::store)?;
    candidates.sort_by_key(|candidate| candidate.passage);
    let count = candidates.len();
    let options = RankOptions {
        limit,
        query_embedding: vector,
        named: named.to_vec(),
        superseded: superseded.keys().copied().collect(),
        earlier: earlier(&query, rows.values()),
        ..RankOptions::default()
    };
    let ranking = rank(&query, candidates, &options);
    Ok(Found { query, read_as, ranking, rows, candidates: count, searched, superseded, without_vectors: None })
}

/// Where the latest is asked for: documents of a series of which a later one was found too.
fn earlier<'a>(query: &Query, rows: impl Iterator<Item = &'a PassageRow>) -> HashSet<DocumentId> {
    if !asks_for_the_latest(&query.text) {
        return HashSet::new();
    }
    let named: BTreeMap<DocumentId, &str> = rows.map(|row| (row.document, row.name.as_str())).collect();
    earlier_issues(named).into_iter().collect()
}

/// Passages spread evenly over the documents that a summary is asked of.
fn spread(reader: &hearth_store::Reader<'_>, named: &[DocumentId]) -> hearth_store::Result<Vec<PassageId>> {
    const MOST: usize = 24;
    let mut all = Vec::new();
    for document in named {
        if let Some(version) = reader.document(*document)?.and_then(|row| row.version) {
            all.extend(reader.passages_of(version)?.into_iter().map(|row| row.id));
        }
    }
    let step = all.len().div_ceil(MOST).max(1);
    Ok(all.into_iter().step_by(step).collect())
}

/// Passages for the palette and the command line, best first.
pub(crate) fn search(house: &House, open: &Open, space: SpaceId, text: &str, limit: usize) -> Result<Found, Error> {
    let query = hearth_retrieval::understand(text, &[]);
    find(house, open, &query, &SearchFilter::space(space), limit, &[])
}

/// Passages for a question whose vector is at hand, ranked and read again by a reranker as in a turn, with all that were
/// looked at. For evaluations.
pub(crate) fn find_ranked(
    house: &House,
    open: &Open,
    text: &str,
    vector: Option<Vec<f32>>,
    filter: &SearchFilter,
) -> Result<Found, Error> {
    let query = hearth_retrieval::understand(text, &[]);
    let found = find_with(open, &query, || vector, filter, LOOKED_AT, &[])?;
    let (ranking, _) = rerank(house, &query.text, found.ranking, &found.rows, LOOKED_AT, &|| true);
    Ok(Found { ranking, ..found })
}

/// Where a source's record is needed by its row alone.
impl SourceRecord {
    pub(crate) fn of(row: &PassageRow, versions: u32) -> Self {
        SourceRecord {
            document: row.document,
            version: row.version,
            page: row.page,
            title: row.title.clone(),
            kind: row.kind,
            place: row.place.clone(),
            within: None,
            label: row.label,
            version_number: row.version_number,
            versions,
        }
    }
}
