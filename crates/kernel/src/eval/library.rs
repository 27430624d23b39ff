//! Documents of a set into the throwaway vault, cut, embedded and published as an import does it; and a question to it.

use super::Bench;
use crate::clock::now_ms;
use crate::embedding::whole_text;
use crate::error;
use crate::turn::Found;
use hearth_api::Error;
use hearth_documents::ChunkOptions;
use hearth_domain::{Block, BlockKind, Document, DocumentId, Kind, Label, Page, Passage, Place, SpaceId, Words};
use hearth_inference::embed;
use hearth_store::{IndexedPassage, NewVersion, Scope, SearchFilter};

/// Documents published in one transaction.
const AT_ONCE: usize = 200;

/// A text that is there already, as a document of one page: what the reader makes of plain text, without its guesses.
pub(super) fn plain(title: &str, text: &str) -> Document {
    let mut page = Page {
        place: Place::Whole,
        text: text.to_owned(),
        blocks: Vec::new(),
        boxes: Vec::new(),
        size_pt: None,
        words: Words::Written,
    };
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.trim_end().len();
        if end > start {
            page.blocks.push(Block { kind: BlockKind::Paragraph, range: start as u32..end as u32 });
        }
        start += line.len();
    }
    Document {
        kind: Kind::Text,
        title: Some(title.to_owned()),
        author: None,
        created: None,
        language: None,
        pages: vec![page],
        outline: Vec::new(),
        warnings: Vec::new(),
        attachments: Vec::new(),
    }
}

impl Bench<'_> {
    /// A new space.
    pub(super) fn space(&self, name: &str) -> Result<SpaceId, Error> {
        self.open.store.write(|writer| writer.create_space(name, now_ms())).map_err(error::store)
    }

    /// Publishes documents in a space, and gives their ids in the same order. A document is (name, what was read).
    pub(super) fn publish(
        &mut self,
        space: SpaceId,
        documents: &[(String, Document)],
    ) -> Result<Vec<DocumentId>, Error> {
        let mut ids = Vec::with_capacity(documents.len());
        for some in documents.chunks(AT_ONCE) {
            (self.progress)(&format!("{} of {} documents", ids.len(), documents.len()));
            let cut: Vec<Vec<Passage>> =
                some.iter().map(|(_, read)| hearth_documents::chunk(read, &ChunkOptions::default())).collect();
            let titles: Vec<&str> =
                some.iter().map(|(name, read)| read.title.as_deref().unwrap_or(name.as_str())).collect();
            let texts: Vec<String> = cut
                .iter()
                .zip(&titles)
                .flat_map(|(passages, title)| passages.iter().map(|p| whole_text(&p.context, &p.text, title)))
                .collect();
            let vectors = self.vectors.of(embed::Kind::Passage, &texts, self.progress)?;
            let mut vectors = vectors.unwrap_or_else(|| vec![vec![1.0]; texts.len()]).into_iter();
            let mut published = Vec::with_capacity(some.len());
            self.open
                .store
                .write(|writer| {
                    for (((name, read), passages), title) in some.iter().zip(cut).zip(&titles) {
                        let hash = crate::import::hash(name.as_bytes());
                        let (document, version) = writer.begin_version(&NewVersion {
                            space,
                            document: None,
                            name: name.clone(),
                            kind: read.kind,
                            label: Label::Public,
                            label_rule: "of an evaluation".into(),
                            origin: None,
                            scope: Scope::Kept,
                            hash,
                            size_bytes: 0,
                            now: now_ms(),
                        })?;
                        writer.keep_pages(version, read)?;
                        let indexed: Vec<IndexedPassage> = passages
                            .into_iter()
                            .map(|passage| {
                                let terms = hearth_retrieval::index_terms(&passage.text, &passage.context, title);
                                IndexedPassage { terms, embedding: vectors.next().unwrap_or_default(), passage }
                            })
                            .collect();
                        writer.publish(version, &indexed, now_ms())?;
                        published.push(document);
                    }
                    Ok(())
                })
                .map_err(error::store)?;
            ids.extend(published);
        }
        Ok(ids)
    }

    /// The vectors of questions; none where there is no embedder.
    pub(super) fn questions(&mut self, texts: &[String]) -> Result<Vec<Option<Vec<f32>>>, Error> {
        let vectors = self.vectors.of(embed::Kind::Query, texts, self.progress)?;
        Ok(vectors.map_or_else(|| vec![None; texts.len()], |found| found.into_iter().map(Some).collect()))
    }

    /// Passages for a question, as a turn finds them.
    pub(super) fn ask(&self, text: &str, vector: Option<Vec<f32>>, filter: &SearchFilter) -> Result<Found, Error> {
        crate::turn::find_ranked(self.house, &self.open, text, vector, filter)
    }

    /// The same after a second look, where the first found nothing that bears on the question.
    pub(super) fn ask_again(&self, text: &str, filter: &SearchFilter, found: Found) -> Result<Found, Error> {
        crate::turn::find_again(self.house, &self.open, text, filter, found)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_of_a_text_are_its_paragraphs() {
        let read = super::plain("T", "One.\n\n  \nTwo lines.\n");
        let text = &read.pages[0].text;
        let blocks: Vec<&str> =
            read.pages[0].blocks.iter().map(|b| &text[b.range.start as usize..b.range.end as usize]).collect();
        assert_eq!(blocks, ["One.", "Two lines."]);
    }
}
