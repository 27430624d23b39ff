//! An answer as text: quotes, checked sentences with their marks, sources, confidence.

use hearth_api::{CheckState, Confidence, Quote, Sentence, Source, Turn, TurnState};

/// A quote as a block of its own.
pub(crate) fn quote(quote: &Quote, sources: &[Source]) -> String {
    let words = quote.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = match &quote.cell {
        Some(cell) if cell.head.is_empty() => format!("{words}\" -> \"{}", cell.text),
        Some(cell) => format!("{words}\" -> {}: \"{}", cell.head, cell.text),
        None => words,
    };
    match sources.iter().find(|source| source.number == quote.source) {
        Some(source) => format!("  \"{words}\"\n    {}, {} [{}]\n", source.title, source.place, source.number),
        None => format!("  \"{words}\" [{}]\n", quote.source),
    }
}

/// Writes an answer as its sentences come out of the check, each once.
#[derive(Default)]
pub(crate) struct Writer {
    words: String,
    written: usize,
}

impl Writer {
    /// Takes words of the answer, not yet checked.
    pub(crate) fn words(&mut self, text: &str) {
        self.words.push_str(text);
    }

    /// The words so far.
    pub(crate) fn so_far(&self) -> &str {
        &self.words
    }

    /// Gives the text of newly checked sentences. The last is kept back while it may still grow.
    pub(crate) fn checked(&mut self, sentences: &[Sentence]) -> String {
        let ready = sentences.len().saturating_sub(1);
        self.write(sentences, ready)
    }

    /// Gives the rest of the ended turn.
    pub(crate) fn ended(&mut self, turn: &Turn) -> String {
        self.words.clone_from(&turn.answer);
        if turn.sentences.is_empty() && self.written == 0 {
            return turn.answer.clone();
        }
        self.write(&turn.sentences, turn.sentences.len())
    }

    fn write(&mut self, sentences: &[Sentence], ready: usize) -> String {
        let fresh = sentences.get(self.written..ready).unwrap_or(&[]);
        self.written = self.written.max(ready);
        fresh.iter().map(|sentence| marked(&self.words, sentence)).collect()
    }
}

/// A sentence with its marks before the white space that ends it.
fn marked(answer: &str, sentence: &Sentence) -> String {
    let text = slice(answer, sentence.start, sentence.end);
    let trimmed = text.trim_end();
    let mut out = trimmed.to_owned();
    let mut marks: Vec<u32> = sentence.citations.iter().map(|citation| citation.source).collect();
    marks.dedup();
    if matches!(sentence.state, Some(CheckState::Supported | CheckState::Partly | CheckState::Contradicted))
        && !marks.is_empty()
    {
        out.push(' ');
        for mark in marks {
            out.push_str(&format!("[{mark}]"));
        }
    }
    let word = match sentence.state {
        Some(CheckState::Partly) => Some("partly supported"),
        Some(CheckState::NotFound) => Some("not found in your documents"),
        Some(CheckState::Contradicted) => Some("contradicted"),
        Some(CheckState::Supported) | None => None,
    };
    if let Some(word) = word {
        match &sentence.note {
            Some(note) => out.push_str(&format!(" ({word}: {note})")),
            None => out.push_str(&format!(" ({word})")),
        }
    }
    let after = text.get(trimmed.len()..).filter(|after| !after.is_empty());
    out.push_str(after.unwrap_or(" "));
    out
}

/// A stretch of text by UTF-16 offsets; offsets inside a character move to its start.
fn slice(text: &str, start: u32, end: u32) -> &str {
    let byte = |unit: u32| {
        let mut units = 0;
        for (at, c) in text.char_indices() {
            if units + c.len_utf16() as u32 > unit {
                return at;
            }
            units += c.len_utf16() as u32;
        }
        text.len()
    };
    let (start, end) = (byte(start), byte(end));
    text.get(start..end).unwrap_or("")
}

/// What stands under an answer: sources and confidence.
pub(crate) fn foot(turn: &Turn) -> String {
    let mut out = String::new();
    if let Some(not_said) = &turn.not_said {
        // Where nothing was written, the answer is this very sentence.
        if turn.answer.trim() != not_said.trim() {
            out.push_str(&format!("{not_said}\n"));
        }
    } else if turn.state == TurnState::Abstained {
        out.push_str("Your documents do not say.\n");
    }
    if !turn.sources.is_empty() && (turn.state != TurnState::Abstained || !turn.quotes.is_empty()) {
        out.push_str("\nSources\n");
        for source in &turn.sources {
            let version =
                if source.version_name.is_empty() { String::new() } else { format!(", {}", source.version_name) };
            let stale = if source.current { "" } else { " (there is a newer version)" };
            out.push_str(&format!("  [{}] {}, {}{version}{stale}\n", source.number, source.title, source.place));
        }
    }
    if let Some(confidence) = turn.confidence {
        let words = match confidence {
            Confidence::High => "high: four fifths or more of the sentences stand in the sources",
            Confidence::Mixed => "mixed: at least half of the sentences stand in the sources",
            Confidence::Low => "low: read the quotes, not the answer",
            Confidence::NoSources => "none: general knowledge, nothing was checked",
        };
        out.push_str(&format!("\nConfidence {words}.\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_api::{Citation, Span};

    fn sentence(start: u32, end: u32, state: Option<CheckState>, sources: &[u32]) -> Sentence {
        let at = Span { version: 1, page: 0, start: 0, end: 1 };
        let citations = sources.iter().map(|source| Citation { source: *source, at, text: String::new() }).collect();
        Sentence { start, end, state, citations, note: None }
    }

    #[test]
    fn offsets_count_utf16_units() {
        let text = "Größe 𝟙 → ok";
        for (start, end, expect) in
            [(0, 5, "Größe"), (6, 8, "𝟙"), (7, 8, "𝟙"), (9, 10, "→"), (11, 99, "ok"), (5, 2, "")]
        {
            assert_eq!(slice(text, start, end), expect, "{start}..{end}");
        }
    }

    #[test]
    fn each_checked_sentence_is_written_once_with_its_marks() {
        let mut writer = Writer::default();
        writer.words("Sales rose. Costs fell. Nobody");
        let first = sentence(0, 12, Some(CheckState::Supported), &[2, 1]);
        let second = sentence(12, 24, Some(CheckState::NotFound), &[]);
        assert_eq!(writer.checked(std::slice::from_ref(&first)), "", "the last sentence may still grow");
        assert_eq!(writer.checked(&[first.clone(), second.clone()]), "Sales rose. [2][1] ");
        assert_eq!(writer.checked(&[first.clone(), second.clone()]), "");
        let mut third = sentence(24, 37, Some(CheckState::Contradicted), &[1]);
        third.note = Some("The source says two.".into());
        writer.words(" knows it.");
        let rest = writer.write(&[first, second, third], 3);
        assert_eq!(
            rest,
            "Costs fell. (not found in your documents) Nobody knows [1] (contradicted: The source says two.) "
        );
    }
}
