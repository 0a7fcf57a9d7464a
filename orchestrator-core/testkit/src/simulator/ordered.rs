//! A store that lets orders stand, so that what workers and services make of them is part of every story.
//!
//! A real store fills them with the transaction that makes tasks ready; here that is the verb that follows, with nothing
//! between the two, so that the referee sees each grant as a claim.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use orchestrator_core::{
    clock::Clock,
    store::{
        Claim, Committed, Intervention, LeasedTask, Order, ReportAck, ReportItem, Store, StoreError, Submit,
        SubmittedTask, Ticked,
    },
};
use orchestrator_protocol::{ExternalResult, SessionId, Task, TaskId, Timestamp};
use tokio::sync::oneshot;

use super::{flaky::Faults, time::WallClock};
use crate::layer::Layer;

/// A store that lets orders stand.
#[derive(Debug)]
pub struct Ordered {
    below: Arc<dyn Store>,
    clock: Arc<WallClock>,
    faults: Faults,
    loss: f64,
    standing: Mutex<VecDeque<Standing>>,
}

/// An order that stands.
#[derive(Debug)]
struct Standing {
    claim: Claim,
    reply: oneshot::Sender<Result<Committed<Vec<LeasedTask>>, StoreError>>,
}

impl Ordered {
    /// A store without orders yet, which loses this much of them.
    pub fn new(below: Arc<dyn Store>, clock: Arc<WallClock>, faults: Faults, loss: f64) -> Self {
        Self {
            below,
            clock,
            faults,
            loss,
            standing: Mutex::default(),
        }
    }

    fn standing(&self) -> MutexGuard<'_, VecDeque<Standing>> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fills what it can once something has become ready.
    async fn follow<T>(&self, answer: Result<Committed<T>, StoreError>) -> Result<Committed<T>, StoreError> {
        if answer.as_ref().is_ok_and(|committed| committed.ready) {
            let waiting = std::mem::take(&mut *self.standing());
            for order in waiting {
                self.consider(order).await;
            }
        }
        answer
    }

    /// Claims for an order. It stands on if there is nothing for it.
    async fn consider(&self, order: Standing) {
        if order.reply.is_closed() {
            return;
        }
        // As when another process makes the tasks ready: of that this one knows nothing.
        if self.faults.happens(self.loss) {
            self.standing().push_back(order);
            return;
        }
        let now = self.clock.now();
        let answer = self.below.claim(Claim { now, ..order.claim }).await;
        if answer
            .as_ref()
            .is_ok_and(|granted| granted.value.is_empty() && granted.meant.is_empty())
        {
            self.standing().push_back(order);
        } else if !self.faults.happens(self.loss) {
            // Whoever has taken it back meanwhile is told by the heartbeat.
            let _ = order.reply.send(answer);
        }
    }
}

#[async_trait]
impl Layer for Ordered {
    fn below(&self) -> &Arc<dyn Store> {
        &self.below
    }

    async fn claim_or_order(&self, claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError> {
        let granted = self.below.claim(claim).await?;
        let credit = claim.credit.saturating_sub(granted.value.len());
        if credit == 0 {
            return Ok((granted, None));
        }
        let (reply, answer) = oneshot::channel();
        let claim = Claim { credit, ..claim };
        let mut standing = self.standing();
        // A session has one order at most.
        standing.retain(|order| order.claim.session != claim.session);
        standing.push_back(Standing { claim, reply });
        Ok((granted, Some(Order::new(credit, answer))))
    }

    async fn reconsider(&self, session: SessionId, _now: Timestamp) {
        let order = {
            let mut standing = self.standing();
            let at = standing.iter().position(|order| order.claim.session == session);
            at.and_then(|at| standing.remove(at))
        };
        if let Some(order) = order {
            self.consider(order).await;
        }
    }

    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        self.follow(self.below.submit(submit).await).await
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        self.follow(self.below.report(items, now).await).await
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        self.follow(self.below.close_session(session, now).await).await
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.follow(self.below.settle(task, result, now).await).await
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        self.follow(self.below.intervene(task, intervention, now).await).await
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        self.follow(self.below.tick(now, limit).await).await
    }
}
