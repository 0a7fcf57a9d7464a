//! What waits for a person's decision, one after the other.

use std::collections::{BTreeMap, BTreeSet};

use orchestrator_protocol::{Checkpoint, Decision, TaskId, Verdict};
use serde_json::Value;

use crate::format::first_line;

/// Where a person is in what waits for decisions. Ids grow with time, so they are the order too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inbox {
    chosen: Option<TaskId>,
    entered: Option<TaskId>,
    sent: BTreeSet<TaskId>,
    /// What the person wants corrected, by the task that asked.
    corrected: BTreeMap<TaskId, Correction>,
}

/// What a person wants corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    /// In their words.
    pub words: String,
    /// The checkpoint that they answered with it.
    of: TaskId,
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

    /// What waits and is not decided here yet: first what was revised as the person wanted, then the longest waiting.
    pub fn waiting<'a>(&self, all: &'a [Checkpoint]) -> Vec<&'a Checkpoint> {
        let open = all.iter().filter(|checkpoint| !self.sent.contains(&checkpoint.task.id));
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|checkpoint| (self.correction(checkpoint).is_none(), checkpoint.task.id));
        open
    }

    /// What the person wanted corrected of what a checkpoint shows, where it is the revision.
    pub fn correction(&self, checkpoint: &Checkpoint) -> Option<&Correction> {
        let correction = self.corrected.get(&asker(checkpoint))?;
        (checkpoint.task.id > correction.of).then_some(correction)
    }

    /// The revision that has come while the person looks at something else, the first of them.
    pub fn revision<'a>(&self, all: &'a [Checkpoint]) -> Option<&'a Checkpoint> {
        let first = self.waiting(all).into_iter().next()?;
        let is_open = matches!(self.current(all), Current::Open(open) if self.correction(open).is_some());
        (!is_open && self.correction(first).is_some()).then_some(first)
    }

    /// What was sent back and has not come again: the tasks that asked, and what is to be corrected.
    pub fn awaited(&self, all: &[Checkpoint]) -> Vec<(TaskId, &Correction)> {
        let has_come = |id: TaskId, correction: &Correction| {
            let mut others = all.iter().filter(|other| asker(other) == id);
            others.any(|other| other.task.id > correction.of)
        };
        let all_of_them = self.corrected.iter();
        all_of_them
            .filter(|(id, correction)| !has_come(**id, correction))
            .map(|(id, correction)| (*id, correction))
            .collect()
    }

    /// What is before the person.
    pub fn current<'a>(&self, all: &'a [Checkpoint]) -> Current<'a> {
        let waiting = self.waiting(all);
        let Some(chosen) = self.chosen else {
            return waiting.first().copied().map_or(Current::Nothing, Current::Open);
        };
        match waiting.iter().find(|checkpoint| checkpoint.task.id == chosen) {
            Some(checkpoint) => Current::Open(checkpoint),
            None if self.sent.contains(&chosen) => self.after(&waiting, chosen).map_or(Current::Nothing, Current::Open),
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
        let place = |id| waiting.iter().position(|checkpoint| checkpoint.task.id == id);
        let to = match self.current(all) {
            Current::Nothing => return,
            Current::Open(open) => {
                place(open.task.id).and_then(|at| if forward { at.checked_add(1) } else { at.checked_sub(1) })
            }
            // What is gone stood between those before and after it.
            Current::Gone(id) if forward => self.after(&waiting, id).and_then(|next| place(next.task.id)),
            Current::Gone(id) => waiting.iter().rposition(|other| other.task.id < id).or(Some(0)),
        };
        match to.and_then(|to| waiting.get(to)) {
            Some(checkpoint) => self.chosen = Some(checkpoint.task.id),
            // Nothing is left to show instead of what is gone.
            None if waiting.is_empty() => self.chosen = None,
            None => {}
        }
    }

    /// The person has decided: the next one comes up. What is to be corrected is awaited.
    pub fn send(&mut self, id: TaskId, decision: &Decision, all: &[Checkpoint]) {
        let sent = all.iter().find(|checkpoint| checkpoint.task.id == id);
        if let Some(sent) = sent {
            let correction = Correction {
                words: decision.feedback.clone(),
                of: id,
            };
            match decision.decision {
                Verdict::Correct => drop(self.corrected.insert(asker(sent), correction)),
                Verdict::Accept | Verdict::Reject => drop(self.corrected.remove(&asker(sent))),
            }
        }
        self.sent.insert(id);
        let next = self.after(&self.waiting(all), id).map(|checkpoint| checkpoint.task.id);
        self.chosen = next.or(Some(id));
    }

    /// A decision did not arrive: the checkpoint waits again, and is before the person.
    pub fn take_back(&mut self, id: TaskId) {
        self.sent.remove(&id);
        self.corrected.retain(|_, correction| correction.of != id);
        self.chosen = Some(id);
    }

    /// A task has ended: it will not ask again.
    pub fn ended(&mut self, task: TaskId) {
        self.corrected.remove(&task);
    }

    /// What comes after one: a revision, or the first that waits since later, or else from the start.
    fn after<'a>(&self, waiting: &[&'a Checkpoint], id: TaskId) -> Option<&'a Checkpoint> {
        let revised = waiting.first().filter(|first| self.correction(first).is_some());
        let later = || waiting.iter().find(|checkpoint| checkpoint.task.id > id);
        revised.or_else(later).or(waiting.first()).copied()
    }
}

/// The task that asks.
fn asker(checkpoint: &Checkpoint) -> TaskId {
    checkpoint.task.parent_id.unwrap_or(checkpoint.task.id)
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
    let line = work
        .as_ref()
        .and_then(first_text)
        .map(|text| first_line(&bare(text), 60));
    line.filter(|line| !line.is_empty()).unwrap_or_else(|| {
        let step = checkpoint.task.step.clone();
        step.filter(|step| *step != checkpoint.question).unwrap_or_default()
    })
}

/// A text without the marks of Markdown within its lines.
fn bare(text: &str) -> String {
    text.replace("**", "").replace('`', "")
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

    fn decision(verdict: Verdict) -> Decision {
        Decision {
            decision: verdict,
            feedback: "Shorter".to_owned(),
        }
    }

    fn accept(inbox: &mut Inbox, n: u64, all: &[Checkpoint]) {
        inbox.send(id(n), &decision(Verdict::Accept), all);
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
        accept(&mut inbox, 2, &all);
        assert_eq!(at(&inbox, &all), Some(id(3)));
        accept(&mut inbox, 3, &all);
        assert_eq!(at(&inbox, &all), Some(id(1)), "from the start again");
        accept(&mut inbox, 1, &all);
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
        accept(&mut inbox, 1, &all);
        assert_eq!(at(&inbox, &all), Some(id(2)));
        inbox.take_back(id(1));
        assert_eq!(at(&inbox, &all), Some(id(1)));
    }

    /// Checkpoints with the tasks that ask.
    fn asked_by(pairs: &[(u64, u64)]) -> Vec<Checkpoint> {
        let numbers: Vec<u64> = pairs.iter().map(|(n, _)| *n).collect();
        let mut all = checkpoints(&numbers);
        for (checkpoint, (_, asker)) in all.iter_mut().zip(pairs) {
            checkpoint.task.parent_id = Some(id(*asker));
        }
        all
    }

    #[test]
    fn a_revision_is_known_and_comes_up_as_soon_as_nothing_else_is_looked_at() {
        let all = asked_by(&[(11, 1), (12, 2), (13, 3)]);
        let mut inbox = Inbox::default();
        inbox.send(id(11), &decision(Verdict::Correct), &all);
        assert_eq!(at(&inbox, &all), Some(id(12)));
        let awaited: Vec<_> = inbox.awaited(&all).into_iter().map(|(asker, _)| asker).collect();
        assert_eq!(awaited, [id(1)]);
        let all = asked_by(&[(12, 2), (13, 3), (14, 1), (15, 4)]);
        assert_eq!(at(&inbox, &all), Some(id(12)), "what is looked at is not replaced");
        assert_eq!(inbox.revision(&all).map(|revision| revision.task.id), Some(id(14)));
        assert!(inbox.awaited(&all).is_empty());
        let waiting: Vec<_> = inbox.waiting(&all).iter().map(|one| one.task.id).collect();
        assert_eq!(waiting, [14, 12, 13, 15].map(id), "a revision stands first");
        inbox.step(&all, false);
        assert_eq!(at(&inbox, &all), Some(id(14)));
        assert_eq!(inbox.revision(&all), None, "it is looked at");
        inbox.step(&all, true);
        accept(&mut inbox, 12, &all);
        assert_eq!(at(&inbox, &all), Some(id(14)), "it is the next one");
        let words = inbox.correction(&all[2]).map(|correction| correction.words.as_str());
        assert_eq!(words, Some("Shorter"));
        accept(&mut inbox, 14, &all);
        assert_eq!(at(&inbox, &all), Some(id(15)));
        assert!(inbox.awaited(&[]).is_empty(), "what is accepted does not come again");
    }

    #[test]
    fn a_revision_comes_up_by_itself_where_nothing_else_waits() {
        let mut inbox = Inbox::default();
        inbox.send(id(11), &decision(Verdict::Correct), &asked_by(&[(11, 1)]));
        assert_eq!(inbox.current(&[]), Current::Nothing);
        assert_eq!(inbox.awaited(&[]).len(), 1);
        let all = asked_by(&[(12, 1)]);
        assert_eq!(at(&inbox, &all), Some(id(12)));
        assert_eq!(inbox.revision(&all), None);
        inbox.send(id(12), &decision(Verdict::Correct), &all);
        inbox.take_back(id(12));
        assert!(inbox.awaited(&[]).is_empty(), "it was not sent");
        inbox.send(id(12), &decision(Verdict::Correct), &all);
        inbox.ended(id(1));
        assert!(inbox.awaited(&[]).is_empty(), "it will not ask again");
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
            (json!("# The **`queue`**\n\nMore"), "The queue"),
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
