//! `hearth ask`: quotes as soon as they are found, then the answer, sentence by sentence as each is checked.

use crate::answer::{self, Writer};
use crate::arguments;
use crate::end::End;
use crate::house::{self, House};
use crate::out::Out;
use hearth_api::{
    Ask, Error, ErrorCode, Event, GetConversation, Grounding, Handler, ListConversations, StopTurn, Turn, TurnNews,
    TurnState,
};
use hearth_kernel::Kernel;
use tokio::sync::broadcast::error::RecvError;

/// Asks and follows the turn to its end.
pub(crate) fn run(kernel: &House, what: arguments::Ask, out: &Out) -> Result<End, Error> {
    let space = house::space(kernel, what.space.as_deref())?;
    let conversation = match what.conversation.as_deref() {
        None => None,
        Some("last") => kernel.handle(ListConversations { space: space.id })?.first().map(|row| row.id),
        Some(id) => Some(id.parse().map_err(|_| {
            Error::new(ErrorCode::Invalid, format!("\"{id}\" is no conversation: give its number, or last."))
        })?),
    };
    let grounding = if what.general { Grounding::General } else { Grounding::Documents };
    let text = what.question.join(" ");
    let mut events = kernel.subscribe();
    let asked = kernel.handle(Ask { space: space.id, conversation, text, attachments: Vec::new(), grounding })?;
    stop_on_interrupt(kernel, asked.turn);
    let mut writer = Writer::default();
    let turn = loop {
        match events.blocking_recv() {
            Ok(envelope) => match envelope.event {
                Event::Turn { turn, news, .. } if turn == asked.turn => {
                    if let Some(ended) = show(news, &mut writer, out) {
                        break ended;
                    }
                }
                _ => {}
            },
            // Missed events may hold the end: look whether it has come, else wait on.
            Err(RecvError::Lagged(_)) => {
                let kept = kernel.handle(GetConversation { conversation: asked.conversation })?;
                if let Some(turn) =
                    kept.turns.into_iter().find(|turn| turn.id == asked.turn && turn.state != TurnState::Running)
                {
                    break turn;
                }
            }
            Err(RecvError::Closed) => {
                return Err(Error::new(ErrorCode::ProcessDied, "Hearth stopped before the answer was there."));
            }
        }
    };
    out.doing("");
    out.piece(&writer.ended(&turn));
    finish(&turn, asked.conversation, out)
}

/// Shows what is new; gives the turn when it has ended.
fn show(news: TurnNews, writer: &mut Writer, out: &Out) -> Option<Turn> {
    match news {
        TurnNews::Began { .. } => out.doing("Searching"),
        TurnNews::Quotes { quotes, sources, took_ms, searched_documents } => {
            out.doing("");
            for quote in &quotes {
                out.line(answer::quote(quote, &sources));
            }
            out.note(&format!("{} quotes from {searched_documents} documents in {took_ms} ms", quotes.len()));
        }
        TurnNews::Doing { what, .. } => out.doing(&what),
        TurnNews::Words { text } => {
            writer.words(&text);
            let tail: String = writer.so_far().chars().rev().take(70).collect::<Vec<_>>().into_iter().rev().collect();
            out.doing(&format!("(unchecked) {tail}"));
        }
        TurnNews::Checked { sentences, .. } => {
            let text = writer.checked(&sentences);
            if !text.is_empty() {
                out.doing("");
                out.piece(&text);
            }
        }
        TurnNews::Ended { turn } => return Some(*turn),
    }
    None
}

fn finish(turn: &Turn, conversation: i64, out: &Out) -> Result<End, Error> {
    out.line("");
    out.piece(&answer::foot(turn));
    out.value(turn);
    if let Some(how) = &turn.how {
        let speed = how.tokens_per_second.map_or(String::new(), |speed| format!(", {speed:.1} tokens/s"));
        let model = if how.model.is_empty() { "no model".to_owned() } else { how.model.clone() };
        out.note(&format!(
            "{model}, {:.1} s{speed}, {} bytes sent, conversation {conversation}",
            f64::from(how.total_ms) / 1000.0,
            how.bytes_out
        ));
    }
    match turn.state {
        TurnState::Answered => Ok(End::Done),
        TurnState::Abstained => Ok(End::Nothing),
        TurnState::Stopped | TurnState::Running => Ok(End::Failed),
        TurnState::Refused => {
            let why = turn.refusal.as_ref().map_or_else(
                || "A rule refused it.".to_owned(),
                |rule| format!("Rule {} ({}): {}", rule.number, rule.name, rule.sentence),
            );
            Err(Error::new(ErrorCode::Denied, why))
        }
        TurnState::Failed => {
            Err(turn.error.clone().unwrap_or_else(|| Error::new(ErrorCode::Internal, "The turn failed.")))
        }
    }
}

/// The first interrupt stops the turn, keeping what was written; the second ends the program.
fn stop_on_interrupt(kernel: &Kernel, turn: i64) {
    let kernel = kernel.clone();
    let wait = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = tokio::task::spawn_blocking(move || kernel.handle(StopTurn { turn })).await;
                let _ = tokio::signal::ctrl_c().await;
                std::process::exit(130);
            }
        });
    };
    // Watches for as long as the process lives; a process that cannot start a thread is interrupted the plain way.
    let _ = std::thread::Builder::new().name("interrupt".into()).spawn(wait);
}
