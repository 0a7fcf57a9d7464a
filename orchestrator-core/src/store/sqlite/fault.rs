//! What SQLite's errors mean to those who use a store.

use sqlx::Error;

use crate::store::error::StoreError;

/// SQLite's primary result codes that are told apart here.
mod code {
    pub(super) const PERM: i64 = 3;
    pub(super) const BUSY: i64 = 5;
    pub(super) const LOCKED: i64 = 6;
    pub(super) const READONLY: i64 = 8;
    pub(super) const IOERR: i64 = 10;
    pub(super) const CORRUPT: i64 = 11;
    pub(super) const FULL: i64 = 13;
    pub(super) const CANTOPEN: i64 = 14;
    pub(super) const TOOBIG: i64 = 18;
    pub(super) const CONSTRAINT: i64 = 19;
    pub(super) const NOTADB: i64 = 26;
}

/// The primary result code of an error that SQLite itself gave.
pub(super) fn primary_code(error: &Error) -> Option<i64> {
    let code = error.as_database_error()?.code()?;
    Some(code.parse::<i64>().ok()? & 0xff)
}

/// Why SQLite gave an error, in its words.
pub(super) fn words(error: &Error) -> String {
    error
        .as_database_error()
        .map_or_else(|| error.to_string(), |e| e.message().to_owned())
}

/// Whether another process keeps the file locked.
pub(super) fn is_locked(error: &Error) -> bool {
    matches!(primary_code(error), Some(code::BUSY | code::LOCKED))
}

/// What an error in the midst of work means.
pub(super) fn of(error: &Error) -> StoreError {
    let words = words(error);
    match primary_code(error) {
        Some(code::FULL) => StoreError::Full(words),
        Some(code::BUSY | code::LOCKED) => {
            StoreError::Unavailable("another process keeps the database locked; try again".to_owned())
        }
        Some(code::READONLY) => StoreError::Unavailable("the database cannot be written: it is read-only".to_owned()),
        Some(code::IOERR) => StoreError::Unavailable(format!("reading or writing the database failed: {words}")),
        Some(code::CORRUPT | code::NOTADB) => {
            StoreError::Unusable(format!("the database file is damaged: {words}; restore it from a copy"))
        }
        Some(code::TOOBIG) => StoreError::invalid("input", "is larger than the database can keep"),
        Some(code::CONSTRAINT) if words.contains("task.id") => {
            StoreError::invalid("id", "a task with this id exists already")
        }
        _ => StoreError::Unavailable(words),
    }
}

/// What an error while opening a file means; `path` is named in the message.
pub(super) fn on_open(path: &str, error: &Error) -> StoreError {
    let words = words(error);
    let message = match primary_code(error) {
        Some(code::NOTADB) => format!("{path} is not an SQLite database; give another file"),
        Some(code::CORRUPT) => format!("{path} is damaged: {words}; restore it from a copy"),
        Some(code::CANTOPEN | code::PERM) => format!("{path} cannot be opened: {words}; check its permissions"),
        Some(code::READONLY) => format!("{path} cannot be written: it or its file system is read-only"),
        Some(code::BUSY | code::LOCKED) => {
            return StoreError::Unavailable(format!("{path} is locked by another process; try again"));
        }
        Some(code::FULL) => return StoreError::Full(words),
        _ => format!("{path} cannot be used: {words}"),
    };
    StoreError::Unusable(message)
}
