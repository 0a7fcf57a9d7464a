//! `orchestrator watch`.

use super::follow::{self, Ended, OnInterrupt};
use crate::{
    args::{Settings, Which},
    exit::{Exit, Failure},
    output::Output,
    place,
};

/// Follows a task that runs in another process.
pub async fn watch(which: &Which, settings: &Settings, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place::open_to_look(&settings.database).await?;
    let id = place::find(&orchestrator, &which.task).await?;
    match follow::to_the_end(&orchestrator, id, output, OnInterrupt::Leave).await? {
        Ended::Task(task) => {
            output.result(&*task, || format!("{} {}", task.id, task.state));
            Ok(Exit::of(task.state))
        }
        Ended::Abandoned => Ok(Exit::Success),
    }
}
