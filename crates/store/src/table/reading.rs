//! Which documents a turn had read: cited or not, and also through what was said before. A purge finds by it everything
//! that may hold words of the document.

use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, TurnId};

pub(crate) const CREATE: &str = "
CREATE TABLE reading (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL REFERENCES turn(id),
    document INTEGER NOT NULL,    -- may be purged
    UNIQUE (turn, document)
) STRICT;
CREATE INDEX reading_document ON reading(document);
";

impl Reader<'_> {
    /// Turns that cite a document or had read it.
    pub fn turns_touching(&self, document: DocumentId) -> Result<Vec<TurnId>> {
        let sql = "SELECT turn FROM citation WHERE document = ?1
            UNION SELECT turn FROM reading WHERE document = ?1 ORDER BY turn";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([document.0], |row| Ok(TurnId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Reader<'_> {
    /// Documents that a turn had read, also through what was said before.
    pub fn read_by(&self, turn: TurnId) -> Result<Vec<DocumentId>> {
        let mut statement = self.db.prepare_cached("SELECT document FROM reading WHERE turn = ?1 ORDER BY document")?;
        Ok(statement.query_map([turn.0], |row| Ok(DocumentId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Notes that a turn reads `documents`, and what the earlier turns of its conversation had read.
    pub fn note_reading(&self, turn: TurnId, documents: &[DocumentId]) -> Result<()> {
        let mut insert = self.db.prepare_cached("INSERT OR IGNORE INTO reading(turn, document) VALUES (?1, ?2)")?;
        for document in documents {
            insert.execute((turn.0, document.0))?;
        }
        let sql = "INSERT OR IGNORE INTO reading(turn, document)
            SELECT DISTINCT ?1, document FROM reading WHERE turn IN (SELECT earlier.id FROM turn AS earlier
                JOIN turn AS this ON this.id = ?1
                WHERE earlier.conversation = this.conversation AND earlier.position < this.position)";
        self.db.prepare_cached(sql)?.execute([turn.0])?;
        Ok(())
    }
}
