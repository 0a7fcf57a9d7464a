//! The command `orchestrator`: runs a job here, and looks after what ran.

mod agents;
mod args;
mod commands;
mod config;
mod exit;
mod jobs;
mod output;
mod place;
mod remote;
mod view;

use std::{process::ExitCode, time::Duration};

use crate::{
    args::Args,
    exit::{Exit, Failure},
    output::Output,
};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(output::report_panic));
    let args = match commands::understand() {
        Ok(args) => args,
        Err(asked) => return asked.answer().into(),
    };
    let output = Output::new(&args.common);
    let exit = start(args, output).unwrap_or_else(|failure| {
        output.failure(&failure);
        failure.exit
    });
    output.complain(exit).into()
}

fn start(args: Args, output: Output) -> Result<Exit, Failure> {
    output::start_logging(&args.common.log, output.colours())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unavailable(format!("the runtime cannot start: {e}")))?;
    let exit = runtime.block_on(async {
        #[cfg(unix)]
        orchestrator_signals::survive_size_limits();
        commands::run(args, output).await
    });
    // What an agent left behind must not hold the program.
    runtime.shutdown_timeout(Duration::from_secs(1));
    exit
}
