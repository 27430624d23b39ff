//! A small vault with documents in it, for the other tests.

use crate::vault::create_at_cost;
use crate::*;
use hearth_domain::*;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) const DIMS: usize = 32;
pub(super) const CHEAP: crate::vault::TestCost = crate::vault::LOW_COST;

pub(super) struct House {
    pub dir: tempfile::TempDir,
    pub store: Store,
    pub space: SpaceId,
}

pub(super) fn passphrase(words: &str) -> Secret {
    Secret::Passphrase(Zeroizing::new(words.to_owned()))
}

pub(super) fn house() -> House {
    let dir = tempfile::tempdir().unwrap();
    let store = create_at_cost(dir.path(), &passphrase("open"), 1, CHEAP).unwrap();
    let space = store.write(|w| w.create_space("Work", 1)).unwrap();
    House { dir, store, space }
}

pub(super) fn hash_of(bytes: &[u8]) -> BlobHash {
    BlobHash(crate::chain::sha256(bytes))
}

/// A vector that only texts with the same first word share.
pub(super) fn embed(text: &str) -> Vec<f32> {
    let word = text.split(' ').next().unwrap_or_default();
    let mut seed = crate::chain::sha256(word.as_bytes());
    let mut vector = Vec::new();
    while vector.len() < DIMS {
        vector.extend(seed.iter().map(|b| f32::from(*b) - 127.5));
        seed = crate::chain::sha256(&seed);
    }
    vector.truncate(DIMS);
    vector
}

pub(super) fn unit(vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    vector.into_iter().map(|x| x / length).collect()
}

pub(super) fn indexed(text: &str) -> IndexedPassage {
    IndexedPassage {
        passage: Passage { page: 0, range: 0..text.len() as u32, text: text.to_owned(), context: vec!["Top".into()] },
        terms: text.to_lowercase(),
        embedding: embed(text),
    }
}

pub(super) fn read(text: &str) -> Document {
    Document {
        kind: Kind::Text,
        title: None,
        author: None,
        created: None,
        language: Some("en".into()),
        pages: vec![Page {
            place: Place::Whole,
            text: text.to_owned(),
            blocks: vec![Block { kind: BlockKind::Paragraph, range: 0..text.len() as u32 }],
            boxes: vec![],
            size_pt: None,
            words: Words::Written,
        }],
        outline: vec![],
        warnings: vec![],
        attachments: vec![],
    }
}

pub(super) fn new_version(space: SpaceId, document: Option<DocumentId>, name: &str, bytes: &[u8]) -> NewVersion {
    NewVersion {
        space,
        document,
        name: name.to_owned(),
        kind: Kind::Text,
        label: Label::Internal,
        label_rule: "default".into(),
        origin: Some(format!("/in/{name}")),
        scope: Scope::Kept,
        hash: hash_of(bytes),
        size_bytes: bytes.len() as u64,
        now: 5,
    }
}

/// Brings in a version: bytes, pages and passages, published in one transaction.
pub(super) fn import_as(
    w: &Writer,
    new: &NewVersion,
    text: &str,
    passages: &[&str],
) -> Result<(DocumentId, VersionId)> {
    w.put_blob(&new.hash, text.as_bytes())?;
    let (document, version) = w.begin_version(new)?;
    w.keep_pages(version, &read(text))?;
    let passages: Vec<IndexedPassage> = passages.iter().map(|text| indexed(text)).collect();
    w.publish(version, &passages, 9)?;
    Ok((document, version))
}

impl House {
    pub(super) fn import(&self, name: &str, passages: &[&str]) -> (DocumentId, VersionId) {
        self.import_version(None, name, passages)
    }

    pub(super) fn import_version(
        &self,
        document: Option<DocumentId>,
        name: &str,
        passages: &[&str],
    ) -> (DocumentId, VersionId) {
        let text = passages.join("\n");
        let new = new_version(self.space, document, name, text.as_bytes());
        self.store.write(|w| import_as(w, &new, &text, passages)).unwrap()
    }

    pub(super) fn words(&self, query: &str, filter: &SearchFilter) -> Vec<String> {
        let any = query.split(' ').map(|t| Term { text: t.to_lowercase(), weight: 1.0, prefix: false }).collect();
        let query = TextQuery { any, ..TextQuery::default() };
        self.store.read(|r| texts(r, r.search_text(&query, filter, 10)?.into_iter().map(|h| h.passage))).unwrap()
    }

    pub(super) fn near(&self, text: &str, filter: &SearchFilter) -> Vec<String> {
        let query = unit(embed(text));
        let close = |hits: Vec<VectorHit>| hits.into_iter().filter(|hit| hit.cosine > 0.9).map(|hit| hit.passage);
        self.store.read(|r| texts(r, close(r.search_vectors(&query, filter, 10)?))).unwrap()
    }

    pub(super) fn everything(&self) -> SearchFilter {
        SearchFilter::space(self.space)
    }

    pub(super) fn reopen(self) -> House {
        let House { dir, store, space } = self;
        drop(store);
        let store = open(dir.path(), &passphrase("open")).unwrap();
        House { dir, store, space }
    }
}

fn texts(r: &Reader, ids: impl Iterator<Item = PassageId>) -> Result<Vec<String>> {
    let ids: Vec<PassageId> = ids.collect();
    let rows = r.passages(&ids)?;
    assert_eq!(rows.len(), ids.len(), "a search gave a passage that cannot be read");
    Ok(rows.into_iter().map(|row| row.text).collect())
}

/// Copies a folder as it stands on the disk now: what a kill at this moment would leave.
pub(super) fn image(of: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(of).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "hearth.db-shm" {
            std::fs::copy(entry.path(), to.path().join(entry.file_name())).unwrap();
        }
    }
    to
}

pub(super) fn note(sentence: &str) -> Entry {
    Entry { at_ms: 1, kind: "test", sentence: sentence.to_owned(), subject: None, detail: serde_json::Value::Null }
}
