//! The command `orchestrator`: runs a job here, and looks after what ran.

mod agents;
mod args;
mod commands;
mod config;
mod exit;
mod jobs;
mod output;
mod place;
mod view;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Args, config::Config, exit::Failure, output::Output};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(output::report_panic));
    let args = Args::parse();
    let output = Output::new(args.json);
    match start(args, &output) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            failure.exit.into()
        }
    }
}

fn start(args: Args, output: &Output) -> Result<exit::Exit, Failure> {
    output::start_logging(args.log.as_deref())?;
    let config = Config::load(args.config.as_deref())?;
    let settings = args::Settings::merge(&args, config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unavailable(format!("the runtime cannot start: {e}")))?;
    let exit = runtime.block_on(commands::run(args.command, &settings, output));
    // What an agent left behind must not hold the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    exit
}
