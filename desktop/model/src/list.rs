//! The list of tasks: pages of what a server has, kept up to date by events.

use std::collections::BTreeSet;

use orchestrator_protocol::{Event, EventType, Page, Task, TaskId, TaskState, Timestamp, Usd};

use crate::tree;

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

impl Filter {
    /// Whether everything is listed.
    pub fn is_open(&self) -> bool {
        *self
            == Self {
                children: self.children,
                ..Self::default()
            }
    }

    /// Reads what a person types into one field: words to search for, `type:NAME`, `state:NAME` and `label:KEY:VALUE`.
    #[must_use]
    pub fn typed(&self, text: &str) -> Self {
        let mut filter = Self {
            children: self.children,
            states: self.states.clone(),
            ..Self::default()
        };
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            match word.split_once(':') {
                Some(("type", name)) => name.clone_into(&mut filter.task_type),
                Some(("label", pair)) if pair.contains(':') => pair.clone_into(&mut filter.label),
                Some(("state", name)) if name.parse::<TaskState>().is_ok() => {
                    filter.states.extend(name.parse::<TaskState>());
                }
                _ => words.push(word),
            }
        }
        filter.text = words.join(" ");
        filter
    }
}

/// A row: what the list shows of a task, and no more, as there may be very many.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The task.
    pub id: TaskId,
    /// Its agent.
    pub task_type: Box<str>,
    /// How it is called.
    pub name: Box<str>,
    /// Where it is in its life.
    pub state: TaskState,
    /// Its labels: `key:value`.
    pub labels: Box<[Box<str>]>,
    /// How often it was started.
    pub attempt: u32,
    /// From 0 to 1.
    pub progress: Option<f64>,
    /// What its tree has cost.
    pub cost: Usd,
    /// The tokens of its tree.
    pub tokens: u64,
    /// When it was submitted.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it became terminal.
    pub finished_at: Option<Timestamp>,
}

impl From<&Task> for Row {
    fn from(task: &Task) -> Self {
        let line = tree::about(task, 200);
        let name = if line.is_empty() { tree::name(task) } else { line };
        let labels = task.labels.iter().map(|(key, value)| format!("{key}:{value}").into());
        Self {
            id: task.id,
            task_type: task.task_type.as_str().into(),
            name: name.into(),
            state: task.state,
            labels: labels.collect(),
            attempt: task.attempt,
            progress: task.progress,
            cost: task.tree_usage.cost_usd,
            tokens: task.tree_usage.tokens(),
            created_at: task.created_at,
            started_at: task.started_at,
            finished_at: task.finished_at,
        }
    }
}

/// The listed tasks, as far as they have come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct List {
    /// The rows, the newest first: by id, which begins with the time.
    rows: Vec<Row>,
    next_cursor: Option<String>,
    known: bool,
    /// Rows that are chosen for what is done to several.
    chosen: BTreeSet<TaskId>,
    /// Whether events have told of tasks that are not here.
    stale: bool,
}

impl List {
    /// The rows, the newest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Whether a first page has come.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Where the next page starts; none when all is here.
    pub fn next_cursor(&self) -> Option<&str> {
        self.next_cursor.as_deref()
    }

    /// The first page has come, again or for the first time. `filter` is what it was asked for with.
    pub fn first(&mut self, page: &Page<Task>) {
        self.stale = false;
        if !self.known {
            self.known = true;
            self.next_cursor.clone_from(&page.next_cursor);
        } else if let (Some(last), true) = (page.items.last(), page.next_cursor.is_some()) {
            // So much came at once that there is a gap between this page and what is known: begin anew.
            if self.rows.first().is_some_and(|first| first.id < last.id) {
                self.rows.clear();
                self.next_cursor.clone_from(&page.next_cursor);
            }
        }
        self.put(page);
    }

    /// Another page has come.
    pub fn more(&mut self, page: &Page<Task>) {
        self.next_cursor.clone_from(&page.next_cursor);
        self.put(page);
    }

    fn put(&mut self, page: &Page<Task>) {
        for task in &page.items {
            let row = Row::from(task);
            match self.find(task.id) {
                Ok(place) => self.rows[place] = row,
                Err(place) => self.rows.insert(place, row),
            }
        }
    }

    fn find(&self, id: TaskId) -> Result<usize, usize> {
        self.rows.binary_search_by(|row| id.cmp(&row.id))
    }

    /// Where a task is.
    pub fn place(&self, id: TaskId) -> Option<usize> {
        self.find(id).ok()
    }

    /// Something happened. What no longer belongs here goes; what may now belong here makes the list old.
    pub fn happen(&mut self, event: &Event, filter: &Filter) {
        let Some(id) = event.task_id else { return };
        match event.kind {
            EventType::TaskCreated => self.stale |= filter.children || event.body.parent_id.is_none(),
            EventType::TaskState => {
                let Some(state) = event.body.state else { return };
                let belongs = filter.states.is_empty() || filter.states.contains(&state);
                let Some(place) = self.place(id) else {
                    self.stale |= belongs && !filter.states.is_empty();
                    return;
                };
                if !belongs {
                    self.rows.remove(place);
                    self.chosen.remove(&id);
                    return;
                }
                let row = &mut self.rows[place];
                row.state = state;
                row.attempt = event.body.attempt.unwrap_or(row.attempt);
                if state == TaskState::Running {
                    row.started_at = row.started_at.or(Some(event.at));
                }
                row.finished_at = state.is_terminal().then_some(event.at);
            }
            EventType::TaskProgress => {
                if let Some(place) = self.place(id) {
                    self.rows[place].progress = event.body.progress;
                }
            }
            EventType::TaskUsage => {
                if let (Some(place), Some(usage)) = (self.place(id), &event.body.usage) {
                    let row = &mut self.rows[place];
                    row.cost = row.cost + usage.cost_usd;
                    row.tokens = row.tokens.saturating_add(usage.tokens());
                }
            }
            _ => {}
        }
    }

    /// Whether the first page should be asked for again; it counts as asked for.
    pub fn take_stale(&mut self) -> bool {
        std::mem::take(&mut self.stale)
    }

    /// Chooses a row, or no more.
    pub fn choose(&mut self, id: TaskId) {
        if !self.chosen.remove(&id) {
            self.chosen.insert(id);
        }
    }

    /// Chooses every row that is here, or none.
    pub fn choose_all(&mut self, all: bool) {
        self.chosen = if all {
            self.rows.iter().map(|row| row.id).collect()
        } else {
            BTreeSet::new()
        };
    }

    /// Whether a row is chosen.
    pub fn is_chosen(&self, id: TaskId) -> bool {
        self.chosen.contains(&id)
    }

    /// How many rows are chosen.
    pub fn chosen(&self) -> usize {
        self.chosen.len()
    }

    /// The chosen tasks that can be cancelled: what has not ended.
    pub fn to_cancel(&self) -> Vec<TaskId> {
        self.of_chosen(|state| !state.is_terminal())
    }

    /// The chosen tasks that can be run again.
    pub fn to_retry(&self) -> Vec<TaskId> {
        self.of_chosen(|state| {
            matches!(
                state,
                TaskState::Failed | TaskState::Cancelled | TaskState::NeedsAttention
            )
        })
    }

    fn of_chosen(&self, may: impl Fn(TaskState) -> bool) -> Vec<TaskId> {
        let chosen = self.rows.iter().filter(|row| self.chosen.contains(&row.id));
        chosen.filter(|row| may(row.state)).map(|row| row.id).collect()
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::EventBody;

    use super::*;
    use crate::testing::{event, id, state, task};

    fn page(numbers: &[u64], more: bool) -> Page<Task> {
        Page {
            items: numbers.iter().map(|n| task(*n, None, TaskState::Ready)).collect(),
            next_cursor: more.then(|| "next".to_owned()),
        }
    }

    fn ids(list: &List) -> Vec<TaskId> {
        list.rows().iter().map(|row| row.id).collect()
    }

    #[test]
    fn pages_come_together_whatever_comes_meanwhile() {
        let mut list = List::default();
        list.first(&page(&[9, 8, 7], true));
        list.happen(
            &event(1, 0.0, EventType::TaskCreated, 10, EventBody::default()),
            &Filter::default(),
        );
        assert!(list.take_stale() && !list.take_stale());
        list.first(&page(&[11, 10, 9], true));
        list.more(&page(&[7, 6, 5], false));
        assert_eq!(ids(&list), [11, 10, 9, 8, 7, 6, 5].map(id));
        assert_eq!(list.next_cursor(), None);
    }

    #[test]
    fn a_gap_begins_the_list_anew() {
        let mut list = List::default();
        list.first(&page(&[3, 2, 1], true));
        list.first(&page(&[9, 8, 7], true));
        assert_eq!(
            (ids(&list), list.next_cursor()),
            ([9, 8, 7].map(id).to_vec(), Some("next"))
        );
    }

    #[test]
    fn a_filter_holds_for_what_happens() {
        let filter = Filter {
            states: vec![TaskState::Ready],
            ..Filter::default()
        };
        let mut list = List::default();
        list.first(&page(&[3, 2, 1], false));
        list.choose(id(2));
        list.happen(&state(1, 1.0, 2, TaskState::Running, 1), &filter);
        assert_eq!((ids(&list), list.chosen()), ([3, 1].map(id).to_vec(), 0));
        assert!(!list.take_stale());
        list.happen(&state(2, 1.0, 8, TaskState::Ready, 1), &filter);
        assert!(list.take_stale());
        list.happen(&state(3, 2.0, 3, TaskState::Failed, 1), &Filter::default());
        assert_eq!(list.rows()[0].state, TaskState::Failed);
    }

    #[test]
    fn what_can_be_done_to_the_chosen() {
        let mut list = List::default();
        list.first(&page(&[3, 2, 1], false));
        list.happen(&state(1, 1.0, 2, TaskState::Failed, 1), &Filter::default());
        list.choose_all(true);
        assert_eq!(
            (list.to_cancel(), list.to_retry()),
            ([3, 1].map(id).to_vec(), vec![id(2)])
        );
        list.choose_all(false);
        assert_eq!((list.chosen(), list.to_cancel()), (0, Vec::new()));
    }

    #[test]
    fn one_field_says_it_all() {
        let filter = Filter::default().typed(" fix type:bug_fix  the label:team:core bug state:failed state:odd ");
        assert_eq!(
            (&*filter.text, &*filter.task_type, &*filter.label),
            ("fix the bug state:odd", "bug_fix", "team:core")
        );
        assert_eq!(filter.states, [TaskState::Failed]);
        assert!(Filter::default().typed(" ").is_open());
    }

    #[test]
    fn a_hundred_thousand_rows() {
        let mut list = List::default();
        for chunk in 0..200_u64 {
            let numbers: Vec<u64> = (0..500).map(|n| 200_000 - chunk * 500 - n).collect();
            list.more(&page(&numbers, true));
        }
        for n in 0..10_000 {
            list.happen(&state(n, 1.0, 150_000, TaskState::Running, 1), &Filter::default());
        }
        assert_eq!((list.rows().len(), list.place(id(150_000))), (100_000, Some(50_000)));
    }
}
