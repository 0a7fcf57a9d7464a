//! Writes random tasks.

use orchestrator_protocol::{Budget, ErrorClass, Join, NewTask, OnDependencyFailure, TaskId, TaskRef};

use super::plan::Plan;
use crate::{
    agents::{Act, Part, Script},
    chance::Chance,
};

/// The types of scripted agents. Every worker has the first; which of the others it has is chance.
pub const TYPES: [&str; 3] = ["player", "specialist", "heavy"];

/// The limit keys, with how many tasks may run under each.
pub const LIMITS: [&str; 2] = ["provider:a", "provider:b"];

/// Writes random tasks.
#[derive(Debug)]
pub struct Author {
    chance: Chance,
    limits: bool,
    depth: u32,
    budgets: f64,
    /// Acts that may still be written, so that trees stay small.
    acts_left: u32,
}

impl Author {
    /// One who writes for a plan.
    pub fn new(chance: Chance, plan: &Plan) -> Self {
        Self {
            chance,
            limits: plan.limits,
            depth: plan.depth,
            budgets: plan.budgets,
            acts_left: 0,
        }
    }

    /// A batch of tasks that may depend on each other and on earlier ones.
    pub fn batch(&mut self, number: u64, earlier: &[TaskId]) -> Vec<NewTask> {
        let count = self.chance.between(1, 5);
        let keyed = self.chance.happens(0.8);
        let mut tasks: Vec<NewTask> = Vec::new();
        for i in 0..count {
            self.acts_left = 14;
            let mut task = self.part(self.depth).task();
            task.local_ref = Some(format!("t{i}"));
            if keyed {
                task.idempotency_key = Some(format!("batch-{number}-{i}"));
            }
            self.depend(&mut task, i, earlier);
            if self.chance.happens(self.budgets) {
                task.budget = Some(Budget {
                    tokens: Some(self.chance.between(50, 400)),
                    cost_usd: None,
                });
            }
            if self.chance.happens(0.1) {
                "side".clone_into(&mut task.queue);
            }
            tasks.push(task);
        }
        tasks
    }

    fn depend(&mut self, task: &mut NewTask, place: u64, earlier: &[TaskId]) {
        for before in 0..place {
            if self.chance.happens(0.3) {
                task.depends_on.push(TaskRef::Local(format!("t{before}")));
            }
        }
        if !earlier.is_empty() && self.chance.happens(0.2) {
            task.depends_on.push(TaskRef::Id(*self.chance.pick(earlier)));
        }
        if self.chance.happens(0.4) {
            task.join = *self.chance.pick(&[Join::Any, Join::Quorum(2)]);
        }
        if self.chance.happens(0.4) {
            task.on_dependency_failure = OnDependencyFailure::Continue;
        }
    }

    fn part(&mut self, depth: u32) -> Part {
        let once = self.chance.happens(0.1);
        let acts = if once { self.plain_acts() } else { self.acts(depth) };
        self.part_of(acts, once)
    }

    fn part_of(&mut self, acts: Vec<Act>, once: bool) -> Part {
        let mut limits = Vec::new();
        if self.limits && self.chance.happens(0.3) {
            limits.push((*self.chance.pick(&LIMITS)).to_owned());
        }
        Part {
            task_type: (*self.chance.pick(&TYPES)).to_owned(),
            script: Script { acts },
            limits,
            priority: if self.chance.happens(0.2) {
                self.chance.between(1, 10) as u8
            } else {
                5
            },
            once,
        }
    }

    /// Acts without waits and failures, for what may run only once.
    fn plain_acts(&mut self) -> Vec<Act> {
        let work = Act::Work { ms: self.duration() };
        vec![work, self.step("only"), Act::Say { lines: 1 }]
    }

    fn step(&mut self, name: &str) -> Act {
        Act::Step {
            name: name.to_owned(),
            ms: self.duration(),
            value: self.chance.between(1, 1000),
        }
    }

    /// How long something takes: mostly short, now and then longer than a session lives.
    fn duration(&mut self) -> u64 {
        match self.chance.place(10) {
            0 => 0,
            1 => self.chance.between(2_000, 9_000),
            _ => self.chance.between(1, 300),
        }
    }

    fn acts(&mut self, depth: u32) -> Vec<Act> {
        let count = self.chance.between(0, 4);
        (0..count).map_while(|i| self.act(&format!("{i}"), depth)).collect()
    }

    fn act(&mut self, name: &str, depth: u32) -> Option<Act> {
        self.acts_left = self.acts_left.checked_sub(1)?;
        let name = name.to_owned();
        let deepest = depth == 0;
        Some(match self.chance.place(20) {
            0..=5 => self.step(&name),
            6 => Act::Work { ms: self.duration() },
            7 => Act::Say {
                lines: self.chance.between(1, 3) as u32,
            },
            8 => Act::Spend {
                tokens: self.chance.between(1, 100),
            },
            9 => Act::Sleep {
                name,
                ms: self.chance.between(0, 6_000),
            },
            10 => Act::Flake {
                until: self.chance.between(2, 3) as u32,
                class: *self.chance.pick(&[
                    ErrorClass::Retryable,
                    ErrorClass::RateLimited,
                    ErrorClass::NeedsAttention,
                ]),
            },
            11 if self.chance.happens(0.3) => Act::Fail,
            11 | 12 if deepest => Act::Outside {
                name,
                value: self.chance.between(1, 1000),
            },
            11 | 12 => Act::Ask {
                name,
                default_after_ms: self.chance.happens(0.3).then(|| self.chance.between(100, 5_000)),
            },
            _ if deepest => self.step(&name),
            13..=15 => Act::Call {
                part: self.part(depth - 1),
                name,
            },
            16 => self.both(&name, depth),
            17 => self.race(name),
            _ => self.map(name, depth),
        })
    }

    fn both(&mut self, name: &str, depth: u32) -> Act {
        let branches = self.chance.between(2, 3);
        let branch = |author: &mut Self, i| {
            let acts = author.chance.between(1, 2);
            (0..acts)
                .map_while(|j| author.act(&format!("{name}.{i}.{j}"), depth - 1))
                // A branch that fails while others go on is for the tests of the context: the sum says nothing then.
                .filter(|act| !matches!(act, Act::Fail | Act::Flake { .. }))
                .collect()
        };
        Act::Both((0..branches).map(|i| branch(self, i)).collect())
    }

    fn map(&mut self, name: String, depth: u32) -> Act {
        let count = self.chance.between(0, 6);
        Act::Map {
            name,
            at_once: self.chance.between(0, 3) as u32,
            parts: (0..count).map(|_| self.part(depth - 1)).collect(),
        }
    }

    fn race(&mut self, name: String) -> Act {
        let value = self.chance.between(1, 1000);
        let runners = self.chance.between(2, 3);
        let runner = |author: &mut Self| {
            let ms = author.duration();
            let step = Act::Step {
                name: "run".to_owned(),
                ms,
                value,
            };
            author.part_of(vec![step], false)
        };
        Act::Race {
            name,
            parts: (0..runners).map(|_| runner(self)).collect(),
        }
    }
}
