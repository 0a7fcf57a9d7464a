//! How what processes tell each other is written: JSON, so that an operator can read along; with a version, so that
//! servers of two versions can work side by side.

use std::{fmt::Write, str::FromStr};

use orchestrator_protocol::{Event, EventBody, EventType, Seq, SessionId, TaskId, TaskState, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::{Nudge, outbox::Outbox};

/// The version of this form. A reader that meets a newer one knows only that something happened.
const VERSION: u32 = 1;

/// What one process tells the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Parcel {
    /// Who says so.
    pub(super) from: Uuid,
    pub(super) events: Vec<Event>,
    pub(super) nudges: Vec<Nudge>,
    /// How many live-only events it could not tell, 0 when it could not tell only others; none: it told all.
    pub(super) lost: Option<u64>,
}

#[derive(Deserialize)]
struct Form<'a> {
    v: u32,
    from: Uuid,
    #[serde(default)]
    lost: Option<u64>,
    #[serde(default, borrow)]
    events: Vec<&'a RawValue>,
    #[serde(default)]
    nudges: Vec<String>,
}

/// A durable event: its seq and time, its type, its task and the root of that, the state, the parent.
#[derive(Serialize, Deserialize)]
struct Short(
    Seq,
    i64,
    EventType,
    Option<TaskId>,
    Option<TaskId>,
    Option<TaskState>,
    Option<TaskId>,
);

/// Writes what is to be told as parcels of at most `limit` bytes each, at least one. An event that is longer is lost.
pub(super) fn write(from: Uuid, mut outbox: Outbox, limit: usize) -> Vec<String> {
    let mut parcels = Vec::new();
    let (mut text, mut any) = (head(from, &outbox), false);
    // So many sessions that readers may as well look at all they have.
    if text.len() > limit / 2 {
        outbox.cancel.clear();
        outbox.meant.clear();
        outbox.any = true;
        text = head(from, &outbox);
    }
    let mut lost = outbox.lost;
    for event in &outbox.events {
        let written = event_text(event);
        // The end of a parcel, with the number of what was lost.
        let room = limit.saturating_sub(40 + written.len());
        if any && text.len() > room {
            text.push_str("]}");
            parcels.push(std::mem::replace(&mut text, plain_head(from)));
            any = false;
        }
        if text.len() > room {
            lost = Some(lost.unwrap_or(0) + u64::from(!event.kind.is_durable()));
            continue;
        }
        if any {
            text.push(',');
        }
        any = true;
        text.push_str(&written);
    }
    text.push(']');
    if let Some(lost) = lost {
        // Writing to a string cannot fail.
        let _ = write!(text, ",\"lost\":{lost}");
    }
    text.push('}');
    parcels.push(text);
    parcels
}

/// How every parcel of a process begins.
pub(super) fn sign(from: Uuid) -> String {
    format!("{{\"v\":{VERSION},\"from\":\"{from}\",")
}

fn plain_head(from: Uuid) -> String {
    sign(from) + "\"events\":["
}

/// The beginning of the first parcel: nudges come first, since somebody waits for them.
fn head(from: Uuid, outbox: &Outbox) -> String {
    let plain = [(outbox.ready, "ready"), (outbox.timer, "timer"), (outbox.any, "lost")];
    let plain = plain.into_iter().filter(|(is, _)| *is).map(|(_, name)| name.to_owned());
    let cancels = outbox.cancel.iter().map(|session| format!("cancel {session}"));
    let meant = outbox.meant.iter().map(|session| format!("meant {session}"));
    let nudges: Vec<String> = plain.chain(cancels).chain(meant).collect();
    if nudges.is_empty() {
        return plain_head(from);
    }
    let nudges = serde_json::to_string(&nudges).unwrap_or_default();
    format!("{}\"nudges\":{nudges},\"events\":[", sign(from))
}

fn event_text(event: &Event) -> String {
    // Events have only fields that JSON can hold.
    let text = if event.kind.is_durable() {
        let at = event.at.as_micros();
        let (task, root, body) = (event.task_id, event.root_id, &event.body);
        serde_json::to_string(&Short(
            event.seq,
            at,
            event.kind,
            task,
            root,
            body.state,
            body.parent_id,
        ))
    } else {
        serde_json::to_string(event)
    };
    text.unwrap_or_default()
}

/// Reads a parcel. None when it is not one: others may use the same channel.
///
/// What a newer version says in a way that is not known here counts as lost: whoever hears it looks at the store.
pub(super) fn read(text: &str) -> Option<Parcel> {
    let form: Form<'_> = serde_json::from_str(text).ok()?;
    let mut parcel = Parcel {
        from: form.from,
        lost: form.lost,
        ..Parcel::default()
    };
    if form.v > VERSION {
        parcel.nudges.push(Nudge::Lost);
        parcel.lost.get_or_insert(0);
        return Some(parcel);
    }
    for raw in form.events {
        match event(raw.get()) {
            Some(event) => parcel.events.push(event),
            None => *parcel.lost.get_or_insert(0) += 1,
        }
    }
    parcel.nudges = form.nudges.iter().map(|name| nudge(name)).collect();
    Some(parcel)
}

fn event(text: &str) -> Option<Event> {
    if !text.starts_with('[') {
        return serde_json::from_str(text).ok();
    }
    let Short(seq, at, kind, task_id, root_id, state, parent_id) = serde_json::from_str(text).ok()?;
    Some(Event {
        seq,
        at: Timestamp::from_micros(at),
        kind,
        task_id,
        root_id,
        body: EventBody {
            state,
            parent_id,
            ..EventBody::default()
        },
    })
}

fn nudge(name: &str) -> Nudge {
    match name.split_once(' ') {
        None if name == "ready" => Nudge::Ready,
        None if name == "timer" => Nudge::Timer,
        Some(("cancel", session)) => SessionId::from_str(session).map_or(Nudge::Lost, Nudge::Cancel),
        Some(("meant", session)) => SessionId::from_str(session).map_or(Nudge::Lost, Nudge::Meant),
        _ => Nudge::Lost,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FROM: Uuid = Uuid::from_u128(7);
    const LIMIT: usize = 2000;

    fn an_event() -> impl Strategy<Value = Event> {
        let kinds = prop::sample::select(EventType::ALL.to_vec());
        let ids = prop::option::of(any::<u128>());
        (0..1000_i64, kinds, ids, ".{0,300}").prop_map(|(seq, kind, id, text)| Event {
            seq: Seq(seq),
            at: Timestamp::from_micros(seq * 1_000_003),
            kind,
            task_id: id.map(|id| TaskId::from_uuid(Uuid::from_u128(id))),
            root_id: id.map(|id| TaskId::from_uuid(Uuid::from_u128(id / 2))),
            body: EventBody {
                state: kind.is_durable().then_some(TaskState::Succeeded),
                text: (!kind.is_durable()).then_some(text),
                ..EventBody::default()
            },
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_in_order(
            events in prop::collection::vec(an_event(), 0..60),
            (ready, timer) in any::<(bool, bool)>(),
            session in prop::option::of(any::<u128>()),
        ) {
            let mut outbox = Outbox::default();
            outbox.push(&events);
            let mut nudges = Vec::new();
            if ready { nudges.push(Nudge::Ready); }
            if timer { nudges.push(Nudge::Timer); }
            nudges.extend(session.map(|id| Nudge::Cancel(SessionId::from_uuid(Uuid::from_u128(id)))));
            for nudge in &nudges { outbox.nudge(*nudge); }
            let parcels = write(FROM, outbox, LIMIT);
            prop_assert!(parcels.iter().all(|parcel| parcel.len() <= LIMIT));
            let read: Vec<Parcel> = parcels.iter().map(|text| read(text).expect("a parcel")).collect();
            prop_assert!(read.iter().all(|parcel| parcel.from == FROM && parcel.lost.is_none()));
            let all: Vec<Event> = read.iter().flat_map(|parcel| parcel.events.clone()).collect();
            prop_assert_eq!(all, events);
            prop_assert_eq!(&read[0].nudges, &nudges, "they come first");
        }

        #[test]
        fn whatever_comes_is_no_trouble(text in ".{0,200}") {
            read(&text);
        }
    }

    #[test]
    fn an_event_that_is_too_long_is_told_as_lost() {
        let event = |text: String| Event {
            seq: Seq(1),
            at: Timestamp::from_micros(0),
            kind: EventType::TaskLog,
            task_id: None,
            root_id: None,
            body: EventBody {
                text: Some(text),
                ..EventBody::default()
            },
        };
        let mut outbox = Outbox::default();
        outbox.push(&[event("short".into()), event("x".repeat(LIMIT)), event("last".into())]);
        let parcels = write(FROM, outbox, LIMIT);
        let read: Vec<_> = parcels.iter().filter_map(|text| read(text)).collect();
        assert_eq!(read.iter().map(|parcel| parcel.events.len()).sum::<usize>(), 2);
        assert_eq!(read.iter().filter_map(|parcel| parcel.lost).sum::<u64>(), 1);
    }

    #[test]
    fn what_a_newer_version_says_makes_readers_look() {
        let newer = format!(r#"{{"v":2,"from":"{FROM}","what":"ever"}}"#);
        let parcel = read(&newer).expect("something happened");
        assert_eq!((parcel.nudges, parcel.lost), (vec![Nudge::Lost], Some(0)));
        let more = format!(
            r#"{{"v":1,"from":"{FROM}","nudges":["ready","dance"],"events":[{{"seq":1,"type":"task_song"}}],"x":[]}}"#
        );
        let parcel = read(&more).expect("it is known");
        assert_eq!((parcel.nudges, parcel.lost), (vec![Nudge::Ready, Nudge::Lost], Some(1)));
        assert_eq!(read("hello"), None);
        assert_eq!(read(r#"{"v":1}"#), None);
    }
}
