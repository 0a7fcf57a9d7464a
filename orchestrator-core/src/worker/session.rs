//! A worker's life: one session after the other, and the end.

use std::{pin::pin, sync::Arc, time::Duration};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    WorkerError,
    backoff::persist,
    claims::{claim, listen},
    crew::Crew,
    heartbeat::beat,
    lease::Session,
    source::{Hello, Welcome},
};
use crate::store::StoreError;

/// Keeps a session open and claims tasks under it, until `stop` says how long the last tasks may take to end.
pub(crate) async fn serve(crew: &Crew, hello: Hello, stop: impl Future<Output = Duration>) -> Result<(), WorkerError> {
    let mut stop = pin!(stop);
    loop {
        let welcome = tokio::select! {
            biased;
            _ = &mut stop => return Ok(()),
            welcome = open(crew, &hello) => welcome?,
        };
        let session = Session {
            id: welcome.session,
            ended: Arc::new(CancellationToken::new()),
        };
        tracing::info!(session.id = %session.id, "worker {} opened session {}", hello.name, session.id);
        let work = Notify::new();
        let mut alive = pin!(beat(crew, &session, welcome.ttl));
        let deadline = tokio::select! {
            biased;
            deadline = &mut stop => Some(deadline),
            () = session.ended.cancelled() => None,
            () = &mut alive => None,
            () = listen(crew, &session, &work) => None,
            () = claim(crew, &session, &work) => None,
        };
        let Some(deadline) = deadline else {
            tracing::warn!(session.id = %session.id, "session {} has ended; its tasks are stopped", session.id);
            crew.lose(&session);
            continue;
        };
        crew.host.source.retire(session.id).await;
        drain(crew, deadline, async {
            tokio::select! {
                biased;
                () = session.ended.cancelled() => {}
                () = &mut alive => {}
            }
        })
        .await;
        close(crew, &session, welcome.ttl).await;
        return Ok(());
    }
}

async fn open(crew: &Crew, hello: &Hello) -> Result<Welcome, WorkerError> {
    let host = &crew.host;
    let open = persist(&*host.sources.clock, host.seed, || host.source.open(hello.clone()));
    open.await.map_err(WorkerError::Refused)
}

/// Lets what runs come to its end, and stops the rest.
async fn drain(crew: &Crew, deadline: Duration, lost: impl Future<Output = ()>) {
    let clock = &crew.host.sources.clock;
    crew.roster.keep_none();
    let mut lost = pin!(lost);
    let was_lost = tokio::select! {
        biased;
        () = idle(crew) => return,
        () = &mut lost => true,
        () = crew.hurry.cancelled() => false,
        () = clock.sleep(deadline) => false,
    };
    crew.roster.stop_all();
    // The grace period bounds the agents, the session's end the last reports.
    tokio::select! {
        biased;
        () = idle(crew) => {}
        () = async {
            if !was_lost {
                lost.await;
            }
            clock.sleep(crew.host.grace).await;
        } => {}
    }
}

async fn idle(crew: &Crew) {
    while crew.slots.taken() > 0 {
        crew.slots.freed().await;
    }
}

/// Ends the session, so that others need not wait for it to expire.
async fn close(crew: &Crew, session: &Session, ttl: Duration) {
    let host = &crew.host;
    let closed = tokio::select! {
        biased;
        closed = persist(&*host.sources.clock, host.seed, || host.source.close(session.id)) => closed,
        // By then it has expired.
        () = host.sources.clock.sleep(ttl) => Ok(()),
    };
    if let Err(error) = closed
        && !matches!(error, StoreError::SessionLost(_))
    {
        tracing::warn!(%error, "session {} could not be closed", session.id);
    }
}
