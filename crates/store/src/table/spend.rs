//! What exchanges with providers cost: reserved at the most that they can cost before they are sent, settled after. One
//! that was never settled (the program ended in the middle) counts at its most.

use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{SpaceId, TimeMs, TurnId};

pub(crate) const CREATE: &str = "
CREATE TABLE spend (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    space INTEGER,                -- kept when the space goes
    turn INTEGER,
    bound INTEGER NOT NULL,       -- millionths of a US dollar
    cost INTEGER                  -- the same; NULL until settled
) STRICT;
CREATE INDEX spend_at ON spend(at_ms);
";

/// An exchange that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpend {
    /// When.
    pub at_ms: TimeMs,
    /// With whom.
    pub provider: String,
    /// With which model.
    pub model: String,
    /// For which space.
    pub space: Option<SpaceId>,
    /// For which turn.
    pub turn: Option<TurnId>,
    /// The most that it can cost, in millionths of a US dollar.
    pub bound: u64,
}

impl Reader<'_> {
    /// What was spent since a point in time, in millionths of a US dollar; in one space only, or by one provider only,
    /// where that is said. What is not settled counts at its most.
    pub fn spent(&self, since_ms: TimeMs, space: Option<SpaceId>, provider: Option<&str>) -> Result<u64> {
        let sql = "SELECT coalesce(sum(coalesce(cost, bound)), 0) FROM spend
            WHERE at_ms >= ?1 AND (?2 IS NULL OR space = ?2) AND (?3 IS NULL OR provider = ?3)";
        let sum: i64 = self
            .db
            .prepare_cached(sql)?
            .query_row((since_ms, space.map(|space| space.0), provider), |row| row.get(0))?;
        Ok(sum.unsigned_abs())
    }
}

impl Writer<'_> {
    /// Reserves what an exchange can cost at most.
    pub fn reserve_spend(&self, new: &NewSpend) -> Result<i64> {
        let sql = "INSERT INTO spend(at_ms, provider, model, space, turn, bound) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.db.prepare_cached(sql)?.execute((
            new.at_ms,
            &new.provider,
            &new.model,
            new.space.map(|space| space.0),
            new.turn.map(|turn| turn.0),
            i64::try_from(new.bound).unwrap_or(i64::MAX / 4096),
        ))?;
        Ok(self.db.last_insert_rowid())
    }

    /// Notes what an exchange did cost.
    pub fn settle_spend(&self, id: i64, cost: u64) -> Result<()> {
        let cost = i64::try_from(cost).unwrap_or(i64::MAX / 4096);
        let changed = self.db.prepare_cached("UPDATE spend SET cost = ?2 WHERE id = ?1")?.execute((id, cost))?;
        if changed == 0 { Err(StoreError::NotFound { what: "spending", id }) } else { Ok(()) }
    }
}
