//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use orchestrator_core::protocol::{TaskState, Verdict};

use crate::{config::Config, exit::Failure, place};

/// Runs durable tasks and agents on this machine, and looks after what ran.
#[derive(Debug, Parser)]
#[command(name = "orchestrator", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// The store: `sqlite:PATH`, or `memory:` for a run that leaves nothing behind
    #[arg(long, global = true, env = "ORCHESTRATOR_DATABASE", value_name = "URL")]
    pub database: Option<String>,
    /// Print results for machines on standard output; progress goes to standard error
    #[arg(long, global = true, env = "ORCHESTRATOR_JSON")]
    pub json: bool,
    /// The configuration file
    #[arg(long, global = true, env = "ORCHESTRATOR_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the program says about itself on standard error: error, warn, info, debug
    #[arg(long, global = true, env = "ORCHESTRATOR_LOG", value_name = "LEVEL")]
    pub log: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  orchestrator run code_review --repo . --out review/
  orchestrator run command --input '{\"argv\": [\"cargo\", \"test\"]}'
  orchestrator list --state failed
  orchestrator retry last
  orchestrator decide 7f3a accept --feedback 'looks good'

Tasks are named by their id, by a part of it that only one has, or by `last`.
Exit status: 0 succeeded, 1 the task failed, 2 wrong usage, 3 cancelled, 4 the store cannot be reached.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a task here, show its tree live and print its result
    Run(Box<Run>),
    /// List tasks, the newest first
    List(List),
    /// Show a task and what is below it
    Show(Which),
    /// Follow a task that runs elsewhere
    Watch(Which),
    /// Print what a task wrote
    Logs(Logs),
    /// Say why a task is where it is
    Why(Which),
    /// Cancel a task and everything below it
    Cancel(Cancel),
    /// Run a task again from what it has finished, to its end
    Retry(Retry),
    /// Answer a checkpoint
    Decide(Decide),
    /// List the task types that can be run here
    Agents,
}

/// A task.
#[derive(Debug, ClapArgs)]
pub struct Which {
    /// The task: its id, a part of it, or `last`
    pub task: String,
}

/// `run`.
#[derive(Debug, ClapArgs)]
pub struct Run {
    /// The type of the task, for example `code_review`; `orchestrator agents` lists them
    pub task_type: String,
    /// The input: JSON, `@FILE`, or `-` for standard input
    #[arg(long, env = "ORCHESTRATOR_INPUT", value_name = "JSON|@FILE|-")]
    pub input: Option<String>,
    /// A description for people
    #[arg(long, env = "ORCHESTRATOR_DESCRIPTION", value_name = "TEXT")]
    pub description: Option<String>,
    /// The repository that the job is about
    #[arg(long, env = "ORCHESTRATOR_REPO", value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// The folder that reports are written to; without it the report is printed
    #[arg(long, env = "ORCHESTRATOR_OUT", value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run it once: a second run with the same key shows the first one
    #[arg(long, env = "ORCHESTRATOR_IDEMPOTENCY_KEY", value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// How the code review is done
    #[command(flatten)]
    pub review: Review,
    /// Where it runs
    #[command(flatten)]
    pub here: Here,
}

/// What a code review looks at.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Code review")]
pub struct Review {
    /// Review only what changed since this commit or branch
    #[arg(long, env = "ORCHESTRATOR_CHANGED_SINCE", value_name = "REV")]
    pub changed_since: Option<String>,
    /// Review only paths that match, for example `src/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out paths that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Run linters that execute the repository's own code (clippy runs build scripts)
    #[arg(long, env = "ORCHESTRATOR_TRUST")]
    pub trust: bool,
    /// How many files are reviewed at once; the number of slots by default
    #[arg(long, env = "ORCHESTRATOR_MAX_PARALLEL", value_name = "N")]
    pub max_parallel: Option<u32>,
}

/// Where a task runs: this process.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Where it runs")]
pub struct Here {
    /// How many tasks run at once
    #[arg(long, env = "ORCHESTRATOR_SLOTS", value_name = "N")]
    pub slots: Option<u32>,
    /// The model for agents that ask one
    #[arg(long, env = "ORCHESTRATOR_MODEL", value_name = "NAME")]
    pub model: Option<String>,
    /// The server of the model, up to `/v1`: OpenAI, Ollama, vLLM, llama.cpp
    #[arg(long, env = "ORCHESTRATOR_MODEL_URL", value_name = "URL")]
    pub model_url: Option<String>,
    /// The environment variable that holds the model's key
    #[arg(long, env = "ORCHESTRATOR_MODEL_KEY_ENV", value_name = "VARIABLE")]
    pub model_key_env: Option<String>,
}

/// `list`.
#[derive(Debug, ClapArgs)]
pub struct List {
    /// Only tasks in this state; may be repeated
    #[arg(long, value_name = "STATE", value_parser = |s: &str| s.parse::<TaskState>())]
    pub state: Vec<TaskState>,
    /// Only tasks of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub task_type: Option<String>,
    /// Only tasks with this label
    #[arg(long, value_name = "KEY:VALUE")]
    pub label: Option<String>,
    /// Only tasks with this text in their description
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Children too, not only the topmost tasks
    #[arg(long)]
    pub all: bool,
    /// How many, up to 500
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
    /// Go on after an earlier page
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// `logs`.
#[derive(Debug, ClapArgs)]
pub struct Logs {
    /// The task: its id, a part of it, or `last`
    pub task: String,
    /// Go on until the task has ended
    #[arg(long, short)]
    pub follow: bool,
    /// Lines of everything below it too
    #[arg(long)]
    pub tree: bool,
}

/// `cancel`.
#[derive(Debug, ClapArgs)]
pub struct Cancel {
    /// The task: its id, a part of it, or `last`
    pub task: String,
    /// Why, for the history
    #[arg(long, default_value = "cancelled from the command line", value_name = "TEXT")]
    pub reason: String,
}

/// `retry`.
#[derive(Debug, ClapArgs)]
pub struct Retry {
    /// The task: its id, a part of it, or `last`
    pub task: String,
    /// The folder that reports are written to; without it the report is printed
    #[arg(long, env = "ORCHESTRATOR_OUT", value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where it runs
    #[command(flatten)]
    pub here: Here,
}

/// `decide`.
#[derive(Debug, ClapArgs)]
pub struct Decide {
    /// The checkpoint: its id, a part of it, or `last` for the newest open one
    pub task: String,
    /// The decision
    pub decision: DecisionArg,
    /// What to change, or why
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub feedback: String,
}

/// A decision.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum DecisionArg {
    /// Go on
    Accept,
    /// Go on after these corrections
    Correct,
    /// Stop here
    Reject,
}

impl From<DecisionArg> for Verdict {
    fn from(decision: DecisionArg) -> Self {
        match decision {
            DecisionArg::Accept => Self::Accept,
            DecisionArg::Correct => Self::Correct,
            DecisionArg::Reject => Self::Reject,
        }
    }
}

/// What the command line and the configuration file say together; the command line wins.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store.
    pub database: String,
    /// How many tasks run at once.
    pub slots: u32,
    /// The model.
    pub model: Option<String>,
    /// Its server.
    pub model_url: Option<String>,
    /// The environment variable with its key.
    pub model_key_env: Option<String>,
}

impl Settings {
    /// Puts both together.
    pub fn merge(args: &Args, config: Config) -> Result<Self, Failure> {
        let here = match &args.command {
            Command::Run(run) => Some(&run.here),
            Command::Retry(retry) => Some(&retry.here),
            _ => None,
        };
        let slots = here
            .and_then(|h| h.slots)
            .or(config.slots)
            .unwrap_or_else(default_slots);
        if !(1..=1024).contains(&slots) {
            return Err(Failure::usage(format!("--slots: {slots} is not within 1 and 1024")));
        }
        let database = match args.database.clone().or(config.database) {
            Some(url) => url,
            None => place::default_database()?,
        };
        Ok(Self {
            database,
            slots,
            model: here.and_then(|h| h.model.clone()).or(config.model),
            model_url: here.and_then(|h| h.model_url.clone()).or(config.model_url),
            model_key_env: here.and_then(|h| h.model_key_env.clone()).or(config.model_key_env),
        })
    }
}

/// Twice the processors: most agents wait for programs and models.
fn default_slots() -> u32 {
    std::thread::available_parallelism().map_or(4, |n| {
        u32::try_from(n.get()).unwrap_or(32).saturating_mul(2).clamp(2, 64)
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Args::command().debug_assert();
    }

    #[test]
    fn every_flag_is_explained() {
        for command in Args::command().get_subcommands() {
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {}",
                    command.get_name(),
                    argument.get_id()
                );
            }
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let args = Args::parse_from(["orchestrator", "--database", "memory:", "run", "x", "--slots", "3"]);
        let config = Config {
            slots: Some(9),
            database: Some("sqlite:other.db".into()),
            ..Config::default()
        };
        let settings = Settings::merge(&args, config).expect("settings");
        assert_eq!((settings.slots, settings.database.as_str()), (3, "memory:"));
        let args = Args::parse_from(["orchestrator", "run", "x", "--slots", "0"]);
        assert!(Settings::merge(&args, Config::default()).is_err());
    }
}
