//! Does what is due when it is due: timers, deadlines, schedules, and the end of silent sessions.

use std::{pin::pin, time::Duration};

use orchestrator_protocol::Timestamp;
use tokio::sync::broadcast;

use super::trouble::Trouble;
use crate::{
    bus::{Nudge, Nudged},
    service::Engine,
    store::Ticked,
};

/// How many due tasks are moved in one transaction.
const BATCH: usize = 500;

/// The longest time between two looks, whatever is said to be due: other processes set timers too, and a nudge may be
/// lost.
const FLOOR: Duration = Duration::from_secs(5);

/// The wait when something is said to be due and yet nothing was done: a defect or a clock that was set back must not
/// become a busy loop.
const STUCK: Duration = Duration::from_millis(100);

/// Ticks the store until it is dropped.
pub async fn run(engine: Engine) {
    let mut nudges = engine.bus.nudges();
    let mut trouble = Trouble::new("what is due cannot be done", FLOOR);
    loop {
        let now = engine.now();
        let wait = match engine.tick(now, BATCH).await {
            Ok(ticked) => {
                trouble.over();
                if ticked.rescued > 0 {
                    let tasks = ticked.rescued;
                    tracing::warn!(tasks, "took {tasks} task(s) back from lost workers");
                }
                if ticked.arrived > 0 {
                    let tasks = ticked.arrived;
                    tracing::debug!(tasks, "took {tasks} task(s) in that other programs submitted");
                }
                until(&ticked, now)
            }
            Err(error) => trouble.met(&error),
        };
        rest(&engine, &mut nudges, wait).await;
    }
}

/// How long until something is due, at most [`FLOOR`].
fn until(ticked: &Ticked, now: Timestamp) -> Duration {
    let wait = ticked.next_at.map_or(FLOOR, |at| at.since(now).min(FLOOR));
    let idle = ticked.arrived + ticked.rescued + ticked.due + ticked.scheduled == 0;
    if wait.is_zero() && idle { STUCK } else { wait }
}

/// Waits, or less when a timer was set or something arrived meanwhile.
async fn rest(engine: &Engine, nudges: &mut broadcast::Receiver<Nudge>, wait: Duration) {
    let mut sleep = pin!(engine.sources.clock.sleep(wait));
    loop {
        tokio::select! {
            biased;
            () = &mut sleep => return,
            () = engine.store.arrival() => return,
            nudged = Nudged::next(nudges) => match nudged {
                Some(nudged) if nudged.timer || nudged.lost => return,
                Some(_) => {}
                None => return sleep.await,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_for_what_is_next_but_never_busily() {
        let now = Timestamp::from_micros(10_000_000);
        let ticked = |due, next_at: Option<i64>| Ticked {
            due,
            next_at: next_at.map(Timestamp::from_micros),
            ..Ticked::default()
        };
        assert_eq!(until(&ticked(0, None), now), FLOOR);
        assert_eq!(until(&ticked(0, Some(11_500_000)), now), Duration::from_millis(1500));
        assert_eq!(until(&ticked(0, Some(i64::MAX)), now), FLOOR);
        assert_eq!(until(&ticked(500, Some(10_000_000)), now), Duration::ZERO);
        assert_eq!(until(&ticked(0, Some(9_000_000)), now), STUCK);
    }
}
