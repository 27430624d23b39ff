//! `hearth models compare`: two models on the same questions, the answers one below the other with their figures, and which
//! is better where a person sits at the terminal.

use crate::answer::Writer;
use crate::arguments::Compare;
use crate::end::End;
use crate::house::{self, House};
use crate::out::Out;
use hearth_api::{
    ChooseAnswer, CompareModels, Contest, ContestAnswer, ContestQuestion, Error, ErrorCode, Event, GetContest, Handler,
    Preferred, SideTotals, TurnState,
};
use std::io::{BufRead, IsTerminal};
use tokio::sync::broadcast::error::RecvError;

/// Asks both models everything and shows what they said.
pub(crate) fn run(house: &House, what: Compare, out: &Out) -> Result<End, Error> {
    let space = house::space(house, what.space.as_deref())?.id;
    let questions = match &what.questions {
        None => vec![what.question.join(" ")],
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Error::new(ErrorCode::Invalid, format!("{} cannot be read: {error}.", path.display())))?
            .lines()
            .map(str::to_owned)
            .collect(),
    };
    let mut events = house.subscribe();
    let asked = CompareModels { space, first: what.first, second: what.second, questions, blind: what.blind };
    let id = house.handle(asked)?.id;
    let mut shown = 0;
    let mut contest = loop {
        let contest = house.handle(GetContest { contest: id })?;
        for (at, question) in contest.questions.iter().enumerate().skip(shown) {
            if !(ended(&question.first) && ended(&question.second)) {
                break;
            }
            shown = at + 1;
            show(question, at + 1, out);
            if !out.json && std::io::stdin().is_terminal() {
                ask_which(house, question, out)?;
            }
        }
        if !contest.running {
            break contest;
        }
        out.doing(&format!("Asking question {} of {}", shown + 1, contest.questions.len()));
        loop {
            match events.blocking_recv() {
                Ok(envelope) if matches!(&envelope.event, Event::Stale { commands } if commands.iter().any(|name| name == "GetContest")) =>
                {
                    break;
                }
                Ok(_) => {}
                Err(RecvError::Lagged(_)) => break,
                Err(RecvError::Closed) => {
                    return Err(Error::new(ErrorCode::ProcessDied, "Hearth stopped before all was answered."));
                }
            }
        }
    };
    out.doing("");
    contest = house.handle(GetContest { contest: contest.id })?;
    totals(&contest, out);
    out.value(&contest);
    let whole = contest.questions.iter().all(|one| answered(&one.first) && answered(&one.second));
    Ok(if whole { End::Done } else { End::Failed })
}

fn ended(answer: &ContestAnswer) -> bool {
    answer.turn.as_ref().is_some_and(|turn| turn.state != TurnState::Running)
}

fn answered(answer: &ContestAnswer) -> bool {
    answer.turn.as_ref().is_some_and(|turn| matches!(turn.state, TurnState::Answered | TurnState::Abstained))
}

fn show(question: &ContestQuestion, number: usize, out: &Out) {
    out.doing("");
    out.line(format!("{number}. {}", question.question));
    for (answer, at) in [(&question.first, "First answer"), (&question.second, "Second answer")] {
        out.line(format!("\n  {}: {}", answer.model.as_deref().unwrap_or(at), figures(answer)));
        let Some(turn) = &answer.turn else { continue };
        let said = match &turn.error {
            Some(error) => error.message.clone(),
            None => Writer::default().ended(turn),
        };
        said.trim().lines().for_each(|line| out.line(format!("    {line}")));
    }
    match question.same_passages {
        Some(false) => out.line("\n  The two did not read the same passages."),
        _ => out.line(""),
    }
}

/// "2 of 3 sentences verified, first word 0.8 s, 12.0 tokens/s, 3.1 s in all".
fn figures(answer: &ContestAnswer) -> String {
    let mut parts = vec![format!("{} of {} sentences verified", answer.supported, answer.claims)];
    if let Some(how) = answer.turn.as_ref().and_then(|turn| turn.how.as_ref()) {
        parts.extend(how.first_word_ms.map(|ms| format!("first word {}", seconds(ms))));
        parts.extend(how.tokens_per_second.map(|speed| format!("{speed:.1} tokens/s")));
        parts.push(format!("{} in all", seconds(how.total_ms)));
    }
    parts.join(", ")
}

fn seconds(ms: u32) -> String {
    format!("{:.1} s", f64::from(ms) / 1e3)
}

/// Asks whoever sits at the terminal; an empty line leaves it open.
fn ask_which(house: &House, question: &ContestQuestion, out: &Out) -> Result<(), Error> {
    out.piece("  Which is better? 1, 2, = for neither, nothing to leave it open: ");
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).is_err() {
        return Ok(());
    }
    let choice = match line.trim() {
        "1" => Preferred::First,
        "2" => Preferred::Second,
        "=" => Preferred::Equal,
        _ => return Ok(()),
    };
    let contest = house.handle(ChooseAnswer { question: question.id, choice })?;
    if let Some(now) = contest.questions.iter().find(|one| one.id == question.id)
        && let (None, Some(first), Some(second)) = (&question.first.model, &now.first.model, &now.second.model)
    {
        out.line(format!("  The first was {first}, the second {second}."));
    }
    out.line("");
    Ok(())
}

fn totals(contest: &Contest, out: &Out) {
    let totals = &contest.totals;
    if totals.questions == 0 {
        return;
    }
    out.line(format!(
        "All comparisons of the two: {} questions, {} equal, {} undecided",
        totals.questions, totals.equal, totals.undecided
    ));
    for side in [&totals.first, &totals.second] {
        out.line(format!("  {}: {}", side.name, side_words(side)));
    }
}

fn side_words(side: &SideTotals) -> String {
    let mut parts =
        vec![format!("chosen {}", side.wins), format!("{} of {} sentences verified", side.supported, side.claims)];
    parts.extend(side.first_word_ms.map(|ms| format!("first word {} (median)", seconds(ms))));
    parts.extend(side.tokens_per_second.map(|speed| format!("{speed:.1} tokens/s (median)")));
    parts.extend(side.total_ms.map(|ms| format!("{} in all (median)", seconds(ms))));
    parts.join(", ")
}
