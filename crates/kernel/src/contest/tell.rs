//! Comparisons as the door shows them, and what all of two models came to. While names are hidden nothing here tells them.

use crate::error;
use crate::kernel::Open;
use crate::turn::{TurnRecord, shown};
use hearth_api as api;
use hearth_api::{ContestAnswer, ContestQuestion, Error, PairTotals, Preferred, SideTotals};
use hearth_domain::{CheckState, ModelId, TurnId};
use hearth_store::{Choice, ContestQuestionRow, ContestRow, Reader, TurnRow};

/// What stands in place of a hidden name.
const HIDDEN: &str = "This model";

/// One comparison with its answers.
///
/// # Errors
/// `Missing` where there is none.
pub(crate) fn show(open: &Open, id: i64) -> Result<api::Contest, Error> {
    let found = open.store.read(|reader| {
        let Some(row) = reader.contest(id)? else { return Ok(None) };
        let questions = reader.contest_questions(id)?;
        let questions = questions.iter().map(|question| self::question(reader, &row, question));
        let questions = questions.collect::<hearth_store::Result<Vec<_>>>()?;
        let totals = totals(reader, [&row.models[0].0, &row.models[1].0])?;
        Ok(Some((row, questions, totals)))
    });
    let (row, questions, totals) = found.map_err(error::store)?.ok_or_else(|| error::missing("comparison"))?;
    let ContestRow { id, space, models: [(_, a, _), (_, b, _)], blind, begun_ms } = row;
    let running = open.contests.runs(id);
    Ok(api::Contest { id, space: space.0, begun_ms, names: (a, b), blind, running, questions, totals })
}

/// All comparisons, newest first.
///
/// # Errors
/// What the store says.
pub(crate) fn list(open: &Open) -> Result<Vec<api::ContestRow>, Error> {
    let rows = open.store.read(|reader| {
        let mut rows = Vec::new();
        for row in reader.contests()? {
            let questions = reader.contest_questions(row.id)?;
            let decided = questions.iter().filter(|question| question.choice.is_some()).count() as u32;
            let ContestRow { id, space: _, models: [(_, a, _), (_, b, _)], blind: _, begun_ms } = row;
            let running = open.contests.runs(id);
            rows.push(api::ContestRow {
                id,
                begun_ms,
                names: (a, b),
                questions: questions.len() as u32,
                decided,
                running,
            });
        }
        Ok(rows)
    });
    rows.map_err(error::store)
}

/// What comparisons say of one model beside another, in a sentence for a route's trace; nothing where there were none.
pub(crate) fn standing(open: &Open, model: &ModelId, other: &ModelId) -> Option<String> {
    let read = open.store.read(|reader| totals(reader, [model, other]));
    let totals = read.inspect_err(|error| tracing::warn!(%error, "comparisons were not read")).ok()?;
    if totals.questions == 0 {
        return None;
    }
    let PairTotals { first, second, questions, equal, undecided: _ } = &totals;
    let verified = |side: &SideTotals| match side.claims {
        0 => "made no claim".to_owned(),
        claims => format!("{}% of its sentences stand in the documents", side.supported * 100 / claims),
    };
    Some(format!(
        "{} and {} were compared on {}: {} was chosen {} to {}, {equal} equal; of {} {}, of {} {}. This does not change the order.",
        first.name,
        second.name,
        crate::view::count(*questions as usize, "question", "questions"),
        first.name,
        first.wins,
        second.wins,
        first.name,
        verified(first),
        second.name,
        verified(second),
    ))
}

/// One answer that was kept.
struct Answered {
    row: TurnRow,
    record: TurnRecord,
}

fn answered(reader: &Reader<'_>, turn: Option<TurnId>) -> hearth_store::Result<Option<Answered>> {
    let Some(row) = turn.map(|turn| reader.turn(turn)).transpose()?.flatten() else { return Ok(None) };
    let record = serde_json::from_value(row.record.clone()).unwrap_or_default();
    Ok(Some(Answered { row, record }))
}

impl Answered {
    fn ended(&self) -> bool {
        self.row.finished_ms.is_some()
    }

    /// Sentences that claim something, and those that the documents support.
    fn claims(&self) -> (u32, u32) {
        let supported = self.record.checks.iter().filter(|check| check.state == CheckState::Supported).count();
        (self.record.checks.len() as u32, supported as u32)
    }
}

/// Whether two answers were written from the same passages by the same recipe.
fn alike(one: &Answered, other: &Answered) -> bool {
    let read = |answered: &Answered| {
        let calls = answered.record.calls.iter();
        calls.map(|call| (call.recipe.clone(), call.given.clone())).collect::<Vec<_>>()
    };
    read(one) == read(other)
}

fn question(
    reader: &Reader<'_>,
    contest: &ContestRow,
    row: &ContestQuestionRow,
) -> hearth_store::Result<ContestQuestion> {
    let [a, b] = [answered(reader, row.turns[0])?, answered(reader, row.turns[1])?];
    let same_passages = match (&a, &b) {
        (Some(a), Some(b)) if a.ended() && b.ended() && !a.record.calls.is_empty() && !b.record.calls.is_empty() => {
            Some(alike(a, b))
        }
        _ => None,
    };
    let hidden = contest.blind && row.choice.is_none();
    let [(_, a_name, _), (_, b_name, _)] = &contest.models;
    let (a, b) = (answer(reader, a, a_name, hidden), answer(reader, b, b_name, hidden));
    let (first, second) = if row.swapped { (b, a) } else { (a, b) };
    let choice = row.choice.map(|choice| match (choice, row.swapped) {
        (Choice::Equal, _) => Preferred::Equal,
        (Choice::A, false) | (Choice::B, true) => Preferred::First,
        (Choice::B, false) | (Choice::A, true) => Preferred::Second,
    });
    let (question, choices) = (row.question.clone(), row.choices);
    Ok(ContestQuestion { id: row.id, question, first, second, same_passages, choice, choices })
}

fn answer(reader: &Reader<'_>, answered: Option<Answered>, name: &str, hidden: bool) -> ContestAnswer {
    let (claims, supported) = answered.as_ref().map_or((0, 0), Answered::claims);
    let mut turn = answered.map(|answered| shown(reader, answered.row));
    if let Some(turn) = turn.as_mut().filter(|_| hidden) {
        if let Some(how) = &mut turn.how {
            how.model.clear();
            how.route.clear();
        }
        if let Some(error) = &mut turn.error {
            error.message = error.message.replace(name, HIDDEN);
        }
    }
    ContestAnswer { model: (!hidden).then(|| name.to_owned()), turn, claims, supported }
}

/// Figures of one model's answers.
#[derive(Default)]
struct Figures {
    first_word_ms: Vec<f32>,
    tokens_per_second: Vec<f32>,
    total_ms: Vec<f32>,
}

fn totals(reader: &Reader<'_>, models: [&ModelId; 2]) -> hearth_store::Result<PairTotals> {
    let side = |model: &ModelId| SideTotals { model: model.0.clone(), name: model.0.clone(), ..SideTotals::default() };
    let mut sides = models.map(side);
    let mut figures = [Figures::default(), Figures::default()];
    let mut named = false;
    let mut totals = PairTotals {
        first: SideTotals::default(),
        second: SideTotals::default(),
        questions: 0,
        equal: 0,
        undecided: 0,
    };
    for contest in reader.contests()? {
        let [(a, a_name, _), (b, b_name, _)] = &contest.models;
        let turned = match [a, b] {
            pair if pair == models => false,
            [a, b] if [b, a] == models => true,
            _ => continue,
        };
        let place = |at: usize| if turned { 1 - at } else { at };
        if !std::mem::replace(&mut named, true) {
            sides[place(0)].name.clone_from(a_name);
            sides[place(1)].name.clone_from(b_name);
        }
        for row in reader.contest_questions(contest.id)? {
            let answers = [answered(reader, row.turns[0])?, answered(reader, row.turns[1])?];
            let [Some(a), Some(b)] = &answers else { continue };
            if !(a.ended() && b.ended()) || (contest.blind && row.choice.is_none()) {
                continue;
            }
            totals.questions += 1;
            match row.choice {
                Some(Choice::A) => sides[place(0)].wins += 1,
                Some(Choice::B) => sides[place(1)].wins += 1,
                Some(Choice::Equal) => totals.equal += 1,
                None => totals.undecided += 1,
            }
            for (at, answer) in [a, b].into_iter().enumerate() {
                let (claims, supported) = answer.claims();
                let (side, figures) = (&mut sides[place(at)], &mut figures[place(at)]);
                side.claims += claims;
                side.supported += supported;
                let Some(how) = &answer.record.how else { continue };
                figures.first_word_ms.extend(how.first_word_ms.map(|ms| ms as f32));
                figures.tokens_per_second.extend(how.tokens_per_second);
                figures.total_ms.push(how.total_ms as f32);
            }
        }
    }
    for (side, figures) in sides.iter_mut().zip(figures) {
        side.first_word_ms = median(figures.first_word_ms).map(|ms| ms as u32);
        side.tokens_per_second = median(figures.tokens_per_second);
        side.total_ms = median(figures.total_ms).map(|ms| ms as u32);
    }
    [totals.first, totals.second] = sides;
    Ok(totals)
}

/// The middle one; of two in the middle, halfway.
fn median(mut of: Vec<f32>) -> Option<f32> {
    of.sort_by(f32::total_cmp);
    let (low, high) = (of.get(of.len().checked_sub(1)? / 2)?, of.get(of.len() / 2)?);
    Some((low + high) / 2.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(super::median(vec![]), None);
        assert_eq!(super::median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(super::median(vec![4.0, 1.0]), Some(2.5));
    }
}
