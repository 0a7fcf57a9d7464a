//! Every example is run, and what it prints is what it should.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use orchestrator_client::{Client, ServerAddress};
use orchestrator_core::{Json, NewTask};

/// What a test waits for at most. Machines that are busy are slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program that ends with its test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn printed(program: &str) -> String {
    let output = Command::new(program).output().expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A database of its own on the private PostgreSQL, for as long as something is done with it.
fn with_database(what: impl FnOnce(&str)) {
    use orchestrator_core::clock::{Ids as _, SystemIds};
    use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

    let server = std::env::var("ORCHESTRATOR_TEST_POSTGRES").expect(
        "ORCHESTRATOR_TEST_POSTGRES is not set: run `make test`, or `.ci/services.sh run cargo nextest run ...`, which \
         start a private PostgreSQL",
    );
    let name = format!("e{}", SystemIds.uuid().simple());
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let run = |sql: String| {
        runtime.block_on(async {
            let mut conn = PgConnection::connect(&server).await.expect("it answers");
            conn.execute(AssertSqlSafe(sql)).await.expect("it is done");
        });
    };
    run(format!("create database {name}"));
    let (server_url, _) = server.rsplit_once('/').expect("a URL with a database");
    what(&format!("{server_url}/{name}"));
    run(format!("drop database {name} with (force)"));
}

fn printed_with(program: &str, argument: &str) -> String {
    let output = Command::new(program)
        .arg(argument)
        .output()
        .expect("the example starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn postgres() {
    with_database(|url| {
        assert_eq!(printed_with(env!("CARGO_BIN_EXE_postgres"), url), "9 steps\n");
    });
}

#[test]
fn shop() {
    with_database(|url| {
        let printed = printed_with(env!("CARGO_BIN_EXE_shop"), url);
        assert_eq!(printed, "order 1: sold out\ninvoice for order 2\n1 order\n");
    });
}

#[test]
fn hello() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_hello")), "hello ada\n");
}

#[test]
fn fan_out() {
    assert_eq!(
        printed(env!("CARGO_BIN_EXE_fan_out")),
        "1\n2\n`half[2]` failed: 5 is odd\n50\n"
    );
}

#[test]
fn checkpoint() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_checkpoint")), "published: hello world\n");
}

/// Two agents at a worker of a server: one calls the other by the name that it is given.
#[test]
fn remote_worker() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let config = orchestrator_server::Config {
            listen: ([127, 0, 0, 1], 0).into(),
            database: "memory:".to_owned(),
            ..orchestrator_server::Config::default()
        };
        let server = orchestrator_server::Server::start(config).await.expect("a server");
        let url = server.url();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::spawn(server.run(async { drop(stopped.await) }));
        let mut worker = Killed(
            Command::new(env!("CARGO_BIN_EXE_remote_worker"))
                .arg(&url)
                .spawn()
                .expect("the example starts"),
        );

        let address = ServerAddress::parse(&url, None).expect("a URL");
        let client = Client::new(address).expect("a client");
        let input = Json::from(serde_json::json!({ "agent": "count_words", "inputs": ["one", "and two"] }));
        let task = client.submit(&NewTask::new("each", input)).await.expect("it is taken");
        let done = client.result(task.value.id, PATIENCE).await.expect("an answer");
        assert_eq!(done.output.expect("an output").get(), "[1,2]");

        // As Ctrl-C does: it says goodbye and ends well.
        let id = worker.0.id().to_string();
        let told = Command::new("kill").args(["-INT", &id]).status().expect("kill");
        assert!(told.success());
        assert!(worker.0.wait().expect("it ends").success());
        drop(stop);
        serving.await.expect("no panic").expect("it served");
    });
}

#[test]
fn graph() {
    assert_eq!(printed(env!("CARGO_BIN_EXE_graph")), "floor\nwalls\nbeams\nroof\n");
}

/// Killed between its two agents and started again, it counts once and ends as if nothing had happened.
#[test]
fn survivor() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("survivor.db");
    let mut first = Command::new(env!("CARGO_BIN_EXE_survivor"))
        .arg(&file)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let mut lines = BufReader::new(first.stdout.take().expect("its output"))
        .lines()
        .map_while(Result::ok);
    assert_eq!(lines.next().as_deref(), Some("counting"));
    assert_eq!(lines.next().as_deref(), Some("counted"));
    first.kill().expect("SIGKILL");
    first.wait().expect("it is gone");

    let second = Command::new(env!("CARGO_BIN_EXE_survivor"))
        .arg(&file)
        .output()
        .expect("the example starts");
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert_eq!(String::from_utf8_lossy(&second.stdout), "counted\n6 words\n");
}

/// The promise of the README: a program that survives fits on one screen.
#[test]
fn the_survivor_is_short() {
    let lines = include_str!("../rust/survivor.rs").lines().count();
    assert!(lines < 40, "{lines} lines");
}
