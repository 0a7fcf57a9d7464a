//! What workers said of their tasks.

use std::{collections::BTreeSet, time::Duration};

use orchestrator_core::{
    domain::retry::{AfterFailure, after_failure, jitter},
    store::{ChildRef, ChildSpec, Committed, ReportAck, ReportBody, ReportItem, StoreError},
};
use orchestrator_protocol::{TaskError, TaskId, TaskState, Timestamp};

use super::{
    Model, Turn, Wrong,
    turn::{Birth, Leave},
};

impl Model {
    /// Workers reported.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn reported(
        &mut self,
        items: &[ReportItem],
        now: Timestamp,
        answer: &Result<Committed<Vec<ReportAck>>, StoreError>,
    ) -> Result<(), Wrong> {
        let committed = answer
            .as_ref()
            .map_err(|error| format!("a report was refused: {error}"))?;
        if committed.value.len() != items.len() {
            return Err("a report was answered with another number of acks".to_owned());
        }
        let mut turn = Turn::new(now);
        let mut over = BTreeSet::new();
        for (item, ack) in items.iter().zip(&committed.value) {
            self.hear(&mut turn, &mut over, item, ack).map_err(|why| {
                format!(
                    "{} under {} (number {}), answered {ack:?}: {why}",
                    item.task, item.lease, item.number
                )
            })?;
        }
        self.take(&mut turn, &committed.events)
    }

    /// One item: whether it may be answered like this, and what may follow.
    fn hear(
        &mut self,
        turn: &mut Turn,
        over: &mut BTreeSet<TaskId>,
        item: &ReportItem,
        ack: &ReportAck,
    ) -> Result<(), Wrong> {
        let id = item.task;
        let known = self.change(id)?;
        let held = known.lease.is_some_and(|held| held.lease == item.lease);
        if !held {
            // Only what took effect while it was held may be acknowledged again.
            let repeats = known
                .returned
                .is_some_and(|(lease, last)| lease == item.lease && item.number <= last);
            return match ack {
                ReportAck::LeaseLost => Ok(()),
                ReportAck::Open => Err("a lease that is not held is said to be".to_owned()),
                _ if repeats => Ok(()),
                _ => Err("a lease that is not held was taken for good".to_owned()),
            };
        }
        let repeated = item.number <= known.reported;
        known.reported = known.reported.max(item.number);
        if over.contains(&id) {
            // Its lease ended with an earlier item of the same batch.
            return match ack {
                ReportAck::LeaseLost => Ok(()),
                _ if repeated => Ok(()),
                _ => Err("what came after the end was taken".to_owned()),
            };
        }
        if *ack == ReportAck::LeaseLost {
            return Err("a lease that is held was said to be lost".to_owned());
        }
        if repeated && !matches!(item.body, ReportBody::Wait { .. }) {
            return self.spawned_before(item, ack);
        }
        if let Some(leave) = self.follow(turn, item, ack)? {
            over.insert(id);
            turn.leaves.insert(id, leave);
        }
        Ok(())
    }

    /// A repeated request for children is answered with the first ones.
    fn spawned_before(&self, item: &ReportItem, ack: &ReportAck) -> Result<(), Wrong> {
        let (ReportBody::Spawn(asked), ReportAck::Spawned(given)) = (&item.body, ack) else {
            return Ok(());
        };
        let known = self.task(item.task)?;
        let same = |(asked, given): (&ChildSpec, &ChildRef)| known.children.get(&asked.step) == Some(&given.id);
        if asked.len() == given.len() && asked.iter().zip(given).all(same) {
            Ok(())
        } else {
            Err("a repeated request for children gave others".to_owned())
        }
    }

    /// What follows from an item that arrives first, under the current lease.
    fn follow(&mut self, turn: &mut Turn, item: &ReportItem, ack: &ReportAck) -> Result<Option<Leave>, Wrong> {
        let id = item.task;
        let known = self.change(id)?;
        let stopping = known.stopping;
        let stops = || Some(Leave::to(&[TaskState::Cancelled], true));
        let leave = match (&item.body, ack) {
            (ReportBody::Log { .. }, ReportAck::Accepted) => {
                known.lines += 1;
                None
            }
            (ReportBody::Progress(_), ReportAck::Accepted) | (ReportBody::Wait { .. }, ReportAck::Open) => None,
            (ReportBody::Usage(usage), ReportAck::Accepted) => {
                *turn.tokens.entry(id).or_default() += usage.tokens();
                None
            }
            (ReportBody::Step { name, .. }, ReportAck::Accepted) => {
                if !known.steps.contains_key(name) {
                    turn.steps.insert((id, name.clone()));
                }
                None
            }
            (ReportBody::Spawn(_), ReportAck::Spawned(_)) if stopping => {
                return Err("children were given to a task that is being stopped".to_owned());
            }
            (ReportBody::Spawn(asked), ReportAck::Spawned(given)) => {
                self.spawn(turn, id, asked, given)?;
                None
            }
            (ReportBody::Wait { tasks, join, until }, ReportAck::Parked) => {
                let mut leave = Leave::to(&[TaskState::Waiting], true);
                let mut tasks = tasks.clone();
                tasks.sort_unstable();
                tasks.dedup();
                leave.wait = Some((tasks, *join, *until));
                Some(leave)
            }
            (ReportBody::Spawn(_) | ReportBody::Wait { .. } | ReportBody::Step { .. }, ReportAck::Refused { .. }) => {
                None
            }
            (
                ReportBody::Complete { .. }
                | ReportBody::Fail { .. }
                | ReportBody::Release { .. }
                | ReportBody::Stopped { .. },
                ReportAck::Accepted,
            ) if stopping => stops(),
            (ReportBody::Complete { .. }, ReportAck::Accepted) => Some(Leave::to(&[TaskState::Succeeded], true)),
            (ReportBody::Fail { error, .. }, ReportAck::Accepted) => Some(self.fail(turn, id, error)?),
            (ReportBody::Release { .. } | ReportBody::Stopped { .. }, ReportAck::Accepted) => {
                Some(Leave::to(&[TaskState::Ready], true))
            }
            _ => return Err("that is no answer to this".to_owned()),
        };
        Ok(leave)
    }

    fn spawn(&self, turn: &mut Turn, parent: TaskId, asked: &[ChildSpec], given: &[ChildRef]) -> Result<(), Wrong> {
        if asked.len() != given.len() {
            return Err("children were answered with another number of children".to_owned());
        }
        let known = self.task(parent)?;
        for (asked, given) in asked.iter().zip(given) {
            let step = &asked.step;
            let new = turn
                .births
                .iter()
                .find(|(_, birth)| birth.parent == Some(parent) && birth.step.as_ref() == Some(step));
            let first = known.children.get(step).or(new.map(|(id, _)| id)).copied();
            match first {
                Some(first) if first != given.id => {
                    return Err(format!("the child `{step}` is {first} and was said to be {}", given.id));
                }
                Some(first) => {
                    if known.lives > 0 {
                        turn.revives.insert(first);
                    }
                }
                None if given.id != asked.id => {
                    return Err(format!("the child `{step}` should be {} and is {}", asked.id, given.id));
                }
                None => {
                    let birth = Birth {
                        spec: asked.task.clone(),
                        parent: Some(parent),
                        step: Some(step.clone()),
                        group: asked.group.clone(),
                        depends_on: Vec::new(),
                    };
                    turn.births.insert(asked.id, birth);
                }
            }
        }
        Ok(())
    }

    fn fail(&mut self, turn: &Turn, id: TaskId, error: &TaskError) -> Result<Leave, Wrong> {
        let known = self.change(id)?;
        known.failures += 1;
        known.all_failures += 1;
        let spread = jitter(id.as_bytes(), known.failures);
        let leave = match after_failure(&known.spec.retry, known.failures, error, spread) {
            AfterFailure::Retry(wait) => Leave {
                wake_at: Some(turn.now.plus(wait.max(Duration::ZERO))),
                ..Leave::to(&[TaskState::Scheduled], true)
            },
            AfterFailure::Failed => Leave::to(&[TaskState::Failed], true),
            AfterFailure::NeedsAttention => Leave::to(&[TaskState::NeedsAttention], true),
        };
        Ok(leave)
    }
}
