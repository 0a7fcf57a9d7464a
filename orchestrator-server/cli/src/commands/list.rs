//! `orchestrator list`.

use orchestrator_core::{protocol::Task, store::ListQuery};

use crate::{
    args::List,
    exit::{Exit, Failure},
    output::Output,
    place::Place,
    view::words,
};

/// How many columns of a title are shown: descriptions may be as long as their authors like.
const TITLE: usize = 120;

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
    output.result(&page, || {
        let mut lines: Vec<String> = page
            .items
            .iter()
            .map(|task| {
                let age = words::span(now.since(task.created_at));
                format!(
                    "{}  {:<15}  {:>8} ago  {}",
                    task.id,
                    task.state.as_str(),
                    age,
                    words::fit(&title(task), TITLE, output.ascii())
                )
            })
            .collect();
        if lines.is_empty() {
            lines.push("no tasks".to_owned());
        }
        if let Some(cursor) = &page.next_cursor {
            lines.push(format!("more: --cursor {cursor}"));
        }
        lines.join("\n")
    });
    Ok(Exit::Success)
}

fn title(task: &Task) -> String {
    let name = task.step.as_deref().map(|s| format!(" `{s}`")).unwrap_or_default();
    let description = words::first_line(&task.description);
    if description.is_empty() || description == task.task_type {
        format!("{}{name}", task.task_type)
    } else {
        format!("{}{name}: {description}", task.task_type)
    }
}
