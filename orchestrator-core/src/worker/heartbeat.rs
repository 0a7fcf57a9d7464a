//! Heartbeats: what keeps a session and all its leases alive.

use std::{collections::BTreeMap, time::Duration};

use orchestrator_protocol::{LeaseId, TaskId, Timestamp};

use super::{backoff::Backoff, crew::Crew, lease::Session};
use crate::store::Renewed;

/// Renews a session three times in its time to live, and at once when something may have been cancelled. Returns when
/// the session has ended: the source says so, or has not said otherwise for the whole time.
pub(crate) async fn beat(crew: &Crew, session: &Session, ttl: Duration) {
    let clock = &crew.host.sources.clock;
    let mut left = ttl;
    let mut strays = Strays::default();
    loop {
        let renewed = tokio::select! {
            biased;
            renewed = renew(crew, session, ttl / 3) => renewed,
            () = clock.sleep(left) => None,
        };
        let Some((renewed, asked_at)) = renewed else { return };
        if !renewed.alive {
            return;
        }
        if renewed.drain && crew.drain() {
            tracing::info!(session.id = %session.id, "told to drain: finishing what runs, taking nothing more");
        }
        for (task, lease) in renewed.cancel {
            crew.roster.cancel(task, lease);
        }
        for (task, lease) in strays.ripe(crew, &renewed.held, asked_at, ttl / 3) {
            crew.give_back(task, lease, session);
        }
        let now = clock.now();
        crew.roster.sweep(now.minus(crew.suspended_for));
        // The source counts from when it was asked at the earliest.
        left = ttl.saturating_sub(now.since(asked_at));
    }
}

/// The next answer to a heartbeat, and when it was asked for; none when the session is gone.
async fn renew(crew: &Crew, session: &Session, interval: Duration) -> Option<(Renewed, Timestamp)> {
    let clock = &crew.host.sources.clock;
    tokio::select! {
        biased;
        () = crew.host.beat.notified() => {}
        () = clock.sleep(interval) => {}
    }
    let mut backoff = Backoff::new(crew.host.seed);
    loop {
        let asked_at = clock.now();
        let answer = tokio::select! {
            biased;
            answer = crew.host.source.renew(session.id, crew.load.now()) => Some(answer),
            // A connection that is half dead never answers; another try may.
            () = clock.sleep(interval) => None,
        };
        match answer {
            Some(Ok(renewed)) => return Some((renewed, asked_at)),
            Some(Err(error)) if !error.is_transient() => {
                tracing::warn!(%error, "the session has ended");
                return None;
            }
            _ => clock.sleep(backoff.next().min(interval)).await,
        }
    }
}

/// Leases that the session holds and of which this worker does not know: the answer that granted them was lost, or is
/// still under way.
#[derive(Debug, Default)]
struct Strays {
    since: BTreeMap<LeaseId, Timestamp>,
}

impl Strays {
    /// Those that have been strays for as long as an answer may take.
    fn ripe(
        &mut self,
        crew: &Crew,
        held: &[(TaskId, LeaseId)],
        asked_at: Timestamp,
        patience: Duration,
    ) -> Vec<(TaskId, LeaseId)> {
        let before = std::mem::take(&mut self.since);
        let mut ripe = Vec::new();
        for (task, lease) in held {
            if crew.roster.knows(*task, *lease) {
                continue;
            }
            let since = before.get(lease).copied().unwrap_or(asked_at);
            self.since.insert(*lease, since);
            if asked_at.since(since) >= patience {
                ripe.push((*task, *lease));
            }
        }
        ripe
    }
}
