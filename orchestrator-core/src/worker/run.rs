//! One run of one task: from its lease to its last report, with any number of suspensions between.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use orchestrator_protocol::{ErrorClass, Json, SideEffects, TaskError, Timestamp};
use std::future::{Future, poll_fn};
use tokio::sync::oneshot;
use tracing::Instrument as _;

use super::{
    lease::Lease,
    limit::Limits,
    outbox::{Message, Reply},
};
use crate::{
    agent::Agent,
    context::{
        Stop, StopReason, TaskContext, Wait,
        inner::{Inner, Outlook},
    },
    store::{ReportAck, ReportBody, StoreError},
};

/// How often the time between two looks for what is waited for is doubled: from one second to sixteen.
const LOOKS: u32 = 4;

type Outcome = Result<Json, TaskError>;

/// What a run starts with.
pub(crate) struct Start {
    pub(crate) inner: Arc<Inner>,
    pub(crate) lease: Arc<Lease>,
    pub(crate) agent: Arc<dyn Agent>,
    /// Whether there are finished steps or children to fetch first.
    pub(crate) has_history: bool,
    /// An earlier run of the same task that must have ended first.
    pub(crate) after: Option<Arc<Inner>>,
}

/// Runs a task until it has ended here.
pub(crate) async fn drive(start: Start) {
    let inner = start.inner.clone();
    let now = inner.host.sources.clock.now();
    let mut run = Run {
        limits: Limits::new(&inner.spec, now),
        inner,
        lease: start.lease,
        leased_at: now,
        agent: Branch::default(),
        look_at: None,
        looked: 0,
        timer: None,
        begun: false,
    };
    let prepared = if start.has_history || start.after.is_some() {
        Box::pin(run.prepare(start.has_history, start.after)).await
    } else {
        Ok(())
    };
    let outcome = match prepared {
        Ok(()) => {
            let ctx = TaskContext::new(run.inner.clone());
            let (agent, input) = (start.agent, run.inner.spec.input.clone());
            // What the agent logs says of which task it is; it lasts until the agent has returned, waits included.
            let span = tracing::info_span!(
                "run",
                task.id = %run.inner.task,
                task.root_id = %run.inner.root_id,
                task.attempt = run.inner.attempt,
                task.type = run.inner.spec.task_type,
            );
            let work = async move { agent.run(ctx, input).await };
            run.agent.future = Some(watched(work.instrument(span)));
            run.begun = true;
            run.go().await
        }
        Err(outcome) => outcome.map(Err),
    };
    // Whatever the agent left behind is gone before anyone hears that it has ended.
    run.agent.future = None;
    run.conclude(outcome).await;
}

/// A future that turns a panic into an error.
fn watched(future: impl Future<Output = Outcome> + Send + 'static) -> BoxFuture<'static, Outcome> {
    AssertUnwindSafe(future)
        .catch_unwind()
        .map(|result| result.unwrap_or_else(|panic| Err(panicked(&*panic))))
        .boxed()
}

fn panicked(panic: &(dyn Any + Send)) -> TaskError {
    let text = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    TaskError::retryable(format!("the agent panicked: {text}"))
}

/// The agent's future, and what it gave.
#[derive(Default)]
struct Branch {
    future: Option<BoxFuture<'static, Outcome>>,
    outcome: Option<Outcome>,
}

impl Branch {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(future) = &mut self.future {
            match future.as_mut().poll(cx) {
                Poll::Ready(outcome) => {
                    self.future = None;
                    self.outcome = Some(outcome);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(())
    }

    /// Polls the agent too until another future is ready; an outcome of the agent is kept.
    async fn beside<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        poll_fn(|cx| {
            let _ = self.poll(cx);
            other.as_mut().poll(cx)
        })
        .await
    }
}

struct Run {
    inner: Arc<Inner>,
    lease: Arc<Lease>,
    leased_at: Timestamp,
    agent: Branch,
    limits: Limits,
    /// When to look for what is waited for, while the task cannot be suspended.
    look_at: Option<Timestamp>,
    /// How often nothing was found.
    looked: u32,
    timer: Option<(Timestamp, BoxFuture<'static, ()>)>,
    /// Whether the agent was called.
    begun: bool,
}

/// Why the agent's turn is over.
enum Turn {
    Done,
    Stopped,
    Park(Wait),
    Look,
    Limit(String),
}

impl Run {
    fn now(&self) -> Timestamp {
        self.inner.host.sources.clock.now()
    }

    /// Waits for an earlier run of the task and fetches what it has finished. The error is what to conclude with.
    async fn prepare(&mut self, has_history: bool, after: Option<Arc<Inner>>) -> Result<(), Option<TaskError>> {
        let inner = self.inner.clone();
        if let Some(earlier) = after {
            unless_stopped(&inner, earlier.over()).await.ok_or(None)?;
        }
        if has_history {
            let history = inner.host.persist(|| inner.host.source.history(inner.task));
            let history = unless_stopped(&inner, history).await.ok_or(None)?;
            let history = history.map_err(|error| Some(unread("history", &error)))?;
            inner.memo(|memo| memo.learn(history));
        }
        Ok(())
    }

    /// Gives the agent its turns until it is done or stopped. What most tasks never come to is boxed: it would make the
    /// future of each of them some times larger.
    async fn go(&mut self) -> Option<Outcome> {
        loop {
            match poll_fn(|cx| self.poll_turn(cx)).await {
                Turn::Done => return self.agent.outcome.take(),
                Turn::Stopped => return Box::pin(self.wind_down()).await,
                Turn::Limit(message) => self.inner.stop(Stop::new(StopReason::TimedOut, message)),
                Turn::Look => Box::pin(self.look()).await,
                Turn::Park(wait) => Box::pin(self.park(wait)).await,
            }
        }
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        if self.agent.poll(cx).is_ready() {
            return Poll::Ready(Turn::Done);
        }
        self.inner.register(cx.waker());
        loop {
            let mut until = None;
            match self.inner.outlook() {
                Outlook::Stopped => return Poll::Ready(Turn::Stopped),
                Outlook::Park(wait) => return Poll::Ready(Turn::Park(wait)),
                Outlook::Idle => self.look_at = None,
                Outlook::Look(rings_at) => {
                    let look_at = match self.look_at {
                        Some(at) => at,
                        None => self
                            .now()
                            .plus(self.inner.host.wait_poll * 2_u32.pow(self.looked.min(LOOKS))),
                    };
                    self.look_at = Some(look_at);
                    until = Some(rings_at.map_or(look_at, |at| at.min(look_at)));
                }
            }
            let limit = self.limits.next(self.inner.last_word());
            let Some(at) = until.into_iter().chain(limit).min() else {
                self.timer = None;
                return Poll::Pending;
            };
            if self.poll_timer(at, cx).is_pending() {
                return Poll::Pending;
            }
            let now = self.now();
            if let Some(message) = self.limits.reached(now, self.inner.last_word()) {
                return Poll::Ready(Turn::Limit(message));
            }
            if self.look_at.is_some_and(|at| at <= now) {
                self.look_at = None;
                return Poll::Ready(Turn::Look);
            }
        }
    }

    /// Ready once the clock has come to a moment.
    fn poll_timer(&mut self, at: Timestamp, cx: &mut Context<'_>) -> Poll<()> {
        // A timer that rings early does no harm: silence moves its end away with every word.
        if self.timer.as_ref().is_none_or(|(rings_at, _)| *rings_at > at) {
            let wait = at.since(self.now());
            let clock = self.inner.host.sources.clock.clone();
            self.timer = Some((at, async move { clock.sleep(wait).await }.boxed()));
        }
        let Some((_, timer)) = &mut self.timer else {
            return Poll::Ready(());
        };
        let rung = timer.as_mut().poll(cx);
        if rung.is_ready() {
            self.timer = None;
        }
        rung
    }

    /// Looks whether something that is waited for has come, without giving the lease back.
    async fn look(&mut self) {
        let inner = self.inner.clone();
        let awaited = inner.awaited().tasks;
        if awaited.is_empty() {
            return;
        }
        let results = unless_stopped(&inner, inner.host.source.results(awaited));
        if let Some(Ok(results)) = self.agent.beside(results).await {
            let come = results.iter().any(|r| r.state.is_terminal());
            self.looked = if come { 0 } else { self.looked.saturating_add(1) };
            inner.learn(|memo| memo.settle(results));
        }
    }

    /// Gives the lease back until something has come, and goes on under the next one.
    async fn park(&mut self, wait: Wait) {
        let inner = self.inner.clone();
        inner.suspend();
        self.limits.pause(self.now());
        (self.timer, self.look_at) = (None, None);
        let (sender, answer) = oneshot::channel();
        let message = Message::Report {
            lease: self.lease.clone(),
            body: ReportBody::Wait {
                tasks: wait.tasks.clone(),
                join: wait.join,
                until: wait.until,
            },
            reply: Reply::Operation(sender),
        };
        let answer = async {
            inner.host.outbox.send(message).await;
            answer.await.unwrap_or(ReportAck::LeaseLost)
        };
        let ack = self.agent.beside(answer).await;
        // A lease that was granted meanwhile says more than any answer: the wait took effect and is over.
        if let Some(lease) = inner.take_granted() {
            return self.resume(lease, &wait).await;
        }
        match ack {
            ReportAck::Open => self.resume(self.lease.clone(), &wait).await,
            ReportAck::Parked => {
                inner.let_go();
                let lease = self.agent.beside(inner.granted()).await;
                self.resume(lease, &wait).await;
            }
            ReportAck::Refused { message } => self.refused(message).await,
            _ => inner.stop(Stop::lost()),
        }
    }

    /// The task goes on: fetches what has come and lets operations use the lease.
    async fn resume(&mut self, lease: Arc<Lease>, wait: &Wait) {
        let inner = self.inner.clone();
        if lease.id != self.lease.id {
            self.lease = lease.clone();
            self.leased_at = self.now();
        }
        let mut come = false;
        if !wait.tasks.is_empty() {
            let results = unless_stopped(&inner, inner.host.results(&wait.tasks));
            match self.agent.beside(results).await {
                Some(Ok(results)) => {
                    come = results.iter().any(|r| r.state.is_terminal());
                    inner.learn(|memo| memo.settle(results));
                }
                Some(Err(error)) => inner.stop(Stop::new(StopReason::Refused, unread("results", &error).message)),
                None => {}
            }
        }
        if !come && wait.until.is_none() {
            // The source contradicts itself; asking it again at once would only heat the room.
            let pause = inner.host.sources.clock.sleep(inner.host.wait_poll);
            self.agent.beside(unless_stopped(&inner, pause)).await;
        }
        self.limits.go_on(self.now());
        // Where none of the tasks has settled the timer has rung, whatever the local clock says.
        inner.reopen(lease, if come { None } else { wait.until });
    }

    /// The store refused a wait. It does so while a task is being cancelled, of which the next heartbeat tells.
    async fn refused(&mut self, message: String) {
        let inner = self.inner.clone();
        inner.host.beat.notify_one();
        let told = unless_stopped(&inner, inner.host.sources.clock.sleep(inner.host.wait_poll));
        if self.agent.beside(told).await.is_some() {
            inner.stop(Stop::new(StopReason::Refused, message));
        }
        self.limits.go_on(self.now());
        inner.reopen(self.lease.clone(), None);
    }

    /// Lets a stopped agent clean up for a while.
    async fn wind_down(&mut self) -> Option<Outcome> {
        let host = self.inner.host.clone();
        let mut grace = host.sources.clock.sleep(host.grace);
        poll_fn(|cx| match self.agent.poll(cx) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => grace.as_mut().poll(cx),
        })
        .await;
        self.agent.outcome.take()
    }

    /// Whether running it again may do harm: it may run only once, and has begun.
    fn has_harmed(&self) -> bool {
        self.begun && self.inner.spec.side_effects == SideEffects::Once
    }

    /// Says how it ended, if that is still this worker's to say.
    async fn conclude(self, outcome: Option<Outcome>) {
        let wall_s = self.now().since(self.leased_at).as_secs_f64();
        let stop = self.inner.close();
        let fail = |error| Some(ReportBody::Fail { error, wall_s });
        let body = match (stop, outcome) {
            (None, Some(Ok(output))) => Some(ReportBody::Complete { output, wall_s }),
            (None, Some(Err(error))) => fail(error),
            (None, None) => fail(TaskError::retryable("the agent ended without an outcome")),
            (Some(stop), outcome) => match (stop.reason, outcome) {
                (StopReason::LeaseLost, _) => None,
                (StopReason::Cancelled, _) => Some(ReportBody::Stopped { wall_s }),
                (StopReason::TimedOut | StopReason::Draining, None | Some(Err(_))) if self.has_harmed() => {
                    fail(harmed(&stop.message))
                }
                (StopReason::TimedOut, _) => fail(TaskError::retryable(stop.message)),
                (StopReason::Refused, _) => fail(TaskError::terminal(stop.message)),
                (StopReason::Draining, Some(Ok(output))) => Some(ReportBody::Complete { output, wall_s }),
                (StopReason::Draining, _) => Some(ReportBody::Release { reason: stop.message }),
            },
        };
        let lease = self.lease;
        let message = match body {
            Some(body) => Message::Report {
                lease,
                body,
                reply: Reply::Run,
            },
            None => Message::Ended(lease),
        };
        self.inner.host.outbox.send(message).await;
    }
}

/// The error of a task that was stopped while it ran, and may run only once.
fn harmed(why: &str) -> TaskError {
    let message = format!("{why}; it may run only once: retry it if it did not take effect");
    TaskError::new(ErrorClass::NeedsAttention, message)
}

fn unread(what: &str, error: &StoreError) -> TaskError {
    TaskError::retryable(format!("the task's {what} could not be read: {error}"))
}

/// What a future gives, or nothing when the run is stopped first.
async fn unless_stopped<T>(inner: &Inner, future: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        value = future => Some(value),
        () = inner.token.cancelled() => None,
    }
}
