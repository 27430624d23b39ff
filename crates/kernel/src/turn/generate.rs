//! Station 6, Generate: the model writes; its words stream, marked unverified, and whole sentences are checked by their
//! words as they come.

use super::call::{Asked, CallRecord, given_to, sha256_of};
use super::compose::{Prompt, died};
use super::state::{Ended, Turn};
use super::trail::Detail;
use super::verify;
use crate::engine::{EngineError, Heard};
use hearth_api::{Error, ErrorCode, How, Outcome, TurnNews};
use hearth_inference::wire::Finish;
use hearth_store::PassageRow;
use std::time::{Duration, Instant};

/// How often words are told: at most 30 times a second.
const TELL: Duration = Duration::from_millis(33);
/// How often reading is told.
const READING: Duration = Duration::from_millis(300);
/// How often the words so far are kept.
const KEEP: Duration = Duration::from_secs(1);

/// An answer as written, with what the model had been given.
pub(crate) struct Drafted {
    pub(crate) given: Vec<PassageRow>,
    /// How it ended, where not at its own end.
    pub(crate) cut_short: Option<Ended>,
}

impl Drafted {
    /// Why the model failed, where it did before its first word; taken out, since another may do better.
    pub(crate) fn failed_wordless(&mut self, turn: &Turn<'_>) -> Option<Error> {
        match self.cut_short.take() {
            Some(Ended::Failed(why)) if turn.answer.is_empty() => {
                self.cut_short = Some(Ended::Failed(why.clone()));
                Some(why)
            }
            None if turn.answer.is_empty() => Some(wrote_nothing()),
            other => {
                self.cut_short = other;
                None
            }
        }
    }
}

/// What is said of a model that ends its answer before it begins.
pub(crate) fn wrote_nothing() -> Error {
    Error::new(ErrorCode::Internal, "The model wrote nothing.").hint(
        "Ask again, or choose another model. If it writes nothing each time, its file may be damaged: `hearth doctor` \
         checks it.",
    )
}

/// Lets the model write.
pub(crate) fn generate(turn: &mut Turn<'_>, prompt: Prompt) -> Result<Drafted, Ended> {
    turn.go_on()?;
    let Prompt { engine, model, messages, briefing, recipe, given, memories, earlier } = prompt;
    let started = turn.trail.now();
    let now_s = briefing.now_s;
    let pages = given.iter().map(|row| (row.version, row.page)).collect::<std::collections::HashSet<_>>().len();
    turn.doing(
        if pages == 0 {
            "Answering".to_owned()
        } else {
            format!("Reading {}", crate::view::count(pages, "page", "pages"))
        },
        None,
    );
    let sampling = recipe.sampling(turn.id.0.unsigned_abs());
    let version = recipe.version(turn.open)?;
    let mut pen = Pen {
        first_word: None,
        tokens: 0,
        untold: String::new(),
        told: Instant::now(),
        kept: Instant::now(),
        sentences: 0,
    };
    let mut call = CallRecord::new("answer", &model, &engine, (&version, &sampling, &briefing), &messages);
    call.memories = memories.iter().map(|(id, text)| (*id, sha256_of(text.as_bytes()))).collect();
    call.earlier = earlier;
    call.given = given_to(turn, &given)?;
    call.prompt = Asked::Kept;
    let asked = (turn.conversation.0, Some(turn.open.store.kv_pages()));
    let written = engine.generate(asked, messages, briefing, sampling.clone(), &mut |heard| {
        if let Heard::Words { text, .. } = &heard {
            call.text.push_str(text);
        }
        match heard {
            Heard::Words { text, tokens } => pen.write(turn, text, tokens, &given),
            Heard::Prompt { done, total } if done < total => pen.reading(turn, pages, done, total),
            Heard::Prompt { .. } | Heard::Nothing => {}
        }
        !turn.is_stopped()
    });
    pen.flush(turn);
    turn.house.tell_status();
    let trimmed = turn.answer.trim_end().len();
    turn.answer.truncate(trimmed);
    let first_word_ms = pen.first_word;
    let (cut_short, generated) = match written {
        // Its last words may have been on their way already when a person stopped it.
        Ok(generated) if generated.finish == Finish::Cancelled || turn.is_stopped() => {
            (Some(Ended::Stopped), Some(generated))
        }
        Ok(generated) => (None, Some(generated)),
        Err(EngineError::Died) => (Some(Ended::Failed(died(&EngineError::Died))), None),
        Err(other) => (Some(Ended::Failed(died(&other))), None),
    };
    let mut how = How {
        model: model.name.clone(),
        route: turn.record.route.clone(),
        total_ms: 0,
        first_word_ms: first_word_ms.map(|ms| ms as u32),
        tokens_per_second: None,
        prompt_tokens: 0,
        cached_tokens: 0,
        new_tokens: pen.tokens,
        bytes_out: 0,
    };
    let mut sentence = match &cut_short {
        Some(Ended::Failed(_)) if turn.answer.is_empty() => format!("{} failed before the first word", model.name),
        _ => "Stopped before the first word".to_owned(),
    };
    if let Some(generated) = &generated {
        let seconds = generated.generate_ms as f32 / 1e3;
        call.ended(generated);
        how.prompt_tokens = generated.prompt_tokens;
        how.cached_tokens = generated.cached_tokens;
        how.new_tokens = generated.new_tokens;
        how.tokens_per_second = (seconds > 0.0).then(|| generated.new_tokens as f32 / seconds);
        turn.house.models.note_speed(
            &model.id,
            generated.prompt_tokens.saturating_sub(generated.cached_tokens),
            generated.prompt_ms,
            how.tokens_per_second,
        );
    }
    if let (Some(first), Some(speed)) = (first_word_ms, how.tokens_per_second) {
        sentence = format!("First word at {:.1} s, then {speed:.0} tok/s", first / 1e3);
    }
    let detail = Detail {
        aside: format!("{} tokens", how.prompt_tokens + how.new_tokens),
        mark_ms: first_word_ms,
        decision: Some(format!(
            "Read {} tokens, {} of them from the cache; wrote {}.",
            how.prompt_tokens, how.cached_tokens, how.new_tokens
        )),
        record: Some(format!(
            "Asked by the recipe “{}”, version {}. Template: {}. Sampling: temperature {}, top-k {}, top-p {}, min-p {}, repeat penalty {}, seed {}, at most {} tokens.",
            version.name,
            version.version,
            engine.info().template,
            sampling.temperature,
            sampling.top_k,
            sampling.top_p,
            sampling.min_p,
            sampling.repeat_penalty,
            sampling.seed,
            sampling.max_tokens
        )),
        data: serde_json::json!({ "recipe": version, "model": model.id, "sha256": model.sha256,
            "template": engine.info().template, "seed": sampling.seed, "temperature": sampling.temperature,
            "top_k": sampling.top_k, "top_p": sampling.top_p, "min_p": sampling.min_p,
            "repeat_penalty": sampling.repeat_penalty, "max_tokens": sampling.max_tokens, "stop": sampling.stop,
            "now_s": now_s, "n_ctx": engine.info().n_ctx, "place": engine.info().place,
            "threads": engine.info().threads, "kernel": engine.info().kernel, "machine": call.on.machine,
            "memories": memories.iter().map(|(id, _)| id).collect::<Vec<_>>(), "earlier": call.earlier,
            "passages": call.given, "messages_sha256": call.messages_sha256, "tokens_sha256": call.tokens_sha256(),
            "prompt_tokens": how.prompt_tokens, "cached_tokens": how.cached_tokens, "new_tokens": how.new_tokens,
            "prompt_ms": generated.as_ref().map(|done| done.prompt_ms),
            "generate_ms": generated.as_ref().map(|done| done.generate_ms) }),
        ..Detail::default()
    };
    let outcome = match &cut_short {
        None => Outcome::Done,
        Some(Ended::Failed(_)) => Outcome::Failed,
        Some(_) => Outcome::Partly,
    };
    turn.trail.note("Generate", started, outcome, sentence, detail);
    turn.record.how = Some(how);
    if generated.is_some() {
        turn.record.calls.push(call);
    }
    Ok(Drafted { given, cut_short })
}

/// Puts words on the page: in whole words, at a readable pace, and on disk once a second.
struct Pen {
    first_word: Option<f64>,
    tokens: u32,
    untold: String,
    told: Instant,
    kept: Instant,
    sentences: usize,
}

impl Pen {
    /// How much of the prompt is read, for long ones.
    fn reading(&mut self, turn: &Turn<'_>, pages: usize, done: u32, total: u32) {
        if self.told.elapsed() >= READING {
            self.told = Instant::now();
            turn.doing(
                format!("Reading {}, {}%", crate::view::count(pages, "page", "pages"), done * 100 / total.max(1)),
                None,
            );
        }
    }

    fn write(&mut self, turn: &mut Turn<'_>, text: &str, tokens: u32, given: &[PassageRow]) {
        let text = if turn.answer.is_empty() && self.untold.is_empty() { text.trim_start() } else { text };
        if text.is_empty() {
            return;
        }
        if self.first_word.is_none() {
            self.first_word = Some(turn.trail.now());
            turn.doing("Answering", None);
        }
        self.tokens = tokens;
        self.untold.push_str(text);
        if self.told.elapsed() >= TELL
            && let Some(end) = self.untold.rfind(char::is_whitespace)
        {
            let rest = self.untold.split_off(end);
            self.tell(turn);
            self.untold = rest;
            self.check(turn, given);
        }
        if self.kept.elapsed() >= KEEP && turn.behind.is_none() && !turn.held_back {
            self.kept = Instant::now();
            let (id, answer) = (turn.id, turn.answer.clone());
            if let Err(error) = turn.open.store.write(|writer| writer.note_answer(id, &answer)) {
                tracing::warn!(%error, "the words so far were not kept");
            }
        }
    }

    fn flush(&mut self, turn: &mut Turn<'_>) {
        if !self.untold.is_empty() {
            self.tell(turn);
        }
    }

    fn tell(&mut self, turn: &mut Turn<'_>) {
        self.told = Instant::now();
        let text = std::mem::take(&mut self.untold);
        turn.answer.push_str(&text);
        turn.tell(TurnNews::Words { text });
    }

    /// Checks by words alone, whenever one more sentence is whole.
    fn check(&mut self, turn: &mut Turn<'_>, given: &[PassageRow]) {
        let whole = hearth_retrieval::sentences(&turn.answer).len().saturating_sub(1);
        if whole <= self.sentences || given.is_empty() {
            return;
        }
        self.sentences = whole;
        let end = hearth_retrieval::sentences(&turn.answer).get(whole - 1).map_or(0, |range| range.end);
        let head = turn.answer.get(..end).unwrap_or_default().to_owned();
        if let Err(error) = verify::provisional(turn, &head, given) {
            tracing::warn!(%error, "a sentence was not checked on the way");
        }
    }
}
