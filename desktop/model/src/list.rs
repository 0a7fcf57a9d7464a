//! The list of tasks.

use orchestrator_protocol::{Event, EventType, Page, Task, TaskId, TaskState};

/// Which tasks are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In one of these states; empty means any.
    pub states: Vec<TaskState>,
    /// Of this type; empty means any.
    pub task_type: String,
    /// With this label, as `key:value`; empty means any.
    pub label: String,
    /// With this text in the description; empty means any.
    pub text: String,
    /// With children too, and not only what has no parent.
    pub children: bool,
}

/// The listed tasks, as far as they have come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    /// The rows, the newest first.
    pub rows: Vec<Task>,
    /// Where the next page starts; none when all is here.
    pub next_cursor: Option<String>,
    /// Whether a first page has come.
    pub known: bool,
}

impl List {
    /// The first page has come, again or for the first time.
    pub fn first(&mut self, page: Page<Task>) {
        if !self.known {
            self.next_cursor = page.next_cursor;
            self.rows = page.items;
            self.known = true;
            return;
        }
        for task in page.items.into_iter().rev() {
            match self.place(task.id) {
                Some(place) => self.rows[place] = task,
                None => self.rows.insert(0, task),
            }
        }
    }

    /// Another page has come.
    pub fn more(&mut self, page: Page<Task>) {
        self.next_cursor = page.next_cursor;
        self.rows.extend(page.items);
    }

    /// Something happened. Says whether the first page should be asked for again.
    pub fn happen(&mut self, event: &Event) -> bool {
        match (event.kind, event.task_id) {
            (EventType::TaskCreated, _) => true,
            (EventType::TaskState, Some(id)) => {
                if let (Some(place), Some(state)) = (self.place(id), event.body.state) {
                    self.rows[place].state = state;
                }
                false
            }
            _ => false,
        }
    }

    /// Where a task is.
    pub fn place(&self, id: TaskId) -> Option<usize> {
        self.rows.iter().position(|task| task.id == id)
    }
}
