//! How tasks are told to people, wherever they are.

use orchestrator_core::{
    domain::placement,
    protocol::{Page, Placement, Task, TaskState, Timestamp},
};

use crate::{output::Output, view::words};

/// How many columns of a description are shown: they may be as long as their authors like.
const WIDEST: usize = 120;

/// A page of tasks.
pub fn list(page: &Page<Task>, now: Timestamp, output: Output) -> String {
    let line = |task: &Task| {
        let age = words::span(now.since(task.created_at));
        format!(
            "{}  {:<15}  {:>8} ago  {}",
            task.id,
            task.state.as_str(),
            age,
            words::fit(&title(task), WIDEST, output.ascii())
        )
    };
    let mut lines: Vec<String> = page.items.iter().map(line).collect();
    if lines.is_empty() {
        lines.push("no tasks".to_owned());
    }
    if let Some(cursor) = &page.next_cursor {
        lines.push(format!("more: --cursor {cursor}"));
    }
    lines.join("\n")
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

/// A task and what is below it.
pub fn show(task: &Task, tree: &[Task], placed: Option<&Placement>) -> String {
    let mut lines = vec![
        format!("{}  {}  {}", task.id, task.task_type, task.state),
        format!("submitted {}", task.created_at),
    ];
    if !task.description.is_empty() {
        lines.push(words::fit(words::first_line(&task.description), WIDEST, false));
    }
    if let Some(started) = task.started_at {
        let ended = task
            .finished_at
            .map(|at| format!(", ended after {}", words::span(at.since(started))));
        lines.push(format!(
            "started   {started}{}, attempt {}",
            ended.unwrap_or_default(),
            task.attempt
        ));
    }
    if let Some(worker) = task.worker_id {
        lines.push(format!("worker    {worker}"));
    }
    if let Some(placed) = placed {
        lines.push(format!("why there {}", placement::words(placed, |_| None)));
    }
    if let Some(error) = &task.error {
        lines.push(format!("error     {}", error.message));
    }
    if !task.tree_usage.is_zero() {
        lines.push(format!("spent     {}", words::usage(&task.tree_usage)));
    }
    if tree.len() > 1 {
        lines.push(String::new());
        lines.push(format!("{} task(s) below:", tree.len() - 1));
        lines.extend(tree.iter().skip(1).take(200).map(|t| child(task, tree, t)));
        if tree.len() > 201 {
            lines.push(format!("  … and {} more (--json has them all)", tree.len() - 201));
        }
    }
    if let Some(output) = task.output.as_ref().filter(|o| !o.is_null()) {
        lines.push(String::new());
        let value = output.to_value();
        let markdown = value.get("markdown").and_then(|m| m.as_str());
        lines.push(markdown.map_or_else(
            || serde_json::to_string_pretty(&value).unwrap_or_default(),
            str::to_owned,
        ));
    }
    lines.join("\n")
}

fn child(top: &Task, tree: &[Task], task: &Task) -> String {
    let mut depth = 1;
    let mut at = task.parent_id;
    while let Some(parent) = at
        .filter(|p| *p != top.id)
        .and_then(|p| tree.iter().find(|t| t.id == p))
    {
        depth += 1;
        at = parent.parent_id;
    }
    let name = task.step.as_deref().unwrap_or(&task.task_type);
    let why = match (&task.state, &task.error) {
        (TaskState::Failed | TaskState::NeedsAttention, Some(error)) => format!(": {}", error.message),
        _ => String::new(),
    };
    let what = words::first_line(&task.description);
    let what = if what.is_empty() {
        String::new()
    } else {
        format!("  {}", words::fit(what, WIDEST, false))
    };
    format!(
        "{}{:<15} {name}  ({}){what}{why}",
        "  ".repeat(depth),
        task.state.as_str(),
        task.id
    )
}
