//! Where things are on this machine, which task a word means, and which process runs it.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use orchestrator_core::{
    Config, Orchestrator,
    clock::{Ids, SystemIds},
    domain::placement::RUN,
    protocol::{Page, Task, TaskId, TaskState, Worker, WorkerState},
    service::Engine,
    store::ListQuery,
};
use sha2::{Digest, Sha256};

use crate::exit::Failure;

/// The store that this command works on.
#[derive(Debug, Clone)]
pub struct Place {
    database: String,
}

impl Place {
    /// The store that was named, or the user's own.
    pub fn new(database: Option<String>) -> Result<Self, Failure> {
        let database = database.map_or_else(default_database, Ok)?;
        Ok(Self { database })
    }

    /// The database file, if it is one.
    fn file(&self) -> Option<&Path> {
        let path = self.database.strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// Opens the store to run tasks: its folder is made when it is missing.
    pub async fn open_to_run(&self, config: Config) -> Result<Orchestrator, Failure> {
        let folder = self.file().and_then(Path::parent);
        if let Some(folder) = folder.filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|e| Failure::usage(format!("the folder {} cannot be made: {e}", folder.display())))?;
        }
        Ok(Orchestrator::open_with(&self.database, config).await?)
    }

    /// Opens the store to look at it, or to say a word about a task: it must exist.
    pub async fn open_to_look(&self) -> Result<Orchestrator, Failure> {
        if let Some(path) = self.file()
            && !path.exists()
        {
            return Err(Failure::usage(format!(
                "nothing has run here yet: {} does not exist; begin with `orchestrator run`",
                path.display()
            )));
        }
        Ok(Orchestrator::open(&self.database).await?)
    }
}

fn folder(variable: &str, below_home: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|p| p.is_absolute());
    // One that is empty or relative would be another folder wherever the command is run.
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let base = named.or_else(|| Some(home?.join(below_home)))?;
    Some(base.join("orchestrator"))
}

/// The database that is used when none is named, in the user's data folder.
fn default_database() -> Result<String, Failure> {
    let folder = folder("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
        Failure::usage("there is no home folder to keep tasks in; name a file with --database sqlite:PATH")
    })?;
    Ok(format!("sqlite:{}", folder.join("orchestrator.db").display()))
}

/// The configuration file that is read when none is named.
pub fn config_file() -> Option<PathBuf> {
    Some(folder("XDG_CONFIG_HOME", ".config")?.join("config.toml"))
}

/// The label of one run: its tree is worked on by the process that offers it and by no other that shares the store, which
/// may stand in another folder and know other models. The same for every submission under the same key.
pub fn run_label(key: Option<&str>) -> String {
    let Some(key) = key else {
        return format!("{RUN}{}", SystemIds.uuid().simple());
    };
    let mut label = format!("{RUN}key-");
    for byte in Sha256::digest(key).iter().take(16) {
        let _ = write!(label, "{byte:02x}");
    }
    label
}

/// The label of the run that a task belongs to; none for tasks of programs that do not use them.
pub fn label_of(task: &Task) -> Option<&str> {
    task.requires
        .iter()
        .map(String::as_str)
        .find(|label| label.starts_with(RUN))
}

/// The living worker that a task belongs to.
pub async fn holder(engine: &Engine, task: &Task) -> Result<Option<Worker>, Failure> {
    let mut workers = engine
        .workers()
        .await?
        .into_iter()
        .filter(|w| w.state == WorkerState::Online);
    Ok(match label_of(task) {
        Some(label) => workers.find(|worker| worker.labels.contains(label)),
        None => workers.find(|worker| task.state == TaskState::Running && Some(worker.id) == task.worker_id),
    })
}

/// Between two looks for a process: it may have just begun.
const BEGINNING: Duration = Duration::from_millis(300);

/// Whether a task has not ended and the process that ran it has.
pub async fn is_deserted(engine: &Engine, task: &Task) -> Result<bool, Failure> {
    if label_of(task).is_none() || task.state.is_terminal() || task.state == TaskState::NeedsAttention {
        return Ok(false);
    }
    for look in 0..2 {
        if look > 0 {
            tokio::time::sleep(BEGINNING).await;
        }
        if holder(engine, task).await?.is_some() {
            return Ok(false);
        }
    }
    Ok(!engine.get(task.id).await?.state.is_terminal())
}

/// A terminal state as a participle.
pub fn ended(state: TaskState) -> &'static str {
    match state {
        TaskState::Succeeded => "succeeded",
        TaskState::Cancelled => "been cancelled",
        _ => "failed",
    }
}

/// How many of the newest tasks are searched for a part of an id.
const SEARCHED: usize = 20_000;

/// The shortest part of an id that is worth a search.
const SHORTEST: usize = 4;

/// The task that a word means: an id, the beginning or end of one, or `last`.
pub async fn find(engine: &Engine, word: &str) -> Result<TaskId, Failure> {
    if let Ok(id) = word.parse::<TaskId>() {
        engine.get(id).await?;
        return Ok(id);
    }
    if word == "last" {
        let newest = page(engine, true, 1, None).await?;
        let newest = newest.items.first().map(|t| t.id);
        return newest.ok_or_else(|| Failure::usage("nothing has run here yet"));
    }
    if word.len() < SHORTEST || !word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::usage(format!(
            "`{word}` names no task; use an id, at least {SHORTEST} characters of its beginning or end, or `last`"
        )));
    }
    let wanted = word.to_lowercase();
    // People mostly mean a task that they started, and those are few.
    let mut found = search(engine, &wanted, true).await?;
    if found.is_empty() {
        found = search(engine, &wanted, false).await?;
    }
    match found.as_slice() {
        [] => Err(Failure::usage(format!(
            "no task's id begins or ends with `{word}`; `orchestrator list` shows those there are"
        ))),
        [task] => Ok(*task),
        [first, second, ..] => Err(Failure::usage(format!(
            "`{word}` could be {} tasks, {first} and {second} among them; give more of the id",
            found.len(),
        ))),
    }
}

async fn search(engine: &Engine, wanted: &str, roots_only: bool) -> Result<Vec<TaskId>, Failure> {
    const PAGE: usize = 500;
    let mut found = Vec::new();
    let mut cursor = None;
    for _ in 0..SEARCHED / PAGE {
        let page = page(engine, roots_only, PAGE, cursor).await?;
        found.extend(page.items.into_iter().map(|task| task.id).filter(|id| {
            let id = id.to_string();
            id.starts_with(wanted) || id.ends_with(wanted)
        }));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

async fn page(engine: &Engine, roots_only: bool, limit: usize, cursor: Option<String>) -> Result<Page<Task>, Failure> {
    let query = ListQuery {
        roots_only,
        limit,
        cursor,
        ..ListQuery::default()
    };
    Ok(engine.list(query).await?)
}

/// The open checkpoint that a word means; `last` is the newest one.
pub async fn find_checkpoint(engine: &Engine, word: &str) -> Result<TaskId, Failure> {
    if word != "last" {
        return find(engine, word).await;
    }
    let open = engine.checkpoints(None, 0, None).await?.items;
    let newest = open.first().map(|checkpoint| checkpoint.task.id);
    newest.ok_or_else(|| Failure::usage("no checkpoint waits for a decision"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_always_has_the_same_label() {
        let label = run_label(Some("nightly"));
        assert_eq!(label, run_label(Some("nightly")));
        assert_ne!(label, run_label(Some("weekly")));
        assert_ne!(run_label(None), run_label(None));
        assert!(label.starts_with(RUN) && label.len() < 64, "{label}");
    }

    #[test]
    fn the_file_of_a_url() {
        for (url, file) in [
            ("sqlite:a/b.db", Some("a/b.db")),
            ("sqlite:///a/b.db", Some("/a/b.db")),
            ("memory:", None),
        ] {
            let place = Place::new(Some(url.to_owned())).expect("a place");
            assert_eq!(place.file(), file.map(Path::new), "{url}");
        }
    }
}
