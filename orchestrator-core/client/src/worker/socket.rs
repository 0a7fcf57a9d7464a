//! The source over a WebSocket.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orchestrator_core::{
    store::{History, LeasedTask, Renewed, ReportAck, ReportItem, Settled, StoreError},
    worker::source::{Hello, TaskSource, Wakeup, Welcome},
};
use orchestrator_protocol::{
    Load, SessionId, TaskId,
    frame::{self, AskHistory, AskResults, CancelTasks, Goodbye, Report, ServerFrame, Stats, WorkerFrame},
};
use tokio::{
    sync::mpsc,
    task::AbortHandle,
    time::{sleep, timeout},
};

use super::{
    RemoteConfig,
    connection::{OpenError, connect},
    convert,
    link::Link,
    parts::{Part, parts},
};
use crate::{
    retry::Backoff,
    transport::{Closed, Socket},
};

/// The code with which a server closes a connection whose session goes on over another one.
const REPLACED: u16 = 4000;

/// How often a connection may be replaced in a row: once or twice it may be by an earlier one of this process, of which
/// the server heard late.
const FIGHTS: u32 = 5;

/// One of so many failures in a row is told to people.
const QUIET: u32 = 20;

/// How long a frame may take to be written.
const SLOW: Duration = Duration::from_secs(20);

/// A source over a WebSocket that is made again when it breaks.
#[derive(Debug)]
pub(super) struct SocketSource {
    config: RemoteConfig,
    link: Arc<Link>,
    keeper: Mutex<Option<AbortHandle>>,
    /// How often no session could be opened.
    failures: AtomicU32,
}

impl SocketSource {
    pub(super) fn new(config: RemoteConfig) -> Self {
        Self {
            config,
            link: Arc::new(Link::new()),
            keeper: Mutex::default(),
            failures: AtomicU32::new(0),
        }
    }

    pub(super) fn is_connected(&self) -> bool {
        self.link.out.borrow().is_some()
    }

    pub(super) async fn try_open(&self, hello: Hello) -> Result<Welcome, OpenError> {
        if let Some(welcome) = self.link.take_fresh() {
            return Ok(convert::welcome(&welcome));
        }
        self.keep(None);
        self.link.reset();
        let mut last = OpenError::Other(StoreError::Unavailable("there is no server".to_owned()));
        for attempt in 0..self.config.address.replicas() {
            match connect(&self.config, attempt, hello.clone(), None).await {
                Ok((socket, welcome)) => {
                    let keeper = Keeper {
                        config: self.config.clone(),
                        link: self.link.clone(),
                        backoff: Backoff::new(*hello.worker.as_bytes()),
                        attempt,
                        hello,
                    };
                    let (sender, frames) = mpsc::unbounded_channel();
                    self.link.up(sender, &welcome);
                    self.keep(Some(tokio::spawn(keeper.keep(socket, welcome, frames)).abort_handle()));
                    return Ok(convert::welcome(&welcome));
                }
                Err(error) => last = error,
            }
        }
        let failures = self.failures.fetch_add(1, Ordering::Relaxed);
        if failures.is_multiple_of(QUIET)
            && let OpenError::Other(error) = &last
            && error.is_transient()
        {
            tracing::warn!("no server at {}: {error}; trying on", self.config.address);
        }
        Err(last)
    }

    fn keep(&self, keeper: Option<AbortHandle>) {
        let mut kept = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = std::mem::replace(&mut *kept, keeper) {
            before.abort();
        }
    }

    /// Asks, and asks again over the next connection when one breaks, for as long as there is patience.
    async fn ask(
        &self,
        session: Option<SessionId>,
        request: impl Fn(u64) -> WorkerFrame + Send,
    ) -> Result<ServerFrame, StoreError> {
        let asked = async {
            let mut outs = self.link.out.subscribe();
            loop {
                if let Some(session) = session {
                    self.link.check(session)?;
                }
                let out = match outs.wait_for(Option::is_some).await {
                    Ok(out) => out.clone(),
                    Err(_) => None,
                };
                let Some(out) = out else {
                    return Err(StoreError::Unavailable("the connection is closed".to_owned()));
                };
                if let Some(session) = session {
                    self.link.check(session)?;
                }
                let mut expected = self.link.expect();
                if out.send(request(expected.id)).is_ok()
                    && let Ok(answer) = (&mut expected.answer).await
                {
                    return answer;
                }
                // The connection that was asked over is on its way out, or gone.
                let gone = |now: &Option<_>| {
                    now.as_ref()
                        .is_none_or(|now: &super::link::Out| !now.same_channel(&out))
                };
                if outs.wait_for(gone).await.is_err() {
                    return Err(StoreError::Unavailable("the connection is closed".to_owned()));
                }
            }
        };
        let late = || StoreError::Unavailable("the server is away, or does not answer".to_owned());
        timeout(self.config.patience, asked)
            .await
            .unwrap_or_else(|_| Err(late()))
    }

    /// Reports items that fit into one frame.
    async fn report_some(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        let request = |id| {
            let items = items.clone();
            WorkerFrame::Report(Report { id, items })
        };
        match self.ask(None, request).await? {
            ServerFrame::Ack(ack) => Ok(ack.acks),
            other => Err(odd(&other)),
        }
    }
}

impl Drop for SocketSource {
    fn drop(&mut self) {
        self.keep(None);
    }
}

fn odd(frame: &ServerFrame) -> StoreError {
    StoreError::Unavailable(format!("the server gave another answer than was asked for: {frame:?}"))
}

#[async_trait]
impl TaskSource for SocketSource {
    async fn open(&self, hello: Hello) -> Result<Welcome, StoreError> {
        self.try_open(hello).await.map_err(StoreError::from)
    }

    async fn claim(&self, session: SessionId, credit: usize) -> Result<Vec<LeasedTask>, StoreError> {
        self.link.claim(session, credit)
    }

    async fn report(&self, items: Vec<ReportItem>) -> Result<Vec<ReportAck>, StoreError> {
        // Room for the frame around the items, and for what JSON adds to a text.
        let most = self.link.max_frame_bytes().saturating_sub(4_096).max(1);
        let mut acks = Vec::with_capacity(items.len());
        for part in parts(items, most) {
            match part {
                Part::Fits(items) => acks.extend(self.report_some(items).await?),
                Part::TooLong(bytes) => acks.push(ReportAck::Refused {
                    message: format!(
                        "it has {bytes} bytes, and the server takes {most}: keep it elsewhere and report where"
                    ),
                }),
            }
        }
        Ok(acks)
    }

    async fn renew(&self, session: SessionId, load: Load) -> Result<Renewed, StoreError> {
        match self
            .ask(Some(session), |id| WorkerFrame::Stats(Stats { id, load }))
            .await?
        {
            ServerFrame::Renewed(renewed) => Ok(convert::renewed(renewed)),
            other => Err(odd(&other)),
        }
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        let request = |id| WorkerFrame::History(AskHistory { id, task_id: task });
        match self.ask(None, request).await? {
            ServerFrame::History(answer) => Ok(answer.history),
            other => Err(odd(&other)),
        }
    }

    async fn results(&self, tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError> {
        let request = |id| {
            let task_ids = tasks.clone();
            WorkerFrame::Results(AskResults { id, task_ids })
        };
        match self.ask(None, request).await? {
            ServerFrame::Settled(answer) => Ok(answer.tasks),
            other => Err(odd(&other)),
        }
    }

    async fn cancel(&self, tasks: Vec<TaskId>, reason: String) -> Result<(), StoreError> {
        let request = |id| {
            let (task_ids, reason) = (tasks.clone(), reason.clone());
            WorkerFrame::Cancel(CancelTasks { id, task_ids, reason })
        };
        self.ask(None, request).await.map(drop)
    }

    async fn woken(&self, _session: SessionId) -> Wakeup {
        self.link.woken().await
    }

    async fn retire(&self, session: SessionId) {
        if self.link.check(session).is_ok() {
            self.link.retire();
        }
    }

    async fn close(&self, session: SessionId) -> Result<(), StoreError> {
        let closed = self.ask(Some(session), |id| WorkerFrame::Goodbye(Goodbye { id })).await;
        if closed.is_ok() {
            self.keep(None);
            self.link.reset();
        }
        closed.map(drop)
    }
}

/// Keeps the connection.
struct Keeper {
    config: RemoteConfig,
    link: Arc<Link>,
    hello: Hello,
    backoff: Backoff,
    attempt: usize,
}

impl Keeper {
    /// Carries frames, and connects again when the connection breaks, until it is aborted or the session is gone for
    /// good.
    async fn keep(
        mut self,
        mut socket: Box<dyn Socket>,
        mut welcome: frame::Welcome,
        mut frames: mpsc::UnboundedReceiver<WorkerFrame>,
    ) {
        let mut replaced = 0;
        loop {
            let (closed, was_of_use) = carry(&self.link, &mut *socket, &welcome, &mut frames).await;
            if was_of_use {
                self.backoff.reset();
            }
            if closed.code.is_none() {
                // It did not go in order: another replica may be better.
                self.attempt = self.attempt.wrapping_add(1);
            }
            self.link.down();
            tracing::info!("{closed}; connecting again");
            replaced = if closed.code == Some(REPLACED) { replaced + 1 } else { 0 };
            if replaced >= FIGHTS {
                // Another process goes on with it, as this one's twin: two would fight over it forever.
                return self.link.lose_session();
            }
            (socket, welcome) = self.reconnect().await;
            let (sender, receiver) = mpsc::unbounded_channel();
            frames = receiver;
            self.link.up(sender, &welcome);
        }
    }

    async fn reconnect(&mut self) -> (Box<dyn Socket>, frame::Welcome) {
        let mut failures = 0_u32;
        loop {
            sleep(self.backoff.next()).await;
            let resume = self.link.session();
            match connect(&self.config, self.attempt, self.hello.clone(), resume).await {
                Ok(connected) => return connected,
                Err(error) => {
                    let error = StoreError::from(error);
                    if failures.is_multiple_of(QUIET) {
                        tracing::warn!("no connection to {}: {error}; trying on", self.config.address);
                    }
                    failures += 1;
                    self.attempt = self.attempt.wrapping_add(1);
                }
            }
        }
    }
}

/// Carries frames in both directions until the connection breaks. Says why, and whether anything came over it.
async fn carry(
    link: &Link,
    socket: &mut dyn Socket,
    welcome: &frame::Welcome,
    frames: &mut mpsc::UnboundedReceiver<WorkerFrame>,
) -> (Closed, bool) {
    let mut was_of_use = false;
    // Heartbeats are answered and the server pings, each three times in a lease. The rest of it is for connecting again.
    let silence = convert::seconds(welcome.lease_s).mul_f64(0.5);
    let closed = loop {
        tokio::select! {
            biased;
            heard = timeout(silence, socket.next()) => match heard {
                Ok(Ok(Some(text))) => match ServerFrame::parse(&text) {
                    Ok(frame) => {
                        was_of_use = true;
                        link.hear(frame);
                    }
                    Err(error) => tracing::error!(%error, "the server said what is no frame"),
                },
                Ok(Ok(None)) => {}
                Ok(Err(closed)) => break closed,
                Err(_) => break closed("the server is silent"),
            },
            frame = frames.recv() => {
                let Some(frame) = frame else { break closed("it is not needed any more") };
                match timeout(SLOW, socket.send(texts(frame, frames))).await {
                    Ok(Ok(())) => {}
                    Ok(Err(closed)) => break closed,
                    Err(_) => break closed("the server takes nothing"),
                }
            }
        }
    };
    (closed, was_of_use)
}

fn closed(reason: &str) -> Closed {
    Closed {
        code: None,
        reason: reason.to_owned(),
    }
}

/// A frame and those that are there with it, as texts.
fn texts(first: WorkerFrame, frames: &mut mpsc::UnboundedReceiver<WorkerFrame>) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = Some(first);
    while let Some(frame) = next {
        match frame.to_json() {
            Ok(text) => texts.push(text),
            Err(error) => tracing::error!(%error, "a frame was lost"),
        }
        next = frames.try_recv().ok();
    }
    texts
}
