//! The chat side of an engine process: requests join the turns under way, which go on side by side, one pass after
//! another. What the queue holds is looked at between passes.

use super::{Desk, Work, bad, done};
use crate::engine::{Ask, Chat, Event, Turn};
use crate::error::Error;
use crate::wire::{Failure, FailureCode, Reply};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

/// A turn with its request.
struct Seat {
    id: u64,
    stop: Arc<AtomicBool>,
}

/// Answers until the desk closes.
pub(super) fn talk<W: Write>(chat: &mut Chat, desk: &Desk<W>) {
    let (mut seats, mut turns): (Vec<Seat>, Vec<Turn>) = (Vec::new(), Vec::new());
    loop {
        let idle = turns.iter().all(Turn::is_fetching);
        let Some(work) = desk.take_all(idle) else { return };
        for (work, stop) in work {
            let id = work.id();
            let taken = catch_unwind(AssertUnwindSafe(|| take(chat, work, &seats, &mut turns, desk)));
            match taken {
                Ok(Some(turn)) => {
                    seats.push(Seat { id, stop });
                    turns.push(turn);
                }
                Ok(None) => desk.forget(id),
                Err(_) => {
                    desk.fail(Some(id), stumbled());
                    desk.forget(id);
                }
            }
        }
        let cancelled = |i: usize| desk.closing.load(SeqCst) || seats.get(i).is_some_and(|seat| seat.stop.load(SeqCst));
        let step = AssertUnwindSafe(|| {
            chat.step(&mut turns, &cancelled, &mut |i, event| {
                if let Some(seat) = seats.get(i) {
                    tell(desk, seat.id, event);
                }
            });
        });
        if catch_unwind(step).is_err() {
            // Whose fault it was cannot be told, and what the caches hold is unknown.
            turns.clear();
            chat.forget_all();
            desk.kv_bytes.store(0, SeqCst);
            for seat in seats.drain(..) {
                desk.fail(Some(seat.id), stumbled());
                desk.forget(seat.id);
            }
        }
        while let Some(i) = turns.iter().position(Turn::has_ended) {
            let (seat, turn) = (seats.remove(i), turns.remove(i));
            let closed = chat.close(turn);
            desk.kv_bytes.store(chat.kv_bytes(), SeqCst);
            match closed {
                Ok(outcome) => desk.say(&done(seat.id, &outcome)),
                Err(e) => {
                    desk.fail(Some(seat.id), e.failure());
                    // A device that failed once may fail for good, and weights that did not arrive never will; a new
                    // process looks anew.
                    if matches!(e, Error::Device(_) | Error::Io { .. } | Error::Damaged(_)) {
                        desk.close();
                    }
                }
            }
            desk.forget(seat.id);
        }
    }
}

fn stumbled() -> Failure {
    Failure { code: FailureCode::Internal, message: "the engine stumbled".into() }
}

/// Does what takes no pass; returns the turn of a new request.
fn take<W: Write>(chat: &mut Chat, work: Work, seats: &[Seat], turns: &mut [Turn], desk: &Desk<W>) -> Option<Turn> {
    match work {
        Work::Generate { id, conversation, messages, briefing, sampling, begun, urgent } => {
            let (messages, briefing, sampling) = (&messages[..], &briefing, &sampling);
            let ask = Ask { conversation, messages, briefing, sampling, begun: begun.as_deref(), urgent };
            return chat.begin(ask).map_err(|e| desk.fail(Some(id), e.failure())).ok();
        }
        Work::Page { id, bytes } => {
            if let Some(i) = seats.iter().position(|seat| seat.id == id) {
                chat.supply(turns, i, bytes.as_deref(), &mut |event| tell(desk, id, event));
            }
        }
        Work::Store { id, conversation } => {
            chat.store_pages(conversation, &mut |key, bytes| {
                desk.say(&Reply::Page { id, key, bytes });
                !desk.closing.load(SeqCst)
            });
            desk.say(&Reply::Stored { id });
        }
        Work::Forget => {
            chat.forget_all();
            desk.kv_bytes.store(chat.kv_bytes(), SeqCst);
        }
        Work::Embed { id, .. } | Work::Score { id, .. } => desk.fail(Some(id), bad("this model does not do that")),
    }
    None
}

fn tell<W: Write>(desk: &Desk<W>, id: u64, event: Event) {
    desk.say(&match event {
        Event::Prompt(done, total) => Reply::Prompt { id, done: done as u32, total: total as u32 },
        Event::Text(text, n) => Reply::Token { id, text, tokens: n as u32 },
        Event::Thought(text, n) => Reply::Thought { id, text, tokens: n as u32 },
        Event::Call(name, arguments) => Reply::Call { id, name, arguments },
        Event::Wanted(keys) => Reply::Wanted { id, keys },
        Event::Chances(chosen, likeliest) => Reply::Chances { id, chosen, likeliest },
    });
}
