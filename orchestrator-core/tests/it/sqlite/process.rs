//! Other processes on the same file: this test program, started again with something to do.

use std::{
    env,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use orchestrator_core::{
    clock::{Clock, SystemClock},
    store::{
        OpenSession, Store,
        sqlite::{SqliteOptions, SqliteStore},
    },
};

use super::{START, claim, completed, open_session, session, submit};

/// What to do, and on which file.
const ROLE: &str = "ORCHESTRATOR_TEST_ROLE";
const FILE: &str = "ORCHESTRATOR_TEST_FILE";

/// A process that was started.
pub(super) struct Other {
    child: Child,
    output: BufReader<ChildStdout>,
}

/// Starts a process with a role. It prints a line with `said` and what it has to say.
pub(super) fn start(role: &str, file: &Path) -> Other {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .args(["--exact", "sqlite::process::role", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FILE, file)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    Other { child, output }
}

impl Other {
    /// The next thing that it says; nothing when it has ended.
    pub(super) fn said(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).expect("its output") == 0 {
                return None;
            }
            if let Some((_, said)) = line.split_once("said ") {
                return Some(said.trim().to_owned());
            }
        }
    }

    /// The number that it says next.
    pub(super) fn number(&mut self) -> usize {
        self.said().expect("a number").parse().expect("a number")
    }

    /// Ends it without warning.
    pub(super) fn kill(&mut self) {
        self.child.kill().expect("it is killed");
        self.child.wait().expect("it has ended");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
fn say(what: impl std::fmt::Display) {
    println!("\nsaid {what}");
}

/// Does what the process was started for; nothing in an ordinary test run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn role() {
    let (Ok(role), Ok(file)) = (env::var(ROLE), env::var(FILE)) else {
        return;
    };
    let store = SqliteStore::open(file, SqliteOptions::default())
        .await
        .expect("the store opens");
    match role.as_str() {
        "drain" => drain(&store).await,
        "submit" => loop {
            for task in submit(&store, 5).await {
                say(task);
            }
        },
        _ => hold(&store).await,
    }
}

async fn drain(store: &SqliteStore) {
    let worker = session(store).await;
    let mut count = 0;
    loop {
        let leases = claim(store, worker, 2).await;
        if leases.is_empty() {
            break;
        }
        count += leases.len();
        store
            .report(leases.iter().map(completed).collect(), START)
            .await
            .expect("a report");
    }
    say(count);
    store.close().await;
}

/// Claims everything and keeps it until it is killed.
async fn hold(store: &SqliteStore) {
    let worker = orchestrator_protocol::SessionId::from_uuid(uuid::Uuid::from_u128(7));
    let now = SystemClock.now();
    let owner = store.owner();
    let open = OpenSession {
        owner,
        now,
        ..open_session(worker)
    };
    store.open_session(open).await.expect("a session");
    let leases = claim(store, worker, 100).await;
    say(leases.len());
    std::future::pending::<()>().await;
}
