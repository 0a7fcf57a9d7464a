//! The program `orchestrator-worker`: runs the built-in agents for a server.

mod args;
mod config;
mod identity;
mod telemetry;

use std::{collections::BTreeSet, ffi::OsString, path::Path, process::ExitCode, sync::Arc, time::Duration};

use orchestrator_client::{RemoteConfig, RemoteSource, ServerAddress, transport};
use orchestrator_core::{
    agent::Registry,
    clock::Sources,
    worker::{Worker, WorkerConfig, WorkerError, WorkerHandle},
};
use orchestrator_signals::Signals;

pub use args::Args;

use self::identity::Identity;
use crate::{
    builtin::{self, ModelSettings},
    machine,
};

/// Why the program ended without having done its work.
#[derive(Debug)]
struct Failure {
    message: String,
    code: u8,
}

/// Wrong usage.
const USAGE: u8 = 2;
/// The server does not take this worker.
const REFUSED: u8 = 4;

impl Failure {
    fn usage(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: USAGE,
        }
    }
}

/// Runs the program to its end.
pub fn main(words: Vec<OsString>) -> ExitCode {
    let args = match args::parse(words) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE));
        }
    };
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            complain(&failure.message);
            ExitCode::from(failure.code)
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one line with which the program ends")]
fn complain(message: &str) {
    eprintln!("error: {message}");
}

fn start(args: Args) -> Result<(), Failure> {
    // One provider for the whole process: without a choice rustls refuses to guess.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::usage(format!("the runtime cannot start: {error}")))?;
    let exporting = {
        let _entered = runtime.enter();
        telemetry::init(&args)?
    };
    let ended = runtime.block_on(run(args));
    if let Some(exporting) = exporting {
        exporting.finish();
    }
    // What an agent left behind must not hold the program.
    runtime.shutdown_timeout(Duration::from_secs(1));
    ended
}

async fn run(args: Args) -> Result<(), Failure> {
    let address = ServerAddress::parse(&args.server(), args.token()?)
        .map_err(|error| Failure::usage(format!("--server: {error}")))?;
    let mut signals = Signals::listen().map_err(|error| Failure::usage(format!("no signals can be heard: {error}")))?;
    let sources = Sources::default();
    let identity = Identity::take(args.state.as_deref(), &sources);
    let name = args.name.clone().unwrap_or_else(name_of_this_machine);
    let agents = agents(&args)?;
    let config = WorkerConfig {
        worker: Some(identity.worker),
        name: name.clone(),
        labels: labels(&args).await,
        slots: args.slots(),
        grace: Duration::from_secs(args.grace_s),
        load: machine::probe(Path::new(".")),
        ..WorkerConfig::default()
    };
    tracing::info!(
        worker.id = %identity.worker,
        "worker {name} with {} slots for {address}, offering {}",
        config.slots,
        config.labels.iter().cloned().collect::<Vec<_>>().join(" ")
    );
    let mut remote = RemoteConfig::new(address, transport::native());
    remote.way = args.transport.into();
    let source = Arc::new(RemoteSource::new(remote));
    let worker = Worker::new(config, source, agents, sources).map_err(|error| Failure::usage(error.to_string()))?;
    let ended = until_stopped(worker.start(), &mut signals, Duration::from_secs(args.drain_s)).await;
    drop(identity);
    ended.map_err(|error| Failure {
        message: error.to_string(),
        code: if matches!(error, WorkerError::Refused(_)) {
            REFUSED
        } else {
            1
        },
    })
}

/// Works until a signal, or until an operator has drained the worker.
async fn until_stopped(mut worker: WorkerHandle, signals: &mut Signals, drain: Duration) -> Result<(), WorkerError> {
    let drained = async |worker: &WorkerHandle| {
        while !(worker.is_draining() && worker.running() == 0) {
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        () = signals.next() => {}
        () = drained(&worker) => {
            tracing::info!("drained: stopping");
            return worker.stop(Duration::ZERO).await;
        }
        // Cancelled when one of the others is ready; it may be asked again.
        () = ended(&worker) => return worker.ended().await,
    }
    tracing::info!(
        "stopping: {} tasks have {} s to end; another signal gives them back at once",
        worker.running(),
        drain.as_secs()
    );
    worker.begin_stop(drain);
    tokio::select! {
        () = signals.next() => {
            tracing::info!("giving back what runs");
            worker.hurry();
        }
        () = ended(&worker) => {}
    }
    worker.ended().await
}

async fn ended(worker: &WorkerHandle) {
    while !worker.is_ended() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn agents(args: &Args) -> Result<Registry, Failure> {
    let model = match (&args.model, &args.model_url) {
        (Some(model), Some(url)) => Some(ModelSettings {
            model: model.clone(),
            base_url: url.clone(),
            key_env: args.model_key_env.clone(),
            price: args.model_price,
        }),
        (None, None) => None,
        _ => {
            return Err(Failure::usage(
                "--model and --model-url go together: a model and the server that has it",
            ));
        }
    };
    let mut registry = Registry::new();
    for agent in builtin::agents(model).map_err(Failure::usage)? {
        registry
            .add_shared(agent)
            .map_err(|error| Failure::usage(error.to_string()))?;
    }
    Ok(registry)
}

async fn labels(args: &Args) -> BTreeSet<String> {
    let mut labels = if args.no_discovery {
        BTreeSet::new()
    } else {
        machine::labels().await
    };
    labels.extend(args.label.iter().cloned());
    if args.local {
        labels.insert("local".to_owned());
    }
    labels
}

fn name_of_this_machine() -> String {
    sysinfo::System::host_name().unwrap_or_else(|| "worker".to_owned())
}
