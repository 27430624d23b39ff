//! What may be spent, as hard stops: what an exchange can cost at most is reserved before it is sent, in the transaction
//! that looks at what was spent; what it did cost takes its place after.

use super::Kept;
use crate::clock::{now_ms, today_ms};
use crate::error;
use crate::kernel::Open;
use hearth_api as api;
use hearth_api::{Error, ErrorCode};
use hearth_domain::{SpaceId, TimeMs, TurnId};
use hearth_egress::provider::Amount;
use hearth_store::{Entry, NewSpend};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const KEPT: &str = "budget";
/// Until a person says otherwise: a dollar a day, ten in thirty days.
const DAY: Amount = Amount(1_000_000);
const PERSON: Amount = Amount(10_000_000);
const MONTH_MS: TimeMs = 30 * 24 * 3600 * 1000;

/// What may be spent; none is no limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Budget {
    day: Option<Amount>,
    person: Option<Amount>,
    spaces: BTreeMap<i64, Amount>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { day: Some(DAY), person: Some(PERSON), spaces: BTreeMap::new() }
    }
}

impl Budget {
    pub(super) fn shown(&self) -> api::Budget {
        let dollars = |amount: Amount| amount.0 as f64 / 1e6;
        api::Budget {
            day: self.day.map(dollars),
            person: self.person.map(dollars),
            spaces: self.spaces.iter().map(|(space, amount)| (*space, dollars(*amount))).collect(),
        }
    }

    /// Each limit that counts for a space: its name, since when, where, how much.
    fn limits(&self, space: Option<SpaceId>) -> Vec<(&'static str, TimeMs, Option<SpaceId>, Amount)> {
        let month = now_ms() - MONTH_MS;
        let for_space = space.and_then(|space| Some((space, *self.spaces.get(&space.0)?)));
        let day = self.day.map(|most| ("today", today_ms(), None, most));
        let person = self.person.map(|most| ("thirty days", month, None, most));
        let space = for_space.map(|(space, most)| ("this space in thirty days", month, Some(space), most));
        day.into_iter().chain(person).chain(space).collect()
    }
}

/// The budget as kept. One that cannot be read allows nothing.
pub(super) fn budget(open: &Open) -> Result<Budget, Error> {
    let value = open.store.read(|reader| reader.setting(KEPT)).map_err(error::store)?;
    value.map_or(Ok(Budget::default()), |value| {
        serde_json::from_value(value).map_err(|why| {
            Error::new(ErrorCode::Damaged, format!("The budget cannot be read: {why}.")).hint("Set the budget again.")
        })
    })
}

pub(super) fn set_budget(open: &Open, new: &api::Budget) -> Result<(), Error> {
    let amounts = new.day.iter().chain(&new.person).chain(new.spaces.values());
    if amounts.clone().any(|dollars| !(0.0..=1e6).contains(dollars)) {
        return Err(Error::new(ErrorCode::Invalid, "A budget is an amount in dollars, from 0 to 1,000,000."));
    }
    let budget = Budget {
        day: new.day.map(Amount::dollars),
        person: new.person.map(Amount::dollars),
        spaces: new.spaces.iter().map(|(space, dollars)| (*space, Amount::dollars(*dollars))).collect(),
    };
    let value = serde_json::to_value(&budget).map_err(error::internal)?;
    let words = |amount: Option<Amount>| amount.map_or("no limit".to_owned(), |amount| amount.to_string());
    let sentence = format!("Budget set: {} a day, {} in thirty days", words(budget.day), words(budget.person));
    let entry = Entry {
        at_ms: now_ms(),
        kind: "budget.set",
        sentence,
        subject: None,
        detail: serde_json::json!({ "budget": budget }),
    };
    open.store.record(entry, |writer| writer.set_setting(KEPT, &value)).map_err(error::store)?;
    Ok(())
}

/// Spent today, and in thirty days.
pub(super) fn spent(open: &Open) -> Result<(Amount, Amount), Error> {
    let month = now_ms() - MONTH_MS;
    open.store
        .read(|reader| Ok((Amount(reader.spent(today_ms(), None, None)?), Amount(reader.spent(month, None, None)?))))
        .map_err(error::store)
}

/// Spent with one provider in thirty days.
pub(super) fn spent_with(open: &Open, id: &str) -> Result<Amount, Error> {
    let since = now_ms() - MONTH_MS;
    open.store.read(|reader| reader.spent(since, None, Some(id))).map(Amount).map_err(error::store)
}

/// Whether this much may still be spent; else which limit stands in the way.
pub(super) fn over(open: &Open, space: Option<SpaceId>, bound: Amount) -> Result<Option<String>, Error> {
    let limits = budget(open)?.limits(space);
    open.store.read(|reader| exceeded(reader, &limits, bound)).map_err(error::store)
}

fn exceeded(
    reader: &hearth_store::Reader<'_>,
    limits: &[(&'static str, TimeMs, Option<SpaceId>, Amount)],
    bound: Amount,
) -> hearth_store::Result<Option<String>> {
    for (name, since, space, most) in limits {
        let spent = Amount(reader.spent(*since, *space, None)?);
        if spent.plus(bound) > *most {
            return Ok(Some(format!(
                "This can cost up to {bound}, and the budget for {name} is {most}, of which {spent} is spent."
            )));
        }
    }
    Ok(None)
}

/// Reserves the most that an exchange can cost, and names the reservation.
///
/// # Errors
/// `Denied` where a budget does not allow it: nothing may be sent then.
pub(super) fn reserve(
    open: &Open,
    provider: &Kept,
    space: Option<SpaceId>,
    turn: Option<TurnId>,
    bound: Amount,
) -> Result<i64, Error> {
    let limits = budget(open)?.limits(space);
    let new = NewSpend {
        at_ms: now_ms(),
        provider: provider.id.clone(),
        model: provider.model.clone(),
        space,
        turn,
        bound: bound.0,
    };
    let reserved = open.store.write(|writer| match exceeded(writer, &limits, bound)? {
        Some(why) => Ok(Err(why)),
        None => writer.reserve_spend(&new).map(Ok),
    });
    reserved.map_err(error::store)?.map_err(|why| {
        Error::new(ErrorCode::Denied, format!("{why} Nothing was sent."))
            .hint("The answer made here stands. The budget is set on the Privacy screen.")
    })
}
