//! Station 6 where a question is about all of documents that are longer than any window: they are read part by part, each
//! part's points are checked against it before they are shown, and of many points the ones that say most are kept. A
//! reading that was broken off goes on where it was.

use super::call::{Asked, CallRecord, given_to};
use super::compose::{Prompt, died, estimate, grounded_message, passage_budget};
use super::generate::Drafted;
use super::recipe::{Recipe, Version};
use super::record::keep_so_far;
use super::retrieve::{Grounded, named};
use super::state::{Ended, Turn};
use super::trail::Detail;
use super::verify;
use crate::engine::{Generated, Heard};
use hearth_api::{How, Outcome, TurnNews};
use hearth_domain::{CheckState, PassageId, Role};
use hearth_inference::embed::Kind;
use hearth_inference::wire::{Finish, Message, Speaker};
use hearth_retrieval::{Ask, central};
use hearth_store::PassageRow;
use serde::{Deserialize, Serialize};

/// Tokens of a part, about.
const PART_TOKENS: usize = 900;
/// Points of an answer, at most; a list has all that were found, up to `MOST_ITEMS`.
const MOST_POINTS: usize = 12;
const MOST_ITEMS: usize = 60;
/// Points taken from one part, at most.
const MOST_OF_PART: usize = 2;
/// Sentences of a part that are compared where the model found no words of its own.
const MOST_SENTENCES: usize = 40;

/// What was read of one part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    /// Names the passages, the model and the instruction that led to the points.
    pub(crate) key: String,
    /// Its points, each with the passages that it rests on.
    pub(crate) points: Vec<Point>,
}

/// One thing that a part says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) text: String,
    pub(crate) rests_on: Vec<PassageId>,
}

/// Documents to be read as wholes.
pub(crate) struct Whole {
    kind: Ask,
    parts: Vec<Vec<PassageRow>>,
}

/// What a question about wholes would have the model read, where that is more than it reads at once.
pub(crate) fn wanted(turn: &Turn<'_>, grounded: &Grounded, prompt: &Prompt) -> Result<Option<Whole>, Ended> {
    let recalled = &grounded.recalled;
    let kind = recalled.query.kind;
    if prompt.given.is_empty() || !matches!(kind, Ask::Summarise | Ask::List | Ask::Compare) {
        return Ok(None);
    }
    // Without one that is named a summary is of a topic: about what bears on it.
    let documents = named(turn, recalled)?;
    let mut all = Vec::new();
    for document in &documents {
        let rows = turn.open.store.read(|reader| match reader.document(*document)?.and_then(|row| row.version) {
            Some(version) => reader.passages_of(version),
            None => Ok(Vec::new()),
        })?;
        all.push(rows);
    }
    let tokens: usize = all.iter().flatten().map(cost).sum();
    let at_once = passage_budget(&prompt.engine, turn.house.models.speed(&prompt.model.id).reads) as usize;
    if tokens <= at_once {
        return Ok(None);
    }
    turn.open.store.write(|writer| writer.note_reading(turn.id, &documents))?;
    let most = PART_TOKENS.min(prompt.engine.info().n_ctx as usize / 3);
    Ok(Some(Whole { kind, parts: all.into_iter().flat_map(|rows| parts(rows, most)).collect() }))
}

fn cost(row: &PassageRow) -> usize {
    estimate(&row.text) + 24
}

/// Passages in their order, cut where a part would be longer than `most` tokens.
fn parts(rows: Vec<PassageRow>, most: usize) -> Vec<Vec<PassageRow>> {
    let mut parts: Vec<Vec<PassageRow>> = Vec::new();
    let mut room = 0;
    for row in rows {
        let cost = cost(&row);
        match parts.last_mut().filter(|_| cost <= room) {
            Some(part) => {
                room -= cost;
                part.push(row);
            }
            None => {
                room = most.saturating_sub(cost);
                parts.push(vec![row]);
            }
        }
    }
    parts
}

/// Reads all parts; the answer is their points, one to a line.
pub(crate) fn read(turn: &mut Turn<'_>, prompt: Prompt, whole: Whole) -> Result<Drafted, Ended> {
    let started = turn.trail.now();
    let known = earlier(turn)?;
    let recipe = Recipe::of_a_part(whole.kind == Ask::List);
    let version = recipe.version(turn.open)?;
    let (mut reused, mut word_for_word, mut cut_short) = (0, 0, None);
    let mut how = How { model: prompt.model.name.clone(), route: turn.record.route.clone(), ..How::default() };
    let mut spent = Spent::default();
    let many = whole.parts.len();
    let rows = whole.parts.iter().flatten();
    turn.record.takes_in(rows.map(super::record::standing_of));
    for (at, part) in whole.parts.iter().enumerate() {
        if turn.is_stopped() {
            cut_short = Some(Ended::Stopped);
            break;
        }
        turn.doing(format!("Reading part {} of {many}", at + 1), None);
        let key = key(part, &prompt, &version.sha256);
        let read = match known.iter().find(|part| part.key == key) {
            Some(known) => {
                reused += 1;
                known.clone()
            }
            None => {
                let name = format!("part {}", at + 1);
                let (written, generated) = match write(turn, &prompt, (&recipe, &version), &name, part) {
                    Ok(written) => written,
                    Err(ended) => {
                        cut_short = Some(ended);
                        break;
                    }
                };
                spent.add(&generated);
                let mut points = supported(turn, part, &written);
                if points.is_empty() && whole.kind != Ask::List {
                    points.extend(most_central(turn, part));
                    word_for_word += points.len();
                }
                PartRecord { key, points }
            }
        };
        if how.first_word_ms.is_none() && !read.points.is_empty() {
            how.first_word_ms = Some(turn.trail.now() as u32);
        }
        add(turn, &whole, at, &read);
        turn.record.parts.push(read);
        keep(turn);
    }
    let found: usize = turn.record.parts.iter().map(|part| part.points.len()).sum();
    let given = settle(turn, &whole);
    turn.tell(TurnNews::Words { text: turn.answer.clone() });
    let shown = turn.answer.lines().filter(|line| line.starts_with("- ")).count();
    (how.prompt_tokens, how.cached_tokens, how.new_tokens) = (spent.prompt, spent.cached, spent.new);
    how.tokens_per_second = (spent.generate_ms > 0.0).then(|| spent.new as f32 / (spent.generate_ms / 1e3));
    let pages = |n| crate::view::count(n, "part", "parts");
    let mut decision = format!(
        "Longer than the model reads at once: read as {}, one after another. Each point was checked against its part before it was shown; what its part does not say was left out.",
        pages(many)
    );
    if word_for_word > 0 {
        decision.push_str(&format!(
            " {} taken word for word, because nothing that the model wrote of them held.",
            crate::view::count(word_for_word, "point was", "points were")
        ));
    }
    if reused > 0 {
        decision.push_str(&format!(" {} known from a reading that was broken off.", pages(reused)));
    }
    let detail = Detail {
        aside: format!("{} tokens", how.prompt_tokens + how.new_tokens),
        mark_ms: how.first_word_ms.map(f64::from),
        decision: Some(decision),
        data: serde_json::json!({ "parts": many, "read": turn.record.parts.len(), "reused": reused, "points": found,
            "recipe": version, "sampling": recipe, "seed": turn.id.0, "threads": prompt.engine.info().threads, "kernel": prompt.engine.info().kernel,
            "model": prompt.model.id, "sha256": prompt.model.sha256, "prompt_tokens": how.prompt_tokens,
            "cached_tokens": how.cached_tokens, "new_tokens": how.new_tokens }),
        ..Detail::default()
    };
    let outcome = match &cut_short {
        None => Outcome::Done,
        Some(Ended::Failed(_)) => Outcome::Failed,
        Some(_) => Outcome::Partly,
    };
    let sentence = format!("{} of {many} read, {found} found, {shown} shown", pages(turn.record.parts.len()));
    turn.trail.note("Generate", started, outcome, sentence, detail);
    turn.record.how = Some(how);
    Ok(Drafted { given, cut_short })
}

#[derive(Default)]
struct Spent {
    prompt: u32,
    cached: u32,
    new: u32,
    generate_ms: f32,
}

impl Spent {
    fn add(&mut self, one: &Generated) {
        self.prompt += one.prompt_tokens;
        self.cached += one.cached_tokens;
        self.new += one.new_tokens;
        self.generate_ms += one.generate_ms as f32;
    }
}

/// Parts that an earlier turn of this conversation read for the same question.
fn earlier(turn: &Turn<'_>) -> Result<Vec<PartRecord>, Ended> {
    let rows = turn.open.store.read(|reader| reader.turns(turn.conversation))?;
    let same = rows.into_iter().filter(|row| row.id != turn.id && row.question == turn.question);
    let records = same.filter_map(|row| serde_json::from_value::<super::TurnRecord>(row.record).ok());
    Ok(records.flat_map(|record| record.parts).collect())
}

fn key(part: &[PassageRow], prompt: &Prompt, recipe: &str) -> String {
    let mut named = format!("{recipe} {} {:?}", prompt.model.id, prompt.model.sha256);
    for row in part {
        named.push_str(&format!(" {}:{}:{}-{}", row.version, row.page, row.start, row.end));
    }
    crate::import::hash(named.as_bytes()).to_string()
}

/// Lets the model write the points of one part.
fn write(
    turn: &mut Turn<'_>,
    prompt: &Prompt,
    (recipe, version): (&Recipe, &Version),
    name: &str,
    part: &[PassageRow],
) -> Result<(String, Generated), Ended> {
    let messages = vec![
        Message { role: Speaker::System, text: recipe.instructions.to_owned() },
        Message { role: Speaker::User, text: grounded_message(part, &turn.question) },
    ];
    let sampling = recipe.sampling(turn.id.0.unsigned_abs());
    let mut call =
        CallRecord::new(name, &prompt.model, &prompt.engine, (version, &sampling, &prompt.briefing), &messages);
    call.given = given_to(turn, part)?;
    call.prompt = Asked::OfPassages;
    let mut text = String::new();
    let asked = (turn.conversation.0, None);
    let written = prompt.engine.generate(asked, messages, prompt.briefing.clone(), sampling, &mut |heard| {
        if let Heard::Words { text: words, .. } = heard {
            text.push_str(words);
        }
        !turn.is_stopped()
    });
    match written {
        Ok(generated) if generated.finish == Finish::Cancelled => Err(Ended::Stopped),
        Ok(generated) => {
            call.text = text.clone();
            call.ended(&generated);
            turn.record.calls.push(call);
            Ok((text, generated))
        }
        Err(why) => Err(Ended::Failed(died(&why))),
    }
}

/// The written lines that the part says, without the marks before them.
fn supported(turn: &Turn<'_>, part: &[PassageRow], written: &str) -> Vec<Point> {
    let lines = written.lines().map(bare);
    let sentences = lines.flat_map(|line| {
        hearth_retrieval::sentences(line).into_iter().filter_map(|range| line.get(range).map(str::trim))
    });
    let sentences = sentences.filter(|sentence| says_something(sentence));
    let mut points: Vec<Point> = Vec::new();
    for sentence in sentences {
        let checks = verify::checks(turn, sentence, part);
        let holds = !checks.is_empty() && checks.iter().all(|check| check.state == CheckState::Supported);
        if !holds || points.iter().any(|point| point.text == sentence) {
            continue;
        }
        let spans: Vec<_> = checks.iter().flat_map(|check| &check.support).map(|support| support.span).collect();
        let under = |row: &&PassageRow| {
            spans.iter().any(|span| {
                span.version == row.version && span.page == row.page && span.start < row.end && row.start < span.end
            })
        };
        let rests_on = part.iter().filter(under).map(|row| row.id).collect();
        points.push(Point { text: sentence.to_owned(), rests_on });
    }
    points
}

/// Whether a text may be a statement: no heading, no row of a table, no figures alone.
pub(super) fn says_something(text: &str) -> bool {
    let count = |is: fn(&char) -> bool| text.chars().filter(is).count();
    let (letters, capitals) = (count(|c| c.is_alphabetic()), count(|c| c.is_uppercase()));
    let (signs, words) = (count(|c| !c.is_whitespace()), text.split_whitespace().count());
    let long = if text.is_ascii() { (4..=60).contains(&words) } else { words >= 4 || letters >= 10 };
    long && !text.contains(['\t', '\n']) && letters * 3 >= signs * 2 && capitals * 2 < letters
}

/// A line without the mark or number before it.
fn bare(line: &str) -> &str {
    let line = line.trim().trim_start_matches(['-', '*', '•', '–']).trim_start();
    let digits = line.chars().take_while(char::is_ascii_digit).count();
    match line.get(digits..).and_then(|rest| rest.strip_prefix(['.', ')'])) {
        Some(rest) if (1..=2).contains(&digits) => rest.trim_start(),
        _ => line,
    }
}

/// The sentence of a part that stands nearest to all its others, word for word.
fn most_central(turn: &Turn<'_>, part: &[PassageRow]) -> Option<Point> {
    let sentences: Vec<(String, PassageId)> = part
        .iter()
        .flat_map(|row| {
            let ranges = hearth_retrieval::sentences(&row.text);
            ranges.into_iter().filter_map(|range| Some((row.text.get(range)?.trim().to_owned(), row.id)))
        })
        .filter(|(text, _)| says_something(text) && text.ends_with(['.', '!', '?', '。', '！', '？', '।']))
        .take(MOST_SENTENCES)
        .collect();
    let vectors = vectors(turn, sentences.iter().map(|(text, _)| text.clone()).collect());
    let chosen = central(&vectors, 1).first().copied().unwrap_or(0);
    let (text, passage) = sentences.into_iter().nth(chosen)?;
    Some(Point { text, rests_on: vec![passage] })
}

/// Vectors of texts; none without an embedder.
pub(super) fn vectors(turn: &Turn<'_>, texts: Vec<String>) -> Vec<Vec<f32>> {
    let embedded = turn
        .house
        .models
        .for_role(Role::Embed)
        .and_then(|model| turn.house.schedule.engine(turn.house, &model))
        .and_then(|engine| engine.embed(Kind::Passage, texts).map_err(crate::error::internal));
    embedded.unwrap_or_else(|error| {
        tracing::warn!(%error, "points were taken in their order");
        Vec::new()
    })
}

/// Adds the points of a part to what is kept of the answer. They are told when all were weighed against each other.
fn add(turn: &mut Turn<'_>, whole: &Whole, at: usize, read: &PartRecord) {
    let mut text = String::new();
    if !read.points.is_empty()
        && let Some(title) = heading(whole, at, &turn.answer)
    {
        text.push_str(&title);
    }
    for point in taken(whole.kind, read) {
        text.push_str(&format!("- {}\n", point.text));
    }
    turn.answer.push_str(&text);
}

/// The name of a part's document, where several are read and this one has no line yet.
fn heading(whole: &Whole, at: usize, answer: &str) -> Option<String> {
    let title = |part: &Vec<PassageRow>| part.first().map(|row| (row.version, row.title.clone()));
    let several = whole.parts.iter().filter_map(title).map(|(version, _)| version);
    let several = several.collect::<std::collections::HashSet<_>>().len() > 1;
    let (_, title) = whole.parts.get(at).and_then(title).filter(|_| several)?;
    let line = format!("{title}:\n");
    if answer.contains(&line) {
        return None;
    }
    Some(if answer.is_empty() { line } else { format!("\n{line}") })
}

fn taken(kind: Ask, read: &PartRecord) -> &[Point] {
    let most = if kind == Ask::List { read.points.len() } else { MOST_OF_PART };
    read.points.get(..most.min(read.points.len())).unwrap_or_default()
}

/// Keeps what was read so far, so that a reading that is broken off can go on.
fn keep(turn: &Turn<'_>) {
    // While an answer is written anew behind the one on screen, that one stays kept.
    if turn.behind.is_some() {
        return;
    }
    if let Err(error) = keep_so_far(turn, &[]) {
        tracing::warn!(%error, "a part that was read was not kept");
    }
}

/// Of too many points keeps those that say most, in their order; returns the passages that the answer rests on.
fn settle(turn: &mut Turn<'_>, whole: &Whole) -> Vec<PassageRow> {
    let records = turn.record.parts.clone();
    let mut points: Vec<(usize, Point)> = Vec::new();
    for (at, read) in records.iter().enumerate() {
        for point in taken(whole.kind, read) {
            if !points.iter().any(|(_, known)| known.text == point.text) {
                points.push((at, point.clone()));
            }
        }
    }
    let most = if whole.kind == Ask::List { MOST_ITEMS } else { MOST_POINTS };
    if points.len() > most {
        let kept = match vectors(turn, points.iter().map(|(_, point)| point.text.clone()).collect()) {
            vectors if vectors.len() == points.len() => central(&vectors, most),
            // Evenly over the whole.
            _ => (0..most).map(|i| i * points.len() / most).collect(),
        };
        points = points.into_iter().enumerate().filter(|(i, _)| kept.contains(i)).map(|(_, point)| point).collect();
    }
    turn.answer.clear();
    for (at, point) in &points {
        if let Some(title) = heading(whole, *at, &turn.answer) {
            turn.answer.push_str(&title);
        }
        turn.answer.push_str(&format!("- {}\n", point.text));
    }
    turn.answer.truncate(turn.answer.trim_end().len());
    let rests_on = |row: &&PassageRow| points.iter().any(|(_, point)| point.rests_on.contains(&row.id));
    whole.parts.iter().flatten().filter(rests_on).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_and_numbers_are_no_part_of_a_point() {
        for line in ["- The rent rises.", "* The rent rises.", " 2. The rent rises.", "12) The rent rises."] {
            assert_eq!(bare(line), "The rent rises.");
        }
        assert_eq!(bare("2027. A year."), "2027. A year.", "a year is no number of a list");
        assert_eq!(bare("1,250 euros are due."), "1,250 euros are due.");
    }

    #[test]
    fn headings_and_rows_say_nothing() {
        for row in
            ["(Unaudited)", "Fiscal Year", "Cash\t9,977\t12", "QUARTERLY REPORT OF THE COMPANY", "12 (33) (75) 5 was"]
        {
            assert!(!says_something(row), "{row}");
        }
        for said in ["The rent rises in May.", "租金为每月一千二百五十欧元。", "Der Pächter zahlt die Miete."]
        {
            assert!(says_something(said), "{said}");
        }
    }
}
