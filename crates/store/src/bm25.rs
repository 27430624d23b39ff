//! How well a row of the full-text index matches: bm25 with a weight for each phrase, as a function that FTS5 calls for
//! each row. FTS5's own counts every phrase anew for every query, and knows weights of columns only.
//!
//! BM25: Robertson and Zaragoza 2009, <https://doi.org/10.1561/1500000019>, with k1 = 1.2 and b = 0.75 as FTS5 has them.
#![allow(unsafe_code)]

use crate::{Result, StoreError};
use rusqlite::{Connection, ffi};
use std::ffi::c_int;
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

/// Makes two functions known to a connection. `weighted_bm25(passage_terms, weights)`: `weights` is a blob of f32, one for
/// each phrase of the expression in its order; phrases of weight 0 select rows without counting. `indexed(passage_terms)`:
/// how many rows the index has, which it knows without counting.
pub(crate) fn register(db: &Connection) -> Result<()> {
    // SAFETY: this is how FTS5 documents that its interface is asked for: `api` is written during the step and lives as
    // long as the connection. The functions registered are `extern "C"`, have the type that FTS5 wants and no user data.
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
        if count != 1 {
            return Err(ffi::SQLITE_MISUSE);
        }
        let blob = ffi::sqlite3_value_blob(*values).cast::<u8>();
        let length = usize::try_from(ffi::sqlite3_value_bytes(*values)).unwrap_or(0);
        let weights = if blob.is_null() { &[] } else { std::slice::from_raw_parts(blob, length) };
        let (mut rows, mut total, mut own) = (0, 0, 0);
        checked(row_count(fts, &raw mut rows))?;
        checked(total_size(fts, TERMS, &raw mut total))?;
        checked(size(fts, TERMS, &raw mut own))?;
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
    fn what_few_rows_have_says_more() {
        assert!(rarity(1000, 1) > rarity(1000, 10) && rarity(1000, 10) > rarity(1000, 400));
        assert!(rarity(1000, 1000) > 0.0 && rarity(0, 0) > 0.0);
    }
}
