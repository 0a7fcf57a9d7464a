//! Sessions, and what time brings.

use orchestrator_core::store::{Committed, OpenSession, Renewed, StoreError, Ticked};
use orchestrator_protocol::{LeaseId, SessionId, SideEffects, TaskId, TaskState, Timestamp};

use super::{Model, Session, Turn, Wrong, turn::Leave};

impl Model {
    /// A session was opened.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn opened(&mut self, open: &OpenSession, answer: &Result<Committed<()>, StoreError>) -> Result<(), Wrong> {
        let committed = answer
            .as_ref()
            .map_err(|error| format!("a session was refused: {error}"))?;
        let session = Session {
            worker: open.worker,
            task_types: open.task_types.clone(),
            slots: open.slots,
            ttl: open.ttl,
            expires_at: open.now.plus(open.ttl),
        };
        self.sessions.insert(open.session, session);
        self.take(&mut Turn::new(open.now), &committed.events)
    }

    /// A session was renewed.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn renewed(
        &mut self,
        id: SessionId,
        now: Timestamp,
        answer: &Result<Renewed, StoreError>,
    ) -> Result<(), Wrong> {
        let renewed = answer
            .as_ref()
            .map_err(|error| format!("a heartbeat was refused: {error}"))?;
        if renewed.alive != self.sessions.contains_key(&id) {
            return Err(format!("the session {id} is told that it is alive: {}", renewed.alive));
        }
        let held: Vec<(TaskId, LeaseId)> = self
            .held_by(id)
            .into_iter()
            .filter_map(|id| Some((id, self.tasks[&id].lease?.lease)))
            .collect();
        let mut stop = held.clone();
        stop.retain(|(id, _)| self.tasks[id].stopping);
        for (told, right, what) in [(&renewed.cancel, stop, "stops"), (&renewed.held, held, "holds")] {
            let mut told = told.clone();
            told.sort_unstable();
            if told != right {
                return Err(format!(
                    "the session {id} is told that it {what} {told:?}, which should be {right:?}"
                ));
            }
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            session.expires_at = now.plus(session.ttl);
        }
        Ok(())
    }

    /// A session was closed.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn closed(
        &mut self,
        id: SessionId,
        now: Timestamp,
        answer: &Result<Committed<()>, StoreError>,
    ) -> Result<(), Wrong> {
        let committed = answer
            .as_ref()
            .map_err(|error| format!("a session was not closed: {error}"))?;
        self.sessions.remove(&id);
        let mut turn = Turn::new(now);
        self.lose(&mut turn, self.held_by(id));
        self.take(&mut turn, &committed.events)?;
        self.nothing_held_by(id)
    }

    fn lose(&self, turn: &mut Turn, tasks: Vec<TaskId>) {
        for id in tasks {
            let known = &self.tasks[&id];
            let to: &[TaskState] = if known.stopping {
                &[TaskState::Cancelled]
            } else if known.spec.side_effects == SideEffects::Once {
                &[TaskState::NeedsAttention]
            } else {
                &[TaskState::Ready, TaskState::NeedsAttention]
            };
            turn.leaves.insert(id, Leave::to(to, false));
        }
    }

    fn nothing_held_by(&self, session: SessionId) -> Result<(), Wrong> {
        match self.held_by(session).first() {
            Some(id) => Err(format!("{id} still runs in the session {session}, which has ended")),
            None => Ok(()),
        }
    }

    /// What was due was done.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub fn ticked(
        &mut self,
        now: Timestamp,
        limit: usize,
        answer: &Result<Committed<Ticked>, StoreError>,
    ) -> Result<(), Wrong> {
        let committed = answer
            .as_ref()
            .map_err(|error| format!("a tick was refused: {error}"))?;
        let ended: Vec<SessionId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.expires_at <= now)
            .map(|(id, _)| *id)
            .collect();
        let mut turn = Turn::new(now);
        turn.ticks = true;
        for id in &ended {
            self.lose(&mut turn, self.held_by(*id));
        }
        self.take(&mut turn, &committed.events)?;
        for id in &ended {
            self.nothing_held_by(*id)?;
            self.sessions.remove(id);
        }
        if committed.value.due < limit {
            self.nothing_is_due(now)?;
        }
        Ok(())
    }

    fn nothing_is_due(&self, now: Timestamp) -> Result<(), Wrong> {
        for (id, known) in &self.tasks {
            let timed = matches!(known.state, TaskState::Scheduled | TaskState::Waiting);
            if timed && !known.is_external() && known.wake_at.is_some_and(|at| at <= now) {
                return Err(format!("{id} is {} although its time has come", known.state));
            }
            let unstarted = known.attempt == 0
                && !known.state.is_terminal()
                && !matches!(known.state, TaskState::Running | TaskState::NeedsAttention);
            if unstarted && known.spec.deadline.is_some_and(|at| at <= now) {
                return Err(format!("{id} is {} although its deadline has passed", known.state));
            }
        }
        Ok(())
    }
}
