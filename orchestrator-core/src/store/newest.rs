//! Finding the end of a history of which only a part can be read at a time.

use orchestrator_protocol::Seq;

use super::{EventQuery, Store, StoreError};

/// The place of the newest durable event, found in a few dozen small reads.
pub(super) async fn search<S: Store + ?Sized>(store: &S) -> Result<Seq, StoreError> {
    // There is an event at `low` (or it is the beginning), and none after `high`.
    let (mut low, mut step) = (0_i64, 1_i64);
    let mut high = loop {
        match next(store, low.saturating_add(step)).await? {
            Some(seq) => low = seq,
            None => break low.saturating_add(step),
        }
        step = step.saturating_mul(4);
    };
    while low < high {
        match next(store, low + (high - low) / 2).await? {
            Some(seq) => low = seq,
            None => high = low + (high - low) / 2,
        }
    }
    Ok(Seq(low))
}

async fn next<S: Store + ?Sized>(store: &S, after: i64) -> Result<Option<i64>, StoreError> {
    let query = EventQuery {
        after: Seq(after),
        limit: 1,
        ..EventQuery::default()
    };
    let events = store.events(query).await?;
    Ok(events.first().map(|event| event.seq.0))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orchestrator_protocol::{Json, NewTask, TaskId, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::store::{Submission, Submit, memory::MemoryStore};

    #[tokio::test]
    async fn the_newest_is_found_wherever_it_is() {
        let store = MemoryStore::new();
        assert_eq!(search(&store).await, Ok(Seq(0)));
        for n in 1..40_u128 {
            let submission = Submission {
                id: TaskId::from_uuid(Uuid::from_u128(n)),
                task: Arc::new(NewTask::new("a", Json::NULL)),
            };
            let tasks = vec![submission];
            let now = Timestamp::from_micros(n as i64);
            let committed = store.submit(Submit { tasks, now }).await.expect("a task");
            let newest = committed
                .events
                .iter()
                .filter(|e| e.kind.is_durable())
                .map(|e| e.seq)
                .max();
            assert_eq!(Some(search(&store).await.expect("a place")), newest);
        }
    }
}
