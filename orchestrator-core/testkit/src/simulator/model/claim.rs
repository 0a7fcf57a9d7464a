//! Granting leases.

use std::time::Duration;

use orchestrator_core::{
    domain::budget,
    store::{Claim, Committed, LeasedTask, StoreError},
};
use orchestrator_protocol::{LimitRule, SessionId, TaskId, TaskState, Timestamp, Usage};

use super::{Known, Model, Session, Turn, Wrong};

/// The window in which starts are counted.
const MINUTE: Duration = Duration::from_mins(1);

impl Model {
    /// A session asked for work.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn claimed(
        &mut self,
        claim: &Claim,
        answer: &Result<Committed<Vec<LeasedTask>>, StoreError>,
    ) -> Result<(), Wrong> {
        let session = self.sessions.get(&claim.session);
        let (committed, session) = match (answer, session) {
            (Ok(committed), Some(session)) => (committed, session),
            (Ok(_), None) => return Err(format!("the session {}, which has ended, may claim", claim.session)),
            (Err(StoreError::SessionLost(_)), None) => return Ok(()),
            (Err(error), _) => return Err(format!("a claim was refused: {error}")),
        };
        let worker = session.worker;
        if committed.value.len() > claim.credit {
            return Err(format!(
                "{} leases were granted for a credit of {}",
                committed.value.len(),
                claim.credit
            ));
        }
        let mut turn = Turn::new(claim.now);
        for leased in &committed.value {
            self.may_grant(leased, session)
                .map_err(|why| format!("{} was granted: {why}", leased.id))?;
            if turn.grants.insert(leased.id, (leased.lease, claim.session)).is_some() {
                return Err(format!("{} was granted twice at once", leased.id));
            }
        }
        for leased in &committed.value {
            self.note_grant(leased, claim.now)?;
            self.grants.insert((leased.id, worker), self.verb);
        }
        self.take(&mut turn, &committed.events)?;
        self.keep_limits(&committed.value, claim.now)?;
        if committed.value.len() < claim.credit {
            self.nothing_was_withheld(claim)?;
        }
        Ok(())
    }

    /// Whether a session that has room left was granted all that it may run, except what was left for others: tasks that
    /// became ready a moment ago, and no more of them than others have room for.
    fn nothing_was_withheld(&self, claim: &Claim) -> Result<(), Wrong> {
        let Some(session) = self.sessions.get(&claim.session) else {
            return Ok(());
        };
        let open = |known: &Known| {
            known.state == TaskState::Ready
                && session.task_types.contains(&known.spec.task_type)
                && !self.paused_queues.contains(&known.spec.queue)
                && !known.spec.limits.iter().any(|key| self.may_be_full(key))
        };
        let mut left = 0;
        for (id, known) in self.tasks.iter().filter(|(_, known)| open(known)) {
            let ready_at = known
                .ready_at
                .ok_or_else(|| format!("{id} is ready since nobody knows when"))?;
            if ready_at.plus(claim.policy.head_start()) <= claim.now {
                return Err(format!(
                    "{id}, ready since {ready_at}, was not granted to a session with room"
                ));
            }
            left += 1;
        }
        let room = |id: &SessionId, other: &Session| (other.slots as usize).saturating_sub(self.held_by(*id).len());
        let others = self.sessions.iter().filter(|(id, _)| **id != claim.session);
        let room: usize = others.map(|(id, other)| room(id, other)).sum();
        if left > room {
            return Err(format!("{left} tasks were left for others, which have room for {room}"));
        }
        Ok(())
    }

    /// Whether a limit may let nothing start: paces are not judged here.
    fn may_be_full(&self, key: &String) -> bool {
        let Some(rule) = self.limits.get(key) else { return false };
        let counts = |known: &&Known| known.lease.is_some() && known.spec.limits.contains(key);
        let running = self.tasks.values().filter(counts).count();
        let paced = rule.starts_per_minute.is_some() || rule.tokens_per_minute.is_some();
        paced || rule.max_running.is_some_and(|max| running >= max as usize)
    }

    fn may_grant(&self, leased: &LeasedTask, session: &Session) -> Result<(), Wrong> {
        let known = self.task(leased.id)?;
        let problem = if known.state != TaskState::Ready {
            format!("it is {}", known.state)
        } else if self.newest_lease.is_some_and(|newest| leased.lease <= newest) {
            format!("the lease {} is not larger than all before", leased.lease)
        } else if !session.task_types.contains(&known.spec.task_type) {
            "the worker does not have its agent".to_owned()
        } else if self.paused_queues.contains(&known.spec.queue) {
            "its queue is paused".to_owned()
        } else if leased.resumed != known.suspended {
            format!(
                "resumed is {}, and it is {} that it waited",
                leased.resumed, known.suspended
            )
        } else if leased.attempt != known.attempt + u32::from(!known.suspended) {
            format!("as attempt {} after {}", leased.attempt, known.attempt)
        } else if !(leased.has_history || known.steps.is_empty() && known.children.is_empty()) {
            "without its history".to_owned()
        } else if leased.spec.input != known.spec.input {
            "with another input".to_owned()
        } else if let Some(spent) = self.spent_above(leased.id) {
            format!("the budget of {spent} is spent")
        } else {
            return Ok(());
        };
        Err(problem)
    }

    /// The task at or above this one whose budget is spent, unless a person said to go on.
    fn spent_above(&self, id: TaskId) -> Option<TaskId> {
        let spent = self.upwards(id).find(|(_, known)| {
            let usage = Usage {
                input_tokens: known.tree_tokens,
                ..Usage::default()
            };
            !known.budget_lifted && known.spec.budget.as_ref().is_some_and(|b| budget::is_spent(b, &usage))
        });
        spent.map(|(id, _)| id)
    }

    fn note_grant(&mut self, leased: &LeasedTask, now: Timestamp) -> Result<(), Wrong> {
        self.newest_lease = self.newest_lease.max(Some(leased.lease));
        if !leased.resumed {
            self.starts.push((now, leased.id));
        }
        self.change(leased.id)?.attempt = leased.attempt;
        Ok(())
    }

    /// Whether no limit is exceeded under the keys of what was just granted.
    fn keep_limits(&self, granted: &[LeasedTask], now: Timestamp) -> Result<(), Wrong> {
        let keys = granted.iter().flat_map(|leased| &leased.spec.limits);
        for (key, rule) in keys.filter_map(|key| Some((key, self.limits.get(key)?))) {
            self.keep_limit(key, rule, now)?;
        }
        Ok(())
    }

    fn keep_limit(&self, key: &String, rule: &LimitRule, now: Timestamp) -> Result<(), Wrong> {
        let counts = |id: &TaskId| self.tasks.get(id).is_some_and(|known| known.spec.limits.contains(key));
        let running = self
            .tasks
            .iter()
            .filter(|(id, known)| known.lease.is_some() && counts(id))
            .count();
        if rule.max_running.is_some_and(|max| running > max as usize) {
            return Err(format!(
                "{running} tasks run under `{key}`, for which the rule is {rule:?}"
            ));
        }
        let since = now.minus(MINUTE);
        let starts = self.starts.iter().filter(|(at, id)| *at > since && counts(id)).count();
        if rule.starts_per_minute.is_some_and(|max| starts > max as usize) {
            return Err(format!(
                "{starts} tasks were started within a minute under `{key}`: {rule:?}"
            ));
        }
        Ok(())
    }

    /// A limit was set or removed.
    pub fn limited(&mut self, key: &str, rule: Option<&LimitRule>) {
        match rule {
            Some(rule) => self.limits.insert(key.to_owned(), rule.clone()),
            None => self.limits.remove(key),
        };
    }

    /// A queue was paused or resumed.
    pub fn queue_paused(&mut self, queue: &str, paused: bool) {
        if paused {
            self.paused_queues.insert(queue.to_owned());
        } else {
            self.paused_queues.remove(queue);
        }
    }
}
