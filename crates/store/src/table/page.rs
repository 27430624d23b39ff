//! Pages of versions, as read: text, structure, boxes. Kept for superseded versions too, so that a citation can always
//! open the version it cites.

use crate::word::{get_json, get_json_option, json};
use crate::{Reader, Result, Writer};
use hearth_domain::{Page, Place, TextBox, VersionId, Words};
use rusqlite::{OptionalExtension, Row};

pub(crate) const CREATE: &str = "
CREATE TABLE page (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    version INTEGER NOT NULL REFERENCES version(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,      -- index within the version, from 0
    place TEXT NOT NULL,          -- JSON
    text TEXT NOT NULL,
    blocks TEXT NOT NULL,         -- JSON
    boxes BLOB NOT NULL,          -- 24 bytes each: start, end (u32), x, y, width, height (f32), little-endian
    size_pt TEXT                  -- JSON: [width, height]
) STRICT;
CREATE UNIQUE INDEX page_version ON page(version, number);
";

/// How the words of a page came to be, where they do not stand in the file as text (JSON).
pub(crate) const WORDS: &str = "
ALTER TABLE page ADD COLUMN words TEXT;
";

const BOX_BYTES: usize = 24;

fn pack(boxes: &[TextBox]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(boxes.len() * BOX_BYTES);
    for item in boxes {
        bytes.extend_from_slice(&item.range.start.to_le_bytes());
        bytes.extend_from_slice(&item.range.end.to_le_bytes());
        for number in [item.x, item.y, item.width, item.height] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }
    bytes
}

fn unpack(bytes: &[u8]) -> Vec<TextBox> {
    let word = |part: &[u8], at: usize| part.get(at..at + 4).and_then(|w| w.try_into().ok()).unwrap_or([0; 4]);
    let whole = |part: &[u8], at| u32::from_le_bytes(word(part, at));
    let real = |part: &[u8], at| f32::from_le_bytes(word(part, at));
    bytes
        .chunks_exact(BOX_BYTES)
        .map(|part| TextBox {
            range: whole(part, 0)..whole(part, 4),
            x: real(part, 8),
            y: real(part, 12),
            width: real(part, 16),
            height: real(part, 20),
        })
        .collect()
}

fn from_row(row: &Row) -> rusqlite::Result<Page> {
    Ok(Page {
        place: get_json(row, "place")?,
        text: row.get("text")?,
        blocks: get_json(row, "blocks")?,
        boxes: unpack(&row.get::<_, Vec<u8>>("boxes")?),
        size_pt: get_json_option(row, "size_pt")?,
        words: get_json_option(row, "words")?.unwrap_or_default(),
    })
}

impl Reader<'_> {
    /// One page of a version; `index` from 0.
    pub fn page(&self, version: VersionId, index: u32) -> Result<Option<Page>> {
        let sql = "SELECT place, text, blocks, boxes, size_pt, words FROM page WHERE version = ?1 AND number = ?2";
        Ok(self.db.prepare_cached(sql)?.query_row((version.0, index), from_row).optional()?)
    }

    /// All pages of a version, in order.
    pub fn pages(&self, version: VersionId) -> Result<Vec<Page>> {
        let sql = "SELECT place, text, blocks, boxes, size_pt, words FROM page WHERE version = ?1 ORDER BY number";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([version.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// How the words of a page came to be.
    pub fn page_words(&self, version: VersionId, index: u32) -> Result<Option<Words>> {
        let mut statement = self.db.prepare_cached("SELECT words FROM page WHERE version = ?1 AND number = ?2")?;
        let words = |row: &Row| Ok(get_json_option(row, "words")?.unwrap_or_default());
        Ok(statement.query_row((version.0, index), words).optional()?)
    }

    /// Whether pages of a version are pictures whose words were not read.
    pub fn has_unread_pages(&self, version: VersionId) -> Result<bool> {
        let sql = "SELECT EXISTS(SELECT 1 FROM page WHERE version = ?1 AND words = ?2)";
        let row = (version.0, json(&Words::Unread)?);
        Ok(self.db.prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
    }

    /// What the format calls the places of a version's pages, in order.
    pub fn page_places(&self, version: VersionId) -> Result<Vec<Place>> {
        let mut statement = self.db.prepare_cached("SELECT place FROM page WHERE version = ?1 ORDER BY number")?;
        Ok(statement.query_map([version.0], |row| get_json(row, "place"))?.collect::<rusqlite::Result<_>>()?)
    }

    /// The texts of a version's pages, in order.
    pub fn page_texts(&self, version: VersionId) -> Result<Vec<String>> {
        let mut statement = self.db.prepare_cached("SELECT text FROM page WHERE version = ?1 ORDER BY number")?;
        Ok(statement.query_map([version.0], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Writes the pages of a version in place of those it had.
    pub(crate) fn put_pages(&self, version: VersionId, pages: &[Page]) -> Result<()> {
        self.db.prepare_cached("DELETE FROM page WHERE version = ?1")?.execute([version.0])?;
        let sql = "INSERT INTO page(version, number, place, text, blocks, boxes, size_pt, words) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)";
        let mut insert = self.db.prepare_cached(sql)?;
        for (number, page) in pages.iter().enumerate() {
            let size = page.size_pt.as_ref().map(json).transpose()?;
            let words = (page.words != Words::Written).then(|| json(&page.words)).transpose()?;
            insert.execute((
                version.0,
                number as i64,
                json(&page.place)?,
                &page.text,
                json(&page.blocks)?,
                pack(&page.boxes),
                size,
                words,
            ))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_survive_packing() {
        let boxes = vec![
            TextBox { range: 0..5, x: 1.5, y: -2.0, width: 1e6, height: 0.1 },
            TextBox { range: u32::MAX - 1..u32::MAX, x: 0.0, y: 0.0, width: 0.0, height: 0.0 },
        ];
        assert_eq!(unpack(&pack(&boxes)), boxes);
        assert_eq!(unpack(&[1, 2, 3]), vec![], "a cut-off tail is left out");
    }
}
