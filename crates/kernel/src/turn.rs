//! One turn: the order of the stations, nothing else.
//!
//! permit -> route -> recall -> retrieve -> compose -> generate <-> act -> verify (-> refine or look again) -> record. What follows cannot be built
//! without what came before: the field of [`permit::Permitted`] is private to its station, so that generating without a
//! decision does not compile. Stations never call each other.

mod act;
mod again;
pub(crate) mod call;
mod changes;
pub(crate) mod compose;
mod exact;
mod generate;
mod listing;
mod lists;
mod pace;
mod permit;
mod recall;
pub(crate) mod recipe;
pub(crate) mod record;
mod refine;
pub(crate) mod remote;
mod rerank;
mod retrieve;
mod route;
mod sides;
mod spell;
mod state;
mod task;
mod trail;
mod units;
mod verify;
mod whole;

pub(crate) use again::find_again;
pub(crate) use compose::passage_budget;
pub(crate) use record::{TurnRecord, close_interrupted, shown, standing_of};
pub(crate) use retrieve::{Found, KEPT, find_ranked, search};
pub(crate) use state::{Ended, Turn, Turns};
pub(crate) use trail::{Detail, STATIONS, erased, expired, outcome};

use crate::clock::now_ms;
use crate::engine::Stoppable;
use crate::error;
use crate::kernel::{House, Open};
use crate::models::Installed;
use crate::turn::refine::Anew;
use hearth_api::{Asked, Error, ErrorCode, Grounding, TurnNews};
use hearth_domain::{ConversationId, DocumentId, SpaceId, TurnId};
use hearth_store::TurnRow;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// A question as it came in.
pub(crate) struct Question {
    pub(crate) space: SpaceId,
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) text: String,
    pub(crate) attachments: Vec<DocumentId>,
    pub(crate) grounding: Grounding,
    /// The turn that this one replaces.
    pub(crate) instead_of: Option<TurnId>,
    /// The one model that it is put to, where that is not the route's to say.
    pub(crate) only: Option<Only>,
}

/// One model that a question is put to, as it is put to another one too.
#[derive(Clone)]
pub(crate) struct Only {
    pub(crate) model: Installed,
    /// Tokens of passages that it is given, at most.
    pub(crate) passage_tokens: u32,
}

/// A question that is kept and waits for its answer.
struct Begun {
    open: Arc<Open>,
    conversation: ConversationId,
    turn: TurnId,
    cancel: Arc<AtomicBool>,
    started: Instant,
    question: permit::Question,
}

/// Takes one question through the stations.
fn run(turn: &mut Turn<'_>, question: permit::Question) -> Result<(), Ended> {
    let permitted = permit::permit(turn, question)?;
    let answered = act::act_if_asked(turn, &permitted)?;
    if answered {
        return Ok(());
    }
    let routed = route::route(turn, permitted)?;
    let recalled = recall::recall(turn, routed)?;
    if exact::answer_if_asked(turn, &recalled)? {
        return Ok(());
    }
    let mut grounded = retrieve::retrieve(turn, recalled)?;
    if grounded.recalled.routed.permitted.question().only.is_some() {
        // What is compared is what each model makes of the same passages at once.
        return write(turn, &mut grounded);
    }
    let before = turn.record.clone();
    let mut ended = write(turn, &mut grounded);
    if matches!(ended, Ok(()) | Err(Ended::Abstained))
        && !turn.is_stopped()
        && let Some(model) = grounded.recalled.routed.choice.refiner()
    {
        ended = refine::anew(turn, &mut grounded, Anew::Refined { model }, before.clone(), ended, write);
    }
    if turn.is_stopped() {
        return ended;
    }
    let first = (turn.answer.clone(), turn.record.clone(), turn.trail.clone());
    let looked = again::where_thin(turn, &mut grounded, &before, ended, write);
    if turn.is_stopped() {
        // Whatever the second look was at, the words on the page are the ones that stay.
        (turn.answer, turn.record, turn.trail) = first;
        turn.go_on()?;
    }
    looked
}

/// Lets the best model that can write an answer, and checks it.
fn write(turn: &mut Turn<'_>, grounded: &mut retrieve::Grounded) -> Result<(), Ended> {
    let drafted = loop {
        let prompt = compose::compose(turn, grounded)?;
        let mut drafted = match whole::wanted(turn, grounded, &prompt)? {
            Some(whole) => whole::read(turn, prompt, whole)?,
            None => generate::generate(turn, prompt)?,
        };
        // A model that failed before its first word gives way to the next best; words that were written stay.
        let failed = drafted.failed_wordless(turn);
        if !failed.is_some_and(|why| grounded.recalled.routed.choice.set_aside(turn, why)) {
            break drafted;
        }
    };
    verify::verify(turn, drafted)
}

/// What a person chose for the interface, where that bears on a turn.
fn settings_of(turn: &Turn<'_>) -> hearth_api::Settings {
    crate::settings::load(turn.open).unwrap_or_default()
}

/// Keeps a question and answers it on a thread of its own; the answer arrives as events.
pub(crate) fn ask(house: &Arc<House>, question: Question) -> Result<Asked, Error> {
    let begun = begin(house, question)?;
    let asked = Asked { conversation: begun.conversation.0, turn: begun.turn.0 };
    let there = Arc::clone(house);
    house.hands.start(&format!("turn-{}", begun.turn), move || begun.answer(&there))?;
    house.events.stale(&["ListConversations"]);
    Ok(asked)
}

/// Keeps a question and answers it on this thread; `kept` hears of it before it is answered.
pub(crate) fn ask_here(
    house: &Arc<House>,
    question: Question,
    kept: impl FnOnce(ConversationId, TurnId) -> Result<(), Error>,
) -> Result<(), Error> {
    let begun = begin(house, question)?;
    kept(begun.conversation, begun.turn)?;
    begun.answer(house);
    Ok(())
}

fn begin(house: &Arc<House>, question: Question) -> Result<Begun, Error> {
    let text = question.text.trim().to_owned();
    if text.is_empty() {
        return Err(Error::new(ErrorCode::Invalid, "There is no question."));
    }
    if text.len() > 32_000 {
        return Err(Error::new(ErrorCode::Invalid, "This question is longer than 32,000 characters.")
            .hint("Paste long text as a document, then ask about it."));
    }
    let open = house.open()?;
    let there = open
        .store
        .read(|reader| {
            let conversation = question.conversation.map(|id| reader.conversation(id)).transpose()?;
            Ok(reader.space(question.space)?.is_some() && conversation.is_none_or(|found| found.is_some()))
        })
        .map_err(error::store)?;
    if !there {
        return Err(error::missing("space or conversation"));
    }
    let now = now_ms();
    // What is attached stands for what is inside it.
    let attached = open.store.read(|reader| reader.with_inside(&question.attachments)).map_err(error::store)?;
    let (conversation, turn) = open
        .store
        .write(|writer| {
            let conversation = match question.conversation {
                Some(conversation) => conversation,
                None => writer.create_conversation(question.space, &title(&text), now)?,
            };
            let turn = writer.begin_turn(conversation, &text, &question.attachments, now)?;
            if let Some(old) = question.instead_of {
                writer.replace_turn(old, turn)?;
            }
            Ok((conversation, turn))
        })
        .map_err(error::store)?;
    let (cancel, started) = (open.turns.begin(turn), Instant::now());
    let question = permit::Question {
        space: question.space,
        text,
        attachments: attached,
        grounding: question.grounding,
        only: question.only,
    };
    Ok(Begun { open, conversation, turn, cancel, started, question })
}

impl Begun {
    /// Takes it through the stations and keeps what came of it.
    fn answer(self, house: &House) {
        let Begun { open, conversation, turn, cancel, started, question } = self;
        let held = house.foreground.hold();
        let stop = Arc::clone(&cancel);
        let mut turn = Turn::new(house, &open, conversation, turn, question.text.clone(), cancel, started);
        turn.record.general = question.grounding == Grounding::General;
        turn.tell_began();
        let stoppable = Stoppable::by(&stop);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&mut turn, question)));
        drop(stoppable);
        let ended = match outcome {
            // A person who stopped it while it was on its way was told that it stops, whatever station it was at.
            Ok(Ok(()) | Err(Ended::Abstained | Ended::Failed(_))) if turn.is_stopped() => Ended::Stopped,
            Ok(Ok(())) => Ended::Answered,
            Ok(Err(ended)) => ended,
            Err(_) => Ended::Failed(error::internal("answering broke off")),
        };
        record::record(&mut turn, ended);
        drop(held);
        crate::collector::catch_up(house, &open);
    }
}

/// Answers the last question of a conversation again, or another question in its place.
pub(crate) fn again(
    house: &Arc<House>,
    turn: i64,
    text: Option<String>,
    grounding: Option<Grounding>,
) -> Result<Asked, Error> {
    let open = house.open()?;
    let found = open
        .store
        .read(|reader| {
            let Some(row) = reader.turn(TurnId(turn))? else { return Ok(None) };
            let last = reader.turns(row.conversation)?.into_iter().rfind(|other| other.replaced_by.is_none());
            Ok(reader.conversation(row.conversation)?.map(|conversation| (row, last, conversation.space)))
        })
        .map_err(error::store)?;
    let (row, last, space) = found.ok_or_else(|| error::missing("question"))?;
    if last.is_some_and(|last: TurnRow| last.id != row.id) {
        return Err(Error::new(ErrorCode::Invalid, "Only the last question of a conversation can be asked again.")
            .hint("Ask it as a new question."));
    }
    let before: TurnRecord = serde_json::from_value(row.record).unwrap_or_default();
    let grounding = grounding.unwrap_or(if before.general { Grounding::General } else { Grounding::Documents });
    stop(house, turn)?;
    ask(
        house,
        Question {
            space,
            conversation: Some(row.conversation),
            text: text.unwrap_or(row.question),
            attachments: row.attachments,
            grounding,
            instead_of: Some(row.id),
            only: None,
        },
    )
}

/// Stops a running turn; what was written is kept and checked.
pub(crate) fn stop(house: &House, turn: i64) -> Result<(), Error> {
    house.open()?.turns.stop(TurnId(turn));
    Ok(())
}

/// A conversation is called by its first question until a person renames it.
fn title(question: &str) -> String {
    const LONGEST: usize = 60;
    let line = question.lines().next().unwrap_or_default().trim();
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    let cut: String = line.chars().take(LONGEST).collect();
    let whole = cut.rsplit_once(' ').map_or(cut.as_str(), |(head, _)| head);
    format!("{}…", whole.trim_end_matches([',', ';', ':']))
}

impl Turn<'_> {
    /// Tells every window that this turn began, as it stands.
    fn tell_began(&self) {
        if let Some(turn) = crate::turn::record::load(self.open, self.id) {
            self.tell(TurnNews::Began { turn: Box::new(turn) });
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_conversation_is_called_by_its_first_question() {
        assert_eq!(super::title(" What is due? \nmore"), "What is due?");
        let long = super::title(
            "How did the gross margin of the services segment change between the two quarters of the year?",
        );
        assert_eq!(long, "How did the gross margin of the services segment change…");
    }
}
