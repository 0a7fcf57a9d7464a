//! What is special about running particular jobs from the command line: their input from flags, and their reports.

use std::path::Path;

use orchestrator_core::{
    NewTask,
    protocol::{Budget, Task, TaskResult, TaskState},
};
use serde_json::{Map, Value, json};

use crate::{
    args::{Job, Run},
    exit::{Exit, Failure},
    output::Output,
};

/// The input of a task: what was said as JSON, with what was said by flags.
pub fn input(job: &Job) -> Result<Value, Failure> {
    let mut input = match &job.input {
        None => Value::Null,
        Some(text) => parse(text)?,
    };
    let mut flags = Map::new();
    if let Some(repo) = &job.repo {
        let key = if job.task_type == "command" { "cwd" } else { "repo" };
        flags.insert(key.into(), json!(repository(repo)?));
    }
    if job.task_type == "code_review" {
        review_flags(job, &mut flags)?;
    }
    if !flags.is_empty() {
        if input.is_null() {
            input = json!({});
        }
        let Value::Object(object) = &mut input else {
            return Err(Failure::usage(
                "--input must be a JSON object when --repo or other flags add to it",
            ));
        };
        for (key, value) in flags {
            object.insert(key, value);
        }
    }
    Ok(input)
}

/// The input of a task that runs here: what was not said is as this machine and this folder suggest.
pub fn input_here(run: &Run) -> Result<Value, Failure> {
    let job = &run.job;
    let mut input = input(job)?;
    if job.task_type == "code_review"
        && job.repo.is_none()
        && let Some(Value::String(repo)) = input.get_mut("repo")
    {
        // The same as by the flag: there, and found again by a retry from elsewhere.
        *repo = repository(Path::new(&*repo))?;
    }
    match (job.task_type.as_str(), &mut input) {
        ("code_review", Value::Object(object)) => {
            // The number of slots is what this machine is willing to do at once.
            object.entry("max_parallel").or_insert_with(|| json!(run.here.slots()));
        }
        ("command", Value::Object(object)) => {
            // Where it was asked for, also when it is retried from elsewhere.
            if let Some(here) = std::env::current_dir().ok().as_deref().and_then(Path::to_str) {
                object.entry("cwd").or_insert_with(|| json!(here));
            }
        }
        _ => {}
    }
    Ok(input)
}

/// A task with this input, and with what flags say of it.
pub fn task(job: &Job, input: Value) -> NewTask {
    let mut task = NewTask::new(job.task_type.clone(), input.into());
    task.description = job.description.clone().unwrap_or_else(|| match &job.repo {
        Some(repo) => format!("{} of {}", job.task_type, repo.display()),
        None => job.task_type.clone(),
    });
    task.labels = job.label.iter().cloned().collect();
    task.idempotency_key.clone_from(&job.idempotency_key);
    if let Some(attempts) = job.attempts {
        task.retry.max_attempts = attempts;
    }
    if job.budget.is_some() || job.budget_tokens.is_some() {
        task.budget = Some(Budget {
            tokens: job.budget_tokens,
            cost_usd: job.budget,
        });
    }
    if let Some(frequency) = job.checkpoints {
        task.checkpoint_frequency = frequency;
    }
    task
}

fn review_flags(job: &Job, flags: &mut Map<String, Value>) -> Result<(), Failure> {
    let review = &job.review;
    if job.repo.is_none() && job.input.is_none() {
        return Err(Failure::usage("code_review needs --repo, the folder of the repository"));
    }
    if let Some(revision) = &review.changed_since {
        flags.insert("changed_since".into(), json!(revision));
    }
    for (name, globs) in [("include", &review.include), ("exclude", &review.exclude)] {
        if !globs.is_empty() {
            flags.insert(name.into(), json!(globs));
        }
    }
    if let Some(analysers) = &review.analysers {
        flags.insert("analysers".into(), json!(analysers));
    }
    if review.trust {
        flags.insert("trust".into(), json!(true));
    }
    if let Some(parallel) = review.max_parallel {
        flags.insert("max_parallel".into(), json!(parallel));
    }
    Ok(())
}

/// JSON as it stands, from a file after `@`, or from standard input for `-`.
fn parse(text: &str) -> Result<Value, Failure> {
    let (text, place) = if text == "-" {
        let text = std::io::read_to_string(std::io::stdin())
            .map_err(|e| Failure::usage(format!("standard input cannot be read: {e}")))?;
        (text, "standard input".to_owned())
    } else if let Some(path) = text.strip_prefix('@') {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Failure::usage(format!("the input file {path} cannot be read: {e}")))?;
        (text, path.to_owned())
    } else {
        (text.to_owned(), "--input".to_owned())
    };
    if text.trim().is_empty() {
        return Err(Failure::usage(format!("{place} is empty; it must be JSON")));
    }
    serde_json::from_str(&text).map_err(|e| Failure::usage(format!("{place} is not JSON: {e}")))
}

/// The whole path of a repository that is there.
fn repository(path: &Path) -> Result<String, Failure> {
    let whole = path
        .canonicalize()
        .map_err(|e| Failure::usage(format!("the repository {} cannot be opened: {e}", path.display())))?;
    if !whole.is_dir() {
        return Err(Failure::usage(format!(
            "the repository {} is not a folder",
            path.display()
        )));
    }
    std::fs::read_dir(&whole)
        .map_err(|e| Failure::usage(format!("the repository {} cannot be read: {e}", path.display())))?;
    whole.into_os_string().into_string().map_err(|whole| {
        Failure::usage(format!(
            "the path of the repository {} is not UTF-8, which inputs must be; give it another name",
            whole.display()
        ))
    })
}

/// The files of a report.
const REPORTS: [&str; 2] = ["report.md", "report.json"];

/// Checks that reports can be written to a folder, before work begins.
pub fn prepare(out: Option<&Path>) -> Result<(), Failure> {
    let Some(out) = out else { return Ok(()) };
    std::fs::create_dir_all(out)
        .map_err(|e| Failure::usage(format!("the folder {} cannot be made: {e}", out.display())))?;
    for path in REPORTS.map(|name| out.join(name)) {
        let is_new = !path.exists();
        let opened = std::fs::OpenOptions::new().append(true).create(true).open(&path);
        opened.map_err(|e| Failure::usage(format!("{} cannot be written: {e}", path.display())))?;
        if is_new {
            // An empty report would tell whoever looks for one a lie.
            let _ = std::fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Prints or writes what a task gave, or says why it gave nothing.
pub fn hand_over(ended: &TaskResult, out: Option<&Path>, output: Output) -> Result<Exit, Failure> {
    let task = &ended.task;
    if task.state == TaskState::Succeeded {
        deliver(task, out, output)?;
        return Ok(Exit::Success);
    }
    if output.is_json() {
        output.json(task);
    }
    let message = ending(ended);
    if task.state == TaskState::Cancelled {
        output.remark(&message);
    } else {
        output.failure(&Failure {
            message,
            exit: Exit::Failed,
        });
    }
    Ok(Exit::of(task.state))
}

/// Why a task has ended otherwise, or has stopped, and how it goes on.
pub fn ending(ended: &TaskResult) -> String {
    let task = &ended.task;
    let id = task.id;
    let why = task
        .error
        .as_ref()
        .map_or("no reason was given", |e| e.message.as_str());
    match task.state {
        TaskState::Cancelled => format!("cancelled; `orchestrator retry {id}` goes on with what was finished"),
        TaskState::NeedsAttention => {
            format!("it needs a person to decide: {why}; `orchestrator retry {id}` tries again, `cancel` gives up")
        }
        TaskState::Paused => {
            let spent = ended.attention.first();
            let why = spent.map_or("it is paused", |spent| spent.message.as_str());
            format!(
                "stopped: {why}; `orchestrator retry {id}` goes on regardless, with what was finished, `cancel` gives up"
            )
        }
        _ => format!("failed: {why}; `orchestrator retry {id}` goes on with what was finished"),
    }
}

/// Prints what a task gave, or writes its reports where that was asked for.
fn deliver(task: &Task, out: Option<&Path>, output: Output) -> Result<(), Failure> {
    let gave = task.output.clone().unwrap_or_default().to_value();
    let markdown = gave.get("markdown").and_then(Value::as_str);
    if let (Some(out), Some(markdown)) = (out, markdown) {
        let report = gave.get("report").cloned().unwrap_or_default();
        let pretty = serde_json::to_string_pretty(&report).unwrap_or_default();
        for (name, text) in REPORTS.into_iter().zip([markdown, pretty.as_str()]) {
            let path = out.join(name);
            std::fs::write(&path, text).map_err(|e| {
                Failure::unavailable(format!(
                    "{} cannot be written: {e}; the review itself is kept: `orchestrator show {} --json` prints it",
                    path.display(),
                    task.id
                ))
            })?;
            output.remark(&format!("wrote {}", path.display()));
        }
        if !output.is_json() {
            return Ok(());
        }
    }
    output.result(task, || match (markdown, &gave) {
        (Some(markdown), _) => markdown.to_owned(),
        (None, Value::String(text)) => text.clone(),
        (None, Value::Null) => String::new(),
        (None, other) => serde_json::to_string_pretty(other).unwrap_or_default(),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_named() {
        assert!(parse("{\"a\": }").unwrap_err().message.contains("--input is not JSON"));
        assert!(parse("  ").unwrap_err().message.contains("empty"));
        assert!(
            parse("@/nowhere/input.json")
                .unwrap_err()
                .message
                .contains("/nowhere/input.json")
        );
        assert!(
            repository(Path::new("/nowhere"))
                .unwrap_err()
                .message
                .contains("/nowhere")
        );
    }
}
