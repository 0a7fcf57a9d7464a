//! Running a task in this process to its end, and handing over what it gave.

use std::{path::Path, sync::Arc, time::Duration};

use orchestrator_core::{
    Agent, Config, Orchestrator,
    protocol::{Task, TaskId, TaskState},
};
use orchestrator_signals::Signals;

use super::follow::{self, Ended, Runner};
use crate::{
    agents,
    args::Here,
    exit::{Exit, Failure},
    jobs,
    output::Output,
    place::{self, Place},
    view::Audience,
};

/// What a task in the midst of something gets to come to an end when everything is done.
const LAST_ORDERS: Duration = Duration::from_secs(5);

/// The same when the budget is spent and other parts of the task still run.
const PAID_FOR: Duration = Duration::from_hours(1);

/// Opens the store with this process as a worker that runs one tree of tasks: the one with this label.
pub async fn open(
    place: &Place,
    here: &Here,
    agents: Vec<Arc<dyn Agent>>,
    run: Option<&str>,
) -> Result<Orchestrator, Failure> {
    let mut config = Config::default();
    config.worker.slots = here.slots();
    config.worker.name = format!("orchestrator (process {})", std::process::id());
    config.worker.labels = orchestrator_worker::builtin::labels();
    config.worker.labels.extend(run.map(str::to_owned));
    let orchestrator = place.open_to_run(config).await?;
    agents::register(&orchestrator, agents)?;
    Ok(orchestrator)
}

/// Runs a task here to its end, or follows it where it runs already, and hands over what it gave.
pub async fn to_the_end(
    orchestrator: &Orchestrator,
    task: &Task,
    audience: Audience,
    out: Option<&Path>,
    output: Output,
) -> Result<Exit, Failure> {
    let id = task.id;
    let mut signals = Signals::listen().map_err(|error| Failure::deaf(&error))?;
    let mut runner = Runner::Here;
    if place::holder(orchestrator.engine(), task).await?.is_some() {
        runner = Runner::Elsewhere;
        output.remark("another process runs it; following it");
    } else {
        orchestrator.start()?;
    }
    let mut view = follow::view(orchestrator, id, audience, output);
    let ended = loop {
        let followed = follow::follow(orchestrator, id, runner, &mut signals, &mut view).await;
        match followed.inspect_err(|_| orchestrator.abort())? {
            Ended::Deserted => {
                output.remark("the process that ran it has ended; going on here");
                runner = Runner::Here;
                orchestrator.start()?;
                view = follow::view(orchestrator, id, Audience::Late, output);
            }
            ended => break ended,
        }
    };
    drop(view);
    let Ended::Task(ended) = ended else {
        return Ok(broken_off(orchestrator, id, runner, output));
    };
    let exit = jobs::hand_over(&ended, out, output);
    // What runs when a budget is spent has been paid for.
    let last_orders = match ended.task.state {
        TaskState::Paused => PAID_FOR,
        _ => LAST_ORDERS,
    };
    tokio::select! {
        () = orchestrator.shutdown(last_orders) => {}
        () = signals.next() => orchestrator.abort(),
    }
    exit
}

/// Everything stops at once: the agents are dropped, and with them the programs that they started.
fn broken_off(orchestrator: &Orchestrator, id: TaskId, runner: Runner, output: Output) -> Exit {
    if runner == Runner::Here {
        orchestrator.abort();
        output.remark(&format!(
            "stopped at once; `orchestrator retry {id}` goes on with what was finished"
        ));
    } else {
        output.remark(&format!(
            "not following any more; it goes on in the other process, `orchestrator cancel {id}` stops it"
        ));
    }
    Exit::Cancelled
}
