//! The program itself: real processes, with a server over a real socket.

pub mod place;

use std::time::Duration;

use orchestrator_core::protocol::{Task, TaskState, WorkerState};
use tokio::time::{Instant, timeout};

use place::{PATIENCE, Place, Server, until};

/// What a program wrote.
fn stdout(task: &Task) -> String {
    assert_eq!(task.state, TaskState::Succeeded, "{:?}", task.error);
    let output = task.output.as_ref().expect("an output").to_value();
    output["stdout"].as_str().unwrap_or_default().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_runs_in_another_process_and_its_result_arrives() {
    let (place, server) = (Place::new(), Server::start().await);
    let worker = place.worker(
        &server.url(),
        &["--label", "team:shop,rack=7", "--name", "here", "--slots", "3"],
    );
    let id = server.command(&["echo", "hello"]).await;
    assert_eq!(stdout(&server.settled(id).await), "hello");
    let seen = until("it says how busy it is", async || {
        let seen = server.engine.workers().await.expect("workers").remove(0);
        seen.cpu_percent.is_some().then_some(seen)
    })
    .await;
    assert_eq!((&*seen.name, seen.slots, seen.state), ("here", 3, WorkerState::Online));
    for label in ["team:shop", "rack=7", &format!("os:{}", std::env::consts::OS)] {
        assert!(seen.labels.contains(label), "no {label} in {:?}", seen.labels);
    }
    assert!(seen.labels.contains("tool:git"), "{:?}", seen.labels);
    assert!(!seen.labels.contains("local"), "nobody said so");
    assert!(seen.memory_percent.is_some() && seen.disk_percent.is_some(), "{seen:?}");
    assert_eq!(worker.stop().await, Some(0));
    assert_eq!(server.engine.workers().await.expect("workers"), [], "it said goodbye");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_had_another_finishes() {
    let (place, server) = (Place::new(), Server::start().await);
    let mut first = place.worker(&server.url(), &["--no-discovery"]);
    let flag = place.path("second");
    let script = format!(
        "test -e {0} && echo second || {{ touch {0}; sleep 600; }}",
        flag.display()
    );
    let id = server.command(&["sh", "-c", &script]).await;
    until("it runs", async || flag.exists().then_some(())).await;
    let killed = Instant::now();
    first.kill();
    let _second = place.worker(&server.url(), &["--no-discovery"]);
    assert_eq!(stdout(&server.settled(id).await), "second");
    assert!(
        killed.elapsed() < Duration::from_secs(8),
        "lease + 5 s: {:?}",
        killed.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_goes_on_when_the_server_was_restarted() {
    let (place, server) = (Place::new(), Server::start().await);
    let worker = place.worker(&server.url(), &["--no-discovery"]);
    let done = place.path("done");
    let script = format!("sleep 1; echo x >> {}; echo done", done.display());
    let id = server.command(&["sh", "-c", &script]).await;
    until("it runs", async || {
        let task = server.engine.get(id).await.expect("a task");
        (task.state == TaskState::Running).then_some(())
    })
    .await;
    let server = server.restart().await;
    assert_eq!(stdout(&server.settled(id).await), "done");
    assert_eq!(std::fs::read_to_string(done).expect("a file"), "x\n", "once");
    let next = server.command(&["echo", "next"]).await;
    assert_eq!(stdout(&server.settled(next).await), "next");
    assert_eq!(worker.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_what_runs_finish_and_a_second_one_gives_it_back() {
    let (place, server) = (Place::new(), Server::start().await);
    let worker = place.worker(&server.url(), &["--no-discovery", "--slots", "1"]);
    let go = place.path("go");
    let script = format!(
        "touch {0}.began; until test -e {0}; do sleep 0.05; done; echo went",
        go.display()
    );
    let began = place.path("go.began");
    let id = server.command(&["sh", "-c", &script]).await;
    until("it runs", async || began.exists().then_some(())).await;
    worker.signal("TERM");
    let late = server.command(&["echo", "late"]).await;
    let waits = timeout(Duration::from_millis(500), server.engine.settled(late)).await;
    assert!(waits.is_err(), "it takes nothing new");
    std::fs::write(&go, "").expect("a file");
    assert_eq!(stdout(&server.settled(id).await), "went");
    assert_eq!(worker.ended().await, Some(0));
    assert_eq!(server.engine.get(late).await.expect("a task").state, TaskState::Ready);

    let worker = place.worker(&server.url(), &["--no-discovery"]);
    let long = server.command(&["sleep", "600"]).await;
    until("it runs", async || {
        let task = server.engine.get(long).await.expect("a task");
        (task.state == TaskState::Running).then_some(())
    })
    .await;
    worker.signal("TERM");
    worker.wait_for_words("another signal").await;
    let begin = Instant::now();
    worker.signal("TERM");
    assert_eq!(worker.ended().await, Some(0));
    assert!(begin.elapsed() < Duration::from_secs(10), "{:?}", begin.elapsed());
    assert_eq!(server.engine.get(long).await.expect("a task").state, TaskState::Ready);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_drains_it_and_it_stays_who_it_is() {
    let (place, server) = (Place::new(), Server::start().await);
    let worker = place.worker(&server.url(), &["--no-discovery"]);
    let known = async || {
        let workers = server.engine.workers().await.expect("workers");
        workers.first().map(|worker| worker.id)
    };
    let id = until("it is there", known).await;
    server.engine.drain(id).await.expect("a worker");
    assert_eq!(worker.ended().await, Some(0));
    let again = place.worker(&server.url(), &["--no-discovery"]);
    assert_eq!(until("it is there again", known).await, id);
    // Another one of the same machine is somebody else.
    let _other = place.worker(&server.url(), &["--no-discovery"]);
    until("there are two", async || {
        let workers = server.engine.workers().await.expect("workers");
        (workers.len() == 2).then_some(())
    })
    .await;
    assert_eq!(again.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_yet_is_waited_for() {
    let (place, server) = (Place::new(), Server::start().await);
    let url = server.url();
    let stopped = server.stop().await;
    let worker = place.worker(&url, &["--no-discovery"]);
    worker.wait_for_words("no server at").await;
    let server = stopped.start().await;
    let id = server.command(&["echo", "there"]).await;
    assert_eq!(stdout(&server.settled(id).await), "there");
}

#[tokio::test]
async fn what_is_wrong_is_said_in_a_line() {
    let place = Place::new();
    for (flags, code, words) in [
        (&["--slots", "0"][..], 2, "0 is not in"),
        (&["--model", "x"], 2, "--model-url"),
        (&["--log", "x=y=z"], 2, "--log"),
        (&["--config", "/no/such/file"], 2, "/no/such/file"),
        (&["--token-file", "/no/such/file"], 2, "--token-file"),
    ] {
        let worker = place.worker("http://127.0.0.1:1", flags);
        let (status, said) = timeout(PATIENCE, worker.output()).await.expect("it ends");
        assert_eq!(status, Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
    let worker = place.worker("localhost", &[]);
    let (status, said) = timeout(PATIENCE, worker.output()).await.expect("it ends");
    assert_eq!(status, Some(2));
    assert!(said.starts_with("error: --server: `localhost` is not"), "{said}");
}
