//! Numbers and spans as people say them.

use std::time::Duration;

use orchestrator_core::protocol::{Task, Usage};

/// A span: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// The first line of a text.
pub fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim()
}

/// What was spent.
pub fn usage(usage: &Usage) -> String {
    let mut parts = Vec::new();
    if usage.tokens() > 0 {
        parts.push(format!("{} tokens in, {} out", usage.input_tokens, usage.output_tokens));
    }
    if usage.cost_usd.as_nanos() > 0 {
        parts.push(format!("{:.4} USD", usage.cost_usd.as_dollars()));
    }
    if usage.wall_s > 0.0 {
        parts.push(format!("{:.1} s of work", usage.wall_s));
    }
    parts.join(", ")
}

/// The last line of a run.
pub fn summary(task: &Task, tasks: usize) -> String {
    let took = match (task.started_at, task.finished_at) {
        (Some(start), Some(end)) => format!(" after {}", span(end.since(start))),
        _ => String::new(),
    };
    let spent = usage(&task.tree_usage);
    let spent = if spent.is_empty() {
        String::new()
    } else {
        format!("; {spent}")
    };
    format!("{} {}{took}, {tasks} task(s){spent}", task.task_type, task.state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let said: Vec<String> = [0.04, 9.96, 59.0, 185.0, 7800.0, 200_000.0]
            .into_iter()
            .map(|s| span(Duration::from_secs_f64(s)))
            .collect();
        assert_eq!(said, ["0.0 s", "10.0 s", "59 s", "3 min 5 s", "2 h 10 min", "2 d"]);
    }
}
