//! What comes in addresses, as the core takes it.

use std::{str::FromStr, time::Duration};

use orchestrator_protocol::{Seq, TaskId, TaskState};
use serde::de::{DeserializeOwned, IntoDeserializer, value::Error as ValueError};

use crate::problem::Failure;

/// The longest that a request may wait for a result.
const LONGEST_WAIT_S: f64 = 300.0;

/// An id in an address.
pub(super) fn id<T: FromStr>(field: &str, text: &str) -> Result<T, Failure>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| Failure::field(field, format!("{error}")))
}

/// The id of the task that an address names.
pub(super) fn task(text: &str) -> Result<TaskId, Failure> {
    id("task_id", text)
}

/// An id that may be left out.
pub(super) fn opt_id<T: FromStr>(field: &str, text: Option<&String>) -> Result<Option<T>, Failure>
where
    T::Err: std::fmt::Display,
{
    text.map(|text| id(field, text)).transpose()
}

/// Names, separated by commas.
pub(super) fn names<T: DeserializeOwned>(field: &str, text: Option<&String>) -> Result<Vec<T>, Failure> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let name = |name: &str| {
        let read: Result<T, ValueError> = T::deserialize(name.trim().into_deserializer());
        read.map_err(|error| Failure::field(field, error.to_string()))
    };
    text.split(',')
        .filter(|name| !name.trim().is_empty())
        .map(name)
        .collect()
}

/// States, separated by commas.
pub(super) fn states(text: Option<&String>) -> Result<Vec<TaskState>, Failure> {
    names("state", text)
}

/// A label, `key:value`.
pub(super) fn label(text: Option<&String>) -> Result<Option<(String, String)>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match text.split_once(':') {
        Some((key, value)) if !key.is_empty() => Ok(Some((key.to_owned(), value.to_owned()))),
        _ => Err(Failure::field("label", "must be `key:value`")),
    }
}

/// How many items a page has.
pub(super) fn limit(limit: Option<i64>) -> Result<usize, Failure> {
    match limit {
        None => Ok(0),
        Some(n @ 1..=500) => Ok(n as usize),
        Some(n) => Err(Failure::field("limit", format!("{n} is not within 1 and 500"))),
    }
}

/// The place in the history after which to go on: a cursor, or `after`.
pub(super) fn after(after: Option<i64>, cursor: Option<&String>) -> Result<Seq, Failure> {
    let Some(cursor) = cursor else {
        return Ok(Seq(after.unwrap_or(0)));
    };
    let place = cursor.parse().map(Seq);
    place.map_err(|_| Failure::field("cursor", "is not the next_cursor of an earlier page"))
}

/// How long to wait.
pub(super) fn wait(wait_s: Option<f64>) -> Result<Duration, Failure> {
    match wait_s.unwrap_or(0.0) {
        s if (0.0..=LONGEST_WAIT_S).contains(&s) => Ok(Duration::from_secs_f64(s)),
        s => Err(Failure::field(
            "wait_s",
            format!("{s} is not within 0 and {LONGEST_WAIT_S} seconds; ask again when the wait is over"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names() {
        let states = |text: &str| states(Some(&text.to_owned()));
        assert_eq!(states("ready, running"), Ok(vec![TaskState::Ready, TaskState::Running]));
        assert_eq!(states(""), Ok(vec![]));
        let wrong = states("ready,rnning").expect_err("no state");
        assert!(
            wrong.0.detail.contains("rnning") && wrong.0.errors[0].field == "state",
            "{wrong}"
        );
    }

    #[test]
    fn bounds_are_told() {
        assert_eq!(limit(Some(500)), Ok(500));
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err());
        assert!(wait(Some(-1.0)).is_err() && wait(Some(f64::NAN)).is_err() && wait(Some(301.0)).is_err());
        assert!(label(Some(&"team".to_owned())).is_err());
        assert_eq!(
            label(Some(&"team:shop:x".to_owned())),
            Ok(Some(("team".to_owned(), "shop:x".to_owned())))
        );
    }
}
