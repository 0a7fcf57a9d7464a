//! Stores around stores: a layer sees every verb on its way to the store below and may do something else.

use std::{fmt::Debug, sync::Arc};

use async_trait::async_trait;
use orchestrator_core::store::{
    AnnouncedType, Claim, Committed, EventQuery, Facts, History, Intervention, LeasedTask, ListQuery, LogQuery,
    OpenSession, Order, Renewal, Renewed, ReportAck, ReportItem, SessionView, Settled, Store, StoreError, Submit,
    SubmittedTask, Ticked,
};
use orchestrator_protocol::{
    Event, ExternalResult, LimitRule, LogLine, Page, Schedule, ScheduleId, SessionId, Stats, Task, TaskId, Timestamp,
    Token, TokenId, Tree, WorkerId,
};

/// A store that is made of a layer.
#[derive(Debug)]
pub struct Layered<L>(pub L);

impl<L: Layer> Layered<L> {
    /// The layer as a store that can be shared.
    pub fn shared(layer: L) -> Arc<dyn Store> {
        Arc::new(Self(layer))
    }
}

/// Declares [`Layer`] with a default for each verb, and passes each verb of a [`Layered`] store to its layer.
macro_rules! layer {
    ($($verb:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {
        /// What a layer does with each verb: by default it passes it on to the store below.
        #[async_trait]
        pub trait Layer: Debug + Send + Sync + 'static {
            /// The store below.
            fn below(&self) -> &Arc<dyn Store>;

            $(
                #[expect(missing_docs, reason = "as the verb of the same name of the store")]
                async fn $verb(&self, $($arg: $type),*) -> $answer {
                    self.below().$verb($($arg),*).await
                }
            )*
        }

        #[async_trait]
        impl<L: Layer> Store for Layered<L> {
            $(
                async fn $verb(&self, $($arg: $type),*) -> $answer {
                    self.0.$verb($($arg),*).await
                }
            )*
        }

        #[async_trait]
        impl Store for Apart {
            $(
                async fn $verb(&self, $($arg: $type),*) -> $answer {
                    let below = self.below.clone();
                    let verb = self.runtime.spawn(async move { below.$verb($($arg),*).await });
                    // A budget that is used up would be renewed by the caller's runtime only, which stands still.
                    let verb = tokio::task::unconstrained(verb);
                    futures::executor::block_on(verb).expect("the verb neither panics nor is aborted")
                }
            )*
        }
    };
}

/// A store that lives in a runtime of its own, whose verbs keep the caller's thread until they are done.
///
/// What a store does in threads and with timers of its own would let a simulation's paused time run on; so the
/// simulation waits for each verb without its runtime noticing.
#[derive(Debug)]
pub struct Apart {
    below: Arc<dyn Store>,
    runtime: tokio::runtime::Handle,
}

impl Apart {
    /// A store that lives in this runtime, which must have threads of its own.
    pub fn new(below: Arc<dyn Store>, runtime: tokio::runtime::Handle) -> Self {
        Self { below, runtime }
    }
}

layer! {
    submit(submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError>;
    open_session(open: OpenSession) -> Result<Committed<()>, StoreError>;
    claim(claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError>;
    claim_or_order(claim: Claim) -> Result<(Committed<Vec<LeasedTask>>, Option<Order>), StoreError>;
    reconsider(session: SessionId, now: Timestamp) -> ();
    report(items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError>;
    renew(renewal: Renewal) -> Result<Renewed, StoreError>;
    close_session(session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError>;
    drain(worker: WorkerId, now: Timestamp) -> Result<Committed<()>, StoreError>;
    settle(task: TaskId, result: ExternalResult, now: Timestamp) -> Result<Committed<Task>, StoreError>;
    intervene(task: TaskId, intervention: Intervention, now: Timestamp) -> Result<Committed<Task>, StoreError>;
    tick(now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError>;
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
    logs(query: LogQuery) -> Result<Vec<LogLine>, StoreError>;
    history(task: TaskId) -> Result<History, StoreError>;
    results(tasks: Vec<TaskId>) -> Result<Vec<Settled>, StoreError>;
    facts(task: TaskId, now: Timestamp) -> Result<Option<Facts>, StoreError>;
    sessions() -> Result<Vec<SessionView>, StoreError>;
    stats(now: Timestamp) -> Result<Stats, StoreError>;
    foreign_changes() -> Result<i64, StoreError>;
    close() -> ();
}
