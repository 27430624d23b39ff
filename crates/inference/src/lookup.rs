//! Guesses how a text goes on by looking up where its last words stood before. An answer from documents repeats names,
//! numbers and whole sentences of its prompt, and several tokens of one pass cost little more than one. The guess is
//! only computed ahead: which token comes is decided by the sampler, from the same logits as without it.
//!
//! Prompt lookup: Saxena, 2023; the idea of checking guesses in one pass: <https://arxiv.org/abs/2211.17192>.

use std::collections::HashMap;

/// Tokens that must agree before a guess is made.
const WORDS: usize = 3;

/// What was said before, and how well guesses did.
#[derive(Debug)]
pub struct Lookup {
    /// Where each run of `WORDS` tokens was last followed by something.
    places: HashMap<[u32; WORDS], usize>,
    /// Tokens that `places` covers.
    read: usize,
    /// Tokens to guess next time.
    reach: usize,
}

impl Default for Lookup {
    fn default() -> Self {
        Self { places: HashMap::new(), read: 0, reach: 3 }
    }
}

impl Lookup {
    /// Guesses up to `most` tokens that follow `tokens`; none where their end never stood there before. Each call must
    /// come with a continuation of the text of the call before.
    pub fn guess<'a>(&mut self, tokens: &'a [u32], most: usize) -> &'a [u32] {
        for (i, run) in tokens.windows(WORDS + 1).enumerate().skip(self.read) {
            if let Some(run) = run.first_chunk() {
                self.places.insert(*run, i + WORDS);
            }
        }
        self.read = tokens.len().saturating_sub(WORDS);
        let place = tokens.last_chunk().and_then(|end| self.places.get(end));
        let rest = place.and_then(|p| tokens.get(*p..)).unwrap_or(&[]);
        &rest[..rest.len().min(most).min(self.reach)]
    }

    /// Hears that of `guessed` tokens the first `right` came.
    pub fn learn(&mut self, guessed: usize, right: usize) {
        if guessed > 0 {
            self.reach = if right == guessed { (self.reach * 2).min(16) } else { (right + 1).min(self.reach) };
        }
    }
}

/// Tokens whose logits are computed ahead, and how many of them came.
#[derive(Debug, Default)]
pub struct Ahead {
    guessed: Vec<u32>,
    right: usize,
}

impl Ahead {
    /// Takes tokens that were just computed behind the chosen one.
    pub fn new(guessed: &[u32]) -> Self {
        Self { guessed: guessed.into(), right: 0 }
    }

    /// Returns how many guesses came: the row of the logits that decide next.
    pub fn right(&self) -> usize {
        self.right
    }

    /// Returns how many were made.
    pub fn guessed(&self) -> usize {
        self.guessed.len()
    }

    /// Returns how many did not come, or not yet.
    pub fn left(&self) -> usize {
        self.guessed.len() - self.right
    }

    /// Whether this token was the next guess; then it counts as come.
    pub fn holds(&mut self, token: u32) -> bool {
        let holds = self.guessed.get(self.right) == Some(&token);
        self.right += usize::from(holds);
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_place_is_found_and_reach_follows_success() {
        let mut l = Lookup::default();
        let mut text = vec![1, 2, 3, 4, 5, 9, 1, 2, 3, 7, 8, 9, 1, 2];
        assert_eq!(l.guess(&text, 8), [3, 7, 8]);
        text.push(3);
        assert_eq!(l.guess(&text, 8), [7, 8, 9]);
        assert_eq!(l.guess(&text, 2), [7, 8]);
        l.learn(3, 3);
        assert_eq!(l.guess(&text, 8), [7, 8, 9, 1, 2, 3]);
        l.learn(6, 0);
        assert_eq!(l.guess(&text, 8), [7]);
        assert!(Lookup::default().guess(&[1, 2], 8).is_empty());
    }
}
