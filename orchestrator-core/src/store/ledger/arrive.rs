//! Taking in what other programs submitted inside their own transactions.

use std::{collections::HashMap, sync::Arc};

use orchestrator_protocol::{Json, NewTask, TaskError, TaskId};
use serde_json::json;

use super::{
    birth::Birth,
    submit::{self, lane_of},
    work::Work,
};
use crate::{
    domain::spec,
    store::{Submission, error::StoreError, submit::Submit, tx::Tx},
};

/// A batch that another program left in the database, in a transaction of its own that is over.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The tasks, with the ids that the program was told.
    pub tasks: Vec<Submission>,
    /// Why the batch cannot be read, if it cannot.
    pub fault: Option<String>,
}

/// Stores what arrived, at most about `limit` tasks, in the order in which it was left. Says how many there were.
///
/// The program that submitted is gone, so nobody can be refused: every id that was told becomes a task. What cannot be
/// stored as it was meant is a task that has failed, and says why.
pub(super) async fn take_in<T: Tx>(work: &mut Work<'_, T>, limit: usize) -> Result<usize, StoreError> {
    let mut arrivals = work.tx.arrivals(limit).await?;
    let count = arrivals.iter().map(|arrival| arrival.tasks.len()).sum();
    if count == 0 {
        return Ok(0);
    }
    // An id that is known has been taken in: leaving it out makes hand-written rows harmless too.
    let ids: Vec<TaskId> = arrivals.iter().flat_map(|a| &a.tasks).map(|task| task.id).collect();
    work.load(&ids).await?;
    for arrival in &mut arrivals {
        arrival.tasks.retain(|task| work.by_id(task.id).is_none());
    }
    let now = work.now;
    let batches: Vec<Submit> = arrivals
        .iter()
        .map(|arrival| Submit {
            tasks: arrival.tasks.clone(),
            now,
        })
        .collect();
    let mut known = submit::load(work, &batches).await?;
    for (arrival, batch) in arrivals.into_iter().zip(batches) {
        let refused = match arrival.fault {
            Some(fault) => Err(StoreError::invalid("body", fault)),
            None => submit::Plan::of(work, &known, &batch.tasks),
        };
        match refused {
            Ok(plan) => {
                let keys = submit::store(work, &mut known, plan).await?;
                for (submission, (key, _)) in batch.tasks.iter().zip(keys) {
                    let first = work.row(key).id;
                    if first != submission.id {
                        lay_to_rest(work, submission, repeated(first)).await?;
                    }
                }
            }
            Err(refused) => {
                for submission in &batch.tasks {
                    lay_to_rest(work, submission, reason(&refused)).await?;
                }
            }
        }
    }
    Ok(count)
}

/// Stores a task as one that has failed: on its own, as what it names may not exist.
async fn lay_to_rest<T: Tx>(work: &mut Work<'_, T>, task: &Submission, error: TaskError) -> Result<(), StoreError> {
    let mut bare = NewTask {
        depends_on: Vec::new(),
        parent_id: None,
        local_ref: None,
        idempotency_key: None,
        ..NewTask::clone(&task.task)
    };
    if spec::check(&bare).is_err() {
        bare = NewTask::new("unreadable", Json::NULL);
    }
    let bare = Arc::new(bare);
    let lane = lane_of(work, &mut HashMap::new(), &bare).await?;
    let key = work.tx.next_keys(1);
    work.bear(Birth {
        key,
        id: task.id,
        spec: bare,
        lane,
        parent: None,
        step: None,
        group: None,
        // Born blocked, so that nobody takes it for work.
        queued: true,
        depends_on: Vec::new(),
    })?;
    work.change(key).queued = false;
    work.fail_now(key, error)
}

fn reason(refused: &StoreError) -> TaskError {
    let message = format!("refused when it was taken in: {refused}");
    TaskError::terminal(message).with_detail(json!({ "code": refused.code() }))
}

fn repeated(first: TaskId) -> TaskError {
    let message =
        format!("its idempotency key was used for task {first} before this one was taken in; that one is run instead");
    TaskError::terminal(message).with_detail(json!({ "code": "idempotency_conflict", "task_id": first }))
}
