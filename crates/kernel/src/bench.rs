//! Fills a space with made-up documents, so that a benchmark can measure a large library without reading one. Each passage
//! is one of the real documents with half of its words exchanged for words of others, so that every word of a question is as
//! common as in the real documents; vectors are seeded noise.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Error, ErrorCode};
use hearth_domain::{Block, BlockKind, Document, Kind, Label, Page, Passage, Place, SpaceId, Words};
use hearth_store::{DocumentFilter, IndexedPassage, NewVersion, Scope};

/// Passages of one made-up document.
const EACH: u64 = 500;
/// What its name begins with.
const MADE_UP: &str = "made up";
/// Components of a vector, as the default embedder makes them.
const DIMS: usize = 384;
/// Publishes made-up documents until there are `passages` more in the space. `progress` hears how many there are.
///
/// # Errors
/// `Invalid` when the space has no passage to take after.
pub(crate) fn fill(house: &House, space: SpaceId, passages: u64, progress: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let open = house.open()?;
    let real = passages_of(&open, space)?;
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut made = 0;
    while made < passages {
        let count = EACH.min(passages - made);
        let name = format!("{MADE_UP} {}.txt", made / EACH);
        let texts: Vec<String> = (0..count).map(|_| text(&real, &mut dice)).collect();
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
    let mut page = Page {
        place: Place::Whole,
        text: String::new(),
        blocks: Vec::new(),
        boxes: Vec::new(),
        size_pt: None,
        words: Words::Written,
    };
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

/// Passages of the real documents, as words.
fn passages_of(open: &Open, space: SpaceId) -> Result<Vec<Vec<String>>, Error> {
    let filter = DocumentFilter { space: Some(space), ..DocumentFilter::default() };
    let texts = open
        .store
        .read(|reader| {
            let mut texts = Vec::new();
            let real = reader.documents(&filter)?.into_iter().filter(|row| !row.name.starts_with(MADE_UP));
            for version in real.filter_map(|row| row.version) {
                texts.extend(reader.passages_of(version)?.into_iter().map(|row| row.text));
            }
            Ok(texts)
        })
        .map_err(error::store)?;
    let words = |text: String| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let words: Vec<_> = texts.into_iter().map(words).filter(|words| !words.is_empty()).collect();
    if words.is_empty() {
        return Err(
            Error::new(ErrorCode::Invalid, "There is no passage to take after.").hint("Import documents first.")
        );
    }
    Ok(words)
}

fn text(real: &[Vec<String>], dice: &mut Dice) -> String {
    let mut words: Vec<&str> = dice.one(real).map(|base| base.iter().map(String::as_str).collect()).unwrap_or_default();
    for word in &mut words {
        if dice.unit() < 0.5
            && let Some(other) = dice.one(real).and_then(|passage| dice.one(passage))
        {
            *word = other;
        }
    }
    words.join(" ")
}

/// A small generator (xorshift64*, Vigna 2016): the same numbers every time.
struct Dice(u64);

impl Dice {
    fn one<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get((self.unit() * of.len() as f32) as usize)
    }

    /// 0 to 1.
    fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32
    }
}
