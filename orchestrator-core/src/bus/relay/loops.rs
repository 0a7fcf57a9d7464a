//! The two tasks of a relay: one listens, one sends.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use orchestrator_protocol::RetryPolicy;

use super::{Broken, Shared};
use crate::{
    bus::{outbox::Outbox, parcel},
    domain::retry::{backoff, jitter},
};

/// How long a process is silent at most: after this it sends something, for itself and for the others to see that it
/// arrives.
const BEAT: Duration = Duration::from_secs(3);

/// How long nothing may arrive, what was sent from here included, before the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(8);

/// The wait before it is tried again for the first time, and the longest, in seconds.
const PAUSE_S: (f64, f64) = (0.05, 2.0);

/// Listens, again and again, until it is dropped.
pub(super) async fn listen(shared: Arc<Shared>) {
    let mut failures = 0;
    loop {
        let why = connection(&shared, &mut failures).await;
        failures += 1;
        shared.close(&why).await;
        shared.sources.clock.sleep(pause(&shared, failures)).await;
    }
}

/// How long to wait after so many failures in a row; each process of a fleet waits differently long.
fn pause(shared: &Shared, failures: u32) -> Duration {
    let policy = RetryPolicy {
        initial_backoff_s: PAUSE_S.0,
        multiplier: 2.0,
        max_backoff_s: PAUSE_S.1,
        ..RetryPolicy::default()
    };
    backoff(&policy, failures, jitter(shared.id.as_bytes(), failures))
}

/// Listens until the connection is lost; says why it is.
async fn connection(shared: &Shared, failures: &mut u32) -> Broken {
    let mut inbox = match shared.carrier.listen().await {
        Ok(inbox) => inbox,
        Err(why) => return why,
    };
    shared.desk().unsent = None;
    // It is connected when what was sent comes back.
    let hello = parcel::write(shared.id, Outbox::default(), shared.carrier.limit());
    if let Err(why) = shared.carrier.send(hello).await {
        return why;
    }
    loop {
        tokio::select! {
            biased;
            () = shared.failed.notified() => {
                if let Some(why) = shared.desk().unsent.take() {
                    return why;
                }
            }
            next = inbox.next() => match next {
                Ok(text) => {
                    if shared.receive(&text).await {
                        *failures = 0;
                        shared.open().await;
                    }
                }
                Err(why) => return why,
            },
            () = shared.sources.clock.sleep(SILENCE) => {
                return Broken("what is sent does not arrive".to_owned());
            }
        }
    }
}

/// Sends what there is, until it is dropped.
pub(super) async fn send(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.filled.notified() => {}
            () = shared.sources.clock.sleep(BEAT) => {}
        }
        let Some(outbox) = shared.take() else { continue };
        let loss = outbox.loss();
        let texts = parcel::write(shared.id, outbox, shared.carrier.limit());
        let count = texts.len() as u64;
        match shared.carrier.send(texts).await {
            Ok(()) => {
                shared.sent.fetch_add(count, Ordering::Relaxed);
            }
            Err(why) => shared.unsent(why, &loss),
        }
        shared.sources.clock.sleep(shared.carrier.gap()).await;
    }
}
