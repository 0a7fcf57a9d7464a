//! The writer's transaction: reads through the cache, writes gathered until they must be seen.

mod port;
mod settings;
mod write;

use orchestrator_protocol::{SideEffects, TaskState};
use sqlx::sqlite::SqliteRow;

use super::{
    cache::Cache,
    codec::{self, column, life, task},
    line::{Line, Trips},
    mirror::Mirror,
    pending::Pending,
    sql::{Args, Script},
};
use crate::store::{
    error::StoreError,
    row::{Key, TaskRow},
};

/// A transaction that the writer has begun.
pub(super) struct SqliteTx<'w> {
    pub(super) line: Line<'w>,
    cache: &'w mut Cache,
    pub(super) mirror: &'w mut Mirror,
    pub(super) pending: Pending,
    must_sync: bool,
    ended: Vec<Key>,
}

impl<'w> SqliteTx<'w> {
    pub(super) fn new(line: Line<'w>, cache: &'w mut Cache, mirror: &'w mut Mirror) -> Self {
        Self {
            line,
            cache,
            mirror,
            pending: Pending::default(),
            must_sync: false,
            ended: Vec::new(),
        }
    }

    /// What is left to be sent, the commit at its end; and whether something was done that must not be lost even with
    /// the power.
    pub(super) fn finish(mut self) -> (Trips, bool) {
        let mut script = self.written();
        script.push("commit");
        let trips = self.line.trips(script);
        for key in self.ended.drain(..) {
            self.cache.remove(key);
        }
        self.cache.age();
        (trips, self.must_sync)
    }

    /// Runs a query that sees every write of the transaction, in one trip with what is not written yet.
    pub(super) async fn see(&mut self, sql: &str, bind: impl FnOnce(&mut Args)) -> Result<Vec<SqliteRow>, StoreError> {
        let mut script = self.written();
        bind(script.push(sql));
        self.line.run(script).await
    }

    /// Runs a query that gives keys, and loads their tasks in that order.
    async fn see_tasks(&mut self, sql: &str, bind: impl FnOnce(&mut Args)) -> Result<Vec<TaskRow>, StoreError> {
        let rows = self.see(sql, bind).await?;
        let keys: Vec<Key> = rows
            .iter()
            .map(|row| column(row, 0).map(Key))
            .collect::<Result<_, _>>()?;
        self.by_key(&keys).await
    }

    /// Reads tasks that are not in the cache into it: those have nothing unwritten.
    async fn load(&mut self, condition: &str, list: String) -> Result<(), StoreError> {
        let mut script = Script::default();
        script
            .push(&format!("{}where {condition}", codec::task::SELECT))
            .text(list);
        for row in &self.line.run(script).await? {
            self.cache.insert(codec::task::decode(row)?, false);
        }
        Ok(())
    }

    /// Tasks by key, in that order.
    async fn by_key(&mut self, keys: &[Key]) -> Result<Vec<TaskRow>, StoreError> {
        let missing = keys.iter().filter(|key| self.cache.peek(**key).is_none());
        let missing = super::sql::numbers(missing.map(|key| key.0));
        if missing != "[]" {
            self.load("t.key in (select value from json_each(?))", missing).await?;
        }
        let cache = &mut *self.cache;
        Ok(keys
            .iter()
            .filter_map(|key| cache.get(*key).map(|entry| entry.row.clone()))
            .collect())
    }

    /// Takes a new task in.
    fn bear(&mut self, row: TaskRow) {
        self.pending.totals.born(&row);
        self.pending.due.change(row.key, None, life::due(&row));
        self.pending.aside.change(row.key, None, life::aside(&row));
        self.pending.tasks.push(row.key);
        self.mirror.heads.change(None, &row);
        self.cache.insert(row, true);
    }

    /// Takes the changes of a task in.
    fn change(&mut self, row: TaskRow) -> Result<(), StoreError> {
        let Some(entry) = self.cache.get(row.key) else {
            let message = format!("a defect of the orchestrator: task {} is changed unread", row.id);
            return Err(StoreError::Unavailable(message));
        };
        let old = &entry.row;
        self.pending.totals.changed(old, &row);
        self.mirror.heads.change(Some(old), &row);
        self.pending.due.change(row.key, life::due(old), life::due(&row));
        self.pending.aside.change(row.key, life::aside(old), life::aside(&row));
        if row.state == TaskState::Running && row.lease != old.lease {
            self.pending.starts.granted(&row);
            self.must_sync |= row.spec.side_effects == SideEffects::Once;
        }
        let same_output = match (&old.output, &row.output) {
            (Some(old), Some(new)) => old.get() == new.get(),
            (old, new) => old.is_none() && new.is_none(),
        };
        if !entry.unwritten.any() {
            self.pending.tasks.push(row.key);
        }
        entry.unwritten.life = true;
        let in_result = task::has_result(old) || task::has_result(&row);
        entry.unwritten.result |= in_result && (!same_output || old.error != row.error);
        entry.row = row;
        Ok(())
    }

    /// Forgets tasks that are no longer there, and everything that may hang on them.
    pub(super) fn forget(&mut self, keys: impl Iterator<Item = Key>) {
        for key in keys {
            self.cache.remove(key);
        }
    }
}
