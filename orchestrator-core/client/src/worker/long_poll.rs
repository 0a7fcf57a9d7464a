//! The source by requests, for workers whose WebSockets do not get through.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::{
    store::{History, LeasedTask, Renewed, ReportAck, ReportItem, Settled, StoreError},
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};
use orchestrator_protocol::{
    Load, Problem, SessionId, TaskId,
    frame::{
        self, AskHistory, AskResults, CancelTasks, Claim, Claimed, CloseSession, RenewSession, ReportItems, Reported,
        SettledTasks, TaskHistory,
    },
};
use reqwest::Client;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{sync::Notify, time::sleep};

use super::convert;
use crate::ServerAddress;

/// How long a claim waits at the server.
const WAIT_S: f64 = 20.0;

/// How long an answer may take beyond what was waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long to wait after a claim that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// A source by requests.
#[derive(Debug)]
pub(super) struct LongPoll {
    address: ServerAddress,
    http: Mutex<Option<Client>>,
    attempt: AtomicUsize,
    state: Mutex<State>,
    /// Rings when more is wanted than before.
    wants: Notify,
}

#[derive(Debug, Default)]
struct State {
    leases: VecDeque<LeasedTask>,
    wanted: usize,
    wakeup: Wakeup,
}

impl LongPoll {
    pub(super) fn new(address: ServerAddress) -> Self {
        Self {
            address,
            http: Mutex::default(),
            attempt: AtomicUsize::new(0),
            state: Mutex::default(),
            wants: Notify::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what a claim brought.
    fn take(&self, claimed: Claimed) {
        let mut state = self.state();
        state.wanted = state.wanted.saturating_sub(claimed.tasks.len());
        state.wakeup.work |= !claimed.tasks.is_empty();
        state.wakeup.cancel |= !claimed.cancel.is_empty() || claimed.drain;
        state.leases.extend(claimed.tasks.into_iter().map(convert::leased));
    }

    /// The HTTP client, made when it is first needed: most workers never do.
    fn http(&self) -> Result<Client, StoreError> {
        let mut http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = &*http {
            return Ok(http.clone());
        }
        #[cfg(not(target_family = "wasm"))]
        // A process that has chosen one already keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let made = Client::builder()
            .build()
            .map_err(|error| StoreError::Unusable(format!("there can be no HTTP: {error}")))?;
        *http = Some(made.clone());
        Ok(made)
    }

    async fn post<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
        wait: Duration,
        session: Option<SessionId>,
    ) -> Result<A, StoreError> {
        let url = self.address.http(self.attempt.load(Ordering::Relaxed), path);
        let mut request = self.http()?.post(url).json(question).timeout(wait + PATIENCE);
        if let Some(token) = self.address.token() {
            request = request.bearer_auth(token);
        }
        let unreachable = |error: reqwest::Error| {
            self.attempt.fetch_add(1, Ordering::Relaxed);
            StoreError::Unavailable(error.without_url().to_string())
        };
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unreachable)?;
        if status.is_success() {
            let odd =
                |error| StoreError::Unavailable(format!("the server's answer is not what was asked for: {error}"));
            return serde_json::from_slice(&body).map_err(odd);
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(convert::refused(problem.code, problem.detail, session)),
            Err(_) if status.is_client_error() => Err(StoreError::Unusable(format!("the server answers {status}"))),
            Err(_) => Err(StoreError::Unavailable(format!("the server answers {status}"))),
        }
    }
}

#[async_trait]
impl TaskSource for LongPoll {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        let hello = convert::hello(hello, None);
        let welcome: frame::Welcome = self
            .post("/api/v1/worker/sessions", &hello, Duration::ZERO, None)
            .await?;
        *self.state() = State::default();
        Ok(convert::welcome(&welcome))
    }

    async fn claim(&self, _session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        let mut state = self.state();
        let count = state.leases.len().min(credit);
        let taken = state.leases.drain(..count).collect();
        let wanted = credit - count;
        let more = wanted > state.wanted;
        state.wanted = wanted;
        drop(state);
        if more {
            self.wants.notify_one();
        }
        Ok(taken)
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        let report = ReportItems { items };
        let reported: Reported = self
            .post("/api/v1/worker/report", &report, Duration::ZERO, None)
            .await?;
        Ok(reported.acks)
    }

    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError> {
        let renew = RenewSession { session, load };
        let path = "/api/v1/worker/renew";
        let renewed: frame::Renewed = self.post(path, &renew, Duration::ZERO, Some(session)).await?;
        Ok(convert::renewed(renewed))
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        let ask = AskHistory { id: 0, task_id: task };
        let answer: TaskHistory = self.post("/api/v1/worker/history", &ask, Duration::ZERO, None).await?;
        Ok(answer.history)
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let ask = AskResults { id: 0, task_ids: tasks };
        let answer: SettledTasks = self.post("/api/v1/worker/results", &ask, Duration::ZERO, None).await?;
        Ok(answer.tasks)
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        let (id, task_ids) = (0, tasks);
        let ask = CancelTasks { id, task_ids, reason };
        let _: frame::Done = self.post("/api/v1/worker/cancel", &ask, Duration::ZERO, None).await?;
        Ok(())
    }

    async fn woken(&self, session: SessionId) -> Wakeup {
        loop {
            let (wakeup, wanted) = {
                let mut state = self.state();
                (std::mem::take(&mut state.wakeup), state.wanted)
            };
            if wakeup != Wakeup::default() {
                return wakeup;
            }
            let claim = Claim {
                session,
                credit: u32::try_from(wanted).unwrap_or(u32::MAX),
                wait_s: WAIT_S,
                inline_history: false,
            };
            let wait = Duration::from_secs_f64(WAIT_S);
            let claimed = self.post::<_, Claimed>("/api/v1/worker/claim", &claim, wait, Some(session));
            let claimed = tokio::select! {
                biased;
                claimed = claimed => claimed,
                // A claim without credit is granted nothing, so that nothing is lost with it.
                () = self.wants.notified(), if wanted == 0 => continue,
            };
            match claimed {
                Ok(claimed) => {
                    let idle = claimed.drain && wanted == 0;
                    self.take(claimed);
                    if idle {
                        // There is nothing to wait for but cancellations, which heartbeats bring too.
                        sleep(PAUSE).await;
                    }
                }
                // The heartbeat, which is sent at once, says the same.
                Err(StoreError::SessionLost(_)) => self.state().wakeup.cancel = true,
                Err(error) => {
                    tracing::debug!(%error, "will claim again");
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        let close = CloseSession { session };
        let path = "/api/v1/worker/close";
        let _: frame::Done = self.post(path, &close, Duration::ZERO, Some(session)).await?;
        Ok(())
    }
}
