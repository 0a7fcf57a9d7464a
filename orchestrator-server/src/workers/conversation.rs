//! What is said over one connection, whatever carries it.

use std::sync::Arc;

use orchestrator_core::{service::LocalSource, store::StoreError, worker::source::TaskSource};
use orchestrator_protocol::{
    Code,
    frame::{Done, Failure, FrameError, Hello, Report, ServerFrame, SettledTasks, TaskHistory, WorkerFrame},
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use super::{
    Workers, convert,
    dispatch::Admission,
    reports,
    seat::{Seat, SeatId},
};

/// How many requests of one worker are answered at the same time. Heartbeats, histories and results are quick; a worker
/// that asks for more waits its turn.
const REQUESTS: usize = 16;

/// Why a connection is closed from this end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Goodbye {
    /// The worker was refused: an error frame has told it why.
    Refused,
    /// The connection is broken, or its reader is gone.
    Gone,
}

/// One worker's conversation.
pub(super) struct Conversation<'a> {
    workers: &'a Workers,
    out: mpsc::Sender<ServerFrame>,
    reports: mpsc::Sender<Report>,
    admission: Option<Admission<'a>>,
    requests: JoinSet<()>,
    turns: Arc<Semaphore>,
}

impl<'a> Conversation<'a> {
    /// A conversation that answers on a channel.
    pub(super) fn new(workers: &'a Workers, out: mpsc::Sender<ServerFrame>) -> Self {
        let (reports, taken) = mpsc::channel(reports::WAITING);
        let mut requests = JoinSet::new();
        let (source, answers) = (workers.source.clone(), out.clone());
        requests.spawn(async move { reports::take(&source, taken, answers).await });
        Self {
            workers,
            out,
            reports,
            admission: None,
            requests,
            turns: Arc::new(Semaphore::new(REQUESTS)),
        }
    }

    /// Whether the worker has introduced itself.
    pub(super) fn is_open(&self) -> bool {
        self.admission.is_some()
    }

    /// Cancelled when the session goes on over another connection.
    pub(super) fn replaced(&self) -> Option<CancellationToken> {
        self.admission.as_ref().map(|admission| admission.seat.replaced.clone())
    }

    /// Nothing more is taken in. Returns when what was has been answered.
    pub(super) async fn finish(mut self) {
        self.admission = None;
        drop(self.reports);
        while self.requests.join_next().await.is_some() {}
    }

    /// Anything that arrives is a sign of life.
    pub(super) fn heard(&self) {
        if let Some(admission) = &self.admission {
            admission.group.heard(admission.seat.id);
        }
    }

    /// Takes a frame in. Waits where the worker asks for more at a time than it may.
    pub(super) async fn take(&mut self, text: &str) -> Result<(), Goodbye> {
        match WorkerFrame::parse(text) {
            Ok(WorkerFrame::Hello(hello)) => self.hello(hello).await,
            Ok(WorkerFrame::Unknown) => Ok(()),
            Ok(frame) => self.hear(frame).await,
            Err(FrameError { id, message }) => {
                let code = Code::InvalidInput;
                self.say(ServerFrame::Error(Failure { id, code, message })).await
            }
        }
    }

    async fn say(&self, frame: ServerFrame) -> Result<(), Goodbye> {
        self.out.send(frame).await.map_err(|_| Goodbye::Gone)
    }

    async fn hello(&mut self, hello: Hello) -> Result<(), Goodbye> {
        let problems = hello.problems();
        if !problems.is_empty() {
            let message = problems.join("; ");
            let code = Code::InvalidInput;
            let id = None;
            self.say(ServerFrame::Error(Failure { id, code, message })).await?;
            return Err(Goodbye::Refused);
        }
        self.admission = None;
        match self.workers.welcome(&hello).await {
            Ok(welcome) => {
                // Before it can be granted anything.
                self.say(ServerFrame::Welcome(welcome)).await?;
                let (session, slots) = (welcome.session, hello.slots as usize);
                let seat = Seat::with_sender(session, slots, hello.inline_history, self.out.clone());
                let offer = (hello.labels, hello.task_types);
                self.admission = Some(self.workers.dispatch.admit(offer, seat));
                tracing::info!(
                    session.id = %session,
                    "worker {} {} session {session}",
                    hello.name,
                    if welcome.resumed { "resumed" } else { "opened" }
                );
                Ok(())
            }
            Err(error) => {
                let failure = Failure {
                    id: None,
                    ..convert::failure(0, &error)
                };
                self.say(ServerFrame::Error(failure)).await?;
                Err(Goodbye::Refused)
            }
        }
    }

    async fn hear(&mut self, frame: WorkerFrame) -> Result<(), Goodbye> {
        let Some(admission) = &self.admission else {
            let message = "the first frame is `hello`".to_owned();
            let (id, code) = (None, Code::InvalidInput);
            self.say(ServerFrame::Error(Failure { id, code, message })).await?;
            return Err(Goodbye::Refused);
        };
        let id: SeatId = admission.seat.id;
        match frame {
            WorkerFrame::Credit(credit) => admission.group.credit(id, credit.add as usize),
            WorkerFrame::Drain => admission.group.drain(id),
            WorkerFrame::Report(report) => {
                // Its order is kept by one who takes them all.
                return self.reports.send(report).await.map_err(|_| Goodbye::Gone);
            }
            frame => {
                let (seat, group) = (admission.seat.clone(), admission.group.clone());
                let Ok(turn) = self.turns.clone().acquire_owned().await else {
                    return Err(Goodbye::Gone);
                };
                let (source, out) = (self.workers.source.clone(), self.out.clone());
                while self.requests.try_join_next().is_some() {}
                self.requests.spawn(async move {
                    let answer = answer(&source, &seat, frame).await;
                    if let Some(ServerFrame::Renewed(renewed)) = &answer
                        && (renewed.drain || !renewed.alive)
                    {
                        group.drain(seat.id);
                    }
                    if let Some(answer) = answer {
                        // A worker that is gone asks again.
                        let _ = out.send(answer).await;
                    }
                    drop(turn);
                });
            }
        }
        Ok(())
    }
}

/// The answer to a request.
async fn answer(source: &LocalSource, seat: &Seat, frame: WorkerFrame) -> Option<ServerFrame> {
    let (id, answer) = match frame {
        WorkerFrame::Stats(stats) => {
            seat.set_load(stats.load);
            let renewed = source.renew(seat.session, stats.load).await;
            let frame = |renewed| ServerFrame::Renewed(convert::renewed(stats.id, renewed));
            (stats.id, renewed.map(frame))
        }
        WorkerFrame::History(ask) => {
            let history = source.history(ask.task_id).await;
            let frame = |history| ServerFrame::History(TaskHistory { id: ask.id, history });
            (ask.id, history.map(frame))
        }
        WorkerFrame::Results(ask) => {
            let tasks = source.results(ask.task_ids).await;
            let frame = |tasks| ServerFrame::Settled(SettledTasks { id: ask.id, tasks });
            (ask.id, tasks.map(frame))
        }
        WorkerFrame::Cancel(ask) => done(ask.id, source.cancel(ask.task_ids, ask.reason).await),
        WorkerFrame::Goodbye(goodbye) => done(goodbye.id, source.close(seat.session).await),
        _ => return None,
    };
    Some(answer.unwrap_or_else(|error| ServerFrame::Error(convert::failure(id, &error))))
}

fn done(id: u64, result: Result<(), StoreError>) -> (u64, Result<ServerFrame, StoreError>) {
    (id, result.map(|()| ServerFrame::Done(Done { id })))
}
