//! The fleet at a glance: what every screen may show.

use std::collections::{BTreeMap, VecDeque};

use orchestrator_protocol::{
    Checkpoint, Event, EventType, Json, Stats, Task, TaskId, TaskState, TaskType, Timestamp, Worker, WorkerId,
};

/// How many measurements of a worker are kept: five minutes of one in five seconds, and some.
pub const MEASUREMENTS: usize = 90;

/// The fleet as it is when a connection opens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Snapshot {
    /// Counts.
    pub stats: Stats,
    /// The workers, by name.
    pub workers: Vec<Worker>,
    /// What waits for people, the newest first.
    pub checkpoints: Vec<Checkpoint>,
    /// Tasks that failed or need attention, the newest first.
    pub failing: Vec<Task>,
    /// The types of tasks that workers run or have announced, by name.
    pub types: Vec<TaskType>,
}

/// How busy a worker was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// When.
    pub at: Timestamp,
    /// Load of its processors, 0 to 100.
    pub cpu: Option<f32>,
    /// Memory in use, 0 to 100.
    pub memory: Option<f32>,
    /// Disk in use, 0 to 100.
    pub disk: Option<f32>,
    /// Tasks that it ran.
    pub running: u32,
}

/// How many samples of the counts are kept: half an hour of one in ten seconds.
pub const SAMPLES: usize = 180;

/// The minutes of an hour.
const HOUR: usize = 60;

/// How far samples are apart.
const SAMPLE: std::time::Duration = std::time::Duration::from_secs(10);

/// What the counts were.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Tasks that had succeeded.
    pub succeeded: u64,
    /// Tasks that had failed.
    pub failed: u64,
    /// What all had cost, in dollars.
    pub cost: f64,
}

/// What became of the counts from one sample to the next.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rate {
    /// Tasks that succeeded, in a minute.
    pub succeeded: f32,
    /// Tasks that failed, in a minute.
    pub failed: f32,
    /// What was spent, in dollars in a minute.
    pub cost: f32,
}

/// The fleet at a glance, kept up to date by events.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Fleet {
    /// Counts; they lag by a second.
    pub stats: Stats,
    /// The workers, by name.
    pub workers: Vec<Worker>,
    /// Each worker's load in the last minutes, the oldest first.
    pub measurements: BTreeMap<WorkerId, VecDeque<Measurement>>,
    /// What waits for people, the newest first.
    pub checkpoints: Vec<Checkpoint>,
    /// Tasks that failed or need attention, the newest first.
    pub failing: Vec<Task>,
    /// The types of tasks that workers run or have announced, by name.
    pub types: Vec<TaskType>,
    /// Whether a snapshot has come.
    pub known: bool,
    /// When the counts came.
    counted_at: Option<Timestamp>,
    samples: VecDeque<Sample>,
    stale: Stale,
}

/// What events have made old.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stale {
    /// The counts.
    pub stats: bool,
    /// The workers.
    pub workers: bool,
    /// What waits for people.
    pub checkpoints: bool,
    /// What fails.
    pub failing: bool,
    /// The types of tasks.
    pub types: bool,
}

/// A part of the fleet that was asked for again.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Counts.
    Stats(Box<Stats>),
    /// The workers.
    Workers(Vec<Worker>),
    /// What waits for people.
    Checkpoints(Vec<Checkpoint>),
    /// What fails.
    Failing(Vec<Task>),
    /// The types of tasks.
    Types(Vec<TaskType>),
}

impl Fleet {
    /// A connection has opened.
    pub fn open(&mut self, snapshot: Snapshot, now: Timestamp) {
        self.count_anew(snapshot.stats, now);
        self.checkpoints = snapshot.checkpoints;
        self.failing = snapshot.failing;
        self.types = snapshot.types;
        self.set_workers(snapshot.workers, now);
        self.known = true;
        self.stale = Stale::default();
        self.sample(now);
    }

    /// Keeps the counts, if it is time to.
    pub fn sample(&mut self, now: Timestamp) {
        let due = self.samples.back().is_none_or(|last| now.since(last.at) >= SAMPLE);
        if !self.known || !due {
            return;
        }
        self.samples.push_back(Sample {
            at: now,
            succeeded: self.count(TaskState::Succeeded),
            failed: self.count(TaskState::Failed),
            cost: self.stats.usage.cost_usd.as_dollars(),
        });
        while self.samples.len() > SAMPLES {
            self.samples.pop_front();
        }
    }

    /// What was done and spent, in a minute each, the oldest first: in the last hour, as the server counts it, or since
    /// the app began to look, where the server is too old to count.
    pub fn rates(&self, now: Timestamp) -> Vec<Rate> {
        if self.stats.throughput.minutes.is_empty() {
            return self.seen_rates();
        }
        let minute = |at: Timestamp| at.as_micros() / 60_000_000;
        let mut rates = vec![Rate::default(); HOUR];
        for told in &self.stats.throughput.minutes {
            let ago = usize::try_from(minute(now) - minute(told.at)).unwrap_or(0);
            if let Some(rate) = HOUR.checked_sub(ago + 1).and_then(|place| rates.get_mut(place)) {
                rate.succeeded += told.succeeded as f32;
                rate.failed += told.failed as f32;
                rate.cost += told.cost_usd.as_dollars() as f32;
            }
        }
        rates
    }

    fn seen_rates(&self) -> Vec<Rate> {
        let pairs = self.samples.iter().zip(self.samples.iter().skip(1));
        let rate = |(from, to): (&Sample, &Sample)| {
            let minutes = to.at.since(from.at).as_secs_f32() / 60.0;
            Rate {
                succeeded: to.succeeded.saturating_sub(from.succeeded) as f32 / minutes,
                failed: to.failed.saturating_sub(from.failed) as f32 / minutes,
                cost: ((to.cost - from.cost).max(0.0)) as f32 / minutes,
            }
        };
        pairs.map(rate).collect()
    }

    fn count_anew(&mut self, stats: Stats, now: Timestamp) {
        self.stats = stats;
        self.counted_at = Some(now);
    }

    /// How long something has waited of which the counts say that it had waited so many seconds: nothing happens while it
    /// waits, so that they may be old.
    pub fn waited(&self, seconds: f64, now: Timestamp) -> f64 {
        let since = self.counted_at.map(|at| now.since(at).as_secs_f64());
        seconds + since.unwrap_or_default()
    }

    /// A part has come again.
    pub fn refresh(&mut self, part: Part, now: Timestamp) {
        match part {
            Part::Stats(stats) => self.count_anew(*stats, now),
            Part::Workers(workers) => self.set_workers(workers, now),
            Part::Checkpoints(checkpoints) => self.checkpoints = checkpoints,
            Part::Failing(failing) => self.failing = failing,
            Part::Types(types) => self.types = types,
        }
    }

    fn set_workers(&mut self, workers: Vec<Worker>, now: Timestamp) {
        self.measurements
            .retain(|id, _| workers.iter().any(|worker| worker.id == *id));
        for worker in &workers {
            self.measure(worker, now);
        }
        self.workers = workers;
    }

    fn measure(&mut self, worker: &Worker, at: Timestamp) {
        let measurements = self.measurements.entry(worker.id).or_default();
        if measurements.back().is_some_and(|last| last.at >= at) {
            return;
        }
        measurements.push_back(Measurement {
            at,
            cpu: worker.cpu_percent.map(|percent| percent as f32),
            memory: worker.memory_percent.map(|percent| percent as f32),
            disk: worker.disk_percent.map(|percent| percent as f32),
            running: worker.running,
        });
        while measurements.len() > MEASUREMENTS {
            measurements.pop_front();
        }
    }

    /// Something happened.
    pub fn happen(&mut self, event: &Event) {
        match event.kind {
            EventType::TaskCreated | EventType::TaskUsage => self.stale.stats = true,
            EventType::TaskState => self.task_state(event),
            EventType::CheckpointOpened => self.stale.checkpoints = true,
            EventType::CheckpointDecided => {
                self.forget_checkpoint(event.task_id);
                self.stale.checkpoints = true;
            }
            EventType::WorkerState => {
                self.stale.types = true;
                self.worker_state(event);
            }
            EventType::WorkerStats => self.worker_stats(event),
            EventType::TaskStep
            | EventType::TaskProgress
            | EventType::TaskLog
            | EventType::Evaluation
            | EventType::Lagged => {}
        }
    }

    fn task_state(&mut self, event: &Event) {
        self.stale.stats = true;
        self.stale.workers |= matches!(event.body.state, Some(TaskState::Running));
        match event.body.state {
            Some(TaskState::Failed | TaskState::NeedsAttention) => self.stale.failing = true,
            _ => self.failing.retain(|task| Some(task.id) != event.task_id),
        }
        if event.body.state.is_some_and(TaskState::is_terminal) {
            self.forget_checkpoint(event.task_id);
        }
    }

    fn forget_checkpoint(&mut self, task: Option<TaskId>) {
        self.checkpoints.retain(|checkpoint| Some(checkpoint.task.id) != task);
    }

    fn worker_state(&mut self, event: &Event) {
        let told = event
            .body
            .data
            .as_ref()
            .and_then(|data| serde_json::from_value::<Worker>(data.clone()).ok());
        let Some(told) = told else {
            self.stale.workers = true;
            return;
        };
        if told.state == orchestrator_protocol::WorkerState::Offline {
            self.workers.retain(|worker| worker.id != told.id);
            self.measurements.remove(&told.id);
            return;
        }
        self.measure(&told, event.at);
        if let Some(worker) = self.workers.iter_mut().find(|worker| worker.id == told.id) {
            *worker = told;
        } else {
            let place = self.workers.partition_point(|worker| worker.name <= told.name);
            self.workers.insert(place, told);
        }
    }

    fn worker_stats(&mut self, event: &Event) {
        let (Some(id), Some(data)) = (event.body.worker_id, &event.body.data) else {
            return;
        };
        let Some(place) = self.workers.iter().position(|worker| worker.id == id) else {
            self.stale.workers = true;
            return;
        };
        let worker = &mut self.workers[place];
        let percent = |name: &str| data.get(name).and_then(serde_json::Value::as_f64);
        worker.cpu_percent = percent("cpu_percent");
        worker.memory_percent = percent("memory_percent");
        worker.disk_percent = percent("disk_percent");
        let whole = |name: &str| data.get(name).and_then(serde_json::Value::as_u64);
        worker.running = whole("running").map_or(worker.running, |n| n as u32);
        worker.slots = whole("slots").map_or(worker.slots, |n| n as u32);
        worker.last_seen_at = event.at;
        let measured = worker.clone();
        self.measure(&measured, event.at);
    }

    /// What should be asked for again; it counts as asked for.
    pub fn take_stale(&mut self) -> Stale {
        std::mem::take(&mut self.stale)
    }

    /// How many tasks are in a state.
    pub fn count(&self, state: TaskState) -> u64 {
        self.stats.by_state.get(&state).copied().unwrap_or(0)
    }

    /// Slots in use and slots of all workers.
    pub fn slots(&self) -> (u32, u32) {
        let sum = |f: fn(&Worker) -> u32| self.workers.iter().map(f).fold(0, u32::saturating_add);
        (sum(|worker| worker.running), sum(|worker| worker.slots))
    }

    /// A worker by its id.
    pub fn worker(&self, id: WorkerId) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.id == id)
    }

    /// Every task type that a worker offers or has announced, in order.
    pub fn task_types(&self) -> std::collections::BTreeSet<&str> {
        let offered = self.workers.iter().flat_map(|worker| &worker.task_types);
        let announced = self.types.iter().map(|of| &of.name);
        offered.chain(announced).map(String::as_str).collect()
    }

    /// Whether tasks of a type are only the parts of another one's (`review.file` of `review`), as far as one can tell: no
    /// agent has said what such a task gets.
    pub fn is_part(&self, task_type: &str) -> bool {
        let whole = task_type.split_once('.').map(|(whole, _)| whole);
        whole.is_some_and(|whole| self.task_types().contains(whole)) && self.input_schema(task_type).is_none()
    }

    /// The schema of what tasks of a type get, where a worker has announced one.
    pub fn input_schema(&self, task_type: &str) -> Option<&Json> {
        let of = self.types.iter().find(|of| of.name == task_type.trim())?;
        of.input_schema.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use orchestrator_protocol::{EventBody, Seq, WorkerState};
    use serde_json::json;

    use super::*;
    use crate::testing::{at, event, id, state, task};

    fn worker(n: u64, running: u32) -> Worker {
        serde_json::from_value(json!({
            "id": id(n), "name": format!("worker-{n}"), "state": "online", "labels": [], "task_types": ["a", "b"],
            "slots": 4, "running": running, "cpu_percent": 10.0, "memory_percent": null, "disk_percent": null,
            "last_seen_at": at(0.0)
        }))
        .expect("a worker")
    }

    fn fleet() -> Fleet {
        let mut fleet = Fleet::default();
        let mut checkpoint = task(7, None, TaskState::Waiting);
        checkpoint.task_type = "checkpoint".to_owned();
        fleet.open(
            Snapshot {
                workers: vec![worker(1, 0), worker(3, 1)],
                checkpoints: vec![Checkpoint {
                    task: checkpoint,
                    question: "Go on?".to_owned(),
                    content: orchestrator_protocol::Json::NULL,
                    evaluation: orchestrator_protocol::Json::NULL,
                    context: orchestrator_protocol::Json::NULL,
                }],
                failing: vec![task(8, None, TaskState::Failed)],
                ..Snapshot::default()
            },
            at(0.0),
        );
        fleet
    }

    fn of_worker(kind: EventType, n: u64, seconds: f64, data: serde_json::Value) -> Event {
        Event {
            seq: Seq(1),
            at: at(seconds),
            kind,
            task_id: None,
            root_id: None,
            body: EventBody {
                worker_id: id(n).to_string().parse().ok(),
                data: Some(data),
                ..EventBody::default()
            },
        }
    }

    #[test]
    fn workers_come_measure_and_go() {
        let mut fleet = fleet();
        let told = |n| serde_json::to_value(worker(n, 0)).expect("JSON");
        fleet.happen(&of_worker(EventType::WorkerState, 2, 1.0, told(2)));
        let names: Vec<_> = fleet.workers.iter().map(|worker| worker.name.clone()).collect();
        assert_eq!(names, ["worker-1", "worker-2", "worker-3"]);
        let stats = json!({"running": 3, "slots": 8, "cpu_percent": 91.5, "memory_percent": 40.0});
        fleet.happen(&of_worker(EventType::WorkerStats, 2, 2.0, stats));
        assert_eq!(fleet.slots(), (4, 16));
        let measured = &fleet.measurements[&fleet.workers[1].id];
        assert_eq!(
            (measured.len(), measured[1].cpu, measured[1].disk),
            (2, Some(91.5), None)
        );
        let mut gone = worker(2, 0);
        gone.state = WorkerState::Offline;
        fleet.happen(&of_worker(
            EventType::WorkerState,
            2,
            3.0,
            serde_json::to_value(gone).expect("JSON"),
        ));
        assert_eq!((fleet.workers.len(), fleet.measurements.len()), (2, 2));
        let types = Stale {
            types: true,
            ..Stale::default()
        };
        assert_eq!(fleet.take_stale(), types, "it may have announced something");
        fleet.happen(&of_worker(EventType::WorkerStats, 9, 4.0, json!({})));
        fleet.happen(&of_worker(EventType::WorkerState, 9, 4.0, json!({"newer": true})));
        assert!(fleet.take_stale().workers, "what is not known is asked for");
    }

    #[test]
    fn checkpoints_and_failures_go_when_they_are_settled() {
        let mut fleet = fleet();
        fleet.happen(&state(1, 1.0, 8, TaskState::Ready, 1));
        assert!(fleet.failing.is_empty());
        fleet.happen(&state(2, 1.0, 9, TaskState::Failed, 1));
        fleet.happen(&event(3, 1.0, EventType::CheckpointDecided, 7, EventBody::default()));
        assert!(fleet.checkpoints.is_empty());
        let stale = fleet.take_stale();
        assert!(stale.failing && stale.stats && stale.checkpoints && !stale.workers);
    }

    #[test]
    fn rates_are_what_came_in_a_minute() {
        let mut fleet = fleet();
        for n in 1..=30_u64 {
            fleet.stats.by_state.insert(TaskState::Succeeded, n * 5);
            fleet.sample(at(n as f64 * 5.0));
        }
        let rates = fleet.rates(at(200.0));
        assert_eq!(rates.len(), 15);
        assert!(
            (rates[3].succeeded - 60.0).abs() < 0.01 && rates[3].failed == 0.0,
            "{rates:?}"
        );
    }

    #[test]
    fn what_waits_goes_on_waiting_while_nothing_happens() {
        let mut fleet = Fleet::default();
        fleet.open(Snapshot::default(), at(10.0));
        assert!((fleet.waited(2.5, at(70.0)) - 62.5).abs() < 1e-6);
        fleet.refresh(Part::Stats(Box::default()), at(70.0));
        assert!((fleet.waited(62.5, at(70.0)) - 62.5).abs() < 1e-6);
    }

    #[test]
    fn a_newer_server_counts_the_minutes_itself() {
        let mut fleet = fleet();
        let minute = |seconds: f64, succeeded: u64| {
            serde_json::from_value(json!({
                "at": at(seconds), "submitted": 0, "succeeded": succeeded, "failed": 1, "cancelled": 0, "tokens": 0,
                "cost_usd": 0.5
            }))
            .expect("a minute")
        };
        fleet.stats.throughput.minutes = vec![minute(-7_200.0, 9), minute(-60.0, 3), minute(0.0, 4), minute(90.0, 5)];
        let rates = fleet.rates(at(0.0));
        let told: Vec<f32> = rates.iter().map(|rate| rate.succeeded).filter(|n| *n > 0.0).collect();
        assert_eq!(
            (rates.len(), told),
            (60, vec![3.0, 9.0]),
            "and clocks that differ do no harm"
        );
    }
}
