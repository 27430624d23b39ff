//! Files that came in inside others: attached to letters, members of archives. Such a document follows what it came in: it is
//! removed, put back and labelled with it, as long as no person brought it in on its own.

use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, Label, TimeMs};
use rusqlite::{OptionalExtension, Row};

pub(crate) const CREATE: &str = "
CREATE TABLE inside (
    id INTEGER PRIMARY KEY,
    parent INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    child INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    name TEXT NOT NULL,           -- with its path inside the parent
    follows INTEGER NOT NULL,     -- 0 where a person brought the child in on its own as well
    UNIQUE (parent, name)
) STRICT;
CREATE INDEX inside_child ON inside(child);
";

/// Why a document has its label that came in inside another.
pub const LABEL_OF_PARENT: &str = "the label of the file that it came in";

/// Files within files, at most.
const MAX_DEPTH: u32 = 16;

/// A document inside another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InsideRow {
    /// What holds it.
    pub parent: DocumentId,
    /// What is inside.
    pub child: DocumentId,
    /// Its name there, with its path.
    pub name: String,
    /// Whether it is removed and labelled with what holds it.
    pub follows: bool,
}

fn from_row(row: &Row) -> rusqlite::Result<InsideRow> {
    Ok(InsideRow {
        parent: DocumentId(row.get(0)?),
        child: DocumentId(row.get(1)?),
        name: row.get(2)?,
        follows: row.get(3)?,
    })
}

impl Reader<'_> {
    /// What is inside a document, by name.
    pub fn inside(&self, parent: DocumentId) -> Result<Vec<InsideRow>> {
        let sql = "SELECT parent, child, name, follows FROM inside WHERE parent = ?1 ORDER BY name";
        Ok(self.db.prepare_cached(sql)?.query_map([parent.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// What has a name inside a document.
    pub fn inside_at(&self, parent: DocumentId, name: &str) -> Result<Option<InsideRow>> {
        let sql = "SELECT parent, child, name, follows FROM inside WHERE parent = ?1 AND name = ?2";
        Ok(self.db.prepare_cached(sql)?.query_row((parent.0, name), from_row).optional()?)
    }

    /// What a document is inside of.
    pub fn holders(&self, child: DocumentId) -> Result<Vec<InsideRow>> {
        let sql = "SELECT parent, child, name, follows FROM inside WHERE child = ?1 ORDER BY id";
        Ok(self.db.prepare_cached(sql)?.query_map([child.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// These documents and all that is inside them, at any depth, that is not removed.
    pub fn with_inside(&self, documents: &[DocumentId]) -> Result<Vec<DocumentId>> {
        let sql = "WITH RECURSIVE held(id, depth) AS (SELECT value, 0 FROM json_each(?1)
            UNION SELECT i.child, h.depth + 1 FROM held h JOIN inside i ON i.parent = h.id
            JOIN document d ON d.id = i.child WHERE d.removed_ms IS NULL AND h.depth < ?2)
            SELECT id FROM held GROUP BY id ORDER BY min(depth), id";
        let ids: Vec<i64> = documents.iter().map(|id| id.0).collect();
        let rows = (crate::word::json(&ids)?, MAX_DEPTH);
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map(rows, |row| row.get(0).map(DocumentId))?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Notes that a document is inside another, under a name. One that a person brought in before does not follow.
    pub fn put_inside(&self, parent: DocumentId, name: &str, child: DocumentId, new: bool) -> Result<()> {
        if parent == child {
            return Ok(());
        }
        let sql = "INSERT INTO inside(parent, child, name, follows) VALUES (?1, ?2, ?3,
            ?4 OR EXISTS (SELECT 1 FROM inside WHERE child = ?2 AND follows))
            ON CONFLICT (parent, name) DO UPDATE SET follows = CASE WHEN child = excluded.child THEN follows
            ELSE excluded.follows END, child = excluded.child";
        self.db.prepare_cached(sql)?.execute((parent.0, child.0, name, new))?;
        Ok(())
    }

    /// Notes that a document holds nothing under a name any more. What was there is removed where nothing else holds it.
    pub fn drop_inside(&self, parent: DocumentId, name: &str, now: TimeMs) -> Result<()> {
        let Some(row) = self.inside_at(parent, name)? else { return Ok(()) };
        self.db.prepare_cached("DELETE FROM inside WHERE parent = ?1 AND name = ?2")?.execute((parent.0, name))?;
        for holder in self.holders(row.child)? {
            if self.document(holder.parent)?.is_some_and(|holder| holder.removed_ms.is_none()) {
                return Ok(());
            }
        }
        if row.follows { self.remove_document(row.child, now).map(drop) } else { Ok(()) }
    }

    /// A person brought a document in on its own: it does not follow what it was found in any more.
    pub fn stand_alone(&self, child: DocumentId) -> Result<()> {
        self.db.prepare_cached("UPDATE inside SET follows = 0 WHERE child = ?1")?.execute([child.0])?;
        Ok(())
    }

    /// Removes what follows a document that was removed, where nothing else holds it. Says what.
    pub(crate) fn remove_inside(&self, parent: DocumentId, now: TimeMs, depth: u32) -> Result<Vec<DocumentId>> {
        let sql = "UPDATE document SET removed_ms = ?2 WHERE removed_ms IS NULL AND id IN (SELECT i.child FROM inside i
            WHERE i.parent = ?1 AND i.follows AND NOT EXISTS (SELECT 1 FROM inside o JOIN document p ON p.id = o.parent
            WHERE o.child = i.child AND p.removed_ms IS NULL)) RETURNING id";
        self.each_inside(sql, parent, now, depth)
    }

    /// Puts back what was removed together with a document. Says what.
    pub(crate) fn restore_inside(&self, parent: DocumentId, removed: TimeMs, depth: u32) -> Result<Vec<DocumentId>> {
        let sql = "UPDATE document SET removed_ms = NULL WHERE removed_ms = ?2
            AND id IN (SELECT child FROM inside WHERE parent = ?1 AND follows) RETURNING id";
        self.each_inside(sql, parent, removed, depth)
    }

    fn each_inside(&self, sql: &str, parent: DocumentId, time: TimeMs, depth: u32) -> Result<Vec<DocumentId>> {
        let mut statement = self.db.prepare_cached(sql)?;
        let mut all: Vec<DocumentId> = statement
            .query_map((parent.0, time), |row| row.get(0).map(DocumentId))?
            .collect::<rusqlite::Result<_>>()?;
        drop(statement);
        for child in all.clone() {
            self.touch(child);
            if depth < MAX_DEPTH {
                all.extend(self.each_inside(sql, child, time, depth + 1)?);
            }
        }
        Ok(all)
    }

    /// Gives what follows a document a label that fits: that of what holds it, and never less than before where a person
    /// chose it. Says which documents changed, and to what.
    pub fn label_inside(&self, parent: DocumentId) -> Result<Vec<(DocumentId, Label)>> {
        let (mut changed, mut left) = (Vec::new(), vec![(parent, 0)]);
        while let Some((parent, depth)) = left.pop() {
            for row in self.inside(parent)?.into_iter().filter(|row| row.follows) {
                let Some(child) = self.document(row.child)? else { continue };
                let mut most: Option<Label> = None;
                for holder in self.holders(row.child)? {
                    let holder = self.document(holder.parent)?.filter(|holder| holder.removed_ms.is_none());
                    most = most.max(holder.map(|holder| holder.label));
                }
                let Some(most) = most else { continue };
                let wanted = if child.label_rule == LABEL_OF_PARENT { most } else { most.max(child.label) };
                let space = self.space(child.space)?.map_or(wanted, |space| space.label);
                let wanted = wanted.max(space);
                if wanted != child.label {
                    self.set_label(row.child, wanted, LABEL_OF_PARENT, 0)?;
                    changed.push((row.child, wanted));
                    if depth < MAX_DEPTH {
                        left.push((row.child, depth + 1));
                    }
                }
            }
        }
        Ok(changed)
    }
}
