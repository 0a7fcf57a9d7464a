//! A fleet on an ordinary day: its machines, and what they do.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use anyhow::Result;
use orchestrator_client::api::PageQuery;
use orchestrator_core::{
    protocol::{Decision, Load, NewTask, Task, TaskId, TaskState, Verdict},
    worker::{LoadProbe, WorkerConfig},
};

use crate::{
    agents::{Article, Pipeline, Review, described},
    process,
    stage::{Programs, Stage},
};

/// The fleet, and the words by which its tasks are found.
pub(crate) struct Fleet {
    pub(crate) stage: Stage,
    /// A review whose files are being read.
    pub(crate) running: String,
    /// A release that says what it does.
    pub(crate) streaming: String,
    /// A review that a person has accepted.
    pub(crate) done: String,
    /// How often each machine was measured.
    measured: Vec<Arc<AtomicU32>>,
}

/// What a machine is, and how busy, in percent: processors, memory, disk.
struct Machine {
    name: &'static str,
    slots: u32,
    labels: &'static [&'static str],
    busy: [f64; 3],
}

const MACHINES: [Machine; 3] = [
    Machine {
        name: "build-7",
        slots: 12,
        labels: &[
            "os:linux",
            "cpu=16",
            "memory_gb=64",
            "tool:cargo",
            "tool:docker",
            "tool:git",
            "tool:ruff",
        ],
        busy: [54.0, 61.0, 48.0],
    },
    Machine {
        name: "gpu-1",
        slots: 4,
        labels: &[
            "os:linux",
            "cpu=32",
            "gpu",
            "gpu:nvidia",
            "memory_gb=256",
            "tool:ffmpeg",
        ],
        busy: [92.0, 74.0, 81.0],
    },
    Machine {
        name: "laptop-ada",
        slots: 6,
        labels: &["os:macos", "arch:aarch64", "cpu=10", "local", "tool:git", "tool:eslint"],
        busy: [17.0, 43.0, 66.0],
    },
];

/// What is written about.
const TOPICS: [&str; 2] = ["How agents share a queue", "What a lease protects"];

/// Longer than anybody looks, in milliseconds.
const LONG: u64 = 4 * 3_600_000;

/// A server with such a fleet.
pub(crate) async fn start(programs: &Programs) -> Result<Fleet> {
    let mut stage = Stage::start(programs, None).await?;
    let mut measured = Vec::new();
    for machine in MACHINES {
        let count = Arc::new(AtomicU32::new(0));
        measured.push(count.clone());
        stage.join(WorkerConfig {
            name: machine.name.to_owned(),
            slots: machine.slots,
            labels: machine.labels.iter().map(|label| (*label).to_owned()).collect(),
            load: LoadProbe::new(move || machine.load(count.fetch_add(1, Ordering::Relaxed))),
            ..WorkerConfig::default()
        })?;
    }
    let fleet = Fleet {
        stage,
        running: "Review the mobile client".to_owned(),
        streaming: "Follow the release of payments".to_owned(),
        done: "Review the search index".to_owned(),
        measured,
    };
    fleet.furnish().await?;
    Ok(fleet)
}

impl Machine {
    /// How busy it is, the nth time. No machine does the same all day.
    fn load(&self, n: u32) -> Load {
        let wave = |base: f64, fast: f64, high: f64| {
            let n = f64::from(n) + base;
            Some(
                (base + high * (n * fast).sin() + 0.4 * high * (n * 2.3 * fast).cos())
                    .clamp(1.0, 99.0)
                    .round(),
            )
        };
        let [cpu, memory, disk] = self.busy;
        Load {
            cpu_percent: wave(cpu, 0.9, cpu.min(100.0 - cpu) * 0.45),
            memory_percent: wave(memory, 0.35, 5.0),
            disk_percent: Some(disk),
        }
    }
}

impl Fleet {
    /// Waits until each machine was measured so often.
    pub(crate) async fn measured(&self, times: u32) -> Result<()> {
        process::until("measurements", async || {
            let least = self.measured.iter().map(|count| count.load(Ordering::Relaxed)).min();
            Ok((least >= Some(times)).then_some(()))
        })
        .await
    }

    async fn submit(&self, task: NewTask) -> Result<TaskId> {
        Ok(self.stage.client.submit(&task).await?.value.id)
    }

    /// Gives the fleet what it has.
    async fn furnish(&self) -> Result<()> {
        let (stage, submit) = (&self.stage, |task| self.submit(task));
        let mut naps = Vec::new();
        for words in [
            "Refresh the vector store",
            "Summarise yesterday's incidents",
            "Check the licences of new dependencies",
        ] {
            naps.push(submit(described("fan", words, &(6, 60, 40))?).await?);
        }
        for words in ["Build the payment module", "Build the mobile client"] {
            let id = submit(described("compile", words, &())?).await?;
            stage.reached(id, TaskState::Failed).await?;
        }
        for id in naps {
            stage.reached(id, TaskState::Succeeded).await?;
        }
        let done = submit(review(&self.done, "search-index", 40)?).await?;
        let approval = self.asked(done).await?;
        let accept = Decision {
            decision: Verdict::Accept,
            feedback: String::new(),
        };
        stage.client.decide(approval, &accept).await?;
        stage.reached(done, TaskState::Succeeded).await?;
        // The one that has waited longest is looked at first.
        let asking = submit(review("Review the payment service", "payments", 40)?).await?;
        self.asked(asking).await?;
        for topic in TOPICS {
            let article = Article {
                topic: topic.to_owned(),
                pace_ms: 40,
            };
            let article = submit(described("article", &format!("Write: {topic}"), &article)?).await?;
            self.asked(article).await?;
        }
        self.occupy().await
    }

    /// What goes on for as long as somebody looks.
    async fn occupy(&self) -> Result<()> {
        let release = |service: &str, every_ms, requires: &str| -> Result<NewTask> {
            let pipeline = Pipeline {
                service: service.to_owned(),
                every_ms,
            };
            let mut task = described("release", &format!("Follow the release of {service}"), &pipeline)?;
            task.requires = [requires.to_owned()].into();
            Ok(task)
        };
        let batch = |words: &str, requires: &str| -> Result<NewTask> {
            let mut task = described("batch", words, &LONG)?;
            task.requires = [requires.to_owned()].into();
            Ok(task)
        };
        let running = [
            batch("Train the ranking model", "gpu")?,
            batch("Embed the manuals", "gpu")?,
            batch("Transcribe the interviews", "gpu")?,
            batch("Sign the macOS build", "os:macos")?,
            release("search", 400, "os:macos")?,
            release("payments", 90, "tool:docker")?,
        ];
        for task in running {
            let id = self.submit(task).await?;
            self.stage.reached(id, TaskState::Running).await?;
        }
        let mut needy = described("batch", "Render the keynote", &LONG)?;
        needy.requires = ["tool:blender".to_owned()].into();
        self.submit(needy).await?;
        let review = self.submit(review(&self.running, "mobile-client", LONG)?).await?;
        process::until("files that are being read", async || {
            let tree = self.stage.client.tree(review).await?;
            let is_read = |task: &&Task| task.state == TaskState::Running && task.id != review;
            Ok((tree.tasks.iter().filter(is_read).count() == 5).then_some(()))
        })
        .await
    }

    /// Waits until a task asks, and says which checkpoint that is.
    async fn asked(&self, task: TaskId) -> Result<TaskId> {
        process::until("a question", async || {
            let page = self.stage.client.checkpoints(Some(task), &PageQuery::default()).await?;
            Ok(page.items.first().map(|checkpoint| checkpoint.task.id))
        })
        .await
    }
}

/// A review of which the first files are read at once, and the others in that time.
fn review(words: &str, repo: &str, ms: u64) -> Result<NewTask> {
    let files = [
        ("src/main.rs", 40),
        ("src/money.rs", 60),
        ("src/ledger.rs", 80),
        ("src/http.rs", ms),
        ("src/refund.rs", ms),
        ("src/store/rows.rs", ms),
        ("src/store/lock.rs", ms),
        ("src/audit.rs", ms),
        ("tests/refunds.rs", ms),
    ];
    let review = Review {
        repo: repo.to_owned(),
        files: files.map(|(path, ms)| (path.to_owned(), ms)).into(),
    };
    let mut task = described("review", words, &review)?;
    // Where the code is.
    task.requires = ["tool:git".to_owned()].into();
    Ok(task)
}
