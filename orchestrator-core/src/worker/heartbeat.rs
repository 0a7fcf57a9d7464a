//! Heartbeats: what keeps a session and all its leases alive.

use std::time::Duration;

use orchestrator_protocol::Timestamp;

use super::{backoff::Backoff, crew::Crew, lease::Session};
use crate::store::Renewed;

/// Renews a session three times in its time to live, and at once when something may have been cancelled. Returns when
/// the session has ended: the source says so, or has not said otherwise for the whole time.
pub(crate) async fn beat(crew: &Crew, session: &Session, ttl: Duration) {
    let clock = &crew.host.sources.clock;
    let mut left = ttl;
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
        for (task, lease) in renewed.cancel {
            crew.roster.cancel(task, lease);
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
            answer = crew.host.source.renew(session.id) => Some(answer),
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
