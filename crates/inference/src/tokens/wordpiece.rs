//! BERT's tokenizer: text is cleaned and cut at spaces and signs, and each word into the longest known pieces. The work
//! is done by `tokenizers`; here the vocabulary is given back the form that GGUF took from it.

use crate::error::Error;
use tokenizers::Tokenizer;
use tokenizers::models::bpe::Vocab;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

/// How a file wants text prepared.
#[derive(Debug, Clone, Copy)]
pub struct Preparation {
    /// Capitals become small letters.
    pub lowercase: bool,
    /// Accents are taken away.
    pub strip_accents: bool,
}

/// Builds the tokenizer. In GGUF a token that begins a word has U+2581 before it and one that goes on has nothing;
/// `marked` says which are neither (`[UNK]` and its kind).
///
/// # Errors
/// `Damaged` where the vocabulary contradicts itself.
pub fn build(
    tokens: &[String],
    unknown: &str,
    preparation: Preparation,
    marked: impl Fn(u32) -> bool,
) -> Result<Tokenizer, Error> {
    let name = |(i, token): (usize, &String)| {
        let id = i as u32;
        match token.strip_prefix('\u{2581}') {
            _ if marked(id) => (token.clone(), id),
            Some(word) => (word.to_owned(), id),
            None => (format!("##{token}"), id),
        }
    };
    let damaged = |e: &dyn std::fmt::Display| Error::Damaged(format!("the vocabulary: {e}"));
    let model = WordPiece::builder()
        .vocab(tokens.iter().enumerate().map(name).collect::<Vocab>())
        .unk_token(unknown.to_owned())
        .build()
        .map_err(|e| damaged(&e))?;
    let mut tokenizer = Tokenizer::new(model);
    let Preparation { lowercase, strip_accents } = preparation;
    let normalizer = BertNormalizer::new(true, true, Some(strip_accents), lowercase);
    tokenizer.with_normalizer(Some(normalizer)).map_err(|e| damaged(&e))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    Ok(tokenizer)
}
