//! What is to be written, table by table.

use std::collections::BTreeMap;

use orchestrator_protocol::{Json, LimitRule, LogLine, Schedule, ScheduleId, SessionId, Timestamp, Token, TokenId};

use super::{codec::event::Happening, totals::Totals};
use crate::store::{
    AnnouncedType,
    row::{Key, Lane, LaneId, SessionRow, TaskRow},
};

/// What is to be written, table by table, in an order in which it can be.
#[derive(Debug, Default)]
pub struct Changes<'c> {
    /// Targets to which every edge goes.
    pub edges_to_gone: Vec<Key>,
    /// Waiters of which every edge goes.
    pub edges_of_gone: Vec<Key>,
    /// New edges, `(target, waiter)`; known ones stay.
    pub edges: Vec<(Key, Key)>,
    /// Where timers must look no more.
    pub due_gone: Vec<(i64, Key)>,
    /// When a timer must look at which task, in microseconds.
    pub due: Vec<(i64, Key)>,
    /// Places of tasks that are ready no more.
    pub ready_gone: Vec<Place>,
    /// Places of tasks that have become ready.
    pub ready: Vec<Place>,
    /// Tasks that run no more.
    pub running_gone: Vec<Key>,
    /// Tasks that have begun to run.
    pub running: Vec<Key>,
    /// Tasks that are kept aside under a state no more.
    pub aside_gone: Vec<(i64, Key)>,
    /// Tasks that are kept aside, under their state.
    pub aside: Vec<(i64, Key)>,
    /// New lanes.
    pub lanes: Vec<(LaneId, &'c Lane)>,
    /// New tasks: what was submitted.
    pub born: Vec<&'c TaskRow>,
    /// Tasks, new ones included, whose place in life changed.
    pub lives: Vec<&'c TaskRow>,
    /// Tasks whose result is kept apart and changed.
    pub results: Vec<&'c TaskRow>,
    /// Tasks of which what they gave, or why they failed last, changed, wherever it is kept.
    pub outcomes: Vec<&'c TaskRow>,
    /// New events.
    pub events: Vec<Happening>,
    /// New steps.
    pub steps: Vec<(Key, String, Json)>,
    /// New lines.
    pub logs: Vec<(Key, LogLine)>,
    /// The numbers that were given out.
    pub numbers: Numbers,
    /// Counts to be added.
    pub totals: Totals,
    /// Starts to be added.
    pub starts: Vec<(LaneId, Timestamp, u32)>,
    /// Spent tokens to be added.
    pub tokens: Vec<((LaneId, Timestamp), u64)>,
    /// Sessions, new or changed.
    pub sessions: Vec<&'c SessionRow>,
    /// Sessions that have ended.
    pub sessions_gone: Vec<SessionId>,
    /// What people set.
    pub settings: Settings,
}

/// Where a task stands that is ready: its lane, its rank there, and itself.
pub type Place = (LaneId, i64, Key);

/// Where the numbers stand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    /// Of tasks.
    pub keys: Counted,
    /// Of leases.
    pub leases: Counted,
    /// Of events and lines.
    pub seqs: Counted,
}

/// Where one kind of number stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// The number that is given out next.
    pub next: i64,
    /// The number below which all may have been given out, if that changed: it must be on the disk before they are told.
    pub reserved: Option<i64>,
}

/// What people set, new or changed, or removed; and what workers said of types of tasks.
#[derive(Debug, Default)]
pub struct Settings {
    /// Schedules.
    pub schedules: Vec<Schedule>,
    /// Schedules that are removed.
    pub schedules_gone: Vec<ScheduleId>,
    /// The rule of a limit key; none: removed.
    pub limits: Vec<(String, Option<LimitRule>)>,
    /// Whether a queue is paused.
    pub queues: Vec<(String, bool)>,
    /// Tokens and the digests of their secrets.
    pub tokens: Vec<(Token, [u8; 32])>,
    /// Tokens that are revoked.
    pub tokens_gone: Vec<TokenId>,
    /// What workers said of types of tasks, by their names.
    pub task_types: BTreeMap<String, AnnouncedType>,
}

impl Changes<'_> {
    /// Whether there is nothing. What is ready or runs changes with lives only.
    pub fn is_empty(&self) -> bool {
        let edges = self.edges.is_empty() && self.edges_to_gone.is_empty() && self.edges_of_gone.is_empty();
        let marks = [&self.due_gone, &self.due, &self.aside_gone, &self.aside];
        let tasks = self.born.is_empty() && self.lives.is_empty() && self.results.is_empty();
        let history = self.events.is_empty() && self.steps.is_empty() && self.logs.is_empty();
        let workers = self.sessions.is_empty() && self.sessions_gone.is_empty() && self.lanes.is_empty();
        let Numbers { keys, leases, seqs } = self.numbers;
        let reserved = [keys, leases, seqs].iter().any(|counted| counted.reserved.is_some());
        let counts = self.starts.is_empty() && self.tokens.is_empty() && self.totals.is_empty() && !reserved;
        edges && marks.iter().all(|m| m.is_empty()) && tasks && history && workers && counts && self.settings.is_empty()
    }
}

impl Settings {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        let schedules = self.schedules.is_empty() && self.schedules_gone.is_empty();
        let tokens = self.tokens.is_empty() && self.tokens_gone.is_empty();
        schedules && tokens && self.limits.is_empty() && self.queues.is_empty() && self.task_types.is_empty()
    }
}
