//! A second look, where the first failed: the question in other words, by rules first and then, where a model is in memory
//! and there is time, by one line that it writes. Before a turn abstains, and after an answer that its passages do not bear
//! out; then a stronger model that is here; then it is said that the documents do not say.

use super::call::{Asked, CallRecord};
use super::recall::Recalled;
use super::recipe::{LINE_TOKENS, Recipe};
use super::record::standing_of;
use super::refine::{Anew, anew};
use super::retrieve::{Found, Grounded, KEPT, filter_of, find, named, searched_for};
use super::state::{Ended, Turn};
use super::trail::Detail;
use super::{TurnRecord, settings_of, verify};
use crate::clock::now_ms;
use crate::engine::Heard;
use crate::kernel::{House, Open};
use hearth_api::{Error, Outcome};
use hearth_domain::{CheckState, DocumentId, Role};
use hearth_inference::embed::Kind;
use hearth_inference::wire::{Briefing, Message, Speaker};
use hearth_retrieval::{
    Confidence, Exchange, Query, Ranking, Rephrased, by_claims, in_their_words, merge_looks, rephrasings,
};
use hearth_retrieval::{vocabulary, written_anew};
use hearth_store::{PassageRow, SearchFilter};
use std::collections::HashSet;

/// Of an answer's time, where a person named one, so much may be over before a model is asked for other words.
const TIME_FOR_WORDS: f32 = 0.5;
/// How long a line in other words may take to write.
const LONGEST_LINE_MS: f32 = 5_000.0;
/// Passages among which a new one counts as gained.
const FIRST: usize = 5;
/// How long a stronger model may take where a person named no time.
const LONGEST_MS: f32 = 60_000.0;

/// What a second look came to.
pub(crate) struct Looked {
    /// What was done and what it gained, in sentences.
    pub(crate) said: String,
    /// The words that found the best of it; none where nothing was gained.
    pub(crate) query: Option<Query>,
}

/// What is looked through.
pub(super) struct Where<'a> {
    pub(super) filter: &'a SearchFilter,
    pub(super) named: &'a [DocumentId],
    pub(super) limit: usize,
}

/// Looks again before a turn abstains; what was gained is merged into `found`.
pub(super) fn before_abstaining(
    turn: &mut Turn<'_>,
    recalled: &Recalled,
    place: &Where<'_>,
    found: &mut Found,
) -> Result<Option<Looked>, Ended> {
    turn.doing("Looking again in other words", None);
    let history = recalled.routed.permitted.history();
    let ways = by_rules(turn.house, &found.query, history, &found.ranking);
    let mut looked = look(turn.house, turn.open, place, found, ways)?;
    turn.go_on()?;
    if !found.ranking.relevant
        && recalled.routed.permitted.question().only.is_none()
        && let Some(way) = by_model(turn, recalled)?
        && let Some(more) = look(turn.house, turn.open, place, found, vec![way])?
    {
        let before = looked.map(|before| format!("{} ", before.said)).unwrap_or_default();
        looked = Some(Looked { said: format!("{before}{}", more.said), query: more.query });
    }
    let relevant = found.ranking.relevant;
    Ok(looked.map(|looked| Looked {
        said: format!("The first look found nothing that bears on it. {}", looked.said),
        query: looked.query.filter(|_| relevant),
    }))
}

/// The ways to ask for the same that rules know.
fn by_rules(house: &House, query: &Query, history: &[Exchange], first: &Ranking) -> Vec<Rephrased> {
    rephrasings(query, history, first).into_iter().chain(in_passages_words(house, query, first)).collect()
}

/// What a first look found, with what a second by rules adds where that found nothing that bears on the question. For
/// evaluations.
pub(crate) fn find_again(
    house: &House,
    open: &Open,
    text: &str,
    filter: &SearchFilter,
    mut found: Found,
) -> Result<Found, Error> {
    if !found.ranking.relevant {
        let query = hearth_retrieval::understand(text, &[]);
        let place = Where { filter, named: &[], limit: super::rerank::LOOKED_AT };
        let ways = by_rules(house, &query, &[], &found.ranking);
        look(house, open, &place, &mut found, ways)?;
    }
    Ok(found)
}

/// Searches in other words and merges what comes.
fn look(
    house: &House,
    open: &Open,
    place: &Where<'_>,
    found: &mut Found,
    ways: Vec<Rephrased>,
) -> Result<Option<Looked>, Error> {
    if ways.is_empty() {
        return Ok(None);
    }
    let first = |ranking: &Ranking| -> HashSet<_> {
        ranking.passages.iter().take(FIRST).map(|ranked| ranked.candidate.passage).collect()
    };
    let (known, before) = (first(&found.ranking), found.ranking.relevant);
    let (mut rankings, mut best): (Vec<Ranking>, Option<(f32, Query)>) = (Vec::new(), None);
    let how = ways.iter().map(|way| way.how.clone()).collect::<Vec<_>>().join("; ");
    for way in ways {
        let mut more = find(house, open, &way.query, place.filter, place.limit, place.named)?;
        more.ranking.relevant &= way.whole;
        let score = more.ranking.passages.first().map_or(0.0, |ranked| ranked.score);
        if best.as_ref().is_none_or(|(known, _)| score > *known) {
            best = Some((score, more.query));
        }
        found.rows.extend(more.rows);
        rankings.push(more.ranking);
    }
    found.ranking = merge_looks(std::mem::take(&mut found.ranking), rankings, place.limit);
    found.candidates = found.rows.len();
    let gained = first(&found.ranking).difference(&known).count();
    let new = crate::view::count(gained, "new passage", "new passages");
    let gain = match (gained, before, found.ranking.relevant) {
        (0, false, true) => "what was found bears on it".to_owned(),
        (_, false, true) => format!("{new} among the first, and what was found bears on it"),
        (0, ..) => "nothing new came of it".to_owned(),
        (_, _, true) => format!("{new} among the first"),
        (_, _, false) => format!("{new} came, and none bears on it"),
    };
    Ok(Some(Looked { said: format!("Looked again {how}: {gain}."), query: best.map(|(_, query)| query) }))
}

/// The question with words of the nearest passages for those that nothing holds, as far as the embedder says that they stand
/// for one another.
fn in_passages_words(house: &House, query: &Query, ranking: &Ranking) -> Option<Rephrased> {
    let words = vocabulary(query, ranking)?;
    let vectors = embed(house, Kind::Passage, words.texts()).ok()?;
    in_their_words(query, &words, &vectors)
}

fn embed(house: &House, kind: Kind, texts: Vec<String>) -> Result<Vec<Vec<f32>>, Error> {
    let model = house.models.for_role(Role::Embed)?;
    let engine = house.schedule.engine(house, &model)?;
    engine.embed(kind, texts).map_err(crate::error::internal)
}

/// One line by the model that is to answer, where it is in memory already and there is time for it.
fn by_model(turn: &mut Turn<'_>, recalled: &Recalled) -> Result<Option<Rephrased>, Ended> {
    let Ok(model) = recalled.routed.choice.best() else { return Ok(None) };
    let Some(engine) = turn.house.schedule.loaded(&model.id) else { return Ok(None) };
    if time_left_ms(turn).is_some_and(|(left, all)| left < all * (1.0 - TIME_FOR_WORDS)) {
        return Ok(None);
    }
    // A model that is known to write slowly is not waited for.
    let slow = |writes: f32| LINE_TOKENS as f32 / writes.max(0.01) * 1e3 > LONGEST_LINE_MS;
    if turn.house.models.speed(&model.id).writes.is_some_and(slow) {
        return Ok(None);
    }
    let (model, recipe) = (model.clone(), Recipe::in_other_words());
    let version = recipe.version(turn.open)?;
    let sampling = recipe.sampling(turn.id.0.unsigned_abs());
    let briefing = Briefing { thinking: Some(recipe.thinking()), now_s: Some(now_ms() / 1000), ..Briefing::default() };
    let messages = vec![
        Message { role: Speaker::System, text: recipe.instructions.to_owned() },
        Message { role: Speaker::User, text: format!("Question: {}", recalled.query.text.trim()) },
    ];
    let mut call = CallRecord::new("other words", &model, &engine, (&version, &sampling, &briefing), &messages);
    (call.prompt, call.asked) = (Asked::Own, messages.last().map(|message| message.text.clone()));
    let mut line = String::new();
    let written = engine.generate((turn.conversation.0, None), messages, briefing, sampling, &mut |heard| {
        if let Heard::Words { text, .. } = heard {
            line.push_str(text);
        }
        !turn.is_stopped()
    });
    turn.go_on()?;
    let Ok(generated) = written else { return Ok(None) };
    call.text = line.clone();
    call.ended(&generated);
    turn.record.calls.push(call);
    let vectors =
        embed(turn.house, Kind::Query, vec![recalled.query.text.clone(), line.trim().to_owned()]).unwrap_or_default();
    let near = match vectors.as_slice() {
        [one, other] => Some(one.iter().zip(other).map(|(a, b)| a * b).sum()),
        _ => None,
    };
    Ok(written_anew(&recalled.query, &line, near))
}

/// Milliseconds that are left of the time that a person gave an answer, and all of them; none where none was named.
fn time_left_ms(turn: &Turn<'_>) -> Option<(f32, f32)> {
    let all = settings_of(turn).answer_within_s.filter(|seconds| *seconds > 0)? as f32 * 1e3;
    Some((all - turn.trail.now() as f32, all))
}

/// After an answer that is mostly not borne out: another look and, where it brought in something new, the answer anew; then
/// a stronger model that is here and in time; then, where nothing of it is borne out, that the documents do not say.
/// `before` is the record as it was before anything was written.
pub(crate) fn where_thin(
    turn: &mut Turn<'_>,
    grounded: &mut Grounded,
    before: &TurnRecord,
    mut ended: Result<(), Ended>,
    write: impl Fn(&mut Turn<'_>, &mut Grounded) -> Result<(), Ended>,
) -> Result<(), Ended> {
    if is_thin(turn, &ended)
        && let Some(said) = look_after(turn, grounded)?
    {
        ended = anew(turn, grounded, Anew::Passages { said }, before.clone(), ended, &write);
    }
    if is_thin(turn, &ended)
        && let Some(model) = stronger(turn, grounded)
    {
        ended = anew(turn, grounded, Anew::Stronger { model }, before.clone(), ended, &write);
    }
    if is_thin(turn, &ended) && ended.is_ok() && bears_nothing_out(turn, grounded) {
        let written = std::mem::take(&mut turn.answer);
        let about = "Passages that bear on this were found, but none says what was written.".to_owned();
        turn.trail.amend("Generate", |row| {
            row.weighed.push(format!("Written, and borne out by nothing: {}", written.trim()));
            None
        });
        turn.trail.amend("Verify", |_| {
            Some((Outcome::Partly, "Nothing that was written is borne out, so it is not the answer".to_owned()))
        });
        turn.record.checks.clear();
        turn.record.confidence = None;
        turn.answer.clone_from(&about);
        turn.record.not_said = Some(about);
        return Err(Ended::Abstained);
    }
    ended
}

/// Whether what was written is mostly not borne out by its passages.
fn is_thin(turn: &Turn<'_>, ended: &Result<(), Ended>) -> bool {
    let record = &turn.record;
    let over = matches!(ended, Ok(()) | Err(Ended::Abstained));
    if !over || !record.checked || record.general || !record.parts.is_empty() || record.exact {
        return false;
    }
    let supported = record.checks.iter().filter(|check| check.state == CheckState::Supported).count();
    let low = record.confidence.is_none_or(|confidence| confidence == Confidence::Low);
    low && supported * 2 < record.checks.len().max(1)
}

/// Whether no sentence has anything in its favour, in a language that words can be compared in.
fn bears_nothing_out(turn: &Turn<'_>, grounded: &Grounded) -> bool {
    let checks = &turn.record.checks;
    let nothing = !checks.is_empty() && checks.iter().all(|check| check.state == CheckState::NotFound);
    let read: String = grounded.passages.iter().take(FIRST).map(|row| row.text.as_str()).collect::<Vec<_>>().join("\n");
    nothing && hearth_retrieval::same_language(&turn.answer, &read)
}

/// Looks again for what an answer was lacking. Says what came of it where new passages stand among the first, which are the
/// ones that are read from then on.
fn look_after(turn: &mut Turn<'_>, grounded: &mut Grounded) -> Result<Option<String>, Ended> {
    let started = turn.trail.now();
    let recalled = &grounded.recalled;
    let named = named(turn, recalled)?;
    let filter = filter_of(recalled, &named);
    let mut found = find(turn.house, turn.open, &recalled.query, &filter, KEPT, &named)?;
    let history = recalled.routed.permitted.history();
    let unsupported: Vec<&str> = turn
        .record
        .checks
        .iter()
        .filter(|check| check.state != CheckState::Supported)
        .filter_map(|check| turn.answer.get(check.range.start as usize..check.range.end as usize))
        .collect();
    let ways: Vec<Rephrased> = by_rules(turn.house, &recalled.query, history, &found.ranking)
        .into_iter()
        .chain(by_claims(&recalled.query, &unsupported))
        .collect();
    let place = Where { filter: &filter, named: &named, limit: KEPT };
    let Some(looked) = look(turn.house, turn.open, &place, &mut found, ways)? else { return Ok(None) };
    let passages: Vec<PassageRow> =
        found.ranking.passages.iter().filter_map(|ranked| found.rows.get(&ranked.candidate.passage).cloned()).collect();
    let known: HashSet<_> = grounded.passages.iter().map(|row| row.id).collect();
    let gained = passages.iter().take(FIRST).filter(|row| !known.contains(&row.id)).count();
    let said = format!("What was written was mostly not borne out. {}", looked.said);
    let detail = Detail { decision: Some(said.clone()), data: searched_for(turn, &found.ranking), ..Detail::default() };
    let sentence = match gained {
        0 => "Looked twice: nothing new".to_owned(),
        n => format!("Looked twice: {} among the first", crate::view::count(n, "new passage", "new passages")),
    };
    let outcome = if gained == 0 { Outcome::Partly } else { Outcome::Done };
    turn.trail.note("Retrieve", started, outcome, sentence, detail);
    if gained == 0 {
        return Ok(None);
    }
    turn.record.takes_in(passages.iter().map(standing_of));
    let read: Vec<DocumentId> = passages.iter().chain(&grounded.passages).map(|row| row.document).collect();
    turn.open.store.write(|writer| writer.note_reading(turn.id, &read))?;
    grounded.passages = passages;
    Ok(Some(said))
}

/// A model that is here, larger by half than the one that wrote, did not fail before, and is in time.
fn stronger(turn: &Turn<'_>, grounded: &Grounded) -> Option<crate::models::Installed> {
    let wrote = grounded.recalled.routed.choice.best().ok()?;
    let within = time_left_ms(turn).map_or(LONGEST_MS, |(left, _)| left);
    let models = turn.house.models.writers(Role::Chat);
    let larger = models.into_iter().filter(|model| model.size_bytes * 2 > wrote.size_bytes * 3);
    let able = larger.filter(|model| turn.house.schedule.failed_before(model).is_none());
    let mut able: Vec<_> = able.filter(|model| super::route::takes(turn, model).answer_ms <= within).collect();
    able.sort_by_key(|model| std::cmp::Reverse(model.size_bytes));
    able.into_iter().next()
}

/// Whether another answer is better borne out than the one before: more of it supported, nothing contradicted that was not.
pub(super) fn is_better(before: &TurnRecord, after: &TurnRecord) -> bool {
    let share = |record: &TurnRecord| {
        let count = |state| record.checks.iter().filter(|check| check.state == state).count();
        let all = record.checks.len();
        let supported = (100 * count(CheckState::Supported)).checked_div(all).unwrap_or(0);
        let partly = (100 * count(CheckState::Partly)).checked_div(all).unwrap_or(0);
        // Nothing claimed is better than something that the source denies.
        (usize::from(count(CheckState::Contradicted) == 0), supported, partly)
    };
    share(after) > share(before)
}

/// What the checks found, in words for the trace.
pub(super) fn checked(record: &TurnRecord) -> String {
    verify::summary(&record.checks).0
}
