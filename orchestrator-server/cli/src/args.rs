//! What can be said on the command line.
//!
//! Every flag has an environment variable, `ORCHESTRATOR_` and its long name, and a key in the configuration file. Both
//! come by one rule, from [`command`] and [`crate::config`], and so no flag can be without.

use std::path::PathBuf;

use clap::{ArgAction, Args as ClapArgs, Parser, Subcommand, ValueEnum, builder::BoolishValueParser};
use orchestrator_core::protocol::{CheckpointFrequency, Role, TaskState, Timestamp, TokenId, Usd, Verdict};
use orchestrator_worker::llm::Price;

/// Runs durable tasks and agents, on this machine or through a server, and looks after what ran.
#[derive(Debug, Parser)]
#[command(name = "orchestrator", version, max_term_width = 100, after_help = EXAMPLES)]
pub struct Args {
    /// What every command understands
    #[command(flatten)]
    pub common: Common,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What every command understands.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Everywhere")]
pub struct Common {
    /// The store: `sqlite:PATH`, or `memory:` for a run that leaves nothing behind. By default a
    /// file in your data folder
    #[arg(long, global = true, value_name = "URL")]
    pub database: Option<String>,
    /// The server to talk to, instead of a store of your own; `submit`, `workers`, `limits` and `token`
    /// look on this machine without it
    #[arg(long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// The token that the server asks for
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Print results for machines on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// How progress is shown on standard error
    #[arg(long, global = true, value_name = "HOW", default_value = "auto")]
    pub progress: Progress,
    /// The configuration file. By default orchestrator/config.toml in your configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// What the program says about itself on standard error: error, warn, info, debug, trace
    #[arg(long, global = true, value_name = "LEVEL", default_value = "error")]
    pub log: String,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    /// A live tree on a terminal, lines elsewhere
    Auto,
    /// A live tree
    Live,
    /// Lines
    Plain,
    /// Not at all
    None,
}

const EXAMPLES: &str = "\
Examples:
  orchestrator run code_review --repo . --out review/
  orchestrator run command --input '{\"argv\": [\"cargo\", \"test\"]}'
  echo '{\"question\": \"Deploy?\"}' | orchestrator run checkpoint --input -
  orchestrator list --state failed
  orchestrator retry last
  orchestrator decide 7f3a accept --feedback 'looks good'
  orchestrator dev
  orchestrator submit code_review --repo . --wait

Tasks are named by their id, by the beginning or end of it that only one has, or by `last`.
Every flag has an environment variable (`--model-url` is ORCHESTRATOR_MODEL_URL) and a key in the
configuration file (`model_url = \"…\"`; in a table such as `[run]` for one command only). The
command line wins over the environment, and that over the file.
Exit status: 0 succeeded, 1 the task failed, 2 wrong usage, 3 cancelled, 4 the store or the server
cannot be reached.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a task here, show its tree live and print its result
    #[command(after_help = RUN_EXAMPLES)]
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
    Agents(Here),
    /// Run a server and a worker in this process, to try things out
    Dev(Box<Dev>),
    /// Hand a task to a server
    Submit(Box<Submit>),
    /// List the workers of a server
    Workers(Workers),
    /// List or set a server's limits
    Limits(Limits),
    /// Make, list and revoke a server's tokens
    Token(Token),
}

const RUN_EXAMPLES: &str = "\
Examples:
  orchestrator run code_review --repo . --out review/
  orchestrator run code_review --repo . --changed-since main --json
  orchestrator run code_review --repo . --model qwen3 --model-url http://127.0.0.1:11434/v1
  orchestrator run command --input '{\"argv\": [\"cargo\", \"test\"]}'

The result is printed on standard output, progress on standard error. Ctrl-C cancels the task and
everything below it; a second one stops at once. What was finished is kept either way:
`orchestrator retry last` goes on with it.";

/// A task.
#[derive(Debug, ClapArgs)]
pub struct Which {
    /// The task: its id, the beginning or end of it, or `last`
    #[arg(required_unless_present = "last")]
    task: Option<String>,
    /// The newest task that is no part of another one
    #[arg(long, conflicts_with = "task")]
    last: bool,
}

impl Which {
    /// The word for the task.
    pub fn word(&self) -> &str {
        self.task.as_deref().unwrap_or("last")
    }
}

/// A task, with what is said of it by flags.
#[derive(Debug, ClapArgs)]
pub struct Job {
    /// The type of the task, for example `code_review`; `orchestrator agents` lists those of this program
    pub task_type: String,
    /// The input: JSON, `@FILE`, or `-` for standard input
    #[arg(long, value_name = "JSON|@FILE|-", allow_hyphen_values = true)]
    pub input: Option<String>,
    /// A description for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A key and a value to search by; may be repeated
    #[arg(long, value_name = "KEY:VALUE", value_parser = key_value)]
    pub label: Vec<(String, String)>,
    /// The repository that the job is about: a folder that those who run it can reach
    #[arg(long, value_name = "DIR")]
    pub repo: Option<PathBuf>,
    /// The folder that reports are written to; without it the report is printed
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Run it once: a second time with the same key follows the first task, or shows its result
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
    /// How often it is tried when it fails in a way that may pass; 3 times by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub attempts: Option<u32>,
    /// What it may cost, with all that is below it, in USD: 2.50. When that is spent, nothing more of it starts until
    /// `retry` lets it go on. A model costs what --model-price says of it, here or at its worker
    #[arg(long, value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
    pub budget: Option<Usd>,
    /// How many tokens it may use, with all that is below it; when they are spent, as with --budget
    #[arg(long, value_name = "N")]
    pub budget_tokens: Option<u64>,
    /// How often it asks people, where its agent does: none, low (at the end), medium, high (after every step)
    #[arg(long, value_name = "HOW_OFTEN", value_parser = frequency)]
    pub checkpoints: Option<CheckpointFrequency>,
    /// How the code review is done
    #[command(flatten)]
    pub review: Review,
}

/// `run`.
#[derive(Debug, ClapArgs)]
pub struct Run {
    /// What is run
    #[command(flatten)]
    pub job: Job,
    /// Where it runs
    #[command(flatten)]
    pub here: Here,
}

/// What a code review looks at.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Code review")]
pub struct Review {
    /// Review only what changed since this commit or branch
    #[arg(long, value_name = "REV")]
    pub changed_since: Option<String>,
    /// Review only paths that match, for example `src/**`; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out paths that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Which linters: `auto` (those that are there), `none`, or their names with commas
    #[arg(long, value_name = "NAMES")]
    pub analysers: Option<String>,
    /// Run linters that execute the repository's own code (clippy runs build scripts)
    #[arg(long)]
    pub trust: bool,
    /// How many files are reviewed at once; the number of slots by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub max_parallel: Option<u32>,
}

/// Where a task runs: this process.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Where it runs")]
pub struct Here {
    /// How many tasks run at once; twice the number of processors by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub slots: Option<u32>,
    /// The model for agents that ask one
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// The server of the model, up to `/v1`: OpenAI, Ollama, vLLM, llama.cpp
    #[arg(long, value_name = "URL", visible_alias = "base-url")]
    pub model_url: Option<String>,
    /// The environment variable that holds the model's key
    #[arg(long, value_name = "VARIABLE")]
    pub model_key_env: Option<String>,
    /// What the model costs, in USD for a million tokens: INPUT:OUTPUT or INPUT:OUTPUT:CACHED, like 0.25:2
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    pub model_price: Option<Price>,
}

impl Here {
    /// How many tasks run at once. Most agents wait for programs and models, so twice the processors is not too many.
    pub fn slots(&self) -> u32 {
        self.slots.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism().map_or(2, usize::from);
            u32::try_from(processors).unwrap_or(32).saturating_mul(2).clamp(2, 64)
        })
    }
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
    #[arg(long, value_name = "KEY:VALUE", value_parser = key_value)]
    pub label: Option<(String, String)>,
    /// Only tasks with this text in their description
    #[arg(long, value_name = "TEXT")]
    pub text: Option<String>,
    /// Children too, not only the topmost tasks
    #[arg(long)]
    pub all: bool,
    /// How many, up to 500
    #[arg(long, default_value = "20", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=500))]
    pub limit: u16,
    /// Go on after an earlier page
    #[arg(long, value_name = "CURSOR")]
    pub cursor: Option<String>,
}

/// `logs`.
#[derive(Debug, ClapArgs)]
pub struct Logs {
    /// The task
    #[command(flatten)]
    pub which: Which,
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
    /// The task
    #[command(flatten)]
    pub which: Which,
    /// Why, for the history
    #[arg(long, default_value = "cancelled from the command line", value_name = "TEXT")]
    pub reason: String,
}

/// `dev`.
#[derive(Debug, ClapArgs)]
pub struct Dev {
    /// Where the server listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// A folder with the app for browsers, which `make web` builds; by default the one that is built in, if one is
    #[arg(long, value_name = "DIR")]
    pub dashboard: Option<PathBuf>,
    /// How the worker runs
    #[command(flatten)]
    pub here: Here,
}

/// `submit`.
#[derive(Debug, ClapArgs)]
pub struct Submit {
    /// What is submitted
    #[command(flatten)]
    pub job: Job,
    /// How it is treated
    #[command(flatten)]
    pub terms: Terms,
}

/// How a server treats a task.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "At the server")]
pub struct Terms {
    /// A label that a worker must offer, for example `tool:git`; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub require: Vec<String>,
    /// A label that a worker should offer; may be repeated
    #[arg(long, value_name = "LABEL")]
    pub prefer: Vec<String>,
    /// A limit that it counts against, for example `provider:anthropic`; may be repeated
    #[arg(long, value_name = "KEY")]
    pub limit_key: Vec<String>,
    /// From 1 (first) to 10 (last); 5 by default
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=10))]
    pub priority: Option<u8>,
    /// The queue that it waits in
    #[arg(long, value_name = "NAME")]
    pub queue: Option<String>,
    /// Follow it to its end and print what it gave, or write it to --out
    #[arg(long)]
    pub wait: bool,
}

/// `workers`.
#[derive(Debug, ClapArgs)]
pub struct Workers {
    /// What to do with one of them
    #[command(subcommand)]
    pub action: Option<WorkersAction>,
}

/// What to do with a worker.
#[derive(Debug, Subcommand)]
pub enum WorkersAction {
    /// Let a worker finish what it has and take no more
    Drain {
        /// Its name, its id or the beginning of it
        worker: String,
    },
}

/// `limits`.
#[derive(Debug, ClapArgs)]
pub struct Limits {
    /// What to change
    #[command(subcommand)]
    pub action: Option<LimitsAction>,
}

/// What to change of the limits.
#[derive(Debug, Subcommand)]
pub enum LimitsAction {
    /// Set the limit of a key
    Set {
        /// The key, as tasks name it
        key: String,
        /// How many may run at once
        #[arg(long, value_name = "N")]
        max_running: Option<u32>,
        /// How many may start in a minute
        #[arg(long, value_name = "N")]
        starts_per_minute: Option<u32>,
        /// How many tokens may be spent in a minute
        #[arg(long, value_name = "N")]
        tokens_per_minute: Option<u64>,
    },
    /// Remove the limit of a key
    Remove {
        /// The key
        key: String,
    },
}

/// `token`.
#[derive(Debug, ClapArgs)]
pub struct Token {
    /// What to do
    #[command(subcommand)]
    pub action: TokenAction,
}

/// What to do with tokens.
#[derive(Debug, Subcommand)]
pub enum TokenAction {
    /// List them, without their secrets
    List,
    /// Make one, and print its secret, which is shown once
    Create {
        /// Whose it is, for people
        name: String,
        /// What its holder may do: viewer, submitter, reviewer, worker, admin; may be repeated
        #[arg(long, value_name = "ROLE", required = true)]
        role: Vec<Role>,
        /// When it stops to count, for example 2027-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires_at: Option<Timestamp>,
    },
    /// Revoke one
    Revoke {
        /// Its id
        id: TokenId,
    },
}

/// `retry`.
#[derive(Debug, ClapArgs)]
pub struct Retry {
    /// The task
    #[command(flatten)]
    pub which: Which,
    /// The folder that reports are written to; without it the report is printed
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where it runs
    #[command(flatten)]
    pub here: Here,
}

/// `decide`.
#[derive(Debug, ClapArgs)]
pub struct Decide {
    /// The checkpoint: its id, the beginning or end of it, or `last` for the newest open one
    pub task: String,
    /// The decision
    pub decision: DecisionArg,
    /// What to change, or why. Corrects a code review by the checks (`secret.*`), files and folders (`src/generated/`)
    /// that are to be left out
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

/// An amount of money.
fn dollars(word: &str) -> Result<Usd, String> {
    match word.trim_start_matches('$').parse::<f64>() {
        Ok(dollars) if dollars.is_finite() && dollars >= 0.0 => Ok(Usd::from_dollars(dollars)),
        _ => Err("say it in USD, from 0 on: 2.50".to_owned()),
    }
}

/// How often people are asked, as the API says it.
fn frequency(word: &str) -> Result<CheckpointFrequency, String> {
    serde_json::from_value(word.into()).map_err(|_| "it is one of none, low, medium and high".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once(':').ok_or("say it as KEY:VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The definition of the command line, each flag with its environment variable.
pub fn command() -> clap::Command {
    with_environment(<Args as clap::CommandFactory>::command())
}

fn with_environment(command: clap::Command) -> clap::Command {
    command
        .mut_args(|flag| {
            let Some(long) = flag.get_long() else { return flag };
            let variable = variable(long);
            let is_switch = matches!(flag.get_action(), ArgAction::SetTrue);
            let flag = flag.env(variable).hide_env_values(true);
            if is_switch {
                // `ORCHESTRATOR_JSON=1` means what it seems to mean.
                flag.value_parser(BoolishValueParser::new())
            } else {
                flag
            }
        })
        .mut_subcommands(with_environment)
}

/// The environment variable of a flag.
pub fn variable(long: &str) -> String {
    match long {
        // Short, as it is the one that people set.
        "server" => "ORCHESTRATOR_URL".to_owned(),
        _ => format!("ORCHESTRATOR_{}", key(long).to_uppercase()),
    }
}

/// The key of a flag in the configuration file.
pub fn key(long: &str) -> String {
    long.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;

    fn parse(words: &[&str]) -> Result<Args, clap::Error> {
        let matches = command().try_get_matches_from(std::iter::once(&"orchestrator").chain(words))?;
        Args::from_arg_matches(&matches)
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_flag_is_explained_and_has_a_variable() {
        let root = command();
        for command in root.get_subcommands().chain([&root]) {
            for flag in command.get_arguments() {
                let name = format!("{} {}", command.get_name(), flag.get_id());
                assert!(flag.get_help().is_some(), "{name}");
                if flag.get_long().is_some() {
                    assert!(flag.get_env().is_some(), "{name}");
                }
            }
        }
    }

    #[test]
    fn help_fits_a_terminal_and_has_examples() {
        let mut root = command();
        let mut pages = vec![root.render_long_help().to_string()];
        pages.extend(root.get_subcommands_mut().map(|c| c.render_help().to_string()));
        assert!(pages[0].contains("Examples:") && pages[1].contains("Examples:"));
        assert!(pages[0].contains("ORCHESTRATOR_DATABASE"), "{}", pages[0]);
    }

    #[test]
    fn a_task_is_named_or_the_last() {
        assert!(parse(&["show"]).is_err());
        assert!(parse(&["show", "7f3a", "--last"]).is_err());
        for (words, expected) in [(["show", "7f3a"], "7f3a"), (["show", "--last"], "last")] {
            let Ok(Args {
                command: Command::Show(which),
                ..
            }) = parse(&words)
            else {
                panic!("{words:?}");
            };
            assert_eq!(which.word(), expected);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for words in [
            &["run"][..],
            &["run", "x", "--slots", "0"],
            &["run", "x", "--label", "novalue"],
            &["list", "--state", "happy"],
            &["list", "--limit", "501"],
            &["decide", "x", "maybe"],
            &["fly"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }
}
