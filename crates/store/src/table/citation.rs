//! Citations: which spans an answer rests on. They outlive the version they cite; a purge empties their quotes.

use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, Span, TurnId, VersionId};
use rusqlite::Row;

pub(crate) const CREATE: &str = "
CREATE TABLE citation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL REFERENCES turn(id),
    number INTEGER NOT NULL,
    document INTEGER NOT NULL,    -- may be purged
    version INTEGER NOT NULL,     -- may be purged
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,
    end INTEGER NOT NULL,
    quote TEXT NOT NULL
) STRICT;
CREATE INDEX citation_turn ON citation(turn, number);
CREATE INDEX citation_document ON citation(document);
";

/// A citation to be kept with a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCitation {
    /// Its number in the answer.
    pub number: u32,
    /// Where the quoted text stands.
    pub span: Span,
    /// The document that version is of.
    pub document: DocumentId,
    /// The quoted text.
    pub quote: String,
}

/// A citation of a turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CitationRow {
    /// The turn whose answer cites.
    pub turn: TurnId,
    /// Its number in the answer.
    pub number: u32,
    /// The document cited.
    pub document: DocumentId,
    /// Where the quoted text stands.
    pub span: Span,
    /// The quoted text; empty once the document is purged.
    pub quote: String,
}

const SELECT: &str = "SELECT turn, number, document, version, page, start, end, quote FROM citation";

fn from_row(row: &Row) -> rusqlite::Result<CitationRow> {
    Ok(CitationRow {
        turn: TurnId(row.get("turn")?),
        number: row.get("number")?,
        document: DocumentId(row.get("document")?),
        span: Span {
            version: VersionId(row.get("version")?),
            page: row.get("page")?,
            start: row.get("start")?,
            end: row.get("end")?,
        },
        quote: row.get("quote")?,
    })
}

impl Reader<'_> {
    /// Which answers cite a document, latest first.
    pub fn citations_of(&self, document: DocumentId) -> Result<Vec<CitationRow>> {
        let sql = format!("{SELECT} WHERE document = ?1 ORDER BY turn DESC, number");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map([document.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The citations of one turn, by number.
    pub fn citations(&self, turn: TurnId) -> Result<Vec<CitationRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE turn = ?1 ORDER BY number, id"))?;
        Ok(statement.query_map([turn.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    pub(crate) fn put_citations(&self, turn: TurnId, citations: &[NewCitation]) -> Result<()> {
        self.db.prepare_cached("DELETE FROM citation WHERE turn = ?1")?.execute([turn.0])?;
        let sql = "INSERT INTO citation(turn, number, document, version, page, start, end, quote)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let mut insert = self.db.prepare_cached(sql)?;
        for new in citations {
            let span = &new.span;
            insert.execute((
                turn.0,
                new.number,
                new.document.0,
                span.version.0,
                span.page,
                span.start,
                span.end,
                &new.quote,
            ))?;
        }
        Ok(())
    }
}
