//! Fills a space with made-up documents, so that a benchmark can measure a large library without reading one. The words
//! follow a long-tailed distribution, as those of real text do; vectors are seeded noise.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::House;
use hearth_api::Error;
use hearth_domain::{Block, BlockKind, Document, Kind, Label, Page, Passage, Place, SpaceId};
use hearth_store::{IndexedPassage, NewVersion, Scope};

/// Passages of one made-up document.
const EACH: u64 = 500;
/// Components of a vector, as the default embedder makes them.
const DIMS: usize = 384;
/// Words to choose from.
const WORDS: u64 = 20_000;

/// Publishes made-up documents until there are `passages` more in the space. `progress` hears how many there are.
pub(crate) fn fill(house: &House, space: SpaceId, passages: u64, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let open = house.open()?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut made = 0;
    while made < passages {
        let count = EACH.min(passages - made);
        let name = format!("made up {}.txt", made / EACH);
        let texts: Vec<String> = (0..count).map(|_| text(&mut dice)).collect();
        let (page, indexed) = page(&name, texts, &mut dice);
        let read = Document {
            kind: Kind::Text,
            title: Some(name.clone()),
            author: None,
            created: None,
            language: None,
            pages: vec![page],
            outline: Vec::new(),
            warnings: Vec::new(),
            attachments: Vec::new(),
        };
        let bytes = name.clone().into_bytes();
        open.store
            .write(|writer| {
                let hash = crate::import::hash(&bytes);
                writer.put_blob(&hash, &bytes)?;
                let (_, version) = writer.begin_version(&NewVersion {
                    space,
                    document: None,
                    name,
                    kind: Kind::Text,
                    label: Label::Public,
                    label_rule: "made up for a benchmark".into(),
                    origin: None,
                    scope: Scope::Kept,
                    hash,
                    size_bytes: bytes.len() as u64,
                    now: now_ms(),
                })?;
                writer.keep_pages(version, &read)?;
                writer.publish(version, &indexed, now_ms())
            })
            .map_err(error::store)?;
        made += count;
        progress(made);
    }
    Ok(())
}

fn page(title: &str, texts: Vec<String>, dice: &mut Dice) -> (Page, Vec<IndexedPassage>) {
    let mut page =
        Page { place: Place::Whole, text: String::new(), blocks: Vec::new(), boxes: Vec::new(), size_pt: None };
    let mut indexed = Vec::with_capacity(texts.len());
    for text in texts {
        let start = page.text.len() as u32;
        page.text.push_str(&text);
        let range = start..page.text.len() as u32;
        page.text.push('\n');
        page.blocks.push(Block { kind: BlockKind::Paragraph, range: range.clone() });
        let terms = hearth_retrieval::index_terms(&text, &[], title);
        let embedding = (0..DIMS).map(|_| dice.unit() + dice.unit() - 1.0).collect();
        indexed.push(IndexedPassage {
            passage: Passage { page: 0, range, text, context: Vec::new() },
            terms,
            embedding,
        });
    }
    (page, indexed)
}

fn text(dice: &mut Dice) -> String {
    let mut text = String::with_capacity(700);
    while text.len() < 650 {
        // Squaring favours low numbers: few words are common, most are rare.
        let at = (dice.unit() * dice.unit() * WORDS as f32) as u64;
        text.push_str(&word(at));
        text.push(if dice.unit() < 0.08 { '.' } else { ' ' });
    }
    text.push('.');
    text
}

/// The n-th made-up word: syllables that spell the number.
fn word(mut n: u64) -> String {
    const SYLLABLES: [&str; 16] =
        ["ba", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "vu", "da", "fe", "gi", "ho", "ju", "za"];
    let mut word = String::new();
    n += 16;
    while n > 0 {
        word.push_str(SYLLABLES[(n % 16) as usize]);
        n /= 16;
    }
    word
}

/// A small generator (xorshift64*, Vigna 2016): the same numbers every time.
struct Dice(u64);

impl Dice {
    /// 0 to 1.
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32
    }
}
