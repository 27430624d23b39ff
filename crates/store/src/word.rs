//! Turns words and structures of the domain into columns and back.

use crate::{Result, StoreError};
use rusqlite::Row;
use rusqlite::types::Type;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A structure as JSON text.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError::Invalid(error.to_string()))
}

/// The word that serde writes for a plain enum.
pub(crate) fn word<T: Serialize>(value: &T) -> Result<String> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        other => Err(StoreError::Invalid(format!("{other:?} is not one word"))),
    }
}

/// Reads a column that [`word`] wrote.
pub(crate) fn get_word<T: DeserializeOwned>(row: &Row, column: &str) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    let text: String = row.get(index)?;
    serde_json::from_value(Value::String(text)).map_err(|error| unreadable(index, error))
}

/// Reads a column that [`json`] wrote.
pub(crate) fn get_json<T: DeserializeOwned>(row: &Row, column: &str) -> rusqlite::Result<T> {
    let index = row.as_ref().column_index(column)?;
    let text = row.get_ref(index)?.as_str().map_err(|error| unreadable(index, error))?;
    serde_json::from_str(text).map_err(|error| unreadable(index, error))
}

/// Reads a column that [`json`] wrote or that is NULL.
pub(crate) fn get_json_option<T: DeserializeOwned>(row: &Row, column: &str) -> rusqlite::Result<Option<T>> {
    let index = row.as_ref().column_index(column)?;
    match row.get_ref(index)?.as_str_or_null().map_err(|error| unreadable(index, error))? {
        Some(text) => serde_json::from_str(text).map(Some).map_err(|error| unreadable(index, error)),
        None => Ok(None),
    }
}

/// Reads a 32-byte hash.
pub(crate) fn get_hash(row: &Row, column: &str) -> rusqlite::Result<[u8; 32]> {
    let index = row.as_ref().column_index(column)?;
    let bytes = row.get_ref(index)?.as_blob().map_err(|error| unreadable(index, error))?;
    bytes.try_into().map_err(|error| unreadable(index, error))
}

fn unreadable(index: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}
