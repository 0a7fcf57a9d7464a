//! Does what is due when it is due: timers, deadlines, schedules, and the end of silent sessions.

use std::time::Duration;

use orchestrator_protocol::Timestamp;
use tokio::sync::broadcast::error::RecvError;

use crate::{bus::Nudge, service::Engine};

/// How many due tasks are moved in one transaction.
const BATCH: usize = 500;

/// The longest time between two looks, whatever is said to be due: other processes set timers too.
const FLOOR: Duration = Duration::from_secs(5);

/// The wait after a failure, doubled up to [`FLOOR`].
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// Ticks the store until it is dropped.
pub async fn run(engine: Engine) {
    let mut nudges = engine.bus.nudges();
    let mut backoff = FIRST_BACKOFF;
    loop {
        let now = engine.now();
        let wait = match engine.store.tick(now, BATCH).await {
            Ok(committed) => {
                backoff = FIRST_BACKOFF;
                let ticked = engine.announce(committed).await;
                if ticked.rescued > 0 {
                    tracing::warn!(
                        tasks = ticked.rescued,
                        "took {} task(s) back from lost workers",
                        ticked.rescued
                    );
                }
                until(ticked.next_at, now)
            }
            Err(error) => {
                tracing::warn!(%error, "the timers could not be looked at; trying again in {backoff:?}");
                let wait = backoff;
                backoff = (backoff * 2).min(FLOOR);
                wait
            }
        };
        rest(&engine, &mut nudges, wait).await;
    }
}

/// How long until something is due, at most [`FLOOR`].
fn until(next: Option<Timestamp>, now: Timestamp) -> Duration {
    next.map_or(FLOOR, |at| at.since(now).min(FLOOR))
}

/// Waits, or less when a timer was set meanwhile.
async fn rest(engine: &Engine, nudges: &mut tokio::sync::broadcast::Receiver<Nudge>, wait: Duration) {
    let sleep = engine.sources.clock.sleep(wait);
    tokio::pin!(sleep);
    loop {
        tokio::select! {
            biased;
            nudge = nudges.recv() => match nudge {
                Ok(Nudge::Timer) | Err(RecvError::Lagged(_)) => return,
                Ok(_) => {}
                Err(RecvError::Closed) => {
                    sleep.as_mut().await;
                    return;
                }
            },
            () = &mut sleep => return,
        }
    }
}
