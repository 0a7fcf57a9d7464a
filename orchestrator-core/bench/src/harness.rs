//! Runs the scenarios, the contenders taking turns, and tells the result as one table and as JSON lines.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use crate::contender::{Contender, Entry, Role, Storage};
use crate::scenario::{Figure, Scenario, Size};
use orchestrator_bench::calibrate::Calibration;

/// A contender that takes longer is stuck.
const PATIENCE: Duration = Duration::from_mins(5);

/// What to run, and how often.
pub struct Plan {
    pub scenarios: Vec<&'static Scenario>,
    pub entries: Vec<Entry>,
    pub size: Size,
    pub rounds: usize,
    pub folder: PathBuf,
    pub json: Option<PathBuf>,
}

/// Every sample of one figure of one contender.
#[derive(Default)]
struct Samples(Vec<f64>);

impl Samples {
    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn least(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    fn most(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }
}

impl Plan {
    /// Runs everything. A contender that fails is reported in its row, and the others go on.
    pub async fn run(&self) -> anyhow::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let mut json = self.json.as_ref().map(File::create).transpose()?;
        for scenario in &self.scenarios {
            println!("\n## {}: {}\n", scenario.name, scenario.what);
            let mut table = Table::new(scenario);
            for round in 1..=self.rounds {
                let calibration = Calibration::take(&self.folder)?;
                println!("round {round} of {}: {calibration}", self.rounds);
                line(
                    &mut json,
                    &json!({"scenario": scenario.name, "round": round, "calibration": {
                        "cpu_ms": calibration.cpu.as_secs_f64() * 1e3,
                        "sync_us": calibration.sync.as_secs_f64() * 1e6,
                        "wake_us": calibration.wake.as_secs_f64() * 1e6,
                    }}),
                )?;
                // Each round begins with another one, so that nobody always runs on a rested or on a tired machine.
                for turn in 0..self.entries.len() {
                    let entry = &self.entries[(turn + round) % self.entries.len()];
                    match self.turn(scenario, entry).await {
                        Ok(figures) => {
                            line(
                                &mut json,
                                &json!({"scenario": scenario.name, "round": round, "contender": entry.name,
                                    "storage": format!("{:?}", entry.storage), "figures": figures}),
                            )?;
                            table.add(entry, &figures);
                        }
                        Err(error) => table.failed(entry, &error),
                    }
                }
            }
            table.print(&self.entries);
        }
        Ok(())
    }

    /// One contender on fresh storage, which is removed afterwards.
    async fn turn(&self, scenario: &Scenario, entry: &Entry) -> anyhow::Result<BTreeMap<&'static str, f64>> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let mut contender: Box<dyn Contender> = (entry.open)(folder.path()).await?;
        let run = (scenario.run)(contender.as_mut(), &self.size);
        let figures = tokio::time::timeout(PATIENCE, run)
            .await
            .map_err(|_| anyhow::anyhow!("stuck"))??;
        Ok(figures.into_iter().collect())
    }
}

fn line(json: &mut Option<File>, value: &serde_json::Value) -> anyhow::Result<()> {
    if let Some(file) = json {
        writeln!(file, "{value}")?;
    }
    Ok(())
}

/// The result of one scenario.
struct Table {
    figures: &'static [Figure],
    samples: BTreeMap<(&'static str, &'static str), Samples>,
    failures: BTreeMap<&'static str, String>,
}

impl Table {
    fn new(scenario: &Scenario) -> Self {
        Self {
            figures: scenario.figures,
            samples: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    fn add(&mut self, entry: &Entry, figures: &BTreeMap<&'static str, f64>) {
        for (&figure, &value) in figures {
            self.samples.entry((entry.name, figure)).or_default().0.push(value);
        }
    }

    fn failed(&mut self, entry: &Entry, error: &anyhow::Error) {
        self.failures.insert(entry.name, format!("{error:#}"));
    }

    /// Medians, the least and the most, and the ratio to the limit of the same storage: above 1 is better than it.
    fn print(&self, entries: &[Entry]) {
        println!();
        for storage in [Storage::Memory, Storage::Sqlite] {
            let rows: Vec<&Entry> = entries.iter().filter(|entry| entry.storage == storage).collect();
            if rows.is_empty() {
                continue;
            }
            let limit = rows.iter().copied().find(|entry| entry.role == Role::Limit);
            print!("| {storage:?} |");
            self.figures
                .iter()
                .for_each(|figure| print!(" {} | of the limit |", figure.name));
            println!("\n|---|{}", "--:|--:|".repeat(self.figures.len()));
            for entry in rows {
                if let Some(error) = self.failures.get(entry.name) {
                    println!("| {} | failed: {error} |", entry.name);
                    continue;
                }
                print!("| {} |", entry.name);
                for figure in self.figures {
                    print!(" {} |", self.cells(entry, limit, figure));
                }
                println!();
            }
            println!();
        }
    }

    fn cells(&self, entry: &Entry, limit: Option<&Entry>, figure: &Figure) -> String {
        let Some(samples) = self.samples.get(&(entry.name, figure.name)) else {
            return "– | –".to_owned();
        };
        let value = samples.median();
        let spread = format!(
            "{} ({}–{})",
            digits(value),
            digits(samples.least()),
            digits(samples.most())
        );
        let ratio = limit
            .and_then(|limit| self.samples.get(&(limit.name, figure.name)))
            .map_or_else(
                || "–".to_owned(),
                |limit| {
                    let ratio = if figure.more_is_better {
                        value / limit.median()
                    } else {
                        limit.median() / value
                    };
                    format!("{ratio:.2}")
                },
            );
        format!("{spread} | {ratio}")
    }
}

/// With as many digits as mean something.
fn digits(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.3}")
    }
}
