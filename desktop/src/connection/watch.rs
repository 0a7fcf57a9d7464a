//! Snapshot and live events as one stream, without a gap between the two, however often the connection breaks.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, SinkExt, Stream, channel::mpsc::Sender};
use iced::Subscription;
use orchestrator_client::{EventsQuery, Step};
use orchestrator_desktop_model::{
    Failure, FailureKind,
    fleet::{self, Part, Stale},
    list::Filter,
    tree,
};
use orchestrator_protocol::{Event, EventType, Seq, TaskId, TaskState};

use super::Api;

/// Events that come within this are given out together: a frame shows them all.
const FRAME: Duration = Duration::from_millis(15);

/// The most that is given out together.
const BATCH: usize = 4_000;

/// How long to wait before a snapshot that failed is taken again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many failing tasks are shown at a glance.
const FAILING: u32 = 20;

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything but what tasks write.
    Fleet,
    /// A task and everything below it, with what they write.
    Tree(TaskId),
}

/// What a watcher learns. `S` is the snapshot.
#[derive(Debug, Clone)]
pub enum Update<S> {
    /// It is connected; everything up to now is in here, and what happens from now on comes.
    Opened(Box<S>),
    /// These happened, in order.
    Happened(Arc<[Event]>),
    /// The connection broke, for this reason. It is tried again.
    Lost(String),
    /// Trying again cannot help.
    Ended(Failure),
}

#[derive(Hash)]
struct Watched {
    api: Api,
    scope: Scope,
}

/// Watches the fleet.
pub fn fleet(api: &Api) -> Subscription<Update<fleet::Snapshot>> {
    let watched = Watched {
        api: api.clone(),
        scope: Scope::Fleet,
    };
    Subscription::run_with(watched, |watched| {
        let api = watched.api.clone();
        let types = EventType::ALL.into_iter();
        let query = EventsQuery {
            types: types.filter(|kind| *kind != EventType::TaskLog).collect(),
            ..EventsQuery::default()
        };
        stream(api, query, async |api: Api| {
            let (stats, workers, checkpoints, failing, types) = futures::try_join!(
                api.stats(),
                api.workers(),
                api.checkpoints(),
                failing(api.clone()),
                api.task_types()
            )
            .map_err(of_a_fleet)?;
            Ok(fleet::Snapshot {
                stats,
                workers,
                checkpoints,
                failing,
                types,
            })
        })
    })
}

/// What every fleet has is missing only at a server of another version, or at something else.
fn of_a_fleet(failure: Failure) -> Failure {
    match failure.kind {
        FailureKind::Missing => Failure {
            kind: FailureKind::Strange,
            ..failure
        },
        _ => failure,
    }
}

/// Watches a task and everything below it.
pub fn tree(api: &Api, id: TaskId) -> Subscription<Update<tree::Snapshot>> {
    let watched = Watched {
        api: api.clone(),
        scope: Scope::Tree(id),
    };
    Subscription::run_with(watched, |watched| {
        let (api, Scope::Tree(id)) = (watched.api.clone(), watched.scope) else {
            unreachable!("made above")
        };
        let query = EventsQuery {
            task_id: Some(id),
            tree: true,
            ..EventsQuery::default()
        };
        stream(api, query, async move |api: Api| {
            let (tree, history, why) = futures::try_join!(api.tree(id), api.history(id, Seq(0)), api.why(id))?;
            Ok(tree::Snapshot { tree, history, why })
        })
    })
}

async fn failing(api: Api) -> Result<Vec<orchestrator_protocol::Task>, Failure> {
    let filter = Filter {
        states: vec![TaskState::Failed, TaskState::NeedsAttention],
        ..Filter::default()
    };
    Ok(api.tasks(filter, FAILING, None).await?.items)
}

/// Asks again for what events have made old.
pub async fn refresh(api: Api, stale: Stale) -> Vec<Part> {
    let mut parts = Vec::new();
    if stale.stats {
        parts.extend(api.stats().await.ok().map(|stats| Part::Stats(Box::new(stats))));
    }
    if stale.workers {
        parts.extend(api.workers().await.ok().map(Part::Workers));
    }
    if stale.checkpoints {
        parts.extend(api.checkpoints().await.ok().map(Part::Checkpoints));
    }
    if stale.failing {
        parts.extend(failing(api.clone()).await.ok().map(Part::Failing));
    }
    if stale.types {
        parts.extend(api.task_types().await.ok().map(Part::Types));
    }
    parts
}

fn stream<S, F>(api: Api, query: EventsQuery, snapshot: F) -> impl Stream<Item = Update<S>>
where
    F: AsyncFn(Api) -> Result<S, Failure>,
{
    iced::stream::channel(64, async move |mut out: Sender<Update<S>>| {
        // A receiver that is gone ends the stream with its subscription: then nobody is left to be told.
        let _ = follow(&api, query, &snapshot, &mut out).await;
    })
}

async fn follow<S, F>(
    api: &Api,
    query: EventsQuery,
    snapshot: &F,
    out: &mut Sender<Update<S>>,
) -> Result<(), futures::channel::mpsc::SendError>
where
    F: AsyncFn(Api) -> Result<S, Failure>,
{
    let mut live = api.live(query);
    loop {
        let first = match live.step().await {
            Ok(Step::Happened(event)) => *event,
            Ok(Step::Connected) => {
                open(api, snapshot, out).await?;
                continue;
            }
            Ok(Step::Lost(reason)) => {
                out.send(Update::Lost(reason)).await?;
                continue;
            }
            Err(failure) => return out.send(Update::Ended(failure)).await,
        };
        // What came meanwhile goes into the same frame.
        let mut events = vec![first];
        let mut after = None;
        while events.len() < BATCH {
            match live.step().now_or_never() {
                Some(Ok(Step::Happened(event))) => events.push(*event),
                Some(other) => {
                    after = Some(other);
                    break;
                }
                None => break,
            }
        }
        let lagged = events.iter().any(|event| event.kind == EventType::Lagged);
        out.send(Update::Happened(events.into())).await?;
        if lagged {
            open(api, snapshot, out).await?;
        }
        match after {
            None => api.sleep(FRAME).await,
            Some(Ok(Step::Lost(reason))) => out.send(Update::Lost(reason)).await?,
            Some(Ok(_)) => open(api, snapshot, out).await?,
            Some(Err(failure)) => return out.send(Update::Ended(failure)).await,
        }
    }
}

/// Takes a snapshot, for as long as it needs.
async fn open<S, F>(
    api: &Api,
    snapshot: &F,
    out: &mut Sender<Update<S>>,
) -> Result<(), futures::channel::mpsc::SendError>
where
    F: AsyncFn(Api) -> Result<S, Failure>,
{
    loop {
        match snapshot(api.clone()).await {
            Ok(snapshot) => return out.send(Update::Opened(Box::new(snapshot))).await,
            Err(failure) if matches!(failure.kind, FailureKind::Unreachable) => {
                out.send(Update::Lost(failure.message)).await?;
                api.sleep(PAUSE).await;
            }
            // A viewer of another version stays connected to a server of another version: it says so, and asks again.
            Err(failure) => {
                out.send(Update::Ended(failure)).await?;
                std::future::pending::<()>().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_server_is_not_something_that_was_removed() {
        let missing = Failure::new(FailureKind::Missing, "there is nothing at this address");
        assert_eq!(of_a_fleet(missing).kind, FailureKind::Strange);
        let denied = Failure::new(FailureKind::Denied, "no token");
        assert_eq!(of_a_fleet(denied).kind, FailureKind::Denied);
    }
}
