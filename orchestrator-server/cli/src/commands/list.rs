//! `orchestrator list`.

use orchestrator_core::store::ListQuery;

use super::texts;
use crate::{
    args::List,
    exit::{Exit, Failure},
    output::Output,
    place::Place,
};

/// Lists tasks, the newest first.
pub async fn list(list: List, place: &Place, output: Output) -> Result<Exit, Failure> {
    let orchestrator = place.open_to_look().await?;
    let query = ListQuery {
        states: list.state,
        task_type: list.task_type,
        label: list.label,
        text: list.text,
        roots_only: !list.all,
        limit: usize::from(list.limit),
        cursor: list.cursor,
        ..ListQuery::default()
    };
    let page = orchestrator.engine().list(query).await?;
    let now = orchestrator.engine().now();
    output.result(&page, || texts::list(&page, now, output));
    Ok(Exit::Success)
}
