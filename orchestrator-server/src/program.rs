//! The program `orchestrator-server`.

use std::{ffi::OsString, process::ExitCode};

use clap::Parser;
use orchestrator_signals::Signals;
use tokio::sync::oneshot;

use crate::{
    Config, Server,
    config::{Args, Command},
    init_telemetry, migrate,
};

/// Runs the program to its end.
pub fn main(words: Vec<OsString>) -> ExitCode {
    let args = match Args::try_parse_from(words) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    // One provider for the whole process: without a choice rustls refuses to guess.
    rustls::crypto::ring::default_provider().install_default().ok();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(1, &[format!("no threads can be started: {error}")]),
    };
    if let Some(Command::Migrate(how)) = args.instead() {
        return match Config::database(&args) {
            Ok(database) => runtime.block_on(change(&database, &how)),
            Err(problems) => fail(2, &problems),
        };
    }
    let config = match Config::load(args) {
        Ok(config) => config,
        Err(problems) => return fail(2, &problems),
    };
    let entered = runtime.enter();
    let exporting = match init_telemetry(config.log_format, config.otlp.as_deref()) {
        Ok(exporting) => exporting,
        Err(error) => return fail(2, &[error.to_string()]),
    };
    drop(entered);
    let code = runtime.block_on(serve(config));
    if let Some(exporting) = exporting {
        exporting.finish();
    }
    code
}

/// Changes the schema by hand.
async fn change(database: &str, how: &migrate::Migrate) -> ExitCode {
    match migrate::run(database, how).await {
        Ok(told) => {
            say(told.trim_end());
            ExitCode::SUCCESS
        }
        Err(error) => fail(1, &[error.to_string()]),
    }
}

async fn serve(config: Config) -> ExitCode {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return fail(1, &[format!("no signals can be heard: {error}")]),
    };
    let started = tokio::select! {
        started = Server::start(config) => started,
        () = signals.next() => return ExitCode::SUCCESS,
    };
    let server = match started {
        Ok(server) => server,
        Err(error) => return fail(1, &[error.to_string()]),
    };
    say(&format!("orchestrator-server listens on {}", server.url()));
    let (tell, told) = oneshot::channel();
    let stopped_twice = async {
        signals.next().await;
        let _ = tell.send(());
        signals.next().await;
    };
    let ended = tokio::select! {
        ended = server.run(async { drop(told.await) }) => ended,
        () = stopped_twice => return fail(1, &["stopped at once: what was asked of it may not have been answered".to_owned()]),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &[error.to_string()]),
    }
}

#[expect(clippy::print_stdout, reason = "the line that scripts wait for")]
fn say(line: &str) {
    println!("{line}");
}

#[expect(clippy::print_stderr, reason = "there may be no log yet")]
fn fail(code: u8, problems: &[String]) -> ExitCode {
    for problem in problems {
        eprintln!("error: {problem}");
    }
    ExitCode::from(code)
}
