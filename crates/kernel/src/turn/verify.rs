//! Station 8, Verify: each sentence is aligned to spans and marked. Only here does an answer become one that may be
//! believed, sentence by sentence.

use super::generate::{Drafted, wrote_nothing};
use super::state::{Ended, Turn};
use super::trail::Detail;
use hearth_api::{Error, Outcome, TurnNews};
use hearth_domain::{CheckState, Role, SentenceCheck};
use hearth_inference::embed::Kind;
use hearth_policy::Outcome as Ruling;
use hearth_retrieval::{Embedded, NoSimilarity, Similarity, Source, confidence, texts_wanted, verify as check};
use hearth_store::PassageRow;

/// Texts embedded for one answer, at most: what takes well under a second.
const EMBEDDED: usize = 48;

/// Checks the whole answer and ends the turn.
pub(crate) fn verify(turn: &mut Turn<'_>, drafted: Drafted) -> Result<(), Ended> {
    let started = turn.trail.now();
    let Drafted { given, cut_short } = drafted;
    if turn.answer.is_empty() {
        turn.trail.note("Verify", started, Outcome::Skipped, "Nothing was written", Detail::default());
        return Err(cut_short.unwrap_or_else(|| Ended::Failed(wrote_nothing())));
    }
    may_show(turn, started)?;
    if given.is_empty() {
        turn.record.checked = true;
        turn.record.general = true;
        turn.trail.note(
            "Verify",
            started,
            Outcome::Skipped,
            "General knowledge: there is no source to check against",
            Detail::default(),
        );
        return cut_short.map_or(Ok(()), Err);
    }
    turn.doing("Checking", None);
    let answer = turn.answer.clone();
    let sources = sources(&given);
    let similarity = embedded(turn, &answer, &sources);
    let checks = check(&answer, &sources, similarity.as_ref());
    adopt(turn, checks, &given)?;
    turn.record.checked = true;
    tell(turn, &answer);
    let checks = &turn.record.checks;
    let says_nothing = checks.is_empty();
    if !says_nothing {
        turn.record.confidence = Some(confidence(checks));
    }
    let (sentence, outcome) = summary(checks);
    turn.trail.note("Verify", started, outcome, sentence, Detail::default());
    match cut_short {
        Some(ended) => Err(ended),
        None if says_nothing => {
            turn.record.not_said = Some(answer);
            Err(Ended::Abstained)
        }
        None => Ok(()),
    }
}

/// Checks an answer that was taken word for word: each sentence is cited where it stands.
pub(super) fn taken(turn: &mut Turn<'_>, exact: &super::units::Exact) -> Result<(), Ended> {
    let started = turn.trail.now();
    may_show(turn, started)?;
    let answer = turn.answer.clone();
    adopt(turn, exact.checks(), &exact.given)?;
    turn.record.checked = true;
    tell(turn, &answer);
    let checks = &turn.record.checks;
    turn.record.confidence = (!checks.is_empty()).then(|| confidence(checks));
    let (sentence, outcome) = summary(checks);
    turn.trail.note("Verify", started, outcome, sentence, Detail::default());
    Ok(())
}

/// The rules read the answer before it counts. One that they hold back is not kept either.
fn may_show(turn: &mut Turn<'_>, started: f64) -> Result<(), Ended> {
    let decision = turn.house.law.may_show(&turn.answer, turn.record.standing(), turn.id);
    if decision.outcome == Ruling::Allow {
        return Ok(());
    }
    turn.answer.clear();
    turn.record.checks.clear();
    turn.record.draft = None;
    turn.record.calls.clear();
    let detail = Detail {
        aside: format!("rule {}", decision.rule.number),
        decision: Some(decision.rule.sentence.clone()),
        record: Some(turn.house.law.text(&decision.rule)),
        ..Detail::default()
    };
    turn.trail.note("Verify", started, Outcome::Refused, "The answer was held back by a rule", detail);
    Err(Ended::Refused(crate::law::rule(&decision.rule)))
}

/// Checks a text of its own against passages.
pub(super) fn checks(turn: &Turn<'_>, text: &str, given: &[PassageRow]) -> Vec<SentenceCheck> {
    let sources = sources(given);
    let similarity = embedded(turn, text, &sources);
    check(text, &sources, similarity.as_ref())
}

/// Checks the sentences that are whole by their words alone, while more are being written.
pub(crate) fn provisional(turn: &mut Turn<'_>, head: &str, given: &[PassageRow]) -> Result<(), Error> {
    let checks = check(head, &sources(given), &NoSimilarity);
    adopt(turn, checks, given)?;
    turn.record.checked = true;
    tell(turn, head);
    turn.record.checked = false;
    Ok(())
}

/// Takes checks into the record; pages that they cite get their numbers.
fn adopt(turn: &mut Turn<'_>, checks: Vec<SentenceCheck>, given: &[PassageRow]) -> Result<(), Error> {
    for support in checks.iter().flat_map(|check| &check.support) {
        let row = given.iter().find(|row| row.version == support.span.version && row.page == support.span.page);
        if let Some(row) = row {
            turn.record.source(turn.open, row, support.span)?;
        }
    }
    turn.record.checks = checks;
    Ok(())
}

fn tell(turn: &Turn<'_>, answer: &str) {
    let (sentences, sources) = turn.record.checked_shown(turn.open, answer);
    turn.tell(TurnNews::Checked { sentences, sources });
}

fn sources(given: &[PassageRow]) -> Vec<Source<'_>> {
    given
        .iter()
        .map(|row| Source { span: row.span(), text: &row.text, title: &row.title, context: &row.context })
        .collect()
}

/// Vectors of claims and their evidence; without an embedder words alone decide.
fn embedded(turn: &Turn<'_>, answer: &str, sources: &[Source<'_>]) -> Box<dyn Similarity> {
    let texts = texts_wanted(answer, sources, EMBEDDED);
    let vectors = turn
        .house
        .models
        .for_role(Role::Embed)
        .and_then(|model| turn.house.schedule.engine(turn.house, &model))
        .and_then(|engine| engine.embed(Kind::Passage, texts.clone()).map_err(crate::error::internal));
    match vectors {
        Ok(vectors) => Box::new(Embedded::new(texts, vectors)),
        Err(error) => {
            tracing::warn!(%error, "checked by words alone");
            Box::new(NoSimilarity)
        }
    }
}

pub(super) fn summary(checks: &[SentenceCheck]) -> (String, Outcome) {
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (supported, partly) = (count(CheckState::Supported), count(CheckState::Partly));
    let (missing, contradicted) = (count(CheckState::NotFound), count(CheckState::Contradicted));
    if checks.is_empty() {
        return ("Nothing was claimed".into(), Outcome::Done);
    }
    let mut parts = Vec::new();
    for (n, words) in
        [(supported, "match"), (partly, "match in part"), (missing, "without source"), (contradicted, "contradicted")]
    {
        if n > 0 {
            parts.push(format!("{n} {words}"));
        }
    }
    let outcome = if supported == checks.len() { Outcome::Done } else { Outcome::Partly };
    (format!("{} checked: {}", crate::view::count(checks.len(), "sentence", "sentences"), parts.join(", ")), outcome)
}
