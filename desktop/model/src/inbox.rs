//! What waits for a person's decision, one after the other.

use std::collections::BTreeSet;

use orchestrator_protocol::{Checkpoint, TaskId, Verdict};
use serde_json::Value;

use crate::format::first_line;

/// Where a person is in what waits for decisions. Ids grow with time, so they are the order too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    chosen: Option<TaskId>,
    entered: Option<TaskId>,
    sent: BTreeSet<TaskId>,
}

/// What is before the person.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Current<'a> {
    /// Nothing waits.
    Nothing,
    /// This waits.
    Open(&'a Checkpoint),
    /// What was before the person waits no more: somebody else decided, or it ended. It is not replaced by another one
    /// unasked, since a decision that is being written would then be sent to the wrong one.
    Gone(TaskId),
}

impl Inbox {
    /// The screen comes up, at a checkpoint if one is named. A second time with the same name changes nothing, so that a
    /// new connection does not lose the person's place.
    pub fn enter(&mut self, named: Option<TaskId>) {
        if named.is_some() && named != self.entered {
            self.chosen = named;
        }
        self.entered = named;
    }

    /// What waits and is not decided here yet, the longest waiting first.
    pub fn waiting<'a>(&self, all: &'a [Checkpoint]) -> Vec<&'a Checkpoint> {
        let open = all.iter().filter(|checkpoint| !self.sent.contains(&checkpoint.task.id));
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|checkpoint| checkpoint.task.id);
        open
    }

    /// What is before the person.
    pub fn current<'a>(&self, all: &'a [Checkpoint]) -> Current<'a> {
        let waiting = self.waiting(all);
        let Some(chosen) = self.chosen else {
            return waiting.first().copied().map_or(Current::Nothing, Current::Open);
        };
        match waiting.iter().find(|checkpoint| checkpoint.task.id == chosen) {
            Some(checkpoint) => Current::Open(checkpoint),
            None if self.sent.contains(&chosen) => after(&waiting, chosen).map_or(Current::Nothing, Current::Open),
            None => Current::Gone(chosen),
        }
    }

    /// The person wants this one.
    pub fn choose(&mut self, id: TaskId) {
        self.chosen = Some(id);
    }

    /// The person wants the next one, or the one before.
    pub fn step(&mut self, all: &[Checkpoint], forward: bool) {
        let waiting = self.waiting(all);
        let from = match self.current(all) {
            Current::Nothing => return,
            Current::Open(checkpoint) => checkpoint.task.id,
            Current::Gone(id) => id,
        };
        let to = if forward {
            waiting.iter().find(|checkpoint| checkpoint.task.id > from)
        } else {
            waiting.iter().rev().find(|checkpoint| checkpoint.task.id < from)
        };
        match to {
            Some(checkpoint) => self.chosen = Some(checkpoint.task.id),
            // Past the end of what is gone there is still something to show.
            None if matches!(self.current(all), Current::Gone(_)) => {
                self.chosen = waiting.first().map(|checkpoint| checkpoint.task.id);
            }
            None => {}
        }
    }

    /// The person has decided: the next one comes up.
    pub fn send(&mut self, id: TaskId, all: &[Checkpoint]) {
        self.sent.insert(id);
        let next = after(&self.waiting(all), id).map(|checkpoint| checkpoint.task.id);
        self.chosen = next.or(Some(id));
    }

    /// A decision did not arrive: the checkpoint waits again, and is before the person.
    pub fn take_back(&mut self, id: TaskId) {
        self.sent.remove(&id);
        self.chosen = Some(id);
    }
}

/// The first after one, or from the start when there is none.
fn after<'a>(waiting: &[&'a Checkpoint], id: TaskId) -> Option<&'a Checkpoint> {
    let later = waiting.iter().find(|checkpoint| checkpoint.task.id > id);
    later.or(waiting.first()).copied()
}

/// Why a decision cannot be sent as it is; none when it can.
pub fn missing(verdict: Verdict, feedback: &str) -> Option<&'static str> {
    let silent = feedback.trim().is_empty();
    (verdict == Verdict::Correct && silent).then_some("Say what to change: the agent gets it word by word.")
}

/// What was decided, for people.
pub const fn told(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "Accepted",
        Verdict::Correct => "Sent back with corrections",
        Verdict::Reject => "Rejected",
    }
}

/// Work that is larger is not read for a line of a list, which is drawn again and again.
const SHORT: usize = 8 * 1024;

/// What tells a checkpoint from others with the same question: the first line of the work, or else what its agent calls
/// the step.
pub fn about(checkpoint: &Checkpoint) -> String {
    let content = &checkpoint.content;
    let work = (content.get().len() <= SHORT).then(|| content.to_value());
    let line = work.as_ref().and_then(first_text).map(|text| first_line(text, 60));
    line.filter(|line| !line.is_empty()).unwrap_or_else(|| {
        let step = checkpoint.task.step.clone();
        step.filter(|step| *step != checkpoint.question).unwrap_or_default()
    })
}

fn first_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text),
        Value::Array(items) => items.iter().find_map(first_text),
        Value::Object(fields) => fields.values().find_map(first_text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{Json, TaskState};
    use serde_json::json;

    use super::*;
    use crate::testing::{id, task};

    fn checkpoints(numbers: &[u64]) -> Vec<Checkpoint> {
        let checkpoint = |n: &u64| Checkpoint {
            task: task(*n, None, TaskState::Waiting),
            question: format!("Question {n}"),
            content: Json::NULL,
            evaluation: Json::NULL,
            context: Json::NULL,
        };
        numbers.iter().map(checkpoint).collect()
    }

    fn at(inbox: &Inbox, all: &[Checkpoint]) -> Option<TaskId> {
        match inbox.current(all) {
            Current::Open(checkpoint) => Some(checkpoint.task.id),
            _ => None,
        }
    }

    #[test]
    fn the_next_one_comes_up_by_itself_until_there_is_none() {
        let all = checkpoints(&[3, 2, 1]);
        let mut inbox = Inbox::default();
        inbox.choose(id(2));
        inbox.send(id(2), &all);
        assert_eq!(at(&inbox, &all), Some(id(3)));
        inbox.send(id(3), &all);
        assert_eq!(at(&inbox, &all), Some(id(1)), "from the start again");
        inbox.send(id(1), &all);
        assert_eq!(inbox.current(&all), Current::Nothing);
        assert_eq!(at(&inbox, &checkpoints(&[4, 1])), Some(id(4)), "a new one");
        assert!(inbox.waiting(&all).is_empty());
    }

    #[test]
    fn the_longest_waiting_comes_first_and_steps_end_at_the_ends() {
        let all = checkpoints(&[3, 1, 2]);
        let mut inbox = Inbox::default();
        assert_eq!(at(&inbox, &all), Some(id(1)));
        inbox.step(&all, false);
        assert_eq!(at(&inbox, &all), Some(id(1)));
        for expected in [2, 3, 3] {
            inbox.step(&all, true);
            assert_eq!(at(&inbox, &all), Some(id(expected)));
        }
    }

    #[test]
    fn what_somebody_else_decided_is_not_replaced_unasked() {
        let mut inbox = Inbox::default();
        inbox.choose(id(2));
        let left = checkpoints(&[1]);
        assert_eq!(inbox.current(&left), Current::Gone(id(2)));
        inbox.step(&left, true);
        assert_eq!(at(&inbox, &left), Some(id(1)));
        inbox.choose(id(2));
        inbox.step(&[], true);
        assert_eq!(inbox.current(&[]), Current::Nothing);
    }

    #[test]
    fn a_decision_that_did_not_arrive_comes_back() {
        let all = checkpoints(&[1, 2]);
        let mut inbox = Inbox::default();
        inbox.send(id(1), &all);
        assert_eq!(at(&inbox, &all), Some(id(2)));
        inbox.take_back(id(1));
        assert_eq!(at(&inbox, &all), Some(id(1)));
    }

    #[test]
    fn a_new_connection_keeps_the_place() {
        let all = checkpoints(&[1, 2, 3]);
        let mut inbox = Inbox::default();
        inbox.enter(Some(id(2)));
        inbox.step(&all, true);
        inbox.enter(Some(id(2)));
        assert_eq!(at(&inbox, &all), Some(id(3)));
    }

    #[test]
    fn checkpoints_with_the_same_question_are_told_apart_by_the_work() {
        let mut one = checkpoints(&[1]).remove(0);
        one.task.step = Some("publish 1".to_owned());
        for (content, expected) in [
            (json!("# The queue\n\nMore"), "The queue"),
            (json!({"pages": 3, "text": "\n# Leases"}), "Leases"),
            (json!([1, "  ", {"title": "Plan"}]), "Plan"),
            (json!(null), "publish 1"),
            (json!("x".repeat(20_000)), "publish 1"),
        ] {
            one.content = Json::from(content);
            assert_eq!(about(&one), expected);
        }
        one.task.step = Some(one.question.clone());
        assert_eq!(about(&one), "");
    }

    #[test]
    fn corrections_say_what_to_change() {
        assert!(missing(Verdict::Correct, " \n").is_some());
        assert_eq!(missing(Verdict::Correct, "x"), None);
        assert_eq!(missing(Verdict::Reject, ""), None);
    }
}
