//! From tokens to events: whole characters, thoughts and calls told apart, stop strings held back.

use super::Event;
use crate::chat::{Format, Heard, Hearing};
use crate::sampling::StopText;
use crate::tokens::{Utf8Stream, Vocabulary};

/// What one answer says.
pub(super) struct Voice {
    hearing: Hearing,
    utf8: Utf8Stream,
    stops: StopText,
    trim: bool,
}

impl Voice {
    /// Makes a voice; `trim` drops a space before the first word.
    pub(super) fn new(hearing: Hearing, stops: &[String], trim: bool) -> Self {
        Self { hearing, utf8: Utf8Stream::default(), stops: StopText::new(stops), trim }
    }

    /// Whether what comes now is no part of the answer.
    pub(super) fn is_thinking(&self) -> bool {
        self.hearing.is_thinking()
    }

    /// Says a token; returns whether a stop string was reached.
    pub(super) fn say(
        &mut self,
        v: &Vocabulary,
        format: &Format,
        token: u32,
        n: usize,
        emit: &mut dyn FnMut(Event),
    ) -> bool {
        let mut bytes = v.bytes(token);
        if bytes.is_empty() {
            bytes = v.specials().name(token).filter(|name| format.knows(name)).unwrap_or_default().as_bytes();
        }
        if std::mem::take(&mut self.trim) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        let text = self.utf8.push(bytes);
        let mut heard = Vec::new();
        self.hearing.push(&text, &mut heard);
        self.tell(heard, n, emit)
    }

    fn tell(&mut self, heard: Vec<Heard>, n: usize, emit: &mut dyn FnMut(Event)) -> bool {
        for h in heard {
            match h {
                Heard::Thought(text) => emit(Event::Thought(text, n)),
                Heard::Call(name, arguments) => emit(Event::Call(name, arguments)),
                Heard::Answer(text) => {
                    let (text, stopped) = self.stops.push(&text);
                    if !text.is_empty() {
                        emit(Event::Text(text, n));
                    }
                    if stopped {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Says what was held back.
    pub(super) fn finish(&mut self, n: usize, emit: &mut dyn FnMut(Event)) {
        if self.stops.is_reached() {
            return;
        }
        let mut heard = Vec::new();
        self.hearing.finish(&mut heard);
        if !self.tell(heard, n, emit) {
            let rest = self.stops.finish();
            if !rest.is_empty() {
                emit(Event::Text(rest, n));
            }
        }
    }
}
