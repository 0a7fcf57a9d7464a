//! How what is stored is written in columns.

pub(super) mod chunk;
pub(super) mod event;
pub(super) mod life;
pub(super) mod packed;
pub(super) mod task;
mod varint;

use sqlx::{Row, sqlite::SqliteRow};

use crate::store::{error::StoreError, writer::codec::damaged};

/// A column of a row.
pub(super) fn column<'r, V>(row: &'r SqliteRow, index: usize) -> Result<V, StoreError>
where
    V: sqlx::Decode<'r, sqlx::Sqlite>,
{
    row.try_get_unchecked(index).map_err(|e| damaged("row", e))
}

/// A UUID from sixteen bytes.
pub(super) fn uuid(bytes: &[u8]) -> Result<uuid::Uuid, StoreError> {
    uuid::Uuid::from_slice(bytes).map_err(|e| damaged("id", e))
}
