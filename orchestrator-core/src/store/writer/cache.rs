//! Tasks that the writer has seen lately, so that claims and reports rarely read them again.
//!
//! Only the writer changes tasks, so what it remembers stays true until another process writes or a transaction is
//! rolled back; then everything is forgotten.

use std::{collections::HashSet, sync::Arc};

use orchestrator_protocol::{Json, TaskId};
use rustc_hash::FxHashMap as HashMap;

use super::codec::task;
use crate::store::row::{Key, TaskRow};

/// How many tasks one of the two generations holds: some ten megabytes.
const GENERATION: usize = 16_384;

/// How many bytes of inputs and outputs one of the two generations holds.
const GENERATION_BYTES: usize = 16 << 20;

/// A task that is remembered.
pub(super) struct Entry {
    /// The task, with every change of this transaction.
    pub(super) row: Arc<TaskRow>,
    /// What of it is not written yet.
    pub(super) unwritten: Unwritten,
    /// The names of all its steps, if they are known.
    pub(super) steps: Option<HashSet<String>>,
}

/// What is to be written of what a task gave, or why it failed last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    /// Nothing.
    #[default]
    Written,
    /// What is kept with its life where life has a column for it.
    Small,
    /// What is kept apart everywhere.
    Apart,
}

impl Outcome {
    /// What is to be written when one task became another.
    pub(super) fn of(old: Option<&TaskRow>, new: &TaskRow) -> Self {
        let is_same = match (old.and_then(|row| row.output.as_ref()), &new.output) {
            (Some(old), Some(new)) => old.get() == new.get(),
            (old, new) => old.is_none() && new.is_none(),
        };
        let error = old.and_then(|row| row.error.as_ref());
        if is_same && error == new.error.as_ref() {
            Self::Written
        } else if task::has_result(new) || old.is_some_and(task::has_result) {
            Self::Apart
        } else {
            Self::Small
        }
    }
}

/// What of a task is not written yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Unwritten {
    /// All of it: it is new.
    pub(super) task: bool,
    /// Where it is in its life.
    pub(super) life: bool,
    /// What it gave.
    pub(super) outcome: Outcome,
}

impl Unwritten {
    /// Whether there is anything.
    pub(super) fn any(self) -> bool {
        self.task || self.life || self.outcome != Outcome::Written
    }
}

/// Two generations: what is used moves into the young one; when that is full it becomes the old one, and what was old
/// is forgotten. As good as forgetting the least recently used, without a list to keep.
#[derive(Default)]
pub(super) struct Cache {
    young: HashMap<Key, Entry>,
    old: HashMap<Key, Entry>,
    ids: HashMap<TaskId, Key>,
    young_bytes: usize,
}

fn bytes(row: &TaskRow) -> usize {
    row.spec.input.get().len() + row.output.as_ref().map_or(0, |o: &Json| o.get().len())
}

impl Cache {
    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A task by key.
    pub(super) fn get(&mut self, key: Key) -> Option<&mut Entry> {
        if !self.young.contains_key(&key) {
            let entry = self.old.remove(&key)?;
            self.young_bytes += bytes(&entry.row);
            self.young.insert(key, entry);
        }
        self.young.get_mut(&key)
    }

    /// A task that is in use already.
    pub(super) fn peek(&self, key: Key) -> Option<&Entry> {
        self.young.get(&key).or_else(|| self.old.get(&key))
    }

    /// Those of these tasks that are not remembered.
    pub(super) fn unknown(&self, keys: &[Key]) -> Vec<Key> {
        let unknown = keys.iter().filter(|key| self.peek(**key).is_none());
        unknown.copied().collect()
    }

    /// The key of a task, if it is remembered.
    pub(super) fn key(&self, id: TaskId) -> Option<Key> {
        self.ids.get(&id).copied()
    }

    /// Remembers a task, unless it is remembered already.
    pub(super) fn insert(&mut self, row: Arc<TaskRow>, new: bool) {
        if self.get(row.key).is_some() {
            return;
        }
        self.ids.insert(row.id, row.key);
        self.young_bytes += bytes(&row);
        let entry = Entry {
            steps: (!row.has_history).then(HashSet::new),
            unwritten: Unwritten {
                task: new,
                life: new,
                outcome: if new { Outcome::of(None, &row) } else { Outcome::Written },
            },
            row,
        };
        self.young.insert(entry.row.key, entry);
    }

    /// Remembers tasks that were read.
    pub(super) fn learn(&mut self, rows: Vec<TaskRow>) {
        for row in rows {
            self.insert(Arc::new(row), false);
        }
    }

    /// Forgets a task.
    pub(super) fn remove(&mut self, key: Key) {
        let young = self.young.remove(&key);
        if let Some(entry) = &young {
            self.young_bytes = self.young_bytes.saturating_sub(bytes(&entry.row));
        }
        if let Some(entry) = young.or_else(|| self.old.remove(&key)) {
            self.ids.remove(&entry.row.id);
        }
    }

    /// Forgets what was not used for long. Everything must have been written.
    pub(super) fn age(&mut self) {
        if self.young.len() <= GENERATION && self.young_bytes <= GENERATION_BYTES {
            return;
        }
        let forgotten = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
        self.young_bytes = 0;
        for entry in forgotten.into_values() {
            self.ids.remove(&entry.row.id);
        }
    }
}
