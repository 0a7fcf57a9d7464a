//! `orchestrator dev`.

use std::{path::Path, sync::Arc};

use orchestrator_core::{
    agent::Registry,
    clock::Sources,
    service::{LocalSource, SourceConfig},
    worker::{Worker, WorkerConfig},
};
use orchestrator_server::{Config, Server};
use orchestrator_signals::Signals;

use crate::{
    agents,
    args::Dev,
    exit::{Exit, Failure},
    output::Output,
};

/// What runs gets to end when the command is interrupted.
const LAST_ORDERS: std::time::Duration = std::time::Duration::from_secs(10);

/// The database of `dev`, in the folder where it is run.
const DATABASE: &str = "sqlite:orchestrator.db";

/// Runs a server and a worker in this process until it is interrupted.
pub async fn dev(dev: Dev, database: Option<String>, output: Output) -> Result<Exit, Failure> {
    let agents = agents::all(&dev.here)?;
    let mut registry = Registry::new();
    for agent in agents {
        registry
            .add_shared(agent)
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    let config = Config {
        listen: dev.listen,
        dashboard: dev.dashboard,
        database: database.unwrap_or_else(|| DATABASE.to_owned()),
        ..Config::default()
    };
    let server = Server::start(config)
        .await
        .map_err(|error| Failure::usage(error.to_string()))?;
    let url = server.url();
    let engine = server.app().engine().clone();
    let source = Arc::new(LocalSource::new(engine, SourceConfig::default()));
    let worker = WorkerConfig {
        name: "dev".to_owned(),
        labels: orchestrator_worker::machine::labels()
            .await
            .into_iter()
            .chain(orchestrator_worker::builtin::labels())
            .collect(),
        slots: dev.here.slots(),
        load: orchestrator_worker::machine::probe(Path::new(".")),
        ..WorkerConfig::default()
    };
    let worker = Worker::new(worker, source.clone(), registry, Sources::default())
        .map_err(|error| Failure::usage(error.to_string()))?
        .start();
    let mut signals = Signals::listen().map_err(|error| Failure::deaf(&error))?;
    output.remark(&format!(
        "the server and a worker run at {url}, until Ctrl-C: open it in a browser; its API: {url}/docs\n\
         in another terminal: orchestrator submit code_review --repo . --wait --server {url}"
    ));
    let listening = async { source.listen().await };
    let stopped = async {
        tokio::select! {
            () = signals.next() => {}
            () = listening => {}
        }
        output.remark("stopping: what runs may end; interrupt once more to stop at once");
        tokio::select! {
            stopped = worker.stop(LAST_ORDERS) => drop(stopped),
            () = signals.next() => {}
        }
    };
    server
        .run(stopped)
        .await
        .map_err(|error| Failure::unavailable(error.to_string()))?;
    Ok(Exit::Success)
}
