//! How well a row of the full-text index matches: bm25 with a weight for each phrase, as a function that FTS5 calls for
//! each row. FTS5's own counts every phrase anew for every query, and knows weights of columns only.
//!
//! BM25: Robertson and Zaragoza 2009, <https://doi.org/10.1561/1500000019>, with k1 = 1.2 and b = 0.75 as FTS5 has them.
#![allow(unsafe_code)]

use crate::{Result, StoreError};
use rusqlite::{Connection, ffi};
use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

/// The column that holds a passage's terms.
const TERMS: c_int = 1;
const K1: f64 = 1.2;
const B: f64 = 0.75;

/// How much a phrase says that `holding` of `rows` rows have. Above 0 also where most rows have it.
pub(crate) fn rarity(rows: u64, holding: u64) -> f32 {
    let (rows, holding) = (rows as f32, holding as f32);
    ((rows - holding + 0.5).max(0.0) / (holding + 0.5)).ln().max(1e-6)
}

/// Row ids whose lengths are remembered: 2 bytes each.
const REMEMBERED: i64 = 1 << 24;
/// Rows that are made room for at a time.
const ROOM: usize = 1 << 12;

/// How many terms rows have, as far as it was asked: FTS5 keeps it in a table, and reading a row of an encrypted one for
/// each row that is scored takes longer than all else of it. What is committed of a row never changes, and its id is never
/// given out again.
#[derive(Default)]
struct Lengths(RefCell<Vec<u16>>);

impl Lengths {
    /// What `read` says of a row, which is asked for it once.
    fn of(
        &self,
        row: i64,
        read: impl FnOnce() -> std::result::Result<c_int, c_int>,
    ) -> std::result::Result<c_int, c_int> {
        let at = usize::try_from(row).ok().filter(|_| row < REMEMBERED);
        let (Some(at), Ok(mut known)) = (at, self.0.try_borrow_mut()) else { return read() };
        if let Some(length) = known.get(at).filter(|length| **length > 0) {
            return Ok(c_int::from(*length) - 1);
        }
        let length = read()?;
        if known.len() <= at {
            known.resize((at / ROOM + 1) * ROOM, 0);
        }
        if let (Some(place), Ok(length)) = (known.get_mut(at), u16::try_from(length.saturating_add(1))) {
            *place = length;
        }
        Ok(length)
    }
}

/// Takes back what `register` gave away.
unsafe extern "C" fn forget(lengths: *mut c_void) {
    // SAFETY: it was made of a box, and FTS5 gives it back once, when the connection ends or the function is replaced.
    unsafe { drop(Box::from_raw(lengths.cast::<Lengths>())) }
}

/// Makes two functions known to a connection. `weighted_bm25(passage_terms, weights)`: `weights` is a blob of f32, one for
/// each phrase of the expression in its order; phrases of weight 0 select rows without counting. `indexed(passage_terms)`:
/// how many rows the index has, which it knows without counting. With `remember`, lengths of rows are: only for
/// connections that see nothing but what is committed.
pub(crate) fn register(db: &Connection, remember: bool) -> Result<()> {
    // SAFETY: this is how FTS5 documents that its interface is asked for: `api` is written during the step and lives as
    // long as the connection. The functions registered are `extern "C"` and have the type that FTS5 wants; what one of
    // them is given is a box that FTS5 hands to `forget` in the end.
    let code = unsafe {
        let mut api: *mut ffi::fts5_api = null_mut();
        let mut statement = null_mut();
        let mut code =
            ffi::sqlite3_prepare_v2(db.handle(), c"SELECT fts5(?1)".as_ptr(), -1, &raw mut statement, null_mut());
        if code == ffi::SQLITE_OK {
            ffi::sqlite3_bind_pointer(statement, 1, (&raw mut api).cast(), c"fts5_api_ptr".as_ptr(), None);
            ffi::sqlite3_step(statement);
            code = ffi::sqlite3_finalize(statement);
        }
        match api.as_ref().and_then(|api| api.xCreateFunction) {
            Some(create) if code == ffi::SQLITE_OK => {
                match create(api, c"indexed".as_ptr(), null_mut(), Some(indexed), None) {
                    ffi::SQLITE_OK if remember => {
                        let lengths = Box::into_raw(Box::<Lengths>::default()).cast();
                        create(api, c"weighted_bm25".as_ptr(), lengths, Some(weighted_bm25), Some(forget))
                    }
                    ffi::SQLITE_OK => create(api, c"weighted_bm25".as_ptr(), null_mut(), Some(weighted_bm25), None),
                    other => other,
                }
            }
            _ => code.max(ffi::SQLITE_ERROR),
        }
    };
    if code == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(StoreError::from(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)))
    }
}

/// Answers for one row. Nothing in it panics or keeps a pointer.
unsafe extern "C" fn weighted_bm25(
    api: *const ffi::Fts5ExtensionApi,
    fts: *mut ffi::Fts5Context,
    context: *mut ffi::sqlite3_context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: FTS5 gives valid pointers for the length of the call, and `count` values.
    unsafe {
        match score(api, fts, count, values) {
            Ok(score) => ffi::sqlite3_result_double(context, score),
            Err(code) => ffi::sqlite3_result_error_code(context, code),
        }
    }
}

/// The number of rows of the index.
unsafe extern "C" fn indexed(
    api: *const ffi::Fts5ExtensionApi,
    fts: *mut ffi::Fts5Context,
    context: *mut ffi::sqlite3_context,
    _count: c_int,
    _values: *mut *mut ffi::sqlite3_value,
) {
    // SAFETY: FTS5 gives valid pointers for the length of the call.
    unsafe {
        let mut rows = 0;
        let code = match api.as_ref().and_then(|api| api.xRowCount) {
            Some(row_count) => row_count(fts, &raw mut rows),
            None => ffi::SQLITE_MISUSE,
        };
        match code {
            ffi::SQLITE_OK => ffi::sqlite3_result_int64(context, rows),
            code => ffi::sqlite3_result_error_code(context, code),
        }
    }
}

/// # Safety
/// The pointers are those that FTS5 gives an extension function, during its call.
unsafe fn score(
    api: *const ffi::Fts5ExtensionApi,
    fts: *mut ffi::Fts5Context,
    count: c_int,
    values: *mut *mut ffi::sqlite3_value,
) -> std::result::Result<f64, c_int> {
    let checked = |code: c_int| if code == ffi::SQLITE_OK { Ok(()) } else { Err(code) };
    // SAFETY: as promised by the caller; the blob is read before anything else is asked of its value.
    unsafe {
        let api = api.as_ref().ok_or(ffi::SQLITE_MISUSE)?;
        let (Some(row_count), Some(total_size), Some(size), Some(first), Some(next)) =
            (api.xRowCount, api.xColumnTotalSize, api.xColumnSize, api.xPhraseFirst, api.xPhraseNext)
        else {
            return Err(ffi::SQLITE_MISUSE);
        };
        let (Some(user_data), Some(rowid)) = (api.xUserData, api.xRowid) else { return Err(ffi::SQLITE_MISUSE) };
        if count != 1 {
            return Err(ffi::SQLITE_MISUSE);
        }
        let blob = ffi::sqlite3_value_blob(*values).cast::<u8>();
        let length = usize::try_from(ffi::sqlite3_value_bytes(*values)).unwrap_or(0);
        let weights = if blob.is_null() { &[] } else { std::slice::from_raw_parts(blob, length) };
        let (mut rows, mut total) = (0, 0);
        checked(row_count(fts, &raw mut rows))?;
        checked(total_size(fts, TERMS, &raw mut total))?;
        let read = || {
            let mut own = 0;
            checked(size(fts, TERMS, &raw mut own)).map(|()| own)
        };
        let own = match user_data(fts).cast::<Lengths>().as_ref() {
            Some(lengths) => lengths.of(rowid(fts), read)?,
            None => read()?,
        };
        let mean = (total as f64 / (rows as f64).max(1.0)).max(1.0);
        let damping = K1 * (1.0 - B + B * f64::from(own) / mean);
        let mut score = 0.0;
        for (phrase, weight) in weights.as_chunks::<4>().0.iter().enumerate() {
            let weight = f64::from(f32::from_le_bytes(*weight));
            if weight == 0.0 {
                continue;
            }
            let mut places = ffi::Fts5PhraseIter { a: std::ptr::null(), b: std::ptr::null() };
            let (mut column, mut offset) = (0, 0);
            let phrase = c_int::try_from(phrase).unwrap_or(c_int::MAX);
            checked(first(fts, phrase, &raw mut places, &raw mut column, &raw mut offset))?;
            let mut times = 0.0;
            while column >= 0 {
                times += 1.0;
                next(fts, &raw mut places, &raw mut column, &raw mut offset);
            }
            score += weight * times * (K1 + 1.0) / (times + damping);
        }
        Ok(score)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_read_once() {
        let lengths = Lengths::default();
        let asked = std::cell::Cell::new(0);
        let of = |row: i64, length: c_int| {
            lengths.of(row, || {
                asked.set(asked.get() + 1);
                Ok(length)
            })
        };
        assert_eq!([of(5, 7), of(5, 8), of(9_000, 0), of(9_000, 3), of(6, 2)], [Ok(7), Ok(7), Ok(0), Ok(0), Ok(2)]);
        assert_eq!(asked.replace(0), 3);
        // What has no place is asked for each time, and what failed again.
        for (row, length) in [(-1, 4), (REMEMBERED, 4), (7, c_int::from(u16::MAX))] {
            assert_eq!([of(row, length), of(row, length + 1)], [Ok(length), Ok(length + 1)], "{row}");
        }
        assert_eq!(lengths.of(8, || Err(ffi::SQLITE_CORRUPT)), Err(ffi::SQLITE_CORRUPT));
        assert_eq!(of(8, 1), Ok(1));
    }

    #[test]
    fn what_few_rows_have_says_more() {
        assert!(rarity(1000, 1) > rarity(1000, 10) && rarity(1000, 10) > rarity(1000, 400));
        assert!(rarity(1000, 1000) > 0.0 && rarity(0, 0) > 0.0);
    }
}
