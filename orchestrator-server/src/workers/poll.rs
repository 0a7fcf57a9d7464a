//! The same for workers that cannot hold a socket: each request is answered by itself.

use std::time::Duration;

use super::{Workers, convert, dispatch::leases, seat::Seat};
use orchestrator_core::{store::StoreError, worker::source::TaskSource};
use orchestrator_protocol::{
    History, SessionId, Settled, TaskId,
    frame::{Claim, Claimed, Hello, RenewSession, Renewed, ReportItems, Reported, ServerFrame, Welcome},
};

/// The longest that a claim waits.
const LONGEST: Duration = Duration::from_mins(1);

/// How long a claim waits while there is something to stop: the worker is told at once, and not over and over.
const BRISK: Duration = Duration::from_millis(200);

impl Workers {
    /// Opens a session, or resumes one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Invalid`] says everything that is wrong with the introduction.
    pub async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        if let Some(problem) = hello.problems().first() {
            let (field, message) = problem.split_once(": ").unwrap_or(("hello", problem));
            return Err(StoreError::invalid(field, message));
        }
        self.welcome(&hello).await
    }

    /// Claims tasks, and waits for the first of them or for something to stop.
    ///
    /// # Errors
    ///
    /// [`StoreError::SessionLost`].
    ///
    /// # Cancel safety
    ///
    /// What was granted and not sent is given back, at the latest by the heartbeat that tells the worker of it.
    pub async fn claim(&self, claim: Claim) -> Result<Claimed, StoreError> {
        let wait = Duration::try_from_secs_f64(claim.wait_s)
            .unwrap_or_default()
            .min(LONGEST);
        if claim.credit > 0 {
            let granted = self.source.claim(claim.session, claim.credit as usize).await?;
            if !granted.is_empty() || wait.is_zero() {
                let tasks = leases(&self.source, &granted, claim.inline_history).await?;
                return Ok(Claimed {
                    tasks,
                    ..Claimed::default()
                });
            }
        }
        self.wait(claim, wait).await
    }

    /// Stands in line with those who hold a socket until there is something to say.
    async fn wait(&self, claim: Claim, wait: Duration) -> Result<Claimed, StoreError> {
        let sessions = self.engine.store.sessions().await?;
        let Some(view) = sessions.into_iter().find(|view| view.id == claim.session) else {
            return Err(StoreError::SessionLost(claim.session));
        };
        let (seat, mut frames) = Seat::new(claim.session, view.slots as usize, claim.inline_history);
        seat.set_load(view.load);
        let load = view.load;
        let admission = self.dispatch.admit((view.labels, view.task_types), seat);
        if claim.credit > 0 && !view.draining {
            admission.group.credit(admission.seat.id, claim.credit as usize);
        }
        // From here on it is told of cancellations. Those of the time between two claims it hears now.
        let renewed = self.source.renew(claim.session, load).await?;
        if !renewed.alive {
            return Err(StoreError::SessionLost(claim.session));
        }
        let mut claimed = Claimed {
            cancel: convert::held(renewed.cancel),
            drain: renewed.drain,
            ..Claimed::default()
        };
        let wait = if claimed.cancel.is_empty() {
            wait
        } else {
            wait.min(BRISK)
        };
        let first = tokio::select! {
            frame = frames.recv() => frame,
            () = self.closing.cancelled() => None,
            () = admission.seat.replaced.cancelled() => None,
            () = self.engine.sources.clock.sleep(wait) => None,
        };
        // What is granted from here on is given back.
        drop(admission);
        frames.close();
        let mut next = first;
        while let Some(frame) = next {
            collect(&mut claimed, frame, claim.session)?;
            next = frames.try_recv().ok();
        }
        Ok(claimed)
    }

    /// Reports.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::report`].
    pub async fn report(&self, report: ReportItems) -> Result<Reported, StoreError> {
        let acks = self.source.report(report.items).await?;
        Ok(Reported { acks })
    }

    /// Keeps a session alive.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::renew`].
    pub async fn renew(&self, renew: RenewSession) -> Result<Renewed, StoreError> {
        let renewed = self.source.renew(renew.session, renew.load).await?;
        Ok(convert::renewed(0, renewed))
    }

    /// What a task has finished.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::history`].
    pub async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        self.source.history(task).await
    }

    /// Where tasks are and what they gave.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::results`].
    pub async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        self.source.results(tasks).await
    }

    /// Ends tasks that are not needed any more.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::cancel`].
    pub async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        self.source.cancel(tasks, reason).await
    }

    /// Ends a session and gives its tasks back.
    ///
    /// # Errors
    ///
    /// As [`TaskSource::close`].
    pub async fn close_session(&self, session: SessionId) -> Result<(), StoreError> {
        self.source.close(session).await
    }
}

fn collect(claimed: &mut Claimed, frame: ServerFrame, session: SessionId) -> Result<(), StoreError> {
    match frame {
        ServerFrame::Lease(leases) => claimed.tasks.extend(leases.tasks),
        ServerFrame::Cancel(recalled) => claimed.cancel.extend(recalled.tasks),
        ServerFrame::Drain => claimed.drain = true,
        ServerFrame::Error(_) => return Err(StoreError::SessionLost(session)),
        _ => {}
    }
    Ok(())
}
