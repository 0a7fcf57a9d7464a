//! What PostgreSQL's errors mean to those who use a store.

use orchestrator_core::store::{
    StoreError,
    writer::{Fault, Trouble},
};
use sqlx::Error;

/// What the function that writes says when somebody else has written.
const STALE: &str = "OR001";

/// What it comes to when no answer comes.
pub(crate) fn silence() -> Error {
    Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not answer"))
}

/// PostgreSQL's own code of an error, if it gave it.
fn code(error: &Error) -> Option<String> {
    Some(error.as_database_error()?.code()?.into_owned())
}

/// Why PostgreSQL gave an error, in its words.
fn words(error: &Error) -> String {
    error
        .as_database_error()
        .map_or_else(|| error.to_string(), |e| e.message().to_owned())
}

/// The server takes no writes.
pub(crate) fn standby() -> StoreError {
    StoreError::Unavailable("the database is read-only at the moment: it may be a standby".to_owned())
}

/// What an error in the midst of work means.
pub(crate) fn of(error: &Error) -> StoreError {
    let words = words(error);
    let Some(code) = code(error) else {
        return StoreError::Unavailable(match error {
            Error::PoolTimedOut => "every connection to the database is in use; try again".to_owned(),
            Error::PoolClosed => "the store is closed".to_owned(),
            _ => format!("the database cannot be reached: {words}"),
        });
    };
    match code.as_str() {
        "53100" => StoreError::Full(words),
        "22021" | "22P05" => StoreError::invalid("task", "a name holds a character that PostgreSQL cannot keep (NUL)"),
        "23505" if words.contains("task_id") => StoreError::invalid("id", "a task with this id exists already"),
        "54000" => StoreError::invalid("input", "is larger than the database can keep"),
        "42P01" | "42883" => StoreError::Unusable(format!("the database's tables are not ours any more: {words}")),
        "25006" => standby(),
        _ => StoreError::Unavailable(format!("the database failed: {words}")),
    }
}

/// Whether an error is one that a migration raises itself, in words for people.
pub(crate) fn is_word_of_ours(error: &Error) -> bool {
    code(error).as_deref() == Some("P0001")
}

/// What an error of a stranger's connection means to whoever submits on it.
pub(crate) fn in_outbox(error: &Error, schema: &str) -> StoreError {
    match code(error).as_deref() {
        Some("42P01" | "3F000") => StoreError::Unusable(format!(
            "this database has no outbox in the schema `{schema}`: open the store once, or apply its migrations"
        )),
        Some("42501") => StoreError::Unusable(format!(
            "{}; to submit a user needs usage of the schema `{schema}` and its sequence outbox_batch, select, insert and \
             delete on its table outbox, and select on its table task",
            words(error)
        )),
        _ => of(error),
    }
}

/// What an error on the writer's connection means.
pub(crate) fn on_disk(error: &Error) -> Fault {
    let trouble = match code(error).as_deref() {
        Some(STALE) => Some(Trouble::Stale),
        // Deadlock, serialisation, waited too long for a lock.
        Some("40P01" | "40001" | "55P03") => Some(Trouble::Locked),
        // Or the server has become a standby: another one takes writes.
        Some(code)
            if code.starts_with("57P") || code.starts_with("08") || code.starts_with("25P") || code == "25006" =>
        {
            Some(Trouble::Lost)
        }
        Some(_) => None,
        None => Some(Trouble::Lost),
    };
    Fault {
        error: of(error),
        trouble,
    }
}

/// What an error means when the database is opened.
pub(crate) fn on_open(error: &Error) -> StoreError {
    let words = words(error);
    match code(error).as_deref() {
        Some("28P01" | "28000") => StoreError::Unusable(format!(
            "the database does not let us in: {words}; check the user and the password of the URL"
        )),
        Some("3D000") => StoreError::Unusable(format!("{words}; create it first: createdb NAME")),
        Some("42501") => StoreError::Unusable(format!("{words}; grant the user the right to create a schema")),
        _ => of(error),
    }
}
