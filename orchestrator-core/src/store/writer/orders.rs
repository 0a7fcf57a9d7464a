//! Orders that stand: what sessions asked for when nothing was ready, in the memory of the writer.
//!
//! An order is filled by the transaction that makes tasks ready, so that a task is stored and granted by one commit. It
//! is as lossy as a wake-up: whoever loses one asks again.

use std::collections::{BTreeSet, VecDeque};

use orchestrator_protocol::{SessionId, Timestamp};

use super::{batch::Reply, mirror::Mirror};
use crate::store::{Claim, Committed, LeasedTask};

/// How many orders one transaction considers: the cost of a submission must not grow with the number of workers.
const CONSIDERED: usize = 16;

/// What a session still wants.
pub(super) struct Standing {
    pub(super) claim: Claim,
    pub(super) reply: Reply<Committed<Vec<LeasedTask>>>,
}

/// The orders that stand, those first that stand longest.
#[derive(Default)]
pub(super) struct Orders {
    standing: VecDeque<Standing>,
    /// Sessions whose orders are to be considered although nothing is known to have become ready, and when.
    reminded: Vec<(SessionId, Timestamp)>,
}

impl Orders {
    /// Lets orders stand, again or for the first time. Of a session only the newest stands.
    pub(super) fn stand(&mut self, orders: Vec<Standing>) {
        if orders.is_empty() {
            return;
        }
        let new: BTreeSet<SessionId> = orders.iter().map(|order| order.claim.session).collect();
        self.standing
            .retain(|order| !order.reply.is_closed() && !new.contains(&order.claim.session));
        self.standing
            .extend(orders.into_iter().filter(|order| !order.reply.is_closed()));
    }

    /// A session has reason to believe that there is something for it.
    pub(super) fn remind(&mut self, session: SessionId, now: Timestamp) {
        self.reminded.push((session, now));
    }

    /// Whether something is to be considered.
    pub(super) fn is_reminded(&self) -> bool {
        !self.reminded.is_empty()
    }

    /// The orders to be considered for which sessions were reminded. `settled`: no order is on its way, so that what is not
    /// here is not anywhere.
    pub(super) fn take_reminded(&mut self, settled: bool) -> Vec<Standing> {
        let mut taken = Vec::new();
        let standing = &mut self.standing;
        self.reminded.retain(|(session, now)| {
            let found = standing.iter().position(|order| order.claim.session == *session);
            let Some(mut order) = found.and_then(|at| standing.remove(at)) else {
                return !settled;
            };
            order.claim.now = order.claim.now.max(*now);
            taken.push(order);
            false
        });
        taken
    }

    /// Some orders that may be filled at a moment. Those of sessions that are silent stay: what these were granted would
    /// only wait for their end.
    pub(super) fn take(&mut self, now: Timestamp, mirror: &Mirror) -> Vec<Standing> {
        self.standing.retain(|order| !order.reply.is_closed());
        let awake = |order: &Standing| {
            let session = mirror.sessions.get(&order.claim.session);
            // Three signs of life come in the time to live of a session; none of the last two is missing.
            session.is_some_and(|row| {
                let half = row.expires_at.since(row.seen_at) / 2;
                !row.draining && now <= row.seen_at.plus(half)
            })
        };
        let mut taken = Vec::new();
        let mut left = VecDeque::with_capacity(self.standing.len());
        while let Some(mut order) = self.standing.pop_front() {
            if taken.len() < CONSIDERED && awake(&order) {
                order.claim.now = order.claim.now.max(now);
                taken.push(order);
            } else {
                left.push_back(order);
            }
        }
        self.standing = left;
        taken
    }

    /// Whether none stands.
    pub(super) fn is_empty(&self) -> bool {
        self.standing.is_empty()
    }
}
