//! A short run of an installed model, as it runs here: how long it takes to load, how fast it reads and writes, what memory
//! it takes. What comes of it corrects the model's fit and is what turns are routed by. The bench against a peer is `measure`.

use crate::clock::now_ms;
use crate::engine::{Engine, EngineError};
use crate::error;
use crate::kernel::House;
use crate::models::Installed;
use crate::notes::Measured;
use hearth_api::{Error, ErrorCode, Model};
use hearth_domain::ModelId;
use hearth_inference::embed::Kind;
use hearth_inference::wire::{self, Briefing, Message, Sampling, Speaker};
use std::sync::Arc;
use std::time::Instant;

/// Words of the text that is read, about a token each.
const READ: usize = 384;
/// Tokens that are written.
const WRITTEN: u32 = 48;
/// Tokens that tell a speed.
const ENOUGH: u32 = 8;
/// Words of the first text, which is read so that first touches of memory are not measured.
const WARM_UP: usize = 48;
/// Passages that an embedder or reranker reads, and the words of each.
const PASSAGES: (usize, usize) = (24, 96);
/// A conversation that is none.
const NOBODY: i64 = -1;

/// What a run of an engine gives.
struct Run {
    /// What of loading was done behind the back of who waited for it, and a little reading.
    settling_ms: u64,
    reads: Option<f32>,
    writes: f32,
    tokens: u32,
}

/// Measures a model anew and keeps what came of it. Imports rest meanwhile.
///
/// # Errors
/// `InUse` where the model is answering; whatever loading it says.
pub(crate) fn measure(house: &Arc<House>, id: &ModelId) -> Result<Model, Error> {
    let model = house.models.find(id).ok_or_else(|| error::missing("model"))?;
    if house.schedule.loaded(id).is_some_and(|engine| engine.is_busy()) {
        let said = format!("{} is at work. Measured now, it would look slower than it is.", model.name);
        return Err(Error::new(ErrorCode::InUse, said).hint("Measure it when it has ended."));
    }
    let _held = house.foreground.hold();
    // A fresh process: loading is measured too, and nothing is in its caches.
    house.schedule.unload(id, house.peek().as_deref());
    house.schedule.forgive(id);
    let engine = house.schedule.engine(house, &model)?;
    let ran = run(&engine, crate::embedding::part(&model)).map_err(|why| failed(&model, &why))?;
    engine.forget();
    let info = engine.info();
    let measured = Measured {
        sha256: model.sha256.clone(),
        machine: crate::machine::name(),
        at_ms: now_ms(),
        load_ms: engine.ready_ms() + ran.settling_ms,
        reads: ran.reads,
        writes: ran.writes,
        peak_bytes: engine.peak_memory_bytes(),
        tokens: ran.tokens,
        place: crate::shelf::place(info),
    };
    house.note(
        "model.measured",
        format!("Measured {}", model.name),
        None,
        serde_json::json!({ "model": id, "measured": measured }),
    );
    house.models.keep_measured(id, measured)?;
    house.events.stale(&["ListModels"]);
    house.tell_status();
    crate::shelf::view(house, id)
}

fn run(engine: &Engine, part: wire::Role) -> Result<Run, EngineError> {
    match part {
        wire::Role::Chat => writing(engine),
        wire::Role::Embed => {
            engine.embed(Kind::Passage, vec![words(WARM_UP, 0)])?;
            passages(|texts| engine.embed(Kind::Passage, texts).map(drop))
        }
        wire::Role::Rerank => {
            engine.score(words(8, 0), vec![words(WARM_UP, 1)], &|| true)?;
            passages(|texts| engine.score(words(8, 2), texts, &|| true).map(drop))
        }
    }
}

fn writing(engine: &Engine) -> Result<Run, EngineError> {
    let ask = |text: String, max_tokens| {
        let messages = vec![Message { role: Speaker::User, text }];
        // Guesses from the prompt would measure the text and not the engine.
        let sampling = Sampling { max_tokens, lookup: false, ..Sampling::default() };
        engine.generate((NOBODY, None), messages, Briefing::default(), sampling, &mut |_| true)
    };
    let settling_ms = ask(words(WARM_UP, 0), 2)?.prompt_ms;
    let (mut reads, mut tokens) = (None, 0);
    let (mut written, mut writing_ms) = (0, 0);
    // A model may end its answer early; another text is asked about then.
    for seed in 1..=3 {
        let done = ask(format!("{}\n\nTell this again in words of your own.", words(READ, seed)), WRITTEN)?;
        let fresh = done.prompt_tokens.saturating_sub(done.cached_tokens);
        reads = reads.or(Some(rate(fresh, done.prompt_ms)));
        tokens = tokens.max(done.prompt_tokens + done.new_tokens);
        // The first token falls out of reading.
        written += done.new_tokens.saturating_sub(1);
        writing_ms += done.generate_ms;
        if written >= ENOUGH {
            return Ok(Run { settling_ms, reads, writes: rate(written, writing_ms), tokens });
        }
    }
    Err(EngineError::Failed { code: "short".into(), message: "it ended its answers too soon to be timed".into() })
}

fn passages(read: impl FnOnce(Vec<String>) -> Result<(), EngineError>) -> Result<Run, EngineError> {
    let (count, long) = PASSAGES;
    let texts = (0..count).map(|at| words(long, at as u32 + 3)).collect();
    let began = Instant::now();
    read(texts)?;
    Ok(Run { settling_ms: 0, reads: None, writes: rate(count as u32, began.elapsed().as_millis() as u64), tokens: 0 })
}

fn rate(count: u32, ms: u64) -> f32 {
    count as f32 * 1e3 / ms.max(1) as f32
}

/// So many plain words; another seed gives others, so that no two texts begin alike.
fn words(count: usize, seed: u32) -> String {
    const WORDS: [&str; 16] = [
        "the", "mill", "stands", "by", "river", "and", "its", "wheel", "turns", "when", "water", "comes", "down",
        "from", "hills", "again",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        WORDS.get(state as usize >> 28).copied().unwrap_or("mill")
    };
    (0..count).map(|_| next()).collect::<Vec<_>>().join(" ")
}

fn failed(model: &Installed, why: &EngineError) -> Error {
    let message = format!("{} was not measured. {}", model.name, crate::models::sentence(&why.to_string()));
    Error::new(ErrorCode::ProcessDied, message).hint("Try again, or choose another model.")
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_as_long_as_asked_and_differ() {
        assert_eq!(super::words(384, 1).split(' ').count(), 384);
        assert_ne!(super::words(8, 1), super::words(8, 2));
        assert_eq!(super::words(8, 3), super::words(8, 3));
    }
}
