//! Migrations as a script, for those who apply them by hand.

use std::fmt::Write as _;

use crate::Step;

/// For which database a script is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect<'s> {
    /// SQLite, for the program `sqlite3`.
    Sqlite,
    /// PostgreSQL, for `psql`; the schema of the tables.
    Postgres(&'s str),
}

/// The script that brings a database to a version, in one transaction: what the program would do itself, its own records
/// of it included. Nothing is to be done when the database is there.
pub fn script(dialect: Dialect<'_>, steps: &[Step], to: i64) -> String {
    let mut script = String::new();
    let ups = steps.iter().filter(|step| !step.applied && step.version <= to);
    let downs = steps.iter().rev().filter(|step| step.applied && step.version > to);
    for step in ups {
        let (version, name) = (step.version, &step.name);
        let checksum = match dialect {
            Dialect::Sqlite => format!("x'{}'", hex(&step.checksum)),
            Dialect::Postgres(_) => format!("'\\x{}'", hex(&step.checksum)),
        };
        let sql = step.up.trim_end();
        let _ = write!(
            script,
            "\n-- {version} {name}\n{sql}\ninsert into _sqlx_migrations (version, description, success, checksum, \
             execution_time)\nvalues ({version}, '{name}', true, {checksum}, -1);\n"
        );
    }
    for step in downs {
        let (version, name, sql) = (step.version, &step.name, step.down.trim_end());
        let _ = write!(
            script,
            "\n-- {version} {name}, taken back\n{sql}\ndelete from _sqlx_migrations where version = {version};\n"
        );
    }
    if script.is_empty() {
        return "-- The database is there already.\n".to_owned();
    }
    format!("{}{script}\ncommit;\n", head(dialect))
}

/// What comes first: the transaction, a lock, and the table that keeps record.
fn head(dialect: Dialect<'_>) -> String {
    match dialect {
        Dialect::Sqlite => {
            "begin immediate;\ncreate table if not exists _sqlx_migrations (\n    version bigint primary \
             key,\n    description text not null,\n    installed_on timestamp not null default current_timestamp,\n    \
             success boolean not null,\n    checksum blob not null,\n    execution_time bigint not null\n);\n"
                .to_owned()
        }
        Dialect::Postgres(schema) => format!(
            "\\set ON_ERROR_STOP on\nbegin;\nselect pg_advisory_xact_lock(hashtext('{schema}'), 7422);\ncreate schema if \
             not exists {schema};\nset local search_path to {schema};\ncreate table if not exists _sqlx_migrations (\n    \
             version bigint primary key,\n    description text not null,\n    installed_on timestamptz not null default \
             now(),\n    success boolean not null,\n    checksum bytea not null,\n    execution_time bigint not \
             null\n);\n"
        ),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
