//! The commands, each a file.

mod cancel;
mod decide;
mod follow;
mod list;
mod logs;
mod retry;
mod run;
mod show;
mod watch;
mod why;

use crate::{
    args::{Command, Settings},
    exit::{Exit, Failure},
    output::Output,
};

/// Does what was asked.
pub async fn run(command: Command, settings: &Settings, output: &Output) -> Result<Exit, Failure> {
    let output = *output;
    match command {
        Command::Run(run) => run::run(*run, settings, output).await,
        Command::List(list) => list::list(list, settings, output).await,
        Command::Show(which) => show::show(&which, settings, output).await,
        Command::Watch(which) => watch::watch(&which, settings, output).await,
        Command::Logs(logs) => logs::logs(&logs, settings, output).await,
        Command::Why(which) => why::why(&which, settings, output).await,
        Command::Cancel(cancel) => cancel::cancel(&cancel, settings, output).await,
        Command::Retry(retry) => retry::retry(retry, settings, output).await,
        Command::Decide(decide) => decide::decide(&decide, settings, output).await,
        Command::Agents => {
            let agents = crate::agents::all(settings)?;
            let types: Vec<&str> = agents.iter().map(|agent| agent.task_type()).collect();
            output.result(&types, || types.join("\n"));
            Ok(Exit::Success)
        }
    }
}
