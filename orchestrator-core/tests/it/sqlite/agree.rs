//! The SQLite store and the reference store say the same, whatever is asked of them in whatever order.

use std::{collections::BTreeMap, fmt::Debug, sync::Arc, time::Duration};

use orchestrator_core::{
    clock::{Ids, SystemIds},
    store::{
        ChildSpec, Claim, EventQuery, EventScope, Group, Intervention, ListQuery, LogQuery, OpenSession, Renewal,
        ReportBody, ReportItem, Store, StoreError, Submission, Submit, memory::MemoryStore,
    },
};
use orchestrator_protocol::{
    Budget, ErrorClass, EventType, ExternalResult, Join, Json, LeaseId, LimitRule, NewTask, OnDependencyFailure,
    OverlapPolicy, Schedule, ScheduleId, Seq, SessionId, SideEffects, TaskError, TaskId, TaskState, Timestamp, Timing,
    Usage, Usd,
};

use super::{Place, START};

/// A sequence of numbers that a seed determines.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.roll(from.len() as u64) as usize].clone())
    }
}

/// What was said, without the numbers that a store gives out: those grow, but not by one.
fn said<T: Debug>(answer: T) -> String {
    let mut text = format!("{answer:?}");
    for kind in ["Seq(", "LeaseId(", "Key(", "LaneId("] {
        let mut rest = std::mem::take(&mut text);
        while let Some(at) = rest.find(kind) {
            let (before, after) = rest.split_at(at + kind.len());
            text.push_str(before);
            rest = after
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '-')
                .to_owned();
        }
        text.push_str(&rest);
    }
    text
}

struct Both {
    place: Place,
    memory: MemoryStore,
    sqlite: Arc<dyn Store>,
    dice: Dice,
    now: Timestamp,
    tasks: Vec<TaskId>,
    sessions: Vec<SessionId>,
    /// The leases of both stores, and the number of the next report item.
    held: BTreeMap<TaskId, (LeaseId, LeaseId, u64)>,
    log: Vec<String>,
}

/// Asks both and compares.
macro_rules! ask {
    ($both:ident, $verb:ident($($arg:expr),*)) => {{
        let memory = $both.memory.$verb($($arg.clone()),*).await;
        let sqlite = $both.sqlite.$verb($($arg.clone()),*).await;
        $both.compare(stringify!($verb), &said(($(&$arg,)*)), &memory, &sqlite);
        (memory, sqlite)
    }};
}

impl Both {
    async fn new(seed: u64) -> Self {
        let place = Place::new();
        let sqlite = Arc::new(place.open().await);
        Self {
            place,
            memory: MemoryStore::new(),
            sqlite,
            dice: Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            now: START,
            tasks: Vec::new(),
            sessions: Vec::new(),
            held: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    fn compare<T: Debug>(&mut self, verb: &str, asked: &str, memory: &T, sqlite: &T) {
        let (memory, sqlite) = (said(memory), said(sqlite));
        self.log.push(format!("{verb} {asked} -> {memory}"));
        if memory != sqlite {
            let same = memory.bytes().zip(sqlite.bytes()).take_while(|(a, b)| a == b).count();
            let part = |text: &str| {
                text.chars()
                    .skip(same.saturating_sub(300))
                    .take(600)
                    .collect::<String>()
            };
            let from = self
                .log
                .len()
                .saturating_sub(if std::env::var("LONG").is_ok() { 1000 } else { 6 });
            let log = self.log[from..].join("\n");
            panic!("{log}\n\nmemory: ..{}\n\nsqlite: ..{}", part(&memory), part(&sqlite));
        }
    }

    fn json(&mut self) -> Json {
        Json::parse(format!(r#"{{"n":{}}}"#, self.dice.roll(5))).expect("JSON")
    }

    fn task(&mut self) -> NewTask {
        let types = ["noop", "noop", "build", "external", "checkpoint"];
        let kind = types[self.dice.roll(5) as usize];
        let input = self.json();
        let mut task = NewTask::new(kind, input);
        if self.dice.one_in(4) {
            task.description = format!("Fix ticket {}", self.dice.roll(4));
        }
        task.priority = 1 + self.dice.roll(10) as u8;
        if self.dice.one_in(5) {
            task.parent_id = self.dice.pick(&self.tasks);
        }
        for _ in 0..self.dice.roll(3) {
            task.depends_on.extend(self.dice.pick(&self.tasks).map(Into::into));
        }
        task.join = [Join::All, Join::Any, Join::Quorum(2)][self.dice.roll(3) as usize];
        if self.dice.one_in(3) {
            task.on_dependency_failure = OnDependencyFailure::Continue;
        }
        if self.dice.one_in(6) {
            task.run_at = Some(self.now.plus(Duration::from_secs(self.dice.roll(20))));
        }
        if self.dice.one_in(8) {
            task.deadline = Some(self.now.plus(Duration::from_secs(10 + self.dice.roll(30))));
        }
        if self.dice.one_in(10) {
            task.idempotency_key = Some(format!("key{}", self.dice.roll(5)));
        }
        if self.dice.one_in(4) {
            task.limits = vec![format!("limit{}", self.dice.roll(2))];
        }
        if self.dice.one_in(6) {
            "slow".clone_into(&mut task.queue);
        }
        if self.dice.one_in(8) {
            task.side_effects = SideEffects::Once;
        }
        if self.dice.one_in(8) {
            task.budget = Some(Budget {
                tokens: Some(100),
                cost_usd: None,
            });
        }
        if self.dice.one_in(5) {
            task.labels.insert("team".to_owned(), format!("t{}", self.dice.roll(2)));
        }
        task
    }

    async fn submit(&mut self) {
        let mut tasks = Vec::new();
        for _ in 0..=self.dice.roll(4) {
            tasks.push(Submission {
                id: SystemIds.task(),
                task: Arc::new(self.task()),
            });
        }
        let submit = Submit { tasks, now: self.now };
        let (answer, _) = ask!(self, submit(submit));
        if let Ok(stored) = answer {
            self.tasks.extend(
                stored
                    .value
                    .iter()
                    .filter(|t| t.created)
                    .map(orchestrator_core::store::SubmittedTask::id),
            );
        }
    }

    async fn open_session(&mut self) {
        let session = self.dice.pick(&self.sessions).filter(|_| self.dice.0.is_multiple_of(3));
        let session = session.unwrap_or_else(|| SystemIds.session());
        let open = OpenSession {
            session,
            worker: SystemIds.worker(),
            name: "tester".to_owned(),
            labels: ["local".to_owned()].into(),
            task_types: ["noop".to_owned(), "build".to_owned()]
                .into_iter()
                .take(1 + self.dice.roll(2) as usize)
                .collect(),
            slots: 10,
            ttl: Duration::from_secs(15),
            owner: None,
            now: self.now,
        };
        drop(ask!(self, open_session(open)));
        if !self.sessions.contains(&session) {
            self.sessions.push(session);
        }
    }

    async fn claim(&mut self) {
        let Some(session) = self.dice.pick(&self.sessions) else {
            return;
        };
        let claim = Claim {
            session,
            credit: self.dice.roll(6) as usize,
            now: self.now,
            policy: orchestrator_core::domain::placement::Policy::default(),
        };
        let (memory, sqlite) = ask!(self, claim(claim));
        if let (Ok(memory), Ok(sqlite)) = (memory, sqlite) {
            for (m, s) in memory.value.iter().zip(&sqlite.value) {
                self.held.insert(m.id, (m.lease, s.lease, 1));
            }
        }
    }

    fn child(&mut self) -> ChildSpec {
        let mut task = self.task();
        task.parent_id = None;
        if !self.dice.one_in(20) {
            task.idempotency_key = None;
        }
        ChildSpec {
            id: SystemIds.task(),
            step: format!("step{}", self.dice.roll(12)),
            task: Arc::new(task),
            group: self.dice.one_in(2).then(|| Group {
                name: "map".to_owned(),
                size: 2,
            }),
        }
    }

    fn body(&mut self, task: TaskId) -> ReportBody {
        let wall_s = self.dice.roll(4) as f64 / 2.0;
        match self.dice.roll(14) {
            0 => ReportBody::Log {
                stream: "stdout".to_owned(),
                text: format!("line {}", self.dice.roll(9)),
                at: self.now,
            },
            1 => ReportBody::Progress(self.dice.roll(10) as f64 / 10.0),
            2 => ReportBody::Usage(Usage {
                input_tokens: self.dice.roll(60),
                output_tokens: self.dice.roll(10),
                cost_usd: Usd::from_nanos(self.dice.roll(1000) as i64),
                ..Usage::default()
            }),
            3 | 4 => ReportBody::Step {
                name: format!("step{}", self.dice.roll(12)),
                output: self.json(),
            },
            5 | 6 => ReportBody::Spawn((0..=self.dice.roll(4)).map(|_| self.child()).collect()),
            7 | 8 => {
                let tasks = (0..self.dice.roll(4))
                    .filter_map(|_| self.dice.pick(&self.tasks))
                    .collect();
                let until = self
                    .dice
                    .one_in(3)
                    .then(|| self.now.plus(Duration::from_secs(self.dice.0 % 9)));
                let join = [Join::All, Join::Any][self.dice.roll(2) as usize];
                ReportBody::Wait { tasks, join, until }
            }
            9 => ReportBody::Fail {
                error: TaskError::new(
                    [ErrorClass::Retryable, ErrorClass::Terminal, ErrorClass::NeedsAttention]
                        [self.dice.roll(3) as usize],
                    format!("{task} broke"),
                ),
                wall_s,
            },
            10 => ReportBody::Release {
                reason: "drained".to_owned(),
            },
            11 => ReportBody::Stopped { wall_s },
            _ => ReportBody::Complete {
                output: self.json(),
                wall_s,
            },
        }
    }

    async fn report(&mut self) {
        let (mut to_memory, mut to_sqlite) = (Vec::new(), Vec::new());
        for _ in 0..=self.dice.roll(3) {
            let held: Vec<TaskId> = self.held.keys().copied().collect();
            let Some(task) = self.dice.pick(&held) else { return };
            let body = self.body(task);
            let repeat = self.dice.one_in(10);
            let (memory, sqlite, number) = self.held.get_mut(&task).expect("it is held");
            let item = |lease: LeaseId| ReportItem {
                task,
                lease,
                number: number.saturating_sub(u64::from(repeat)),
                body: body.clone(),
            };
            to_memory.push(item(*memory));
            to_sqlite.push(item(*sqlite));
            *number += 1;
        }
        let memory = self.memory.report(to_memory.clone(), self.now).await;
        let sqlite = self.sqlite.report(to_sqlite, self.now).await;
        if let Ok(answer) = &memory {
            let children: Vec<TaskId> = answer.value.iter().flat_map(children).collect();
            for child in children {
                if !self.tasks.contains(&child) {
                    self.tasks.push(child);
                }
            }
        }
        self.compare("report", &said(&to_memory), &memory, &sqlite);
    }

    async fn settle(&mut self) {
        let Some(task) = self.dice.pick(&self.tasks) else {
            return;
        };
        let result = match self.dice.roll(3) {
            0 => ExternalResult::Error(TaskError::terminal("no")),
            1 => ExternalResult::Output(Json::parse(r#"{"decision":"accept"}"#).expect("JSON")),
            _ => ExternalResult::Output(self.json()),
        };
        drop(ask!(self, settle(task, result, self.now)));
    }

    async fn intervene(&mut self) {
        let Some(task) = self.dice.pick(&self.tasks) else {
            return;
        };
        let what = match self.dice.roll(5) {
            0 => Intervention::Cancel {
                reason: "no longer wanted".to_owned(),
            },
            1 => Intervention::Pause,
            2 | 3 => Intervention::Resume,
            _ => Intervention::Retry,
        };
        drop(ask!(self, intervene(task, what, self.now)));
    }

    async fn set(&mut self) {
        match self.dice.roll(4) {
            0 => {
                let rule = self.dice.one_in(2).then_some(LimitRule {
                    max_running: Some(2),
                    starts_per_minute: Some(5),
                    tokens_per_minute: None,
                });
                let key = format!("limit{}", self.dice.roll(2));
                drop(ask!(self, put_limit(key, rule)));
            }
            1 => {
                let (queue, paused) = ("slow".to_owned(), self.dice.one_in(2));
                drop(ask!(self, pause_queue(queue, paused)));
            }
            2 => {
                let mut task = self.task();
                (task.parent_id, task.idempotency_key) = (None, None);
                task.depends_on.clear();
                let schedule = Schedule {
                    id: ScheduleId::from_uuid(SystemIds.uuid()),
                    name: format!("nightly{}", self.dice.roll(2)),
                    timing: Timing::EveryS(7.0),
                    task,
                    overlap: [OverlapPolicy::Skip, OverlapPolicy::Queue, OverlapPolicy::CancelPrevious]
                        [self.dice.roll(3) as usize],
                    paused: self.dice.one_in(3),
                    next_at: Some(self.now.plus(Duration::from_secs(7))),
                    last_task_id: None,
                };
                drop(ask!(self, put_schedule(schedule)));
            }
            _ => {
                let id = self.memory.schedules().await.expect("schedules").first().map(|s| s.id);
                let id = id.unwrap_or_else(|| ScheduleId::from_uuid(SystemIds.uuid()));
                drop(ask!(self, delete_schedule(id)));
            }
        }
    }

    async fn tick(&mut self) {
        self.now = self.now.plus(Duration::from_millis(100 + self.dice.roll(4000)));
        let limit = 1 + self.dice.roll(5) as usize;
        drop(ask!(self, tick(self.now, limit)));
        let (events, _) = ask!(
            self,
            events(EventQuery {
                limit: 100_000,
                ..EventQuery::default()
            })
        );
        for event in events.expect("events") {
            self.tasks.extend(event.task_id.filter(|id| !self.tasks.contains(id)));
        }
    }

    async fn prune(&mut self) {
        let before = self.now.minus(Duration::from_secs(20));
        let limit = 1 + self.dice.roll(3) as usize;
        drop(ask!(self, prune(before, limit)));
    }

    async fn session(&mut self) {
        let Some(session) = self.dice.pick(&self.sessions) else {
            return;
        };
        if self.dice.one_in(4) {
            drop(ask!(self, close_session(session, self.now)));
        } else {
            drop(ask!(
                self,
                renew(Renewal {
                    session,
                    load: None,
                    now: self.now
                })
            ));
        }
    }

    /// The SQLite store forgets all that it remembers.
    async fn reopen(&mut self) {
        self.sqlite.close().await;
        self.sqlite = Arc::new(self.place.open().await);
    }

    async fn act(&mut self) {
        match self.dice.roll(40) {
            0..=6 => self.submit().await,
            7..=8 => self.open_session().await,
            9..=15 => self.claim().await,
            16..=26 => self.report().await,
            27..=28 => self.settle().await,
            29..=31 => self.intervene().await,
            32 => self.set().await,
            33..=36 => self.tick().await,
            37 => self.session().await,
            38 => self.prune().await,
            _ if self.dice.one_in(3) => self.reopen().await,
            _ => {}
        }
    }

    async fn look(&mut self) {
        drop(ask!(self, stats(self.now)));
        drop(ask!(self, sessions()));
        drop(ask!(self, schedules()));
        drop(ask!(self, limits()));
        for task in self.tasks.clone() {
            drop(ask!(self, get(task)));
            drop(ask!(self, tree(task)));
            drop(ask!(self, history(task)));
            drop(ask!(self, facts(task, self.now)));
            for scope in [EventScope::Task(task), EventScope::Tree(task)] {
                let query = EventQuery {
                    scope,
                    ..EventQuery::default()
                };
                drop(ask!(self, events(query)));
            }
            let logs = LogQuery {
                task,
                after: Seq(0),
                limit: 3,
            };
            drop(ask!(self, logs(logs)));
        }
        let types = vec![EventType::TaskState, EventType::TaskUsage];
        let query = EventQuery {
            types,
            limit: 50,
            ..EventQuery::default()
        };
        drop(ask!(self, events(query)));
        drop(ask!(self, results(self.tasks)));
        self.list().await;
    }

    async fn list(&mut self) {
        let task = self.dice.pick(&self.tasks);
        let worker = self
            .memory
            .sessions()
            .await
            .expect("sessions")
            .first()
            .map(|s| s.worker);
        let queries = [
            ListQuery::default(),
            ListQuery {
                states: vec![TaskState::Succeeded, TaskState::Waiting],
                ..ListQuery::default()
            },
            ListQuery {
                task_type: Some("build".to_owned()),
                roots_only: true,
                ..ListQuery::default()
            },
            ListQuery {
                root_id: task,
                ..ListQuery::default()
            },
            ListQuery {
                parent_id: task,
                ..ListQuery::default()
            },
            ListQuery {
                worker_id: worker,
                ..ListQuery::default()
            },
            ListQuery {
                label: Some(("team".to_owned(), "t1".to_owned())),
                ..ListQuery::default()
            },
            ListQuery {
                text: Some("TICKET 2".to_owned()),
                ..ListQuery::default()
            },
            ListQuery {
                text: Some("tïcket".to_owned()),
                ..ListQuery::default()
            },
        ];
        for mut query in queries {
            query.limit = 7;
            let mut cursors = (None, None);
            loop {
                let of = |cursor| ListQuery {
                    cursor,
                    ..query.clone()
                };
                let memory: Result<_, StoreError> = self.memory.list(of(cursors.0)).await;
                let sqlite = self.sqlite.list(of(cursors.1)).await;
                let (memory, sqlite) = (memory.expect("a page"), sqlite.expect("a page"));
                self.compare("list", &said(&query), &memory.items, &sqlite.items);
                cursors = (memory.next_cursor, sqlite.next_cursor);
                assert_eq!(cursors.0.is_some(), cursors.1.is_some());
                if cursors.0.is_none() {
                    break;
                }
            }
        }
    }
}

fn children(ack: &orchestrator_core::store::ReportAck) -> Vec<TaskId> {
    match ack {
        orchestrator_core::store::ReportAck::Spawned(children) => children.iter().map(|c| c.id).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn both_stores_say_the_same() {
    let seeds: Vec<u64> =
        std::env::var("SEED").map_or_else(|_| (1..=3).collect(), |s| vec![s.parse().expect("a number")]);
    for seed in seeds {
        let mut both = Both::new(seed).await;
        both.open_session().await;
        for round in 0..400 {
            both.act().await;
            if round % 100 == 99 {
                both.look().await;
            }
        }
        both.sqlite.close().await;
    }
}
