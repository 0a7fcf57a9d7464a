//! Claiming tasks: as many as there are free slots, whenever there may be some.

use tokio::sync::Notify;

use super::{backoff::Backoff, crew::Crew, lease::Session};
use crate::store::StoreError;

/// Claims tasks until the session ends: at first, whenever the source says that there may be new work, and whenever a
/// slot was freed. Never claims more than there are free slots, so that nothing waits here that others could run.
pub(crate) async fn claim(crew: &Crew, session: &Session, work: &Notify) {
    let mut backoff = Backoff::new(crew.host.seed);
    loop {
        let credit = crew.credit();
        let mut full = false;
        if credit > 0 {
            match crew.host.source.claim(session.id, credit).await {
                Ok(tasks) => {
                    backoff.reset();
                    full = tasks.len() >= credit;
                    for task in tasks {
                        crew.start(task, session).await;
                    }
                    if full && crew.credit() > 0 {
                        // It was no news: what was granted had been given back meanwhile, and no slot will be freed.
                        continue;
                    }
                }
                Err(StoreError::SessionLost(_)) => return,
                Err(error) => {
                    tracing::debug!(%error, "will claim again");
                    crew.host.sources.clock.sleep(backoff.next()).await;
                    continue;
                }
            }
        }
        // A full answer says that there is more, for which a slot is all that is missing.
        tokio::select! {
            biased;
            () = crew.slots.freed() => {}
            () = work.notified(), if !full => {}
        }
    }
}

/// Listens for wake-ups until the session ends.
pub(crate) async fn listen(crew: &Crew, session: &Session, work: &Notify) {
    loop {
        let wakeup = crew.host.source.woken(session.id).await;
        if wakeup.cancel {
            crew.host.beat.notify_one();
        }
        if wakeup.work {
            work.notify_one();
        }
    }
}
