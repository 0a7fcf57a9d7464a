//! What comes in addresses, as the core takes it.

use std::{str::FromStr, time::Duration};

use orchestrator_protocol::{Page, Seq, TaskId, TaskState};
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

/// How many items a page has that is cut here.
pub(super) fn page_size(given: Option<i64>) -> Result<usize, Failure> {
    Ok(match limit(given)? {
        0 => 50,
        n => n,
    })
}

/// A page of a list that is short enough to be read at once, in the order of the items' keys, which no two share. The
/// cursor is the key of the last item before it, so that what comes and goes meanwhile moves nothing.
pub(super) fn page_of<T>(
    items: Vec<T>,
    key: impl Fn(&T) -> String,
    limit: Option<i64>,
    cursor: Option<&String>,
) -> Result<Page<T>, Failure> {
    let size = page_size(limit)?;
    let after = cursor.map(|cursor| read_cursor(cursor)).transpose()?;
    let mut items: Vec<(String, T)> = items.into_iter().map(|item| (key(&item), item)).collect();
    items.retain(|(key, _)| after.as_ref().is_none_or(|after| key > after));
    items.sort_by(|(a, _), (b, _)| a.cmp(b));
    let more = items.len() > size;
    items.truncate(size);
    let next_cursor = items.last().filter(|_| more).map(|(key, _)| cursor_of(key));
    let items = items.into_iter().map(|(_, item)| item).collect();
    Ok(Page { items, next_cursor })
}

/// A key as a cursor: in hexadecimal, since nobody is to look into it.
fn cursor_of(key: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or_default();
    key.bytes()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

fn read_cursor(cursor: &str) -> Result<String, Failure> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let pairs = cursor.as_bytes().chunks(2);
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some((digit(*high)? * 16 + digit(*low)?) as u8),
        _ => None,
    };
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| Failure::field("cursor", "is not the next_cursor of an earlier page"))
}

/// The place in the history after which to go on: a cursor, or `after`.
pub(super) fn after(after: Option<i64>, cursor: Option<&String>) -> Result<Seq, Failure> {
    let Some(cursor) = cursor else {
        return match after.unwrap_or(0) {
            seq @ 0.. => Ok(Seq(seq)),
            seq => Err(Failure::field(
                "after",
                format!("{seq} is not the `seq` of an event, or 0"),
            )),
        };
    };
    let place = cursor.parse().ok().filter(|seq| *seq >= 0).map(Seq);
    place.ok_or_else(|| Failure::field("cursor", "is not the next_cursor of an earlier page"))
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
    fn pages_stay_in_place_whatever_comes_and_goes() {
        let page = |names: &[&str], cursor: Option<&String>| {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            page_of(names, String::clone, Some(2), cursor).expect("a page")
        };
        let first = page(&["d", "b", "ä"], None);
        assert_eq!(first.items, ["b", "d"]);
        let cursor = first.next_cursor.expect("there is more");
        let second = page(&["a", "c", "d", "e", "ä"], Some(&cursor));
        assert_eq!(
            (second.items, second.next_cursor),
            (vec!["e".to_owned(), "ä".to_owned()], None)
        );
        for wrong in ["x", "6", "zz", "ff", "é"] {
            let refused = page_of(vec![String::new()], String::clone, None, Some(&wrong.to_owned()));
            assert_eq!(refused.expect_err(wrong).0.errors[0].field, "cursor");
        }
    }

    #[test]
    fn places_in_the_history() {
        assert_eq!(after(None, None), Ok(Seq(0)));
        assert_eq!(after(Some(3), Some(&"7".to_owned())), Ok(Seq(7)));
        assert!(after(Some(-1), None).is_err() && after(None, Some(&"-1".to_owned())).is_err());
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
