//! The commands, each a file.

mod cancel;
mod decide;
mod dev;
mod follow;
mod list;
mod logs;
mod peek;
mod retry;
mod run;
mod show;
pub mod texts;
mod understand;
mod watch;
mod why;
mod work;

pub use self::understand::understand;
use crate::{
    agents,
    args::{Args, Command},
    exit::{Exit, Failure},
    output::Output,
    place::Place,
    remote,
};

/// Does what was asked.
pub async fn run(args: Args, output: Output) -> Result<Exit, Failure> {
    if let Command::Agents(here) = &args.command {
        let agents = agents::all(here)?;
        let types: Vec<&str> = agents.iter().map(|agent| agent.task_type()).collect();
        output.result(&types, || types.join("\n"));
        return Ok(Exit::Success);
    }
    if remote::is_meant(&args.common, &args.command) {
        return remote::run(args.common, args.command, output).await;
    }
    if let Command::Dev(dev) = args.command {
        return dev::dev(*dev, args.common.database, output).await;
    }
    if let (Command::Run(_), Some(server)) = (&args.command, &args.common.server) {
        output.remark(&format!(
            "this runs here; `orchestrator submit` hands a task to the server {server}"
        ));
    }
    let place = Place::new(args.common.database)?;
    match args.command {
        Command::Run(run) => run::run(*run, &place, output).await,
        Command::List(list) => list::list(list, &place, output).await,
        Command::Show(which) => show::show(&which, &place, output).await,
        Command::Watch(which) => watch::watch(&which, &place, output).await,
        Command::Logs(logs) => logs::logs(&logs, &place, output).await,
        Command::Why(which) => why::why(&which, &place, output).await,
        Command::Cancel(cancel) => cancel::cancel(&cancel, &place, output).await,
        Command::Retry(retry) => retry::retry(retry, &place, output).await,
        Command::Decide(decide) => decide::decide(&decide, &place, output).await,
        // Done above.
        Command::Agents(_)
        | Command::Dev(_)
        | Command::Submit(_)
        | Command::Workers(_)
        | Command::Limits(_)
        | Command::Token(_) => Ok(Exit::Success),
    }
}
