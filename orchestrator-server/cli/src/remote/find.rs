//! Which task a word means, on a server.

use orchestrator_client::{
    Client,
    api::{PageQuery, TaskQuery},
};
use orchestrator_core::protocol::TaskId;

use crate::exit::Failure;

/// The shortest part of an id that is worth a search.
const SHORTEST: usize = 4;

/// How many of the newest tasks are searched for a part of an id.
const SEARCHED: usize = 20_000;

const PAGE: u32 = 500;

/// The task that a word means: an id, the beginning or end of one, or `last`.
pub(super) async fn task(client: &Client, word: &str) -> Result<TaskId, Failure> {
    if let Ok(id) = word.parse::<TaskId>() {
        return Ok(id);
    }
    if word == "last" {
        let query = TaskQuery {
            roots_only: true,
            limit: Some(1),
            ..TaskQuery::default()
        };
        let newest = client.tasks(&query).await?.items;
        let newest = newest.first().map(|task| task.id);
        return newest.ok_or_else(|| Failure::usage("the server has no tasks yet; begin with `orchestrator submit`"));
    }
    if word.len() < SHORTEST || !word.chars().all(|c| c.is_ascii_hexdigit() || c == '-') {
        return Err(Failure::usage(format!(
            "`{word}` names no task; use an id, at least {SHORTEST} characters of its beginning or end, or `last`"
        )));
    }
    let wanted = word.to_lowercase();
    // People mostly mean a task that they started, and those are few.
    for roots_only in [true, false] {
        let found = search(client, &wanted, roots_only).await?;
        match found.as_slice() {
            [] => {}
            [task] => return Ok(*task),
            [first, second, ..] => {
                return Err(Failure::usage(format!(
                    "`{word}` could be {} tasks, {first} and {second} among them; give more of the id",
                    found.len()
                )));
            }
        }
    }
    Err(Failure::usage(format!(
        "no task's id begins or ends with `{word}`; `orchestrator list` shows those there are"
    )))
}

async fn search(client: &Client, wanted: &str, roots_only: bool) -> Result<Vec<TaskId>, Failure> {
    let mut query = TaskQuery {
        roots_only,
        limit: Some(PAGE),
        ..TaskQuery::default()
    };
    let mut found = Vec::new();
    for _ in 0..SEARCHED / PAGE as usize {
        let page = client.tasks(&query).await?;
        found.extend(page.items.into_iter().map(|task| task.id).filter(|id| {
            let id = id.to_string();
            id.starts_with(wanted) || id.ends_with(wanted)
        }));
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            break;
        }
    }
    Ok(found)
}

/// The open checkpoint that a word means; `last` is the newest one.
pub(super) async fn checkpoint(client: &Client, word: &str) -> Result<TaskId, Failure> {
    if word != "last" {
        return task(client, word).await;
    }
    let open = client.checkpoints(None, &PageQuery::default()).await?.items;
    let newest = open.first().map(|checkpoint| checkpoint.task.id);
    newest.ok_or_else(|| Failure::usage("no checkpoint waits for a decision"))
}
