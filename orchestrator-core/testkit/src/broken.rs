//! Stores that are broken on purpose, one guard each: what shows that the simulator can fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::store::{
    ChildRef, ChildSpec, Claim, Committed, EventQuery, History, Intervention, LeasedTask, OpenSession, ReportAck,
    ReportBody, ReportItem, Store, StoreError, Submit, SubmittedTask, Ticked,
};
use orchestrator_protocol::{Event, EventType, Join, LimitRule, SideEffects, Task, TaskId, TaskState, Timestamp};

use crate::layer::{Layer, Layered};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defect {
    /// A report under an old lease is taken as one under the current lease.
    NoFence,
    /// An item that arrives again takes effect again.
    RepeatsReports,
    /// What was finished is not remembered when an agent is run again.
    ForgetsSteps,
    /// A recorded step is acknowledged, and not written.
    LosesSteps,
    /// A child that is asked for again is another one.
    ForgetsChildren,
    /// A task that runs is granted to another session, too.
    GrantsTwice,
    /// A waiting parent is not told when its last child has ended.
    LosesWakeUps,
    /// A task is acknowledged, and not written.
    LosesSubmissions,
    /// A submission with a known key is another task.
    ForgetsKeys,
    /// A task that is being cancelled gets children.
    GrowsWhileItIsCancelled,
    /// A cancelled task's children go on.
    CancelsOnlyTheTop,
    /// An outcome is recorded twice.
    EndsTwice,
    /// Dependencies are not waited for.
    ForgetsDependencies,
    /// As many tasks run as there are.
    IgnoresLimits,
    /// As many siblings go as there are.
    IgnoresGroups,
    /// Silent sessions do not end.
    RescuesNobody,
    /// Timers ring early.
    RingsEarly,
    /// What may run only once runs again.
    RunsAgain,
    /// Now and then an event cannot be read.
    HidesEvents,
    /// A budget stops nothing.
    ForgetsBudgets,
    /// A session is granted one task at most, and never what comes after it.
    WithholdsTasks,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Self; 21] = [
        Self::NoFence,
        Self::RepeatsReports,
        Self::ForgetsSteps,
        Self::LosesSteps,
        Self::ForgetsChildren,
        Self::GrantsTwice,
        Self::LosesWakeUps,
        Self::LosesSubmissions,
        Self::ForgetsKeys,
        Self::GrowsWhileItIsCancelled,
        Self::CancelsOnlyTheTop,
        Self::EndsTwice,
        Self::ForgetsDependencies,
        Self::IgnoresLimits,
        Self::IgnoresGroups,
        Self::RescuesNobody,
        Self::RingsEarly,
        Self::RunsAgain,
        Self::HidesEvents,
        Self::ForgetsBudgets,
        Self::WithholdsTasks,
    ];
}

/// A store with a defect.
#[derive(Debug)]
pub struct Broken {
    below: Arc<dyn Store>,
    /// Where lost submissions go.
    nowhere: Arc<dyn Store>,
    defect: Defect,
    notes: Mutex<Notes>,
}

/// What a defect needs to know.
#[derive(Debug, Default)]
struct Notes {
    leases: BTreeMap<TaskId, LeasedTask>,
    children: BTreeSet<(TaskId, String)>,
    submissions: u64,
    fresh_number: u64,
}

impl Broken {
    /// A store with a defect over one without; what it loses goes nowhere.
    pub fn over(defect: Defect, below: Arc<dyn Store>, nowhere: Arc<dyn Store>) -> Arc<dyn Store> {
        Layered::shared(Self {
            below,
            nowhere,
            defect,
            notes: Mutex::default(),
        })
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == defect
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the store below is told in place of what was said.
    fn twist(&self, mut item: ReportItem) -> ReportItem {
        let mut notes = self.notes();
        if self.is(Defect::RepeatsReports) {
            notes.fresh_number += 1;
            item.number = notes.fresh_number;
        }
        let current = notes.leases.get(&item.task).map(|leased| leased.lease);
        if self.is(Defect::NoFence) && current.is_some_and(|current| current != item.lease) {
            item.lease = current.unwrap_or(item.lease);
            item.number += 1_000_000;
        }
        match &mut item.body {
            ReportBody::Wait { tasks, join, until } if self.is(Defect::LosesWakeUps) && !tasks.is_empty() => {
                tasks.clear();
                (*join, *until) = (Join::All, Some(Timestamp::MAX));
            }
            ReportBody::Spawn(children) if self.is(Defect::IgnoresGroups) => {
                for child in children {
                    child.group = None;
                }
            }
            ReportBody::Spawn(children) if self.is(Defect::ForgetsChildren) => {
                for child in children {
                    if !notes.children.insert((item.task, child.step.clone())) {
                        child.step.push('+');
                    }
                }
            }
            ReportBody::Step { .. } if self.is(Defect::LosesSteps) => item.body = ReportBody::Progress(0.5),
            _ => {}
        }
        item
    }

    /// Gives children to a task that may have none.
    async fn grow(&self, children: &[ChildSpec], now: Timestamp) -> Result<Committed<Vec<ChildRef>>, StoreError> {
        let submission = |child: &ChildSpec| orchestrator_core::store::Submission {
            id: child.id,
            task: child.task.clone(),
        };
        let tasks = children.iter().map(submission).collect();
        let born = self.below.submit(Submit { tasks, now }).await?;
        let reference = |task: &SubmittedTask| ChildRef {
            id: task.id(),
            state: task.row.state,
        };
        Ok(Committed {
            value: born.value.iter().map(reference).collect(),
            events: born.events,
            ready: born.ready,
            cancelled: born.cancelled,
            ..Committed::default()
        })
    }
}

/// Records the first end among these events once more.
fn end_twice(events: &mut Vec<Event>) {
    let end = events.iter().position(|event| {
        let ended = event.body.state.is_some_and(TaskState::is_terminal);
        event.kind == EventType::TaskState && ended
    });
    if let Some(end) = end {
        let mut again = events[end].clone();
        again.seq.0 = 1 + events.iter().map(|event| event.seq.0).max().unwrap_or_default();
        events.push(again);
    }
}

#[async_trait]
impl Layer for Broken {
    fn below(&self) -> &Arc<dyn Store> {
        &self.below
    }

    async fn submit(&self, mut submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        for submission in &mut submit.tasks {
            let task = Arc::make_mut(&mut submission.task);
            match self.defect {
                Defect::ForgetsKeys => task.idempotency_key = None,
                Defect::ForgetsDependencies => task.depends_on.clear(),
                Defect::RunsAgain => task.side_effects = SideEffects::Idempotent,
                Defect::ForgetsBudgets => task.budget = None,
                _ => {}
            }
        }
        if self.is(Defect::LosesSubmissions) {
            let count = {
                let mut notes = self.notes();
                notes.submissions += 1;
                notes.submissions
            };
            if count % 4 == 0 {
                let mut answer = self.nowhere.submit(submit).await?;
                answer.events.clear();
                return Ok(answer);
            }
        }
        self.below.submit(submit).await
    }

    async fn open_session(&self, mut open: OpenSession) -> Result<Committed<()>, StoreError> {
        if self.is(Defect::RescuesNobody) {
            open.ttl = Duration::from_hours(24);
        }
        self.below.open_session(open).await
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        let mut asked = claim;
        if self.is(Defect::WithholdsTasks) {
            asked.credit = asked.credit.min(1);
        }
        let mut answer = self.below.claim(asked).await?;
        let mut notes = self.notes();
        if self.is(Defect::GrantsTwice) && answer.value.len() < claim.credit {
            let other = notes
                .leases
                .values()
                .find(|leased| !answer.value.contains(leased))
                .cloned();
            answer.value.extend(other);
        }
        let granted = answer.value.iter().map(|leased| (leased.id, leased.clone()));
        notes.leases.extend(granted);
        Ok(answer)
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        let twisted = items.iter().cloned().map(|item| self.twist(item)).collect();
        let mut answer = self.below.report(twisted, now).await?;
        for (item, ack) in items.iter().zip(&mut answer.value) {
            match &item.body {
                ReportBody::Spawn(children)
                    if self.is(Defect::GrowsWhileItIsCancelled) && matches!(ack, ReportAck::Refused { .. }) =>
                {
                    let born = self.grow(children, now).await?;
                    *ack = ReportAck::Spawned(born.value);
                    answer.events.extend(born.events);
                }
                ReportBody::Complete { .. } | ReportBody::Fail { .. } => {
                    self.notes().leases.remove(&item.task);
                }
                _ => {}
            }
        }
        if self.is(Defect::EndsTwice) {
            end_twice(&mut answer.events);
        }
        Ok(answer)
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        let mut answer = self.below.intervene(task, intervention.clone(), now).await?;
        if self.is(Defect::CancelsOnlyTheTop) && matches!(intervention, Intervention::Cancel { .. }) {
            let below = answer.events.iter().filter_map(|event| event.task_id);
            let below: BTreeSet<TaskId> = below.filter(|id| *id != task).collect();
            for child in below {
                if let Ok(again) = self.below.intervene(child, Intervention::Retry, now).await {
                    answer.events.extend(again.events);
                }
            }
        }
        Ok(answer)
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        let early = Duration::from_secs(if self.is(Defect::RingsEarly) { 2 } else { 0 });
        self.below.tick(now.plus(early), limit).await
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        let rule = if self.is(Defect::IgnoresLimits) { None } else { rule };
        self.below.put_limit(key, rule).await
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        let mut history = self.below.history(task).await?;
        if self.is(Defect::ForgetsSteps) {
            history.steps.clear();
        }
        if self.is(Defect::ForgetsChildren) {
            history.children.clear();
        }
        Ok(history)
    }

    async fn events(&self, query: EventQuery) -> Result<Vec<Event>, StoreError> {
        let mut events = self.below.events(query).await?;
        if self.is(Defect::HidesEvents) {
            events.retain(|event| event.seq.0 % 50 != 0);
        }
        Ok(events)
    }
}
