//! What a scripted source answers.

use async_trait::async_trait;
use orchestrator_core::{
    protocol::{Join, Load, SessionId, TaskId, TaskState},
    store::{
        ChildRef, ChildSpec, History, LeasedTask, Renewed, ReportAck, ReportBody, ReportItem, Settled, StoreError,
    },
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};
use uuid::Uuid;

use super::{Script, Scripted, TTL};

impl Script {
    /// The usual answer.
    fn take(&mut self, item: &ReportItem) -> ReportAck {
        match &item.body {
            ReportBody::Spawn(children) => ReportAck::Spawned(children.iter().map(|c| self.bear(c)).collect()),
            ReportBody::Wait { tasks, join, .. } => {
                let settled = tasks.iter().filter(|id| self.children[id].state.is_terminal()).count();
                let needed = if *join == Join::All { tasks.len() } else { 1 };
                if !tasks.is_empty() && settled >= needed {
                    ReportAck::Open
                } else {
                    ReportAck::Parked
                }
            }
            _ => ReportAck::Accepted,
        }
    }

    fn bear(&mut self, child: &ChildSpec) -> ChildRef {
        let known = self.children.values().find(|c| c.step.as_deref() == Some(&child.step));
        if let Some(known) = known {
            return ChildRef {
                id: known.id,
                state: known.state,
            };
        }
        self.children.insert(
            child.id,
            Settled {
                id: child.id,
                step: Some(child.step.clone()),
                state: if self.instant.is_some() {
                    TaskState::Succeeded
                } else {
                    TaskState::Ready
                },
                output: self.instant.clone(),
                error: None,
                spec: child.task.clone(),
            },
        );
        ChildRef {
            id: child.id,
            state: TaskState::Ready,
        }
    }
}

#[async_trait]
impl TaskSource for Scripted {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        let mut script = self.script();
        if let Some(error) = script.open_errors.pop_front() {
            return Err(error);
        }
        script.hellos.push(hello);
        let session = SessionId::from_uuid(Uuid::from_u128(script.hellos.len() as u128));
        self.heard.notify_waiters();
        Ok(Welcome { session, ttl: TTL })
    }

    async fn claim(&self, _session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        let mut script = self.script();
        if let Some(error) = script.claim_errors.pop_front() {
            return Err(error);
        }
        script.credits.push(credit);
        let count = script.tasks.len().min(credit);
        self.heard.notify_waiters();
        Ok(script.tasks.drain(..count).collect())
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        let mut script = self.script();
        script.batches.push(items.clone());
        self.heard.notify_waiters();
        if let Some(error) = script.report_errors.pop_front() {
            return Err(error);
        }
        if items.iter().any(|item| matches!(item.body, ReportBody::Wait { .. }))
            && let Some(error) = script.wait_errors.pop_front()
        {
            return Err(error);
        }
        let mut answer = script.answer.take();
        let acks = items
            .iter()
            .map(|item| {
                answer
                    .as_mut()
                    .and_then(|a| a(item))
                    .unwrap_or_else(|| script.take(item))
            })
            .collect();
        script.answer = answer;
        script.reports.extend(items);
        Ok(acks)
    }

    async fn renew(&self, _session: SessionId, _load: Load) -> Result<Renewed, StoreError> {
        let mut script = self.script();
        if let Some(error) = script.renew_errors.pop_front() {
            return Err(error);
        }
        script.renewals += 1;
        self.heard.notify_waiters();
        Ok(script.renewed.pop_front().unwrap_or(Renewed {
            alive: true,
            ..Renewed::default()
        }))
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        let mut script = self.script();
        script.histories_read += 1;
        Ok(script.histories.get(&task).cloned().unwrap_or_default())
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let script = self.script();
        Ok(tasks.iter().filter_map(|id| script.children.get(id)).cloned().collect())
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        self.script().cancelled.push((tasks, reason));
        Ok(())
    }

    async fn woken(&self, _session: SessionId) -> Wakeup {
        self.woken.notified().await;
        std::mem::replace(
            &mut self.script().wakeup,
            Wakeup {
                work: false,
                cancel: false,
            },
        )
    }

    async fn close(&self, _session: SessionId) -> Result<(), StoreError> {
        self.script().closed += 1;
        self.heard.notify_waiters();
        Ok(())
    }
}
