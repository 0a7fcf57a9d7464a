//! The files of SQL as migrations. sqlx's macro for that would have every build compile a second SQLite and PostgreSQL
//! driver, for the compiler.

use std::{borrow::Cow, sync::LazyLock};

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

mod files {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));

    pub(super) const ALL: [&[(&str, &str)]; 2] = [SQLITE, POSTGRES];
}

/// The migrations of the SQLite adapter.
pub static SQLITE: LazyLock<Migrator> = LazyLock::new(|| migrator(files::ALL[0]));

/// The migrations of the PostgreSQL adapter, for the schema that is first in the search path.
pub static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| migrator(files::ALL[1]));

fn migrator(files: &'static [(&str, &str)]) -> Migrator {
    let migrations = files.iter().filter_map(|(name, sql)| migration(name, sql));
    Migrator::with_migrations(migrations.collect())
}

/// A file named `0001_what_it_brings.up.sql`; others are none.
fn migration(name: &'static str, sql: &'static str) -> Option<Migration> {
    let migration_type = MigrationType::from_filename(name);
    let (version, what) = name.strip_suffix(migration_type.suffix())?.split_once('_')?;
    Some(Migration::new(
        version.parse().ok()?,
        Cow::Owned(what.replace('_', " ")),
        migration_type,
        sql.into_sql_str(),
        false,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_migration() {
        for (files, migrator) in files::ALL.iter().zip([&*SQLITE, &*POSTGRES]) {
            assert!(!files.is_empty());
            assert_eq!(migrator.iter().count(), files.len());
        }
    }
}
