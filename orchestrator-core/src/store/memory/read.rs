//! Reading the shelf.

use std::collections::HashSet;

use orchestrator_protocol::{Edge, Event, LogLine, Page, Stats, Task, TaskId, TaskState, Timestamp, Tree};

use super::shelf::Shelf;
use crate::{
    domain::{
        limit::START_WINDOW,
        throughput::{self, COUNTED},
    },
    store::{
        EventQuery, EventScope, Facts, History, LimitUse, ListQuery, LogQuery, SessionView, StepRecord, StoreError,
        row::{self, Hold, Key, LaneId, TaskRow},
    },
};

/// Whose events.
enum Scope {
    All,
    Task(Key),
    Root(Key),
    Below(HashSet<Key>),
}

impl Shelf {
    fn known(&self, id: TaskId) -> Result<&TaskRow, StoreError> {
        self.by_id(id).ok_or(StoreError::TaskNotFound(id))
    }

    pub(super) fn list(&self, query: &ListQuery) -> Result<Page<Task>, StoreError> {
        let limit = query.page_size()?;
        let before = query
            .before()?
            .map_or(self.tasks.len(), |key| usize::try_from(key.0).unwrap_or(0));
        let mut rows = self.tasks[..before.min(self.tasks.len())]
            .iter()
            .rev()
            .flatten()
            .filter(|r| query.matches(r));
        let items: Vec<&TaskRow> = rows.by_ref().take(limit).map(|row| &**row).collect();
        let next_cursor = if rows.next().is_some() {
            items.last().map(|row| row.key.0.to_string())
        } else {
            None
        };
        Ok(Page {
            items: items.into_iter().map(TaskRow::to_task).collect(),
            next_cursor,
        })
    }

    pub(super) fn tree(&self, id: TaskId) -> Result<Tree, StoreError> {
        let top = self.known(id)?;
        let mut keys = vec![top.key];
        keys.extend(self.below(top.key));
        let tasks: Vec<Task> = keys
            .iter()
            .filter_map(|key| self.row(*key))
            .map(TaskRow::to_task)
            .collect();
        let here: HashSet<TaskId> = tasks.iter().map(|task| task.id).collect();
        let edges = tasks
            .iter()
            .flat_map(|task| {
                task.depends_on.iter().map(|from| Edge {
                    from: *from,
                    to: task.id,
                })
            })
            .filter(|edge| here.contains(&edge.from))
            .collect();
        Ok(Tree { tasks, edges })
    }

    pub(super) fn events(&self, query: &EventQuery) -> Result<Vec<Event>, StoreError> {
        let scope = match query.scope {
            EventScope::All => Scope::All,
            EventScope::Task(id) => Scope::Task(self.known(id)?.key),
            EventScope::Tree(id) => match self.known(id)? {
                // Whoever watches a tree asks often: what that costs must not grow with the tree.
                root if root.parent.is_none() => Scope::Root(root.key),
                top => Scope::Below(self.below(top.key).into_iter().chain([top.key]).collect()),
            },
        };
        let concerned = |key: Key| match &scope {
            Scope::All => true,
            Scope::Task(task) => *task == key,
            Scope::Root(root) => self.row(key).is_some_and(|row| row.root == *root),
            Scope::Below(keys) => keys.contains(&key),
        };
        let first = self.events.partition_point(|e| e.seq <= query.after);
        let limit = if query.limit == 0 { 1000 } else { query.limit };
        let events = self
            .events
            .iter()
            .skip(first)
            .filter(|e| concerned(e.key))
            .filter(|e| query.types.is_empty() || query.types.contains(&e.kind))
            .take(limit);
        Ok(events.filter_map(|e| Some(e.event(self.row(e.key)?))).collect())
    }

    pub(super) fn logs(&self, query: &LogQuery) -> Result<Vec<LogLine>, StoreError> {
        let key = self.known(query.task)?.key;
        let Some(lines) = self.logs.get(&key) else {
            return Ok(Vec::new());
        };
        let first = lines.partition_point(|line| line.seq <= query.after);
        let limit = if query.limit == 0 { 1000 } else { query.limit };
        Ok(lines[first..].iter().take(limit).cloned().collect())
    }

    pub(super) fn history(&self, id: TaskId) -> Result<History, StoreError> {
        let row = self.known(id)?;
        let steps = self.steps.get(&row.key).into_iter().flatten();
        let children = self
            .children_of(row.key)
            .filter(|child| child.step.is_some() && !row.outlived(child));
        Ok(History {
            steps: steps
                .map(|(name, output)| StepRecord {
                    name: name.clone(),
                    output: output.clone(),
                })
                .collect(),
            children: children.map(TaskRow::to_settled).collect(),
        })
    }

    pub(super) fn facts(&self, id: TaskId, now: Timestamp) -> Option<Facts> {
        let row = self.by_id(id)?;
        let targets = self.targets.get(&row.key);
        let waits_for = targets
            .into_iter()
            .flatten()
            .filter_map(|key| self.row(*key))
            .take(20)
            .map(|t| {
                (
                    t.id,
                    t.step.clone().unwrap_or_else(|| t.spec.task_type.clone()),
                    t.state,
                )
            })
            .collect();
        let running = |key: &str| {
            let held = self.leased.values().flatten().filter_map(|k| self.row(*k));
            held.filter(|r| r.spec.limits.iter().any(|l| l == key)).count() as u32
        };
        let since = now.minus(START_WINDOW);
        let limits = row.spec.limits.iter().filter_map(|key| {
            let rule = self.limits.get(key)?;
            let under = |lane: LaneId| self.lanes[lane.0 as usize].limits.contains(key);
            let started = self.starts.iter().filter(|(at, lane)| *at > since && under(*lane));
            let spent = self
                .tokens_spent
                .iter()
                .filter(|(at, lane, _)| *at > since && under(*lane));
            Some(LimitUse {
                key: key.clone(),
                rule: rule.clone(),
                running: running(key),
                started: started.count() as u32,
                tokens: spent.map(|(.., n)| n).sum(),
            })
        });
        let ahead = self
            .ready
            .get(&row.lane)
            .map_or(0, |lane| lane.range(..(row.rank, row.key)).take(1000).count());
        Some(Facts {
            task: row.to_task(),
            held: row.held,
            wake_at: row.wake_at,
            waits_for,
            waits_for_count: targets.map_or(0, std::collections::BTreeSet::len),
            group_size: if row.queued {
                row.group.as_ref().map(|g| g.size)
            } else {
                None
            },
            queue_paused: self.paused.contains(&row.spec.queue),
            ready_at: row.ready_at(),
            kept_by: row.kept_by(),
            limits: limits.collect(),
            sessions: self.session_views(),
            ahead: if row.state == TaskState::Ready { ahead } else { 0 },
            spent_by: if row.held == Some(Hold::Budget) {
                self.spender(row)
            } else {
                None
            },
        })
    }

    fn spender(&self, row: &TaskRow) -> Option<TaskId> {
        let mut at = Some(row);
        while let Some(here) = at {
            if here
                .spec
                .budget
                .as_ref()
                .is_some_and(|b| crate::domain::budget::is_spent(b, &here.tree_usage))
            {
                return Some(here.id);
            }
            at = here.parent.and_then(|key| self.row(key));
        }
        None
    }

    pub(super) fn session_views(&self) -> Vec<SessionView> {
        let running = |s: &row::SessionRow| self.leased.get(&s.id).map_or(0, |held| held.len() as u32);
        let sessions = self.sessions.values();
        sessions.map(|s| SessionView::new(s.clone(), running(s))).collect()
    }

    pub(super) fn stats(&self, now: Timestamp) -> Stats {
        let lines = self.ready.values().filter_map(|line| {
            let next = self.row(line.first()?.1)?;
            let ready = COUNTED.min(line.len() as u64);
            Some((next.spec.task_type.clone(), ready, next.created_at))
        });
        let queues = throughput::queues(lines, now);
        let told = throughput::minute(now.minus(throughput::TOLD));
        let minutes = self.minutes.range(told + 1..);
        let minutes = minutes.map(|(minute, tally)| tally.in_minute(throughput::beginning(*minute)));
        Stats {
            by_state: self.counts.clone(),
            oldest_ready_s: queues.first().map(|queue| queue.oldest_s),
            usage: self.spent.clone(),
            throughput: throughput::throughput(minutes.collect(), now),
            queues,
        }
    }
}
