//! Workers in the same process order what is not there yet: one transaction stores a task and grants it.

use std::{sync::Arc, time::Duration};

use orchestrator_core::{
    protocol::TaskState,
    service::{LocalSource, SourceConfig},
    store::sqlite::SqliteStore,
    worker::source::TaskSource,
};
use tokio::time::timeout;

use super::Place;
use crate::service::world::{complete, open, over, submit, task};

async fn world(place: &Place) -> (Arc<SqliteStore>, orchestrator_core::service::Engine, LocalSource) {
    let store = Arc::new(place.open().await);
    let engine = over(store.clone());
    let source = LocalSource::new(engine.clone(), SourceConfig::default()).with_orders();
    (store, engine, source)
}

/// Waits until a session is told of work.
async fn woken(source: &LocalSource, session: orchestrator_core::protocol::SessionId) {
    let woken = timeout(Duration::from_secs(30), source.woken(session)).await;
    assert!(woken.expect("it is woken").work);
}

/// The source does not listen to the bus: what wakes the session is the order.
#[tokio::test]
async fn a_start_takes_one_transaction() {
    let place = Place::new();
    let (store, engine, source) = world(&place).await;
    let session = open(&source).await;
    woken(&source, session).await;
    assert!(source.claim(session, 4).await.unwrap().is_empty());
    let before = store.commits();
    let id = submit(&engine, task("a")).await;
    assert_eq!(engine.get(id).await.unwrap().state, TaskState::Running);
    assert_eq!(store.commits(), before + 1);
    woken(&source, session).await;
    let granted = source.claim(session, 4).await.unwrap();
    assert_eq!(granted[0].id, id);
    assert_eq!(store.commits(), before + 1, "it was only fetched");
    woken(&source, session).await;
    assert!(source.claim(session, 3).await.unwrap().is_empty(), "and asks for more");
    complete(&source, &granted[0]).await;
    let next = submit(&engine, task("a")).await;
    woken(&source, session).await;
    assert_eq!(source.claim(session, 4).await.unwrap()[0].id, next);
}

/// While an order stands nobody who has more room need ask, unless something was told.
#[tokio::test]
async fn an_order_that_stands_is_not_repeated() {
    let place = Place::new();
    let (store, _, source) = world(&place).await;
    let session = open(&source).await;
    woken(&source, session).await;
    assert!(source.claim(session, 2).await.unwrap().is_empty());
    let before = store.commits();
    assert!(source.claim(session, 3).await.unwrap().is_empty());
    assert_eq!(store.commits(), before);
}

/// What another process made ready is found when the session is told to look.
#[tokio::test]
async fn what_others_make_ready_is_found_by_the_poll() {
    let place = Place::new();
    let (_store, _, source) = world(&place).await;
    let session = open(&source).await;
    woken(&source, session).await;
    assert!(source.claim(session, 2).await.unwrap().is_empty());
    let other = over(Arc::new(place.open().await));
    let id = submit(&other, task("a")).await;
    loop {
        woken(&source, session).await;
        let granted = source.claim(session, 2).await.unwrap();
        if let Some(first) = granted.first() {
            assert_eq!(first.id, id);
            return;
        }
    }
}

/// What was granted to a worker that takes nothing more is given back at once.
#[tokio::test]
async fn who_retires_gives_back_what_it_ordered() {
    let place = Place::new();
    let (_store, engine, source) = world(&place).await;
    let session = open(&source).await;
    woken(&source, session).await;
    assert!(source.claim(session, 1).await.unwrap().is_empty());
    let id = submit(&engine, task("a")).await;
    woken(&source, session).await;
    assert_eq!(engine.get(id).await.unwrap().state, TaskState::Running);
    source.retire(session).await;
    let given_back = async {
        while engine.get(id).await.unwrap().state != TaskState::Ready {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), given_back).await.expect("it is ready");
    let other = LocalSource::new(engine.clone(), SourceConfig::default());
    let session = open(&other).await;
    assert_eq!(other.claim(session, 1).await.unwrap()[0].id, id);
}

/// A source that is dropped keeps nothing open.
#[tokio::test]
async fn a_dropped_source_lets_go_of_the_store() {
    let place = Place::new();
    let (store, engine, source) = world(&place).await;
    let session = open(&source).await;
    assert!(source.claim(session, 1).await.unwrap().is_empty());
    drop((engine, source));
    let mut store = store;
    let let_go = async {
        loop {
            match Arc::try_unwrap(store) {
                Ok(_) => return,
                Err(shared) => store = shared,
            }
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(30), let_go).await.expect("nobody holds it");
}
