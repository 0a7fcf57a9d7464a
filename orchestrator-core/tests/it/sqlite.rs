//! The store in one SQLite file.

mod agree;
mod conformance;
mod crash;
mod opening;
mod order;
mod process;
mod sharing;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use orchestrator_core::{
    clock::{Ids, SystemIds},
    store::{
        Claim, LeasedTask, OpenSession, ReportBody, ReportItem, Store, StoreError, Submission, Submit,
        sqlite::{SqliteOptions, SqliteStore},
    },
};
use orchestrator_protocol::{Json, NewTask, SessionId, TaskId, Timestamp};
use tempfile::TempDir;

/// The moment at which tests begin.
const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);

/// A directory with a database in it.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().expect("a directory"),
        }
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("agents.db")
    }

    async fn open(&self) -> SqliteStore {
        self.try_open().await.expect("the store opens")
    }

    async fn try_open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(self.path(), SqliteOptions::default()).await
    }
}

fn batch(tasks: impl IntoIterator<Item = NewTask>) -> Submit {
    let submission = |task| Submission {
        id: SystemIds.task(),
        task: Arc::new(task),
    };
    Submit {
        tasks: tasks.into_iter().map(submission).collect(),
        now: START,
    }
}

fn noop() -> NewTask {
    NewTask::new("noop", Json::parse(r#"{"n":1}"#).expect("JSON"))
}

async fn submit(store: &dyn Store, count: usize) -> Vec<TaskId> {
    let tasks = store.submit(batch(std::iter::repeat_with(noop).take(count))).await;
    tasks
        .expect("it is stored")
        .value
        .iter()
        .map(orchestrator_core::store::SubmittedTask::id)
        .collect()
}

async fn session(store: &dyn Store) -> SessionId {
    let session = SystemIds.session();
    store.open_session(open_session(session)).await.expect("a session");
    session
}

fn open_session(session: SessionId) -> OpenSession {
    OpenSession {
        session,
        worker: SystemIds.worker(),
        name: "tester".to_owned(),
        labels: BTreeSet::new(),
        task_types: ["noop".to_owned()].into(),
        slots: 100,
        ttl: Duration::from_secs(15),
        owner: None,
        now: START,
    }
}

async fn claim(store: &dyn Store, session: SessionId, credit: usize) -> Vec<LeasedTask> {
    let now = START;
    store
        .claim(Claim {
            session,
            credit,
            now,
            policy: orchestrator_core::domain::placement::Policy::default(),
        })
        .await
        .expect("a claim")
        .value
}

fn completed(leased: &LeasedTask) -> ReportItem {
    ReportItem {
        task: leased.id,
        lease: leased.lease,
        number: 1,
        body: ReportBody::Complete {
            output: Json::parse(r#"{"ok":true}"#).expect("JSON"),
            wall_s: 0.5,
        },
    }
}
