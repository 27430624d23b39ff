//! Where a record that does not hold was tampered with: every entry that was edited, dropped, moved or put in.
//!
//! The signed head names the last entry's hash, and each entry the hash of the one before. So the authentic entries are
//! found from the end backwards, wherever they stand now; what is left over was put in, and a place that no entry fills is
//! missing or edited. Behind a break the chain is taken up again at the next entry that gives its own hash, and at every
//! head that was kept (`table/mark.rs`).

use crate::Result;
use crate::chain::{Broken, Flaw, Head, Kept, ROWS};
use crate::table::mark::Marks;
use ed25519_dalek::VerifyingKey;
use hearth_domain::TimeMs;
use rusqlite::Connection;
use std::collections::HashMap;

/// An entry as it stands in the table.
struct Slot {
    seq: i64,
    at_ms: Option<TimeMs>,
    /// The hash that it should have, the one it has, the one before it; none where they cannot be read.
    hashes: Option<Hashes>,
    whole: bool,
    claimed: bool,
}

#[derive(Clone, Copy)]
struct Hashes {
    computed: [u8; 32],
    stored: [u8; 32],
    previous: [u8; 32],
}

impl Hashes {
    /// Whether the entry gives the hash that stands with it.
    fn own(&self) -> Option<[u8; 32]> {
        (self.computed == self.stored).then_some(self.computed)
    }
}

/// Every flaw in order.
pub(crate) fn locate(db: &Connection, key: &VerifyingKey, head: Option<&Head>, marks: &Marks) -> Result<Vec<Broken>> {
    let mut slots = read(db, key)?;
    let by_seq: HashMap<i64, usize> = slots.iter().enumerate().map(|(at, slot)| (slot.seq, at)).collect();
    let by_hash: HashMap<[u8; 32], usize> =
        slots.iter().enumerate().filter_map(|(at, slot)| Some((slot.hashes?.stored, at))).collect();
    let marked = marks.signed.keys().next_back().copied().unwrap_or(0);
    let standing = slots.last().map_or(0, |slot| u64::try_from(slot.seq).unwrap_or(0));
    let last = head.map_or(standing, |head| head.entries).max(marked);
    let mut found = Found::default();
    let mut expected = head.map(|head| head.hash);
    let mut lost = Vec::new();
    for place in (1..=last).rev() {
        let (here, before) = (at(&by_seq, place), at(&by_seq, place - 1));
        let signed = match marks.signed.get(&place) {
            Some(mark) => {
                expected = Some(*mark);
                true
            }
            None => head.is_some_and(|head| head.entries == place),
        };
        let hashes = here.and_then(|at| slots.get(at)).and_then(|slot| slot.hashes);
        let wanted = expected.or_else(|| hashes.and_then(|hashes| hashes.own()));
        let stands = hashes.is_some_and(|hashes| Some(hashes.computed) == wanted);
        if let (true, Some(at), Some(hashes)) = (stands, here, hashes) {
            if let Some(slot) = slots.get_mut(at) {
                slot.claimed = true;
                if hashes.own().is_none() {
                    found.add(place, slot.at_ms, Flaw::Edited);
                } else if !slot.whole {
                    found.add(place, slot.at_ms, Flaw::DetailEdited);
                }
            }
            expected = Some(hashes.previous);
            continue;
        }
        let elsewhere = wanted.and_then(|wanted| by_hash.get(&wanted).copied());
        if let (Some(at), Some(wanted)) = (elsewhere, wanted)
            && let Some(seq) = slots.get(at).filter(|slot| !slot.claimed).map(|slot| slot.seq)
            && let Some(kept) = one(db, seq)?.filter(|kept| kept.link(place).hash() == wanted)
        {
            if let Some(slot) = slots.get_mut(at) {
                slot.claimed = true;
            }
            found.add(place, Some(kept.at_ms), Flaw::OutOfOrder);
            expected = Some(kept.previous);
            continue;
        }
        lost.push((place, signed));
        // Taken up again at the entry before, where that one gives its own hash.
        let own = before.and_then(|at| slots.get(at)).and_then(|slot| slot.hashes?.own());
        let named = hashes.map(|hashes| hashes.previous);
        expected = own.or(if before.is_some() { named } else { None });
    }
    for (place, signed) in lost {
        let here = at(&by_seq, place).and_then(|at| slots.get_mut(at)).filter(|slot| !slot.claimed);
        let Some(slot) = here else {
            found.add(place, None, Flaw::Missing);
            continue;
        };
        slot.claimed = true;
        let (at_ms, own) = (slot.at_ms, slot.hashes.and_then(|hashes| hashes.own()));
        if signed && own.is_some() {
            // It was chained anew: the change lies behind the last kept head that still stands.
            let stands = |(seq, hash): (&u64, &[u8; 32])| {
                let slot = at(&by_seq, *seq).and_then(|at| slots.get(at));
                (slot?.hashes?.computed == *hash).then_some(*seq)
            };
            let after = marks.signed.range(..place).rev().find_map(stands).unwrap_or(0);
            found.flaws.push(Broken { seq: after + 1, last: place, at_ms, why: Flaw::Rewritten });
        } else {
            found.add(place, at_ms, Flaw::Edited);
        }
    }
    for slot in slots.iter().filter(|slot| !slot.claimed) {
        match u64::try_from(slot.seq) {
            Ok(seq) if seq > last => found.add(seq, slot.at_ms, Flaw::EndsElsewhere),
            Ok(seq) if seq > 0 => found.add(seq, slot.at_ms, Flaw::Inserted),
            _ => found.add(0, slot.at_ms, Flaw::Inserted),
        }
    }
    for seq in &marks.forged {
        found.add(*seq, None, Flaw::HeadForged);
    }
    if head.is_none() {
        found.add(last, None, Flaw::HeadForged);
    }
    Ok(found.in_order())
}

fn at(by_seq: &HashMap<i64, usize>, place: u64) -> Option<usize> {
    by_seq.get(&i64::try_from(place).ok()?).copied()
}

/// All entries without their words.
fn read(db: &Connection, key: &VerifyingKey) -> Result<Vec<Slot>> {
    let mut statement = db.prepare(ROWS)?;
    let mut rows = statement.query([])?;
    let mut slots = Vec::new();
    while let Some(row) = rows.next()? {
        let seq: i64 = row.get("seq")?;
        let place = u64::try_from(seq).unwrap_or(0);
        let kept = Kept::read(row)?;
        slots.push(Slot {
            seq,
            at_ms: kept.as_ref().map(|kept| kept.at_ms),
            hashes: kept.as_ref().map(|kept| Hashes {
                computed: kept.link(place).hash(),
                stored: kept.hash,
                previous: kept.previous,
            }),
            whole: kept.is_some_and(|kept| kept.detail_is_whole(place, key)),
            claimed: false,
        });
    }
    Ok(slots)
}

/// One entry with its words.
fn one(db: &Connection, seq: i64) -> Result<Option<Kept>> {
    let sql = ROWS.replace("ORDER BY a.seq", "WHERE a.seq = ?1");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query([seq])?;
    match rows.next()? {
        Some(row) => Kept::read(row),
        None => Ok(None),
    }
}

#[derive(Default)]
struct Found {
    flaws: Vec<Broken>,
}

impl Found {
    fn add(&mut self, seq: u64, at_ms: Option<TimeMs>, why: Flaw) {
        self.flaws.push(Broken { seq, last: seq, at_ms, why });
    }

    /// In the order of the record; neighbours that are missing or moved are one stretch.
    fn in_order(mut self) -> Vec<Broken> {
        self.flaws.sort_by_key(|flaw| (flaw.seq, flaw.last));
        let mut joined: Vec<Broken> = Vec::new();
        for flaw in self.flaws {
            let joins = matches!(flaw.why, Flaw::Missing | Flaw::OutOfOrder | Flaw::EndsElsewhere);
            let stretch =
                joined.iter_mut().rev().take(2).find(|last| last.why == flaw.why && last.last + 1 == flaw.seq);
            match stretch.filter(|_| joins) {
                Some(stretch) => stretch.last = flaw.last,
                None => joined.push(flaw),
            }
        }
        joined
    }
}
