//! Between Retrieve and Generate: what the model reads. The prompt's beginning is stable, so that the engine's cache of
//! earlier turns is used again; what it reads of documents is cut to what it can read in time.

use super::pace::readable;
use super::recipe::{ANSWER_TOKENS, Recipe};
use super::retrieve::Grounded;
use super::state::{Ended, Turn};
use crate::clock::now_ms;
use crate::engine::Engine;
use crate::error;
use crate::models::Installed;
use hearth_api::{Error, ErrorCode};
use hearth_domain::{MemoryId, TurnId};
use hearth_inference::wire::{Briefing, Message, Speaker};
use hearth_policy::Standing;
use hearth_store::{PassageRow, TurnRow};
use std::sync::Arc;

/// Earlier turns of the conversation that are read again, at most.
const HISTORY: usize = 4;

/// What the model reads, with what it rests on.
pub(crate) struct Prompt {
    pub(crate) engine: Arc<Engine>,
    pub(crate) model: Installed,
    pub(crate) messages: Vec<Message>,
    /// What its template is told beside them.
    pub(crate) briefing: Briefing,
    /// How it is asked.
    pub(crate) recipe: Recipe,
    /// Passages that the model was given.
    pub(crate) given: Vec<PassageRow>,
    /// Memories that it was told, with their texts as they were.
    pub(crate) memories: Vec<(MemoryId, String)>,
    /// Earlier turns that it reads again.
    pub(crate) earlier: Vec<TurnId>,
}

/// Loads the best model that loads, and lays out its prompt.
pub(crate) fn compose(turn: &mut Turn<'_>, grounded: &mut Grounded) -> Result<Prompt, Ended> {
    loop {
        turn.go_on()?;
        let model = grounded.recalled.routed.choice.best()?.clone();
        if turn.house.schedule.loaded(&model.id).is_none() {
            turn.doing(format!("Loading {}", model.name), None);
        }
        let laid = match turn.house.schedule.engine(turn.house, &model) {
            Ok(engine) => lay_out(turn, grounded, engine, model),
            Err(error) => Err(Failing::Model(error)),
        };
        match laid {
            Ok(prompt) => return Ok(prompt),
            Err(Failing::Turn(ended)) => return Err(ended),
            Err(Failing::Model(why)) => {
                grounded.recalled.routed.choice.set_aside(turn, why);
            }
        }
    }
}

/// What stands in the way of a prompt.
enum Failing {
    /// The model; another may do better.
    Model(Error),
    /// The turn as a whole.
    Turn(Ended),
}

impl<E: Into<Ended>> From<E> for Failing {
    fn from(error: E) -> Self {
        Failing::Turn(error.into())
    }
}

fn lay_out(turn: &mut Turn<'_>, grounded: &Grounded, engine: Arc<Engine>, model: Installed) -> Result<Prompt, Failing> {
    let Grounded { recalled, passages } = grounded;
    let budget = passage_budget(&engine, turn.house.models.speed(&model.id).reads);
    let only = recalled.routed.permitted.question().only.as_ref();
    let budget = only.map_or(budget, |only| only.passage_tokens);
    let given = fit(passages, budget);
    turn.record.unused_passages = (passages.len() - given.len()) as u32;
    let recipe = Recipe::answering(!given.is_empty());
    let memories: Vec<_> = recalled.memories.iter().map(|memory| (memory.id, memory.text.clone())).collect();
    let system = system(recipe.instructions, memories.iter().map(|(_, text)| text.as_str()));
    let question = &recalled.routed.permitted.question().text;
    let asked = if recalled.query.follow_up { &recalled.query.text } else { question };
    let user = if given.is_empty() { question.clone() } else { grounded_message(&given, asked) };
    turn.record.prompt = Some(user.clone());
    let earlier = earlier(turn)?;
    let briefing = Briefing { thinking: Some(recipe.thinking()), now_s: Some(now_ms() / 1000), ..Briefing::default() };
    let (messages, earlier) = within_window(&engine, system, earlier, user, &briefing)?;
    Ok(Prompt { engine, model, messages, briefing, recipe, given, memories, earlier })
}

/// What a model is told first: its instructions, and what is remembered.
pub(crate) fn system<'a>(instructions: &str, memories: impl Iterator<Item = &'a str>) -> String {
    let mut system = instructions.to_owned();
    for (at, memory) in memories.enumerate() {
        if at == 0 {
            system.push_str("\nRemember:");
        }
        system.push_str("\n- ");
        system.push_str(memory);
    }
    system
}

/// Tokens of passages that can be read in time and fit the window.
pub(crate) fn passage_budget(engine: &Engine, tokens_per_second: Option<f32>) -> u32 {
    readable(tokens_per_second).min(engine.info().n_ctx.saturating_sub(ANSWER_TOKENS) / 2)
}

/// The best passages that fit, in their order; the first is given even where it alone is too long.
fn fit(passages: &[PassageRow], budget: u32) -> Vec<PassageRow> {
    let mut left = budget as usize;
    let mut given = Vec::new();
    for passage in passages {
        let cost = estimate(&passage.text) + 24;
        if !given.is_empty() && cost > left {
            break;
        }
        left = left.saturating_sub(cost);
        given.push(passage.clone());
    }
    given
}

/// Tokens of a text, about: a token is some four letters, or one digit group or sign.
pub(super) fn estimate(text: &str) -> usize {
    let (mut letters, mut others) = (0usize, 0usize);
    for c in text.chars() {
        if c.is_ascii_alphabetic() || c == ' ' { letters += 1 } else { others += 1 }
    }
    letters / 4 + others * 3 / 4 + 1
}

pub(crate) fn grounded_message(given: &[PassageRow], question: &str) -> String {
    let mut text = String::new();
    for (at, passage) in given.iter().enumerate() {
        let place = crate::view::place(&passage.place, None);
        text.push_str(&format!("[{}] {}", at + 1, passage.title));
        for part in std::iter::once(place.as_str())
            .chain(passage.context.last().map(String::as_str))
            .filter(|part| !part.is_empty())
        {
            text.push_str(", ");
            text.push_str(part);
        }
        text.push('\n');
        text.push_str(passage.text.trim());
        text.push_str("\n\n");
    }
    text.push_str("Question: ");
    text.push_str(question.trim());
    text
}

/// An earlier turn as the model reads it again: what it was asked, what it answered.
pub(crate) struct Said {
    pub(crate) turn: TurnId,
    pub(crate) asked: String,
    pub(crate) answered: String,
    pub(crate) standing: Standing,
}

/// A turn as a later one reads it again; none where nothing was written for it or kept of it.
pub(crate) fn said(row: TurnRow) -> Option<Said> {
    let record: super::TurnRecord = serde_json::from_value(row.record).ok()?;
    let standing = record.standing();
    Some(Said { turn: row.id, asked: record.prompt?, answered: row.answer, standing })
}

/// What was said before, as the model read it then.
fn earlier(turn: &mut Turn<'_>) -> Result<Vec<Said>, Ended> {
    let rows = turn.open.store.read(|reader| reader.turns(turn.conversation))?;
    let mut said: Vec<Said> = rows
        .into_iter()
        .filter(|row| row.id.0 < turn.id.0 && row.replaced_by.is_none() && !row.answer.trim().is_empty())
        .filter_map(said)
        .collect();
    let cut = said.len().saturating_sub(HISTORY);
    let read = said.split_off(cut);
    turn.record.takes_in(read.iter().map(|said| said.standing));
    Ok(read)
}

/// A prompt as messages.
pub(crate) fn messages(system: String, earlier: &[Said], user: String) -> Vec<Message> {
    let mut messages = vec![Message { role: Speaker::System, text: system }];
    for said in earlier {
        messages.push(Message { role: Speaker::User, text: said.asked.clone() });
        messages.push(Message { role: Speaker::Assistant, text: said.answered.clone() });
    }
    messages.push(Message { role: Speaker::User, text: user });
    messages
}

/// The messages that fit the model's real window: the oldest turns go first.
fn within_window(
    engine: &Engine,
    system: String,
    mut earlier: Vec<Said>,
    user: String,
    briefing: &Briefing,
) -> Result<(Vec<Message>, Vec<TurnId>), Failing> {
    let window = engine.info().n_ctx;
    loop {
        let messages = messages(system.clone(), &earlier, user.clone());
        let tokens = engine.count(messages.clone(), briefing.clone()).map_err(|why| Failing::Model(died(&why)))?;
        if tokens + ANSWER_TOKENS <= window {
            return Ok((messages, earlier.iter().map(|said| said.turn).collect()));
        }
        if earlier.is_empty() {
            let said = format!("The question and its passages have {tokens} tokens; this model reads {window}.");
            let error = Error::new(ErrorCode::Invalid, said);
            return Err(error.hint("Ask a shorter question, or choose a model with a larger context.").into());
        }
        earlier.remove(0);
    }
}

/// An engine's failure at the door.
pub(crate) fn died(why: &crate::engine::EngineError) -> Error {
    match why {
        crate::engine::EngineError::Died => Error::new(ErrorCode::ProcessDied, "The model's process ended.")
            .hint("What was written is kept. Ask again: the model is loaded anew."),
        other => error::internal(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_cost_more_tokens_than_words() {
        assert!(estimate("82,959 81,434 63,355") > estimate("total net sales rose"));
        assert_eq!(estimate(""), 1);
    }
}
