//! What lists are asked for.

use orchestrator_protocol::{EventType, Page, Seq, TaskId, TaskState, WorkerId};

use super::ClientError;

/// Which tasks to list, the newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TaskQuery {
    /// In one of these states; empty means any.
    pub states: Vec<TaskState>,
    /// Of this type.
    pub task_type: Option<String>,
    /// In the tree of this task.
    pub root_id: Option<TaskId>,
    /// Directly below this task.
    pub parent_id: Option<TaskId>,
    /// Run by this worker, now or last.
    pub worker_id: Option<WorkerId>,
    /// With this label.
    pub label: Option<(String, String)>,
    /// With this text in the description, whatever its case.
    pub text: Option<String>,
    /// Without a parent.
    pub roots_only: bool,
    /// How many, 1 to 500; none means 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Which part of a task's history to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistoryQuery {
    /// After this place.
    pub after: Seq,
    /// With that of everything below the task; events only.
    pub tree: bool,
    /// Of these types; empty means all. Events only.
    pub types: Vec<EventType>,
    /// How many, 1 to 500; none means 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; goes before `after`.
    pub cursor: Option<String>,
}

/// Which page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageQuery {
    /// How many, 1 to 500; none means 50.
    pub limit: Option<u32>,
    /// `next_cursor` of the page before; none for the first.
    pub cursor: Option<String>,
}

type Pairs = Vec<(String, String)>;

fn add(pairs: &mut Pairs, name: &str, value: Option<impl ToString>) {
    pairs.extend(value.map(|value| (name.to_owned(), value.to_string())));
}

impl TaskQuery {
    pub(super) fn pairs(&self) -> Pairs {
        let states: Vec<&str> = self.states.iter().map(|state| state.as_str()).collect();
        let mut pairs = Vec::new();
        add(&mut pairs, "state", (!states.is_empty()).then(|| states.join(",")));
        add(&mut pairs, "task_type", self.task_type.as_ref());
        add(&mut pairs, "root_id", self.root_id);
        add(&mut pairs, "parent_id", self.parent_id);
        add(&mut pairs, "worker_id", self.worker_id);
        let label = self.label.as_ref().map(|(key, value)| format!("{key}:{value}"));
        add(&mut pairs, "label", label);
        add(&mut pairs, "q", self.text.as_ref());
        add(&mut pairs, "roots_only", self.roots_only.then_some(true));
        add(&mut pairs, "limit", self.limit);
        add(&mut pairs, "cursor", self.cursor.as_ref());
        pairs
    }
}

impl HistoryQuery {
    pub(super) fn pairs(&self) -> Pairs {
        let types: Vec<&str> = self.types.iter().map(|kind| kind.as_str()).collect();
        let mut pairs = Vec::new();
        add(&mut pairs, "after", Some(self.after));
        add(&mut pairs, "tree", self.tree.then_some(true));
        add(&mut pairs, "types", (!types.is_empty()).then(|| types.join(",")));
        add(&mut pairs, "limit", self.limit);
        add(&mut pairs, "cursor", self.cursor.as_ref());
        pairs
    }
}

/// All of a list, page by page.
///
/// ```no_run
/// # async fn example(client: orchestrator_client::Client) -> Result<(), orchestrator_client::ClientError> {
/// let workers = orchestrator_client::api::all(async |page| client.workers(page).await).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As the list.
pub async fn all<T>(list: impl AsyncFn(&PageQuery) -> Result<Page<T>, ClientError>) -> Result<Page<T>, ClientError> {
    let mut query = PageQuery {
        limit: Some(500),
        cursor: None,
    };
    let mut all = Page {
        items: Vec::new(),
        next_cursor: None,
    };
    loop {
        let page = list(&query).await?;
        all.items.extend(page.items);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(all);
        }
    }
}

impl PageQuery {
    pub(super) fn pairs(&self) -> Pairs {
        let mut pairs = Vec::new();
        add(&mut pairs, "limit", self.limit);
        add(&mut pairs, "cursor", self.cursor.as_ref());
        pairs
    }
}
