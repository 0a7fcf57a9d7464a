//! How a worker is set up.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use orchestrator_protocol::{Load, WorkerId};

use crate::store::Owner;

/// Says how busy the machine is. It is asked often and must answer at once.
#[derive(Clone, Default)]
pub struct LoadProbe(Option<Arc<dyn Fn() -> Load + Send + Sync>>);

impl LoadProbe {
    /// A probe that asks this function.
    pub fn new(probe: impl Fn() -> Load + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(probe)))
    }

    /// How busy the machine is now, as far as that is known.
    pub fn now(&self) -> Load {
        self.0.as_ref().map_or_else(Load::default, |probe| probe())
    }
}

impl fmt::Debug for LoadProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LoadProbe")
    }
}

/// How a worker is set up.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Its id, kept over reconnects. Defaults to a new one with each start.
    pub worker: Option<WorkerId>,
    /// Its name, for people. Defaults to `worker`.
    pub name: String,
    /// What it offers: `tool:git`, `os:linux`, `memory_gb=16`, `local`. Nothing by default.
    pub labels: BTreeSet<String>,
    /// How many tasks it runs at once, 1 to 65,536. Defaults to 8. Suspended tasks fill no slot.
    pub slots: u32,
    /// The process that it lives in, where others can tell whether it still runs. None by default.
    pub owner: Option<Owner>,
    /// What a stopped agent gets to stop its processes and return before it is dropped. Defaults to 10 s.
    pub grace: Duration,
    /// How many suspended futures it keeps, so that their tasks go on where they were; the longest suspended are
    /// dropped first, which loses nothing. 0 keeps none: agents then run again from the top after each wait. Defaults
    /// to 10,000.
    pub suspended: usize,
    /// How long it keeps a suspended future. Defaults to an hour.
    pub suspended_for: Duration,
    /// Says with every heartbeat how busy the machine is. Says nothing by default.
    pub load: LoadProbe,
    /// How soon a task looks for what one of its branches waits for while another one is busy with a step; the time
    /// doubles up to sixteen times this while nothing comes. Defaults to 1 s. Tasks that only wait look for nothing.
    pub wait_poll: Duration,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        Self {
            worker: None,
            name: "worker".to_owned(),
            labels: BTreeSet::new(),
            slots: 8,
            owner: None,
            grace: Duration::from_secs(10),
            suspended: 10_000,
            suspended_for: Duration::from_hours(1),
            load: LoadProbe::default(),
            wait_poll: Duration::from_secs(1),
        }
    }
}

impl WorkerConfig {
    /// Everything that is wrong with it; nothing when it is empty.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.name.trim().is_empty() {
            problems.push("name: must not be empty".to_owned());
        }
        if !(1..=65_536).contains(&self.slots) {
            problems.push(format!("slots: {} is not within 1 and 65536", self.slots));
        }
        if self.wait_poll.is_zero() {
            problems.push("wait_poll: must be longer than nothing".to_owned());
        }
        problems
    }
}
