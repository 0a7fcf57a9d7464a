//! What the fleet is given to do while faults strike: tasks, trees and reviews, submitted until they are acknowledged.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use orchestrator_client::{Client, ClientError};
use orchestrator_protocol::{Json, NewTask, RetryPolicy, TaskId, TaskRef};
use orchestrator_testkit::chance::Chance;
use serde_json::json;
use tokio::{task::JoinSet, time::sleep};

use crate::{
    fleet::{Fleet, client},
    time::PATIENCE,
    witness,
};

/// How many jobs are under way at once. Together they never fill the slots of what is left of a fleet when one worker is
/// away, so that a task of a dead worker waits for nothing but the end of its lease.
const SUBMITTERS: usize = 4;

/// Files of a review.
const FILES: usize = 4;

/// One submission, and what came of it.
#[derive(Debug, Clone)]
pub struct Job {
    /// The witness's key of each task, in the order of the submission; none where it is not a program of ours.
    pub programs: Vec<Option<String>>,
    /// As they were acknowledged.
    pub tasks: Vec<TaskId>,
    /// How often it was submitted until it was, and after that.
    pub tries: usize,
}

/// What is under way.
pub struct Load {
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
    under_way: Arc<Mutex<Vec<String>>>,
    submitters: JoinSet<Vec<Job>>,
}

struct Submitter {
    client: Client,
    folder: PathBuf,
    name: String,
    chance: Chance,
    stop: Arc<AtomicBool>,
    ended: Arc<AtomicUsize>,
    under_way: Arc<Mutex<Vec<String>>>,
}

impl Load {
    /// Begins. The name tells the jobs of one load from those of another.
    pub fn start(fleet: &Fleet, name: &str, chance: &mut Chance) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            ended: Arc::default(),
            under_way: Arc::default(),
            submitters: JoinSet::new(),
        };
        for number in 0..SUBMITTERS {
            let submitter = Submitter {
                client: client(&fleet.urls_from(number)),
                folder: fleet.folder().to_owned(),
                name: format!("{name}-{number}"),
                chance: chance.fork(),
                stop: load.stop.clone(),
                ended: load.ended.clone(),
                under_way: load.under_way.clone(),
            };
            load.submitters.spawn(submitter.work());
        }
        load
    }

    /// How many jobs have come to their end.
    pub fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Begins nothing more, and returns everything once it has ended.
    pub async fn finish(mut self) -> Vec<Job> {
        self.stop.store(true, Ordering::Relaxed);
        let mut jobs = Vec::new();
        let finished = async {
            while let Some(done) = self.submitters.join_next().await {
                match done {
                    Ok(done) => jobs.extend(done),
                    Err(error) => std::panic::resume_unwind(error.into_panic()),
                }
            }
        };
        if tokio::time::timeout(PATIENCE, finished).await.is_err() {
            let lost = self.under_way.lock().expect("nobody panics").join(", ");
            panic!("these jobs do not end: {lost}");
        }
        jobs
    }
}

impl Submitter {
    async fn work(mut self) -> Vec<Job> {
        let mut jobs = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let key = format!("{}-{}", self.name, jobs.len());
            let (tasks, programs) = self.draw(&key);
            self.under_way.lock().expect("nobody panics").push(key.clone());
            let mut job = Job {
                programs,
                tasks: Vec::new(),
                tries: 0,
            };
            job.tasks = self.submit(&tasks, &mut job.tries).await;
            if self.chance.happens(0.2) {
                // As by a client that did not hear the answer.
                assert_eq!(
                    self.submit(&tasks, &mut job.tries).await,
                    job.tasks,
                    "{key}: submitted twice"
                );
            }
            for task in &job.tasks {
                self.ended(*task).await;
            }
            self.under_way
                .lock()
                .expect("nobody panics")
                .retain(|known| *known != key);
            self.ended.fetch_add(1, Ordering::Relaxed);
            jobs.push(job);
        }
        jobs
    }

    fn draw(&mut self, key: &str) -> (Vec<NewTask>, Vec<Option<String>>) {
        match self.chance.between(0, 9) {
            0 => (vec![review(&self.folder, key)], vec![None]),
            1..=3 => self.fan(key),
            4 => self.commands(key, 1, 1),
            _ => self.commands(key, 1, 0),
        }
    }

    /// Programs that do not wait for each other.
    fn commands(&mut self, key: &str, count: usize, failures: u32) -> (Vec<NewTask>, Vec<Option<String>>) {
        let names: Vec<String> = (0..count).map(|n| format!("{key}.{n}")).collect();
        let tasks = names.iter().map(|name| {
            let seconds = self.chance.between(0, 8) as f64 / 10.0;
            command(name, seconds, failures)
        });
        (tasks.collect(), names.iter().cloned().map(Some).collect())
    }

    /// One program, then three beside each other, then one that waits for them.
    fn fan(&mut self, key: &str) -> (Vec<NewTask>, Vec<Option<String>>) {
        let (mut tasks, programs) = self.commands(key, 5, 0);
        for (n, task) in tasks.iter_mut().enumerate() {
            task.local_ref = Some(format!("t{n}"));
            let before = match n {
                0 => 0..0,
                4 => 1..4,
                _ => 0..1,
            };
            task.depends_on = before.map(|n| TaskRef::Local(format!("t{n}"))).collect();
        }
        (tasks, programs)
    }

    /// Submits until it is acknowledged, whatever happens to servers and connections.
    async fn submit(&mut self, tasks: &[NewTask], tries: &mut usize) -> Vec<TaskId> {
        loop {
            *tries += 1;
            let made = if let [task] = tasks {
                self.client.submit(task).await.map(|made| vec![made.value.id])
            } else {
                let made = self.client.submit_all(tasks).await;
                made.map(|made| made.value.iter().map(|task| task.id).collect())
            };
            match made {
                Ok(ids) => return ids,
                Err(error) => self.bear(&error).await,
            }
        }
    }

    async fn ended(&mut self, task: TaskId) {
        loop {
            match self.client.result(task, Duration::from_secs(5)).await {
                Ok(task) if task.state.is_terminal() => return,
                // A person would have to decide; the referee says why that is wrong here.
                Ok(task) if task.state == orchestrator_protocol::TaskState::NeedsAttention => return,
                Ok(_) => {}
                Err(error) => self.bear(&error).await,
            }
        }
    }

    /// Waits a little after an error that faults may cause; any other is a defect.
    async fn bear(&mut self, error: &ClientError) {
        assert!(error.is_transient(), "no fault explains: {error:?}");
        sleep(self.chance.millis(50, 300)).await;
    }
}

/// A task that runs a program which leaves a witness.
pub fn command(name: &str, seconds: f64, failures: u32) -> NewTask {
    let argv = json!({"argv": ["witness", name, seconds.to_string(), failures.to_string()]});
    let mut task = NewTask::new("command", Json::from(argv));
    task.idempotency_key = Some(name.to_owned());
    task.retry = RetryPolicy {
        max_attempts: 3,
        initial_backoff_s: 0.1,
        ..RetryPolicy::default()
    };
    task
}

/// A tree: a review whose agent asks for a task a file, waits for them, and writes a page.
fn review(folder: &Path, key: &str) -> NewTask {
    let repo = witness::repository(folder, key, FILES);
    let input = json!({"repo": repo, "analysers": "shellcheck", "max_parallel": 3});
    let mut task = NewTask::new("code_review", Json::from(input));
    task.idempotency_key = Some(key.to_owned());
    task
}
