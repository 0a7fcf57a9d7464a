//! A store under the eyes of a referee.

use std::sync::Arc;

use async_trait::async_trait;
use orchestrator_core::store::{
    Claim, Committed, History, Intervention, LeasedTask, OpenSession, Renewal, Renewed, ReportAck, ReportItem, Store,
    StoreError, Submit, SubmittedTask, Ticked,
};
use orchestrator_protocol::{Event, ExternalResult, LimitRule, SessionId, Task, TaskId, TaskState, Timestamp};
use tokio::sync::Mutex;

use super::referee::{Referee, mix};
use crate::layer::Layer;

/// A store under the eyes of a referee. One verb at a time, so that what is seen is in the order in which it happened.
#[derive(Debug)]
pub struct Watched {
    below: Arc<dyn Store>,
    referee: Arc<Referee>,
    turn: Mutex<()>,
}

impl Watched {
    /// A store that is watched.
    pub fn new(below: Arc<dyn Store>, referee: Arc<Referee>) -> Self {
        Self {
            below,
            referee,
            turn: Mutex::new(()),
        }
    }
}

/// What an answer leaves in the trace.
fn mark<T>(verb: u64, answer: &Result<Committed<T>, StoreError>) -> u64 {
    let Ok(committed) = answer else { return mix(verb, 1) };
    committed.events.iter().fold(mix(verb, 2), |mark, event| {
        let task = event.task_id.map_or(0, |id| id.as_uuid().as_u64_pair().1);
        let state = event.body.state.map_or(0, |state| state as u64 + 1);
        mix(mix(mark, task), mix(event.seq.0 as u64, state))
    })
}

/// What a verb did, in words.
fn words(events: &[Event]) -> String {
    let word = |event: &Event| {
        let id = event.task_id.map_or_else(String::new, short);
        let what = event
            .body
            .state
            .map(|state| state.to_string())
            .or_else(|| event.body.step.clone())
            .unwrap_or_default();
        format!(" {}:{id}:{what}", event.seq)
    };
    events.iter().filter(|e| e.kind.is_durable()).map(word).collect()
}

/// The end of an id, which is what differs.
pub(super) fn short(id: TaskId) -> String {
    id.to_string()[9..18].to_owned()
}

fn events<T>(answer: &Result<Committed<T>, StoreError>) -> String {
    match answer {
        Ok(committed) => words(&committed.events),
        Err(error) => format!(" refused: {error}"),
    }
}

#[async_trait]
impl Layer for Watched {
    fn below(&self) -> &Arc<dyn Store> {
        &self.below
    }

    async fn submit(&self, submit: Submit) -> Result<Committed<Vec<SubmittedTask>>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.submit(submit.clone()).await;
        self.referee.judge(
            mark(1, &answer),
            || format!("submit {}:{}", submit.tasks.len(), events(&answer)),
            |model| model.submitted(&submit, &answer),
        );
        answer
    }

    async fn open_session(&self, open: OpenSession) -> Result<Committed<()>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.open_session(open.clone()).await;
        self.referee.judge(
            mark(2, &answer),
            || format!("open {} of {}", open.session, open.worker),
            |model| model.opened(&open, &answer),
        );
        answer
    }

    async fn claim(&self, claim: Claim) -> Result<Committed<Vec<LeasedTask>>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.claim(claim).await;
        self.referee.judge(
            mark(3, &answer),
            || format!("claim {} by {}:{}", claim.credit, claim.session, events(&answer)),
            |model| model.claimed(&claim, &answer),
        );
        answer
    }

    async fn report(&self, items: Vec<ReportItem>, now: Timestamp) -> Result<Committed<Vec<ReportAck>>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.report(items.clone(), now).await;
        let said = || {
            let acks = answer.as_ref().map(|c| c.value.clone()).unwrap_or_default();
            let said = |(item, ack): (&ReportItem, ReportAck)| {
                let body = format!("{:?}", item.body);
                let body = body.split([' ', '(']).next().unwrap_or_default().to_owned();
                format!(
                    " {}/{}#{} {body} -> {ack:?};",
                    short(item.task),
                    item.lease,
                    item.number
                )
            };
            items.iter().zip(acks).map(said).collect::<String>()
        };
        self.referee.judge(
            mark(4, &answer),
            || format!("report{}{}", said(), events(&answer)),
            |model| model.reported(&items, now, &answer),
        );
        answer
    }

    async fn renew(&self, renewal: Renewal) -> Result<Renewed, StoreError> {
        let Renewal { session, now, .. } = renewal;
        let _turn = self.turn.lock().await;
        let answer = self.below.renew(renewal).await;
        self.referee.judge(
            5,
            || format!("renew {session}: {answer:?}"),
            |model| model.renewed(session, now, &answer),
        );
        answer
    }

    async fn close_session(&self, session: SessionId, now: Timestamp) -> Result<Committed<()>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.close_session(session, now).await;
        self.referee.judge(
            mark(6, &answer),
            || format!("close {session}:{}", events(&answer)),
            |model| model.closed(session, now, &answer),
        );
        answer
    }

    async fn settle(
        &self,
        task: TaskId,
        result: ExternalResult,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.settle(task, result.clone(), now).await;
        self.referee.judge(
            mark(7, &answer),
            || format!("settle {}:{}", short(task), events(&answer)),
            |model| model.settled(task, &result, now, &answer),
        );
        answer
    }

    async fn intervene(
        &self,
        task: TaskId,
        intervention: Intervention,
        now: Timestamp,
    ) -> Result<Committed<Task>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.intervene(task, intervention.clone(), now).await;
        self.referee.judge(
            mark(8, &answer),
            || format!("{intervention:?} {}:{}", short(task), events(&answer)),
            |model| model.intervened(task, &intervention, now, &answer),
        );
        answer
    }

    async fn tick(&self, now: Timestamp, limit: usize) -> Result<Committed<Ticked>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.tick(now, limit).await;
        self.referee.judge(
            mark(9, &answer),
            || format!("tick:{}", events(&answer)),
            |model| model.ticked(now, limit, &answer),
        );
        answer
    }

    async fn put_limit(&self, key: String, rule: Option<LimitRule>) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.below.put_limit(key.clone(), rule.clone()).await?;
        self.referee.model(|model| model.limited(&key, rule.as_ref()));
        Ok(())
    }

    async fn pause_queue(&self, queue: String, paused: bool) -> Result<(), StoreError> {
        let _turn = self.turn.lock().await;
        self.below.pause_queue(queue.clone(), paused).await?;
        self.referee.model(|model| model.queue_paused(&queue, paused));
        Ok(())
    }

    async fn history(&self, task: TaskId) -> Result<History, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.history(task).await?;
        self.referee.judge(
            10,
            || format!("history of {}", short(task)),
            |model| model.remembered(task, &answer),
        );
        Ok(answer)
    }

    async fn get(&self, task: TaskId) -> Result<Option<Task>, StoreError> {
        let _turn = self.turn.lock().await;
        let answer = self.below.get(task).await?;
        let known = self
            .referee
            .model(|model| model.tasks.get(&task).map(|known| known.state));
        let stored: Option<TaskState> = answer.as_ref().map(|task| task.state);
        if stored != known {
            self.referee
                .blame(format!("{task} is {stored:?} in the store and should be {known:?}"));
        }
        Ok(answer)
    }
}
