//! Special tokens: those that templates place and that plain text never becomes. Who may place them is `chat`.

use super::pieces::{MAX_PIECE_BYTES, Pieces, Prefixes};

/// The special tokens of a vocabulary.
#[derive(Debug)]
pub struct Specials {
    all: Vec<(String, u32)>,
    texts: Pieces,
    found: Prefixes,
    /// The same backwards, for ends of tokens at the beginning of a text.
    backward: Pieces,
    ends: Prefixes,
    swallow: bool,
    /// Bytes of the longest one that is ever found.
    longest: usize,
}

impl Specials {
    /// Takes names and numbers. `swallow` says that the white space after a token belongs to it (Phi-3).
    pub fn new(mut all: Vec<(String, u32)>, swallow: bool) -> Self {
        all.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        let (mut texts, mut backward) = (Pieces::default(), Pieces::default());
        for (text, _) in &all {
            texts.push(text.as_bytes());
            backward.push(&text.bytes().rev().collect::<Vec<_>>());
        }
        let n = all.len() as u32;
        let (found, ends) = (Prefixes::new(&texts, 0..n), Prefixes::new(&backward, 0..n));
        let longest = all.first().map_or(0, |(text, _)| text.len()).min(MAX_PIECE_BYTES);
        Self { all, texts, found, backward, ends, swallow, longest }
    }

    /// Returns all of them, the longest first.
    pub fn all(&self) -> &[(String, u32)] {
        &self.all
    }

    /// Returns the name of one.
    pub fn name(&self, token: u32) -> Option<&str> {
        self.all.iter().find(|(_, id)| *id == token).map(|(name, _)| name.as_str())
    }

    /// Returns the number of one.
    pub fn token(&self, name: &str) -> Option<u32> {
        self.all.iter().find(|(n, _)| n == name).map(|(_, id)| *id)
    }

    /// Returns length and number of the longest one that `text` begins with.
    pub fn at_start(&self, text: &str) -> Option<(usize, u32)> {
        let (len, i) = self.found.longest(&self.texts, text.as_bytes())?;
        Some((len, self.all.get(i as usize)?.1))
    }

    /// Returns how many bytes of white space at the start of `text` belong to the token before it.
    pub fn swallowed(&self, token: u32, text: &str) -> usize {
        let plain = |name: &str| matches!(name, "<s>" | "<unk>" | "<|endoftext|>");
        if !self.swallow || self.name(token).is_none_or(plain) {
            return 0;
        }
        text.len() - text.trim_start().len()
    }

    /// Whether `text` begins with the end of a special token.
    pub fn completes(&self, text: &str) -> bool {
        let mut head = Vec::new();
        text.bytes().take(self.longest).any(|b| {
            head.insert(0, b);
            self.ends.begins(&self.backward, &head)
        })
    }

    /// Whether `text` ends with the beginning of a special token.
    pub fn begins(&self, text: &str) -> bool {
        let from = text.len().saturating_sub(self.longest);
        (from..text.len()).any(|i| text.as_bytes().get(i..).is_some_and(|t| self.found.begins(&self.texts, t)))
    }
}
