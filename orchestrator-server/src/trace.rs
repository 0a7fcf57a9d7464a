//! The store, with what its verbs do told as traces.

use std::sync::Arc;

use async_trait::async_trait;
use orchestrator_core::store::{
    AnnouncedType, Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery,
    OpenSession, Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError, Submit,
    SubmittedTask, Ticked,
};
use orchestrator_protocol::{
    Event, EventType, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, Seq, SessionId, Stats, Task,
    TaskId, Timestamp, Token, TokenId, Tree, WorkerId,
};
use orchestrator_trace::{Ended, Subject, Traces};
use tokio::sync::mpsc;
use tracing::{Instrument as _, Span};

/// How many ended tasks may wait to be told of. Beyond it they are left out: traces hold nobody up.
const WAITING: usize = 4096;

/// A store around the store: a request's verbs are spans of it, and tasks that are submitted, granted and ended are told.
#[derive(Debug)]
pub(crate) struct Traced {
    below: Arc<dyn Store>,
    traces: Traces,
    ended: mpsc::Sender<TaskId>,
}

impl Traced {
    /// Must be called within a Tokio runtime.
    pub(crate) fn around(below: Arc<dyn Store>, traces: Traces) -> Arc<dyn Store> {
        let (ended, tasks) = mpsc::channel(WAITING);
        tokio::spawn(tell(Arc::clone(&below), traces.clone(), tasks));
        Arc::new(Self { below, traces, ended })
    }

    /// Tells what a verb did.
    fn told<T>(&self, committed: &Committed<T>) {
        for event in &committed.events {
            let (Some(id), Some(root)) = (event.task_id, event.root_id) else {
                continue;
            };
            let ended = event
                .body
                .state
                .is_some_and(orchestrator_protocol::TaskState::is_terminal);
            match event.kind {
                EventType::TaskCreated => self.traces.submitted(&Subject {
                    id,
                    root,
                    task_type: event.body.task_type.clone().unwrap_or_default(),
                }),
                EventType::TaskState if ended => drop(self.ended.try_send(id)),
                _ => {}
            }
        }
    }
}

/// Looks at tasks that have ended, and tells of them, until nobody is left who could end one.
async fn tell(store: Arc<dyn Store>, traces: Traces, mut tasks: mpsc::Receiver<TaskId>) {
    while let Some(id) = tasks.recv().await {
        // It may have been retried meanwhile, or be forgotten.
        let Ok(Some(task)) = store.get(id).await else { continue };
        let Some(to) = task.finished_at else { continue };
        traces.ended(&Ended {
            parent: task.parent_id,
            state: task.state,
            attempt: task.attempt,
            from: task.created_at,
            to,
            error: task.error.map(|error| error.message),
            subject: Subject {
                id,
                root: task.root_id,
                task_type: task.task_type,
            },
        });
    }
}

/// What else is to be told of an answer.
trait Tell {
    fn tell(&self, traced: &Traced);
}

/// Passes every verb on, as a span of the request that it is asked in, if it is; `told` ones tell what they did.
macro_rules! traced {
    (told { $($told:ident($($targ:ident: $ttype:ty),*) -> $tanswer:ty;)* }
     plain { $($verb:ident($($arg:ident: $type:ty),*) -> $answer:ty;)* }) => {
        #[async_trait]
        impl Store for Traced {
            $(
                async fn $told(&self, $($targ: $ttype),*) -> Result<Committed<$tanswer>, StoreError> {
                    let verb = async {
                        let committed = self.below.$told($($targ),*).await?;
                        self.told(&committed);
                        committed.value.tell(self);
                        Ok(committed)
                    };
                    verb.instrument(span!($told)).await
                }
            )*
            $(
                async fn $verb(&self, $($arg: $type),*) -> $answer {
                    self.below.$verb($($arg),*).instrument(span!($verb)).await
                }
            )*
        }
    };
}

/// The span of a verb; outside of requests there is none, as the loops would fill every trace.
macro_rules! span {
    ($verb:ident) => {
        if Span::current().is_none() {
            Span::none()
        } else {
            tracing::info_span!(concat!("store.", stringify!($verb)))
        }
    };
}
impl Tell for Vec<LeasedTask> {
    fn tell(&self, traced: &Traced) {
        for task in self {
            let subject = Subject {
                id: task.id,
                root: task.root_id,
                task_type: task.spec.task_type.clone(),
            };
            traced.traces.claimed(&subject, task.attempt);
        }
    }
}

/// Declares answers of which the events say everything.
macro_rules! silent {
    ($($answer:ty),*) => {
        $(
            impl Tell for $answer {
                fn tell(&self, _traced: &Traced) {}
            }
        )*
    };
}

silent!(Vec<SubmittedTask>, Vec<ReportAck>, (), Task, Ticked);

traced! {
    told {
        submit(submit: Submit) -> Vec<SubmittedTask>;
        open_session(open: OpenSession) -> ();
        claim(claim: Claim) -> Vec<LeasedTask>;
        report(items: Vec<ReportItem>, now: Timestamp) -> Vec<ReportAck>;
        close_session(session: SessionId, now: Timestamp) -> ();
        drain(worker: WorkerId, now: Timestamp) -> ();
        settle(task: TaskId, result: ExternalResult, now: Timestamp) -> Task;
        intervene(task: TaskId, intervention: Intervention, now: Timestamp) -> Task;
        tick(now: Timestamp, limit: usize) -> Ticked;
    }
    plain {
        renew(renewal: Renewal) -> Result<Renewed, StoreError>;
        arrival() -> ();
        prune(before: Timestamp, limit: usize) -> Result<usize, StoreError>;
        put_schedule(schedule: Schedule) -> Result<Schedule, StoreError>;
        delete_schedule(id: ScheduleId) -> Result<(), StoreError>;
        schedules() -> Result<Vec<Schedule>, StoreError>;
        put_limit(key: String, rule: Option<LimitRule>) -> Result<(), StoreError>;
        limits() -> Result<Vec<(String, LimitRule)>, StoreError>;
        pause_queue(queue: String, paused: bool) -> Result<(), StoreError>;
        put_token(token: Token, digest: [u8; 32]) -> Result<(), StoreError>;
        delete_token(id: TokenId) -> Result<(), StoreError>;
        tokens() -> Result<Vec<Token>, StoreError>;
        token_by_digest(digest: [u8; 32]) -> Result<Option<Token>, StoreError>;
        put_task_types(types: Vec<AnnouncedType>) -> Result<(), StoreError>;
        task_types(names: Option<Vec<String>>) -> Result<Vec<AnnouncedType>, StoreError>;
        get(task: TaskId) -> Result<Option<Task>, StoreError>;
        list(query: ListQuery) -> Result<Page<Task>, StoreError>;
        tree(task: TaskId) -> Result<Tree, StoreError>;
        events(query: EventQuery) -> Result<Vec<Event>, StoreError>;
        newest() -> Result<Seq, StoreError>;
        logs(query: LogQuery) -> Result<Vec<LogLine>, StoreError>;
        history(task: TaskId) -> Result<History, StoreError>;
        results(tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError>;
        facts(task: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError>;
        sessions() -> Result<Vec<SessionView>, StoreError>;
        stats(now: Timestamp) -> Result<Stats, StoreError>;
        foreign_changes() -> Result<i64, StoreError>;
        close() -> ();
    }
}
