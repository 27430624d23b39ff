//! Answers that must have a form: a JSON schema, a regular expression or a grammar is compiled by llguidance, which says
//! before each token which ones keep the answer valid. How one of them is chosen is `sampling`.

use crate::error::Error;
use crate::tokens::{MAX_PIECE_BYTES, Vocabulary};
use crate::wire::Constraint;
use llguidance::api::{ParserLimits, TopLevelGrammar};
use llguidance::toktrie::{ApproximateTokEnv, InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie};
use llguidance::{Matcher, ParserFactory};
use std::sync::Arc;

/// Bytes of a schema, expression or grammar.
const MAX_SOURCE_BYTES: usize = 1 << 20;
/// White space between the parts of a JSON text: a model that only goes on with spaces would never end.
const JSON_SPACE: &str = r"[\x20\x0A]{1,40}";

/// What a vocabulary needs to know to constrain answers; made once, when first wanted.
pub struct Constrainer {
    factory: ParserFactory,
    closing: Arc<Closing>,
}

/// Tokens by which a JSON text comes to its end.
struct Closing {
    ends: Vec<u32>,
    /// The quotation mark, and a letter that no keyword of JSON begins with: both allowed means inside a text.
    text: [Option<u32>; 2],
    /// The rest, by preference.
    others: Vec<u32>,
}

/// One constrained answer.
pub struct Guard {
    matcher: Matcher,
    mask: SimpleVob,
    closing: Arc<Closing>,
}

fn refused(e: &dyn std::fmt::Display) -> Error {
    // Only the first line: the rest may repeat the whole grammar.
    let words = e.to_string();
    Error::Request(format!("the constraint: {}", words.lines().next().unwrap_or_default()))
}

impl Constrainer {
    /// Prepares a vocabulary.
    ///
    /// # Errors
    /// `Request` where no token ends an answer.
    pub fn new(vocabulary: &Vocabulary) -> Result<Self, Error> {
        let ends = vocabulary.turn_ends().to_vec();
        let end = ends.first().copied();
        let end = end.ok_or_else(|| Error::Request("the model has no token that ends a constrained answer".into()))?;
        let n = vocabulary.len() as u32;
        // 0xFF marks special tokens in the trie, and no valid text has it.
        let plain = |b: &&[u8]| b.len() <= MAX_PIECE_BYTES && b.first() != Some(&0xFF);
        let mut words: Vec<Vec<u8>> =
            (0..n).map(|t| Some(vocabulary.bytes(t)).filter(plain).unwrap_or_default().to_vec()).collect();
        for t in &ends {
            // A token that ends the turn is never text.
            if let Some(word) = words.get_mut(*t as usize) {
                word.clear();
            }
        }
        let byte = |b: u8| words.iter().position(|w| w.as_slice() == [b]).map(|t| t as u32);
        let text = [byte(b'"'), byte(b'q')];
        let others = b"}]\",0123456789:".iter().filter_map(|b| byte(*b)).collect();
        let closing = Arc::new(Closing { ends: ends.clone(), text, others });
        let trie = TokTrie::from(&TokRxInfo::new(n, end), &words).with_eos_tokens(&ends);
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
        let slices = llguidance::earley::SlicedBiasComputer::json_slices();
        let mut factory =
            ParserFactory::new(&env, InferenceCapabilities::default(), &slices).map_err(|e| refused(&e))?;
        factory.quiet();
        *factory.limits_mut() = ParserLimits {
            max_lexer_states: 50_000,
            max_grammar_size: 200_000,
            precompute_large_lexemes: false,
            verbose_errors: false,
            ..ParserLimits::default()
        };
        Ok(Self { factory, closing })
    }

    /// Compiles a constraint.
    ///
    /// # Errors
    /// `Request`, with what is wrong with it.
    pub fn guard(&self, constraint: &Constraint) -> Result<Guard, Error> {
        let (Constraint::JsonSchema(source) | Constraint::Regex(source) | Constraint::Grammar(source)) = constraint;
        if source.len() > MAX_SOURCE_BYTES {
            return Err(Error::Request("the constraint: it is too large".into()));
        }
        let grammar = match constraint {
            Constraint::JsonSchema(schema) => {
                let mut schema: serde_json::Value = serde_json::from_str(schema).map_err(|e| refused(&e))?;
                match &mut schema {
                    serde_json::Value::Object(object) => {
                        let form = serde_json::json!({ "whitespace_pattern": JSON_SPACE });
                        object.insert("x-guidance".into(), form);
                    }
                    serde_json::Value::Bool(_) => {}
                    _ => return Err(Error::Request("the constraint: a JSON schema is an object".into())),
                }
                TopLevelGrammar::from_json_schema(schema)
            }
            Constraint::Regex(pattern) => TopLevelGrammar::from_regex(pattern),
            Constraint::Grammar(grammar) => TopLevelGrammar::from_lark(grammar.clone()),
        };
        let mut matcher = Matcher::new(self.factory.create_parser(grammar));
        if let Some(e) = matcher.get_error() {
            return Err(refused(&e));
        }
        let mask = matcher.compute_mask_or_eos().map_err(|e| refused(&e))?;
        Ok(Guard { matcher, mask, closing: Arc::clone(&self.closing) })
    }
}

impl Guard {
    /// Returns the tokens that may come next, as bits.
    pub fn allowed(&self) -> &[u32] {
        self.mask.as_slice()
    }

    /// Whether the answer may not go on.
    pub fn is_complete(&self) -> bool {
        self.matcher.is_stopped()
    }

    /// Whether the answer could end here.
    pub fn may_end(&mut self) -> bool {
        self.matcher.is_accepting().unwrap_or(false)
    }

    /// Returns the token that leads soonest to an end, where one is known: for answers that reach their limit. What it
    /// prefers fits JSON; anything else it leaves to the model.
    pub fn closing(&self) -> Option<u32> {
        let allowed = |t: &u32| self.mask.is_allowed(*t);
        let Closing { ends, text: [quote, letter], others } = &*self.closing;
        let in_text = quote.filter(|q| allowed(q) && letter.is_some_and(|l| allowed(&l)));
        ends.iter().copied().find(allowed).or(in_text).or_else(|| others.iter().copied().find(allowed))
    }

    /// Takes the chosen token.
    ///
    /// # Errors
    /// `Request` where the token was not allowed, or the constraint is too costly to follow.
    pub fn take(&mut self, token: u32) -> Result<(), Error> {
        self.matcher.consume_token(token).map_err(|e| refused(&e))?;
        self.mask = self.matcher.compute_mask_or_eos().map_err(|e| refused(&e))?;
        Ok(())
    }
}
