//! What is measured, and what every scenario has at hand.

use std::{
    fs::File,
    future::Future,
    io::Write,
    path::{Path, PathBuf},
    pin::Pin,
};

use orchestrator_bench::calibrate::Calibration;
use serde_json::json;

use crate::{
    claims,
    database::Postgres,
    http, idle, store,
    table::{Sample, Table},
    whole,
};

/// Something that is measured.
pub struct Scenario {
    pub name: &'static str,
    pub what: &'static str,
    pub run: for<'a> fn(&'a mut Bench) -> Running<'a>,
}

/// A scenario that runs.
pub type Running<'a> = Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send + 'a>>;

/// All of them.
pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "store",
        what: "jobs that do nothing, 200 bytes of JSON each, on PostgreSQL: submitted one by one and in batches, then drained",
        run: |bench| Box::pin(store::run(bench)),
    },
    Scenario {
        name: "fleet",
        what: "the same through HTTP, the server, WebSockets and two worker processes, and durable runs of three steps",
        run: |bench| Box::pin(whole::throughput(bench)),
    },
    Scenario {
        name: "latency",
        what: "one job at a time on an idle system: from before it is submitted until its handler starts, and to its result",
        run: |bench| Box::pin(whole::latency(bench)),
    },
    Scenario {
        name: "writes",
        what: "1,000 HTTP connections, each request one task or row that is on the disk when it is answered",
        run: |bench| Box::pin(http::writes(bench)),
    },
    Scenario {
        name: "reads",
        what: "1,000 HTTP connections that read one task",
        run: |bench| Box::pin(http::reads(bench)),
    },
    Scenario {
        name: "claims",
        what: "one claim of one task on PostgreSQL, behind tasks in other lanes and beside other workers",
        run: |bench| Box::pin(claims::run(bench)),
    },
    Scenario {
        name: "idle",
        what: "what a fleet costs that has nothing to do",
        run: |bench| Box::pin(idle::run(bench)),
    },
];

/// How much of it.
pub struct Size {
    /// Jobs of one throughput run.
    pub jobs: usize,
    /// Samples of one latency run.
    pub samples: usize,
    /// How long one HTTP run takes.
    pub seconds: u64,
    /// How often everything is repeated.
    pub rounds: usize,
    /// Only contenders whose name contains this.
    pub only: Option<String>,
    /// Whether other people's programs take part.
    pub peers: bool,
}

/// What every scenario has at hand.
pub struct Bench {
    pub postgres: Postgres,
    pub redis: Option<String>,
    pub size: Size,
    pub folder: PathBuf,
    json: Option<File>,
}

impl Bench {
    /// Looks at the services.
    pub async fn new(
        postgres: &str,
        redis: Option<String>,
        size: Size,
        folder: PathBuf,
        json: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            postgres: Postgres::at(postgres).await?,
            redis,
            size,
            folder: folder.canonicalize()?,
            json: json.map(File::create).transpose()?,
        })
    }

    /// Whether somebody takes part: the first of a kind always do.
    pub fn takes_part(&self, name: &str) -> bool {
        let only = self.size.only.as_ref();
        only.is_none_or(|part| name.contains(part.as_str()))
    }

    /// Says what the machine gives at the moment.
    pub fn calibrate(&mut self, scenario: &str) -> anyhow::Result<()> {
        let calibration = Calibration::take(&self.folder)?;
        println!("{calibration}");
        self.line(&json!({"scenario": scenario, "calibration": {
            "cpu_ms": calibration.cpu.as_secs_f64() * 1e3,
            "sync_us": calibration.sync.as_secs_f64() * 1e6,
            "wake_us": calibration.wake.as_secs_f64() * 1e6,
        }}))
    }

    /// Writes down what was measured of one contender in one turn.
    pub fn record(
        &mut self,
        scenario: &str,
        table: &mut Table,
        row: &str,
        sample: anyhow::Result<Sample>,
    ) -> anyhow::Result<()> {
        match sample {
            Ok(sample) => {
                table.add(row, &sample);
                let figures: serde_json::Map<_, _> =
                    sample.iter().map(|(name, n)| ((*name).to_owned(), json!(n))).collect();
                self.line(&json!({"scenario": scenario, "contender": row, "figures": figures}))
            }
            Err(error) => {
                table.failed(row, &error);
                self.line(&json!({"scenario": scenario, "contender": row, "failed": format!("{error:#}")}))
            }
        }
    }

    fn line(&mut self, value: &serde_json::Value) -> anyhow::Result<()> {
        if let Some(file) = &mut self.json {
            writeln!(file, "{value}")?;
        }
        Ok(())
    }

    /// The folder of the crate's other programs: peers in other languages.
    pub fn peers_source() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers"))
    }
}
