//! How text is cut before merging, by the name that a GGUF file has for it (`tokenizer.ggml.pre`). The patterns are those
//! of the models' own `tokenizer.json`; the regular expressions run in linear time whatever the text is.
//!
//! Where a pattern ends in `\s+(?!\S)|\s+`, only `\s+` stands here: a run of spaces before a word is found whole and
//! then gives its last space to what follows, which is the same without looking ahead.

use crate::error::Error;
use regex::Regex;
use std::ops::Range;

/// GPT-2.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+";
/// Llama 3: contractions in any case, three digits at most, line ends stay with what they end.
const LLAMA3: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// Qwen 2: as Llama 3, with single digits.
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// Qwen 3.5: marks belong to letters.
const QWEN35: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// MiniCPM 5.
const MINICPM5: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}+| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// Bailing.
const BAILING: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+";
/// Seed-Coder.
const SEED: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+";
/// EXAONE MoE: words of one letter stay together.
const EXAONE_MOE: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?|\s*[\r\n]|\s+";
/// Qwen 2 without contractions, for Turkish.
const UFAKZEKA: &str = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// Tekken (Mistral Nemo and later): words also end where capitals begin.
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
/// GPT-4o: Tekken's words with contractions, three digits at most.
const GPT4O: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
/// Youtu: as GPT-4o, with single digits.
const YOUTU: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+";
/// Kimi K2: GPT-4o with Chinese apart.
const KIMI: &str = r"\p{Han}+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+";
/// DeepSeek V3, its last step.
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+"##;
/// Spark 2.5, its last step but one.
const SPARK: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+|[\r\n]|\s+"##;
/// The letters of DeepSeek LLM.
const DEEPSEEK_LETTERS: &str = r"\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
const DEEPSEEK_SIGNS: &str = r"\s?[!-/:-~！-／：-～‘-‟　-。]+";
const CJK: &str = "[一-龥ࠀ-一가-퟿]+";
const KANA: &str = "[一-龥぀-ゟ゠-ヿ]+";
const ASIAN: &str = "[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+";
const YOUTU_SIGNS: &str = "[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+";
const BLOOM: &str = r" ?[^(\s|.,!?…。，、।۔،)]+";
const LINES: &str = r"[^\n]+|[\n]+";

/// One way to cut.
#[derive(Clone, Copy)]
enum Cut {
    /// Matches are pieces, and so is what lies between them.
    Match(&'static str),
    /// Runs of digits are cut into threes from their right end; not those that a letter follows, if so said.
    Threes { numbers: bool, whole_words: bool },
}

use Cut::{Match, Threes};

/// What a name stands for.
pub struct Rules {
    cuts: &'static [Cut],
    /// A piece that is a token is not merged from smaller ones.
    pub whole: bool,
    /// Tokens are plain text with the space as U+2581, not the letters of GPT-2's byte alphabet.
    pub raw: bool,
    /// Texts begin with the begin token unless the file says otherwise.
    pub begin: bool,
}

/// Finds the rules of a name.
///
/// # Errors
/// `Unsupported` for unknown names.
pub fn rules(name: &str) -> Result<Rules, Error> {
    let cuts: &[Cut] = match name {
        "default" => &[Match(r"[\p{P}\$\+<=>\^~\|]+"), Match(GPT2), Match(r"\p{N}+"), Match("[0-9][0-9][0-9]")],
        "gpt-2" | "gpt2" | "phi-2" | "mpt" | "olmo" | "jais" | "trillion" | "granite-docling" | "gigachat"
        | "exaone4" | "a.x-4.0" | "mellum" | "modern-bert" | "jina-es" | "jina-de" | "jina-v1-en" | "jina-v2-es"
        | "jina-v2-de" | "jina-v2-code" | "roberta-bpe" => &[Match(GPT2)],
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" | "exaone" | "minerva-7b" | "mellum2" => {
            &[Match(r"\p{N}"), Match(GPT2)]
        }
        "llama-bpe" | "llama3" | "llama-v3" | "falcon3" | "falcon-h1" | "pixtral" | "midm-2.0" | "lfm2"
        | "jina-v5-nano" | "dbrx" | "smaug-bpe" | "chatglm-bpe" | "glm4" | "glm5" => &[Match(LLAMA3)],
        "qwen2" | "deepseek-r1-qwen" | "kormo" | "f2llmv2" | "stablelm2" | "megrez" | "hunyuan" | "solar-open"
        | "grok-2" => &[Match(QWEN2)],
        "qwen35" => &[Match(QWEN35)],
        "minicpm5" => &[Match(r"\p{N}{1,3}"), Match(MINICPM5)],
        "laguna" => &[Match(LINES), Match(QWEN2)],
        "ufakzeka" => &[Match(UFAKZEKA)],
        "bailingmoe" | "bailingmoe2" | "llada-moe" => &[Match(BAILING)],
        "seed-coder" => &[Match(SEED)],
        "exaone-moe" => &[Match(EXAONE_MOE)],
        "tekken" => &[Match(TEKKEN)],
        "gpt-4o" | "llama4" | "kanana2" | "talkie" | "minimax-m2" | "granite-embed-multi-97m" => &[Match(GPT4O)],
        "tiny_aya" | "cohere2moe" => &[Threes { numbers: false, whole_words: true }, Match(GPT4O)],
        "youtu" => &[Match(YOUTU_SIGNS), Match(YOUTU)],
        "kimi-k2" => &[Match(KIMI)],
        "deepseek-llm" => &[
            Match(r"[\r\n]"),
            Match(DEEPSEEK_LETTERS),
            Match(DEEPSEEK_SIGNS),
            Match(r"\s+$"),
            Match(CJK),
            Match(r"\p{N}+"),
        ],
        "deepseek-coder" => &[Match(r"[\r\n]"), Match(r"\s?\p{L}+"), Match(r"\s?\p{P}+"), Match(CJK), Match(r"\p{N}")],
        "deepseek-v3" | "hunyuan-dense" | "hy_v4" | "joyai-llm" => {
            &[Match(r"\p{N}{1,3}"), Match(KANA), Match(DEEPSEEK3)]
        }
        "spark2_5" => &[Match(r"\p{N}{1,3}"), Match(KANA), Match(SPARK), Match(r"\p{N}")],
        "afmoe" => &[Threes { numbers: true, whole_words: false }, Match(ASIAN), Match(DEEPSEEK3)],
        "superbpe" => &[Match(r"\p{N}+"), Threes { numbers: false, whole_words: false }],
        "falcon" => &[Match(r"[\p{P}\$\+<=>\^~\|`]+"), Match(GPT2), Match("[0-9][0-9][0-9]")],
        "poro-chat" | "bloom" | "gpt3-finnish" => &[Match(BLOOM)],
        "viking" => &[Match(BLOOM), Match(r"\p{N}")],
        "chameleon" => &[Match(r"[\t\n]|    |  "), Match(r"\p{N}"), Match(r"[\p{P}!-/:-@\[-`{-~]"), Match(GPT2)],
        "gemma4" | "granite-embed-multi-311m" | "sarvam-moe" => &[Match(LINES)],
        _ => return Err(Error::Unsupported(format!("pre-tokenizer {name}"))),
    };
    let llama = matches!(
        name,
        "llama-bpe"
            | "llama3"
            | "llama-v3"
            | "falcon3"
            | "falcon-h1"
            | "pixtral"
            | "midm-2.0"
            | "lfm2"
            | "jina-v5-nano"
    );
    let whole = matches!(name, "tekken" | "glm4" | "glm5" | "youtu" | "minicpm5" | "granite-embed-multi-97m");
    Ok(Rules {
        cuts,
        whole: llama || whole,
        raw: matches!(name, "gemma4" | "granite-embed-multi-311m" | "sarvam-moe"),
        begin: llama || matches!(name, "tekken" | "chameleon"),
    })
}

/// What becomes of a run of spaces before something else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spaces {
    /// It stays whole.
    Whole,
    /// It gives its last one away.
    Give,
    /// It gives its last one away unless that is a line end.
    GiveUnlessLineEnd,
}

enum Step {
    Match(Regex, Spaces),
    Threes { numbers: bool, whole_words: bool },
}

/// Cuts text into the pieces inside which merging happens.
pub struct Cutter {
    steps: Vec<Step>,
}

impl Cutter {
    /// Compiles the cuts.
    pub fn new(rules: &Rules) -> Result<Self, Error> {
        let compile = |cut: &Cut| {
            Ok(match *cut {
                Match(pattern) => {
                    let spaces = match (pattern.ends_with(r"|\s+"), pattern.contains(r"\s*[\r\n]")) {
                        (false, _) => Spaces::Whole,
                        (true, false) => Spaces::Give,
                        (true, true) => Spaces::GiveUnlessLineEnd,
                    };
                    let regex = Regex::new(pattern);
                    Step::Match(regex.map_err(|e| Error::Unsupported(format!("a pre-tokenizer: {e}")))?, spaces)
                }
                Threes { numbers, whole_words } => Step::Threes { numbers, whole_words },
            })
        };
        Ok(Self { steps: rules.cuts.iter().map(compile).collect::<Result<_, Error>>()? })
    }

    /// Returns where the pieces of `text` lie; together they are all of it.
    pub fn cut(&self, text: &str) -> Vec<Range<usize>> {
        let mut pieces: Vec<Range<usize>> = std::iter::once(0..text.len()).collect();
        let mut next = Vec::new();
        for step in &self.steps {
            for piece in pieces.drain(..) {
                let inner = text.get(piece.clone()).unwrap_or_default();
                let mut put = |from: usize, to: usize| {
                    if from < to {
                        next.push(piece.start + from..piece.start + to);
                    }
                };
                match step {
                    Step::Match(regex, spaces) => matches(regex, *spaces, inner, &mut put),
                    Step::Threes { numbers, whole_words } => threes(inner, *numbers, *whole_words, &mut put),
                }
            }
            std::mem::swap(&mut pieces, &mut next);
        }
        pieces
    }
}

/// Calls `put` with every match and every gap.
fn matches(regex: &Regex, spaces: Spaces, text: &str, put: &mut impl FnMut(usize, usize)) {
    let (mut done, mut at) = (0, 0);
    while let Some(m) = regex.find_at(text, at) {
        let mut end = m.end();
        let last = m.as_str().chars().next_back().unwrap_or('x');
        let gives = match spaces {
            Spaces::Whole => false,
            Spaces::Give => last.is_whitespace(),
            Spaces::GiveUnlessLineEnd => last.is_whitespace() && !matches!(last, '\r' | '\n'),
        };
        if gives && end < text.len() && m.len() > last.len_utf8() {
            end -= last.len_utf8();
        }
        if end == m.start() {
            break;
        }
        put(done, m.start());
        put(m.start(), end);
        (done, at) = (end, end);
    }
    put(done, text.len());
}

fn threes(text: &str, numbers: bool, whole_words: bool, put: &mut impl FnMut(usize, usize)) {
    let digit = |c: char| if numbers { c.is_numeric() } else { c.is_ascii_digit() };
    let (mut done, mut chars) = (0, text.char_indices().peekable());
    while let Some((start, c)) = chars.next() {
        if !digit(c) {
            continue;
        }
        let mut starts = vec![start];
        while let Some((i, _)) = chars.next_if(|(_, c)| digit(*c)) {
            starts.push(i);
        }
        let follower = chars.peek().copied();
        if whole_words && follower.is_some_and(|(_, c)| c.is_alphanumeric() || c == '_') {
            continue;
        }
        put(done, start);
        let end = follower.map_or(text.len(), |(i, _)| i);
        let mut from = start;
        for i in starts.iter().skip(starts.len() % 3).step_by(3) {
            put(from, *i);
            from = *i;
        }
        put(from, end);
        done = end;
    }
    put(done, text.len());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, want: &[&str]) {
        let cutter = Cutter::new(&rules(name).unwrap()).unwrap();
        let got: Vec<&str> = cutter.cut(text).into_iter().map(|r| &text[r]).collect();
        assert_eq!(got, want, "{name}");
    }

    #[test]
    fn text_is_cut_as_the_models_were_taught() {
        check("gpt-2", "I'll  see\n\n you 1234!", &["I", "'ll", " ", " see", "\n\n", " you", " 1234", "!"]);
        check("gpt-2", "a\t\tb  ", &["a", "\t", "\t", "b", "  "]);
        check("smollm", "a 12", &["a", " ", "1", "2"]);
        check("llama-bpe", "It'S 12345 \n\n  x", &["It", "'S", " ", "123", "45", " \n\n", " ", " x"]);
        check("qwen2", " 12\u{301}", &[" ", "1", "2", "\u{301}"]);
        check("qwen35", "e\u{301}a", &["e\u{301}a"]);
        check("tekken", "HelloWorld", &["Hello", "World"]);
        check("gpt-4o", "don't", &["don't"]);
        check("kimi-k2", "ab\u{4f60}\u{597d}cd", &["ab", "\u{4f60}\u{597d}", "cd"]);
        check("tiny_aya", "1234567 1234x", &["1", "234", "567", " ", "123", "4", "x"]);
        check("superbpe", "a1234567b", &["a", "1", "234", "567", "b"]);
        check("gemma4", "a b\n\nc", &["a b", "\n\n", "c"]);
        check("qwen2", "", &[]);
    }

    #[test]
    fn every_name_compiles_and_unknown_ones_are_refused() {
        let names = "default gpt-2 smollm llama-bpe qwen2 qwen35 minicpm5 laguna ufakzeka bailingmoe seed-coder exaone-moe \
            tekken gpt-4o tiny_aya youtu kimi-k2 deepseek-llm deepseek-coder deepseek-v3 spark2_5 afmoe superbpe falcon \
            bloom viking chameleon gemma4";
        for name in names.split_whitespace() {
            Cutter::new(&rules(name).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
        assert!(rules("nobody").is_err());
    }
}
