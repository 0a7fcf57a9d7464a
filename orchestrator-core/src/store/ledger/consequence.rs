//! What follows when tasks end: who waited goes on, free places are taken, what is below stops.

use std::collections::BTreeMap;

use orchestrator_protocol::TaskState;

use super::work::Work;
use crate::{
    domain::{gate::Verdict, state::TaskEvent},
    store::{error::StoreError, row::Key, tx::Tx},
};

impl<T: Tx> Work<'_, T> {
    /// Follows the consequences of everything that ended, and of what ends by that, until nothing more follows. Then
    /// everything is handed to the transaction.
    pub(super) async fn follow(&mut self) -> Result<(), StoreError> {
        while !self.ended.is_empty() {
            let ended: Vec<Key> = self.ended.drain(..).collect();
            self.stop_below(&ended).await?;
            self.open_gates(&ended).await?;
            self.fill_places(&ended).await?;
        }
        self.flush().await
    }

    /// Nothing goes on below a task that has ended.
    async fn stop_below(&mut self, ended: &[Key]) -> Result<(), StoreError> {
        let parents: Vec<Key> = ended
            .iter()
            .copied()
            .filter(|key| self.row(*key).has_children)
            .collect();
        if parents.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        let below = self.tx.unsettled_below(&parents).await?;
        for key in self.adopt(below) {
            self.cancel(key, "the task above it has ended")?;
        }
        Ok(())
    }

    /// Cancels one task: at once, or by telling the worker that runs it. What has ended stays.
    pub(super) fn cancel(&mut self, key: Key, reason: &str) -> Result<(), StoreError> {
        let row = self.row(key);
        if row.state.is_terminal() {
            return Ok(());
        }
        if row.state == TaskState::Running {
            if row.cancel.is_none() {
                let session = row.session;
                self.change(key).cancel = Some(reason.to_owned());
                self.tell_cancelled(session);
            }
            return Ok(());
        }
        self.happen(key, TaskEvent::Cancelled, Some(reason.to_owned()))
    }

    /// Counts the ended tasks at the gates of those that wait for them.
    async fn open_gates(&mut self, ended: &[Key]) -> Result<(), StoreError> {
        // What ended while it waited itself no longer waits for anyone.
        let waited: Vec<Key> = ended
            .iter()
            .copied()
            .filter(|key| self.row(*key).gate.is_some())
            .collect();
        if !waited.is_empty() {
            self.flush().await?;
            self.tx.delete_edges_of(&waited).await?;
        }
        let targets: Vec<Key> = ended.iter().copied().filter(|key| self.row(*key).has_waiters).collect();
        if targets.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        let edges = self.tx.waiters(&targets).await?;
        self.tx.delete_edges_to(&targets).await?;
        let waiters: Vec<Key> = edges.iter().map(|(_, waiter)| *waiter).collect();
        self.load_keys(&waiters).await?;
        let mut opened = Vec::new();
        for (target, waiter) in edges {
            let succeeded = self.row(target).state == TaskState::Succeeded;
            let name = self.row(target).id;
            let state = self.row(target).state;
            let row = self.change(waiter);
            let Some(gate) = row.gate.as_mut().filter(|_| !row.state.is_terminal()) else {
                continue;
            };
            let before = gate.verdict();
            gate.settle(succeeded);
            match gate.verdict() {
                Verdict::Open if before != Verdict::Open => opened.push(waiter),
                Verdict::Impossible if before != Verdict::Impossible => {
                    self.cancel(
                        waiter,
                        &format!("the task {name} that it depends on has {}", ended_how(state)),
                    )?;
                }
                _ => {}
            }
        }
        self.open(opened).await
    }

    /// Lets those go on whose gate has opened, and forgets whom else they waited for.
    async fn open(&mut self, opened: Vec<Key>) -> Result<(), StoreError> {
        let early: Vec<Key> = opened
            .iter()
            .copied()
            .filter(|key| self.row(*key).gate.is_some_and(|g| g.unsettled() > 0))
            .collect();
        if !early.is_empty() {
            self.flush().await?;
            self.tx.delete_edges_of(&early).await?;
        }
        for key in opened {
            self.free(key, None)?;
        }
        Ok(())
    }

    /// Gives the places of ended tasks to siblings that are queued for one.
    async fn fill_places(&mut self, ended: &[Key]) -> Result<(), StoreError> {
        let mut free: BTreeMap<(Key, String), usize> = BTreeMap::new();
        for key in ended {
            let row = self.row(*key);
            if let (Some(parent), Some(group), false) = (row.parent, &row.group, row.queued) {
                *free.entry((parent, group.name.clone())).or_default() += 1;
            }
        }
        if free.is_empty() {
            return Ok(());
        }
        self.flush().await?;
        let wanted: Vec<(Key, String, usize)> = free
            .into_iter()
            .map(|((parent, group), count)| (parent, group, count))
            .collect();
        let queued = self.tx.queued_in_groups(&wanted).await?;
        for key in self.adopt(queued) {
            if self.row(key).state.is_terminal() || !self.row(key).queued {
                continue;
            }
            self.change(key).queued = false;
            self.free(key, None)?;
        }
        Ok(())
    }
}

fn ended_how(state: TaskState) -> &'static str {
    match state {
        TaskState::Cancelled => "been cancelled",
        _ => "failed",
    }
}
