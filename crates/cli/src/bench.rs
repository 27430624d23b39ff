//! `hearth bench documents`: measures this machine with real documents and questions, in a throwaway vault.
//!
//! It times what a person waits for, at the same door that the window uses; `npm run bench` adds what only a window
//! shows (cold start, sizes).

use crate::arguments::Documents;
use crate::end::End;
use crate::house::{self, House, Place};
use crate::out::{Out, size};
use hearth_api::{
    Ask, CreateVault, Destination, Error, ErrorCode, Event, Grounding, Handler, ImportOffer, Job, JobState, StopTurn,
    Turn, TurnNews,
};
use serde::Serialize;
use std::time::Instant;

/// What was measured.
#[derive(Debug, Serialize)]
struct Figures {
    files: usize,
    failed: usize,
    pages: u32,
    passages: u32,
    import_s: f64,
    pages_per_s: f64,
    passages_per_s: f64,
    questions: Vec<Question>,
    quotes_p50_ms: f64,
    quotes_p95_ms: f64,
    first_word_p50_ms: f64,
    first_word_p95_ms: f64,
    tokens_per_s_p50: f64,
    filled: Vec<Filled>,
    peak_memory: Vec<(String, u64)>,
}

/// The first quote among many passages.
#[derive(Debug, Serialize)]
struct Filled {
    passages: u64,
    quotes_p50_ms: f64,
    quotes_p95_ms: f64,
}

/// One question.
#[derive(Debug, Serialize)]
struct Question {
    question: String,
    quotes_ms: Option<f64>,
    first_word_ms: Option<f64>,
    total_ms: f64,
    tokens_per_s: Option<f32>,
    prompt_tokens: u32,
    new_tokens: u32,
    state: hearth_api::TurnState,
}

/// Measures and prints one table.
pub(crate) fn run(place: Place, what: Documents, out: &Out) -> Result<End, Error> {
    let questions = read_questions(&what)?;
    let folder = std::env::temp_dir().join(format!("hearth-bench-{}", std::process::id()));
    let models_dir = place.models_dir.or_else(|| Some(place.data_dir.join("models")));
    let measured =
        Place::new(Some(folder.clone()), models_dir).start().and_then(|house| measure(&house, &what, &questions, out));
    let _ = std::fs::remove_dir_all(&folder);
    let figures = measured?;
    out.doing("");
    table(&figures, out);
    out.value(&figures);
    Ok(if figures.failed == 0 { End::Done } else { End::Failed })
}

fn read_questions(what: &Documents) -> Result<Vec<String>, Error> {
    let text = std::fs::read_to_string(&what.questions)
        .map_err(|error| Error::new(ErrorCode::NotFound, format!("The questions could not be read: {error}.")))?;
    let questions: Vec<String> =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if questions.is_empty() {
        Err(Error::new(ErrorCode::Invalid, "The file holds no question."))
    } else {
        Ok(questions)
    }
}

fn measure(house: &House, what: &Documents, questions: &[String], out: &Out) -> Result<Figures, Error> {
    house.handle(CreateVault { passphrase: Some("a bench has no secrets".to_owned()) })?;
    let space = house::space(house, None)?.id;
    let (jobs, import_s) = import(house, what, space, out)?;
    let done = jobs.iter().filter(|job| job.state == JobState::Done);
    let (pages, passages) = done
        .fold((0, 0), |(pages, passages), job| (pages + job.pages.unwrap_or(0), passages + job.passages.unwrap_or(0)));
    let mut asked = Vec::new();
    for (number, question) in questions.iter().enumerate() {
        out.doing(&format!("question {} of {}", number + 1, questions.len()));
        asked.push(ask(house, space, question, false)?);
    }
    let mut filled = Vec::new();
    let mut there = u64::from(passages);
    for &wanted in &what.fill {
        house.fill_for_bench(space, wanted.saturating_sub(there), &mut |done| {
            out.doing(&format!("filling: {done} passages"))
        })?;
        there = there.max(wanted);
        // The first question after a fill finds the index cold, as no person would; it is not counted.
        ask(house, space, &questions[0], true)?;
        let mut times = Vec::new();
        for question in questions.iter().cycle().take(questions.len().max(20)) {
            times.extend(ask(house, space, question, true)?.quotes_ms);
        }
        filled.push(Filled { passages: there, quotes_p50_ms: share(&times, 0.5), quotes_p95_ms: share(&times, 0.95) });
    }
    let quotes: Vec<f64> = asked.iter().filter_map(|question| question.quotes_ms).collect();
    let first: Vec<f64> = asked.iter().filter_map(|question| question.first_word_ms).collect();
    let speed: Vec<f64> = asked.iter().filter_map(|question| question.tokens_per_s.map(f64::from)).collect();
    Ok(Figures {
        files: jobs.len(),
        failed: jobs.iter().filter(|job| job.state != JobState::Done).count(),
        pages,
        passages,
        import_s,
        pages_per_s: f64::from(pages) / import_s,
        passages_per_s: f64::from(passages) / import_s,
        quotes_p50_ms: share(&quotes, 0.5),
        quotes_p95_ms: share(&quotes, 0.95),
        first_word_p50_ms: share(&first, 0.5),
        first_word_p95_ms: share(&first, 0.95),
        tokens_per_s_p50: share(&speed, 0.5),
        questions: asked,
        filled,
        peak_memory: house.peak_memory(),
    })
}

fn import(house: &House, what: &Documents, space: i64, out: &Out) -> Result<(Vec<Job>, f64), Error> {
    let began = Instant::now();
    let documents = std::path::absolute(&what.documents).unwrap_or_else(|_| what.documents.clone());
    let offer = house.offer_paths(vec![documents])?;
    let import = ImportOffer { offer: offer.id, space, destination: Destination::Keep, label: None };
    let mut jobs: std::collections::BTreeMap<i64, Job> =
        house.handle(import)?.into_iter().map(|job| (job.id, job)).collect();
    let ids: Vec<i64> = jobs.keys().copied().collect();
    house.wait_for_jobs(&ids, &mut |job: &Job| {
        out.doing(&format!("{}: {}", job.name, job.note));
        jobs.insert(job.id, job.clone());
    })?;
    Ok((jobs.into_values().collect(), began.elapsed().as_secs_f64()))
}

/// Asks in a new conversation; times are from the question to the event that a window would show. `quotes_only` stops
/// the turn when the quotes are there.
fn ask(house: &House, space: i64, question: &str, quotes_only: bool) -> Result<Question, Error> {
    let mut events = house.subscribe();
    let began = Instant::now();
    let ms = |began: Instant| began.elapsed().as_secs_f64() * 1000.0;
    let ask = Ask {
        space,
        conversation: None,
        text: question.to_owned(),
        attachments: Vec::new(),
        grounding: Grounding::Documents,
    };
    let asked = house.handle(ask)?;
    let (mut quotes_ms, mut first_word_ms) = (None, None);
    let turn: Turn = loop {
        let envelope = events
            .blocking_recv()
            .map_err(|_| Error::new(ErrorCode::ProcessDied, "The stream of events broke off."))?;
        let Event::Turn { turn, news, .. } = envelope.event else { continue };
        if turn != asked.turn {
            continue;
        }
        match news {
            TurnNews::Quotes { .. } => {
                quotes_ms = quotes_ms.or_else(|| Some(ms(began)));
                if quotes_only {
                    house.handle(StopTurn { turn: asked.turn })?;
                }
            }
            TurnNews::Words { .. } => first_word_ms = first_word_ms.or_else(|| Some(ms(began))),
            TurnNews::Ended { turn } => break *turn,
            _ => {}
        }
    };
    let how = turn.how;
    Ok(Question {
        question: question.to_owned(),
        quotes_ms,
        first_word_ms,
        total_ms: ms(began),
        tokens_per_s: how.as_ref().and_then(|how| how.tokens_per_second),
        prompt_tokens: how.as_ref().map_or(0, |how| how.prompt_tokens),
        new_tokens: how.as_ref().map_or(0, |how| how.new_tokens),
        state: turn.state,
    })
}

/// The value that this share of the values does not exceed (nearest rank); 0 without values.
fn share(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

fn table(figures: &Figures, out: &Out) {
    let row = |name: &str, value: String| out.line(format!("{name:<40} {value}"));
    row(
        "documents",
        format!(
            "{} files, {} failed, {} pages, {} passages",
            figures.files, figures.failed, figures.pages, figures.passages
        ),
    );
    row(
        "import",
        format!(
            "{:.1} s, {:.1} pages/s, {:.1} passages/s",
            figures.import_s, figures.pages_per_s, figures.passages_per_s
        ),
    );
    row(
        "question to first quote, p50 / p95",
        format!("{:.0} / {:.0} ms", figures.quotes_p50_ms, figures.quotes_p95_ms),
    );
    row(
        "question to first word, p50 / p95",
        format!("{:.0} / {:.0} ms", figures.first_word_p50_ms, figures.first_word_p95_ms),
    );
    row("tokens a second, p50", format!("{:.1}", figures.tokens_per_s_p50));
    for filled in &figures.filled {
        let name = format!("first quote at {} passages, p50 / p95", filled.passages);
        row(&name, format!("{:.0} / {:.0} ms", filled.quotes_p50_ms, filled.quotes_p95_ms));
    }
    for (name, bytes) in &figures.peak_memory {
        row(&format!("peak memory, {name}"), size(*bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn shares_are_nearest_ranks() {
        let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
        assert_eq!((share(&values, 0.5), share(&values, 0.95), share(&values, 1.0)), (10.0, 19.0, 20.0));
        assert_eq!((share(&[], 0.5), share(&[7.0], 0.95)), (0.0, 7.0));
    }
}
