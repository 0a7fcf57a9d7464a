//! Where things are on this machine, and which task a word means.

use std::path::{Path, PathBuf};

use orchestrator_core::{
    Config, Orchestrator,
    protocol::{Task, TaskId, TaskState},
    store::ListQuery,
};

use crate::exit::Failure;

fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|p| p.is_absolute());
    let base = named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(below_home)))?;
    Some(base.join("orchestrator"))
}

/// The database that is used when none is named, in the user's data folder.
pub fn default_database() -> Result<String, Failure> {
    let folder = folder("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        Failure::usage("there is no home folder to keep tasks in; name a file with --database sqlite:PATH")
    })?;
    Ok(format!("sqlite:{}", folder.join("orchestrator.db").display()))
}

/// The configuration file that is read when none is named.
pub fn config_file() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("config.toml"))
}

/// Opens the store to run tasks: its folder is made when it is missing.
pub async fn open_to_run(database: &str, config: Config) -> Result<Orchestrator, Failure> {
    if let Some(path) = database.strip_prefix("sqlite:")
        && let Some(folder) = Path::new(path).parent().filter(|f| !f.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|e| Failure::usage(format!("the folder {} cannot be made: {e}", folder.display())))?;
    }
    Ok(Orchestrator::open_with(database, config).await?)
}

/// Opens the store to look at it, or to say a word about a task: it must exist.
pub async fn open_to_look(database: &str) -> Result<Orchestrator, Failure> {
    if let Some(path) = database.strip_prefix("sqlite:")
        && !Path::new(path).exists()
    {
        return Err(Failure::usage(format!(
            "nothing has run here yet: {path} does not exist; begin with `orchestrator run`"
        )));
    }
    Ok(Orchestrator::open(database).await?)
}

/// How many of the newest tasks are searched for a part of an id.
const SEARCHED: usize = 10_000;

/// The task that a word means: an id, a part of one, or `last`.
pub async fn find(orchestrator: &Orchestrator, word: &str) -> Result<TaskId, Failure> {
    if let Ok(id) = word.parse::<TaskId>() {
        orchestrator.engine().get(id).await?;
        return Ok(id);
    }
    if word == "last" {
        let query = ListQuery {
            roots_only: true,
            limit: 1,
            ..ListQuery::default()
        };
        let newest = orchestrator.engine().list(query).await?.items;
        return newest
            .first()
            .map(|t| t.id)
            .ok_or_else(|| Failure::usage("nothing has run here yet"));
    }
    if word.len() < 4 || !word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::usage(format!(
            "`{word}` names no task; use an id, at least four characters of one, or `last`"
        )));
    }
    let wanted = word.to_lowercase();
    let mut found: Vec<Task> = Vec::new();
    let mut cursor = None;
    for _ in 0..SEARCHED / 500 {
        let query = ListQuery {
            limit: 500,
            cursor,
            ..ListQuery::default()
        };
        let page = orchestrator.engine().list(query).await?;
        found.extend(page.items.into_iter().filter(|task| {
            let id = task.id.to_string();
            id.starts_with(&wanted) || id.ends_with(&wanted)
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    match found.as_slice() {
        [] => Err(Failure::usage(format!("no task's id begins or ends with `{word}`"))),
        [task] => Ok(task.id),
        [first, second, ..] => Err(Failure::usage(format!(
            "`{word}` could be {} tasks, {} and {} among them; give more of the id",
            found.len(),
            first.id,
            second.id
        ))),
    }
}

/// The open checkpoint that a word means; `last` is the newest one.
pub async fn find_checkpoint(orchestrator: &Orchestrator, word: &str) -> Result<TaskId, Failure> {
    if word != "last" {
        return find(orchestrator, word).await;
    }
    let query = ListQuery {
        states: vec![TaskState::Waiting],
        task_type: Some("checkpoint".to_owned()),
        limit: 1,
        ..ListQuery::default()
    };
    let open = orchestrator.engine().list(query).await?.items;
    open.first()
        .map(|t| t.id)
        .ok_or_else(|| Failure::usage("no checkpoint waits for a decision"))
}
