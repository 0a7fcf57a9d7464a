//! What a process has to tell the others, until it is sent: bounded, and everything that says the same is one.

use std::collections::{BTreeSet, VecDeque};

use orchestrator_protocol::{Event, EventBody, SessionId};

use super::Nudge;

/// How many events may wait: as many as a reader may be behind. If more happens before they are sent, the others read it
/// from the store sooner than from here.
const EVENTS: usize = 4096;

/// How much text the waiting events may hold, in bytes. Lines of output may be long.
const TEXT: usize = 4 << 20;

/// How many sessions may wait to be told of cancellations one by one, and how many of tasks that were left for them.
const SESSIONS: usize = 1024;

/// What a process has to tell the others.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outbox {
    /// Durable ones are short: see [`short`].
    pub(super) events: VecDeque<Event>,
    /// How many live-only events did not fit, or could not be sent; 0 when only others did not. None: all that happened
    /// is here.
    pub(super) lost: Option<u64>,
    pub(super) ready: bool,
    pub(super) timer: bool,
    /// It may have been any nudge.
    pub(super) any: bool,
    pub(super) cancel: BTreeSet<SessionId>,
    pub(super) meant: BTreeSet<SessionId>,
    text: usize,
}

impl Outbox {
    /// Everything that waits.
    pub(super) fn take(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Adds events. When there are too many the oldest go.
    pub(super) fn push(&mut self, events: &[Event]) {
        // Those that would have to go at once are not even copied.
        let (skipped, events) = events.split_at(events.len().saturating_sub(EVENTS));
        self.lose(skipped);
        for event in events {
            let event = short(event);
            self.text += size(&event);
            self.events.push_back(event);
        }
        while self.events.len() > EVENTS || self.text > TEXT {
            let Some(event) = self.events.pop_front() else { break };
            self.text -= size(&event);
            self.lose(&[event]);
        }
    }

    pub(super) fn nudge(&mut self, nudge: Nudge) {
        match nudge {
            Nudge::Ready => self.ready = true,
            Nudge::Timer => self.timer = true,
            Nudge::Lost => self.any = true,
            Nudge::Cancel(session) => self.any |= overflows(&mut self.cancel, session),
            Nudge::Meant(session) => self.any |= overflows(&mut self.meant, session),
        }
    }

    /// These events will not be sent; that something happened still is to be told.
    pub(super) fn lose<'a>(&mut self, events: impl IntoIterator<Item = &'a Event>) {
        let mut events = events.into_iter().peekable();
        if events.peek().is_some() {
            let live = events.filter(|event| !event.kind.is_durable()).count();
            self.lost = Some(self.lost.unwrap_or(0) + live as u64);
        }
    }

    /// What is to be told should it turn out that this could not be sent.
    pub(super) fn loss(&self) -> Self {
        let mut loss = Self {
            lost: self.lost,
            any: self.nudges(),
            ..Self::default()
        };
        loss.lose(&self.events);
        loss
    }

    /// Adds what could not be sent before.
    pub(super) fn add_loss(&mut self, loss: &Self) {
        self.any |= loss.any;
        if let Some(lost) = loss.lost {
            self.lost = Some(self.lost.unwrap_or(0) + lost);
        }
    }

    /// Whether it holds nudges.
    pub(super) fn nudges(&self) -> bool {
        self.ready || self.timer || self.any || !self.cancel.is_empty() || !self.meant.is_empty()
    }
}

/// Adds a session. When there are too many all of them go, and it is to be said that it may have been any.
fn overflows(sessions: &mut BTreeSet<SessionId>, session: SessionId) -> bool {
    sessions.insert(session);
    let too_many = sessions.len() > SESSIONS;
    if too_many {
        sessions.clear();
    }
    too_many
}

/// How much text an event holds, about.
fn size(event: &Event) -> usize {
    event.body.text.as_ref().map_or(0, String::len) + event.body.data.as_ref().map_or(0, |_| 1024)
}

/// As much of an event as others need: a live-only one as it is; of a durable one which task it is about, since the store
/// has the rest, and says where in the order it stands.
fn short(event: &Event) -> Event {
    if !event.kind.is_durable() {
        return event.clone();
    }
    Event {
        body: EventBody {
            state: event.body.state,
            parent_id: event.body.parent_id,
            ..EventBody::default()
        },
        ..*event
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{EventType, Seq, TaskState, Timestamp};
    use uuid::Uuid;

    use super::*;

    fn event(seq: i64, kind: EventType, text: &str) -> Event {
        Event {
            seq: Seq(seq),
            at: Timestamp::from_micros(1),
            kind,
            task_id: None,
            root_id: None,
            body: EventBody {
                state: Some(TaskState::Running),
                text: Some(text.to_owned()),
                ..EventBody::default()
            },
        }
    }

    #[test]
    fn holds_so_many_events_and_so_much_text_and_counts_the_rest() {
        let mut outbox = Outbox::default();
        let many: Vec<_> = (0..3 * EVENTS as i64)
            .map(|n| event(n, EventType::TaskLog, ""))
            .collect();
        outbox.push(&many);
        outbox.push(&many[..10]);
        assert_eq!(outbox.events.len(), EVENTS);
        assert_eq!(outbox.lost, Some(2 * EVENTS as u64 + 10));
        assert_eq!(outbox.events.back().map(|e| e.seq), Some(Seq(9)), "the newest are kept");
        let mut outbox = Outbox::default();
        let long = event(1, EventType::TaskLog, &"x".repeat(TEXT / 2 + 1));
        outbox.push(&[long.clone(), long]);
        assert_eq!((outbox.events.len(), outbox.lost), (1, Some(1)));
    }

    #[test]
    fn only_what_is_nowhere_else_counts_as_lost() {
        let mut outbox = Outbox::default();
        outbox.push(&[event(1, EventType::TaskState, ""), event(1, EventType::TaskLog, "")]);
        let loss = outbox.loss();
        assert_eq!((loss.lost, loss.any), (Some(1), false));
        let mut after = Outbox::default();
        after.lose(&[event(2, EventType::TaskState, "")]);
        assert_eq!(after.lost, Some(0), "there is something to look at");
        after.add_loss(&loss);
        assert_eq!(after.lost, Some(1));
    }

    #[test]
    fn a_durable_event_is_short_and_a_live_one_is_whole() {
        let mut outbox = Outbox::default();
        outbox.push(&[
            event(1, EventType::TaskState, "why"),
            event(1, EventType::TaskLog, "a line"),
        ]);
        let texts: Vec<_> = outbox.events.iter().map(|event| event.body.text.as_deref()).collect();
        assert_eq!(texts, [None, Some("a line")]);
        assert_eq!(outbox.events[0].body.state, Some(TaskState::Running));
    }

    #[test]
    fn what_says_the_same_is_one() {
        let session = |n| SessionId::from_uuid(Uuid::from_u128(n));
        let mut outbox = Outbox::default();
        for n in 0..10_000 {
            outbox.nudge(Nudge::Ready);
            outbox.nudge(Nudge::Cancel(session(n % 2)));
            outbox.nudge(Nudge::Meant(session(n % 3)));
        }
        assert!(outbox.ready && !outbox.timer && !outbox.any);
        assert_eq!((outbox.cancel.len(), outbox.meant.len()), (2, 3));
        for n in 0..=SESSIONS as u128 {
            outbox.nudge(Nudge::Cancel(session(n)));
        }
        assert!(outbox.any && outbox.cancel.is_empty());
        assert_ne!(outbox.take(), Outbox::default());
        assert_eq!(outbox, Outbox::default());
    }
}
