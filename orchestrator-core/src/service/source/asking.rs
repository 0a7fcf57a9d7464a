//! Asking for tasks, and leaving an order for those that are not there yet.

use std::sync::{Arc, PoisonError};

use orchestrator_protocol::SessionId;
use tokio::sync::broadcast;

use super::{Bells, LocalSource, WORK, order::Found};
use crate::{
    service::{Engine, trouble::Asked},
    store::{Claim, LeasedTask, Order, ReportBody, ReportItem, StoreError},
};

/// How many filled orders a listener may be behind; it looks for everybody then.
pub(super) const FILLED: usize = 1024;

impl LocalSource {
    /// The same, where each claim that finds too little leaves an order, as [`LocalSource::ask`] does. For workers that
    /// live as long as this source does: what is granted to others while they are away waits for their sessions to end.
    #[must_use]
    pub fn with_orders(self) -> Self {
        Self {
            leaves_orders: true,
            ..self
        }
    }

    /// Claims up to `credit` tasks. Where there are fewer, the rest stands as an order of the session, and is filled by the
    /// very transaction that makes tasks ready. Whoever asks again fetches what came of it: the session's wake-up says when,
    /// and so does [`LocalSource::filled`].
    ///
    /// `credit` is not less than what the order before asked for and was not granted.
    ///
    /// # Errors
    ///
    /// As [`Store::claim`](crate::store::Store::claim).
    ///
    /// # Cancel safety
    ///
    /// What was granted may be lost, and is found by the next heartbeat.
    pub async fn ask(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        self.ask_if(session, credit, true).await
    }

    /// As [`LocalSource::ask`]. An order that stands is considered anew only if something was `told` since it was left.
    pub(super) async fn ask_if(
        &self,
        session: SessionId,
        credit: usize,
        told: bool,
    ) -> Result<Vec<LeasedTask>, StoreError> {
        match self.orders.fetch(session) {
            Found::Filled(tasks) => {
                // There may be more, and it has no order any more.
                self.tell_filled(session);
                return Ok(tasks);
            }
            Found::Standing => {
                if told {
                    self.engine.store.reconsider(session, self.engine.now()).await;
                }
                return Ok(Vec::new());
            }
            Found::Nothing => {}
        }
        let claim = self.wish(session, credit);
        let claimed = self.engine.store.claim_or_order(claim).await;
        let (committed, order) = self.engine.note(Asked::Other, claimed)?;
        let granted = self.engine.announce(committed).await;
        if let Some(order) = order {
            self.follow(session, order);
        }
        Ok(granted)
    }

    /// Takes back what a session has ordered: it takes nothing more, or is away.
    pub fn take_back(&self, session: SessionId) {
        give_back(&self.engine, self.orders.take_back(session));
    }

    /// Sessions whose orders were filled, from now on: they are to ask.
    pub fn filled(&self) -> broadcast::Receiver<SessionId> {
        self.filled.subscribe()
    }

    /// Waits for what comes of an order.
    fn follow(&self, session: SessionId, order: Order) {
        let ticket = self.orders.stand(session);
        let (engine, orders) = (self.engine.clone(), Arc::downgrade(&self.orders));
        let (sessions, filled) = (self.sessions.clone(), self.filled.clone());
        tokio::spawn(async move {
            let answer = tokio::select! {
                biased;
                answer = order.filled() => answer,
                () = ticket.gone.cancelled() => return,
            };
            // After a failure the session asks again, and meets it itself.
            let tasks = match answer {
                Some(Ok(committed)) => engine.announce(committed).await,
                _ => Vec::new(),
            };
            let Some(orders) = orders.upgrade() else { return };
            match orders.fill(&ticket, tasks) {
                Ok(()) => tell_filled(&sessions, &filled, session),
                Err(tasks) => give_back(&engine, tasks),
            }
        });
    }

    fn tell_filled(&self, session: SessionId) {
        tell_filled(&self.sessions, &self.filled, session);
    }

    pub(super) fn wish(&self, session: SessionId, credit: usize) -> Claim {
        Claim {
            session,
            credit,
            now: self.engine.now(),
            policy: self.engine.policy,
        }
    }
}

/// Wakes a session whose order was filled.
fn tell_filled(sessions: &Bells, filled: &broadcast::Sender<SessionId>, session: SessionId) {
    let sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bell) = sessions.get(&session) {
        bell.ring(WORK);
    }
    drop(sessions);
    // An error says that nobody listens.
    let _ = filled.send(session);
}

/// Gives tasks back that were granted to a session which does not take them any more.
fn give_back(engine: &Engine, tasks: Vec<LeasedTask>) {
    if tasks.is_empty() {
        return;
    }
    let release = |task: LeasedTask| ReportItem {
        task: task.id,
        lease: task.lease,
        number: 1,
        body: ReportBody::Release {
            reason: "its worker takes nothing more".to_owned(),
        },
    };
    let items = tasks.into_iter().map(release).collect();
    let engine = engine.clone();
    // Whoever leaves when there is no runtime any more leaves it to the session's end.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        // Should this fail, the heartbeat or the session's end gives them back.
        if let Ok(committed) = engine.store.report(items, engine.now()).await {
            engine.announce(committed).await;
        }
    });
}
