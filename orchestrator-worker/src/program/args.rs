//! What can be said on the command line. Every flag has an environment variable and a key in the configuration file.

use std::{ffi::OsString, path::PathBuf};

use clap::{CommandFactory, FromArgMatches, Parser, ValueEnum};
use orchestrator_client::Way;

use super::{Failure, config};
use crate::llm::Price;

/// Runs tasks for a server: claims them, runs their agents, and reports.
#[derive(Debug, Parser)]
#[command(name = "orchestrator-worker", version, max_term_width = 100, after_help = AFTER)]
pub struct Args {
    /// The server, or several replicas of it separated by commas. Also ORCHESTRATOR_URL; by default
    /// http://127.0.0.1:8080
    #[arg(long, value_name = "URL", env = "ORCHESTRATOR_SERVER")]
    server: Option<String>,
    /// The token that lets this worker in; it needs the role `worker`. Safer in the environment
    #[arg(long, value_name = "TOKEN", env = "ORCHESTRATOR_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A file that holds the token
    #[arg(long, value_name = "FILE", env = "ORCHESTRATOR_TOKEN_FILE", conflicts_with = "token")]
    token_file: Option<PathBuf>,
    /// How many tasks run at once; twice the number of processors by default
    #[arg(long, value_name = "N", env = "ORCHESTRATOR_SLOTS", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    slots: Option<u32>,
    /// A label that this worker offers besides those that are found, as `team:shop` or `rack=7`
    #[arg(long, value_name = "K:V", env = "ORCHESTRATOR_LABEL", value_delimiter = ',')]
    pub label: Vec<String>,
    /// Its name, for people; the name of the machine by default
    #[arg(long, value_name = "NAME", env = "ORCHESTRATOR_NAME")]
    pub name: Option<String>,
    /// Everything that it is given stays on this machine: it may run sensitive tasks
    #[arg(long, env = "ORCHESTRATOR_LOCAL")]
    pub local: bool,
    /// Look for no tools, and offer only the labels that are named
    #[arg(long, env = "ORCHESTRATOR_NO_DISCOVERY")]
    pub no_discovery: bool,
    /// The file that keeps its id over restarts; by default in the folder for programs' state
    #[arg(long, value_name = "FILE", env = "ORCHESTRATOR_STATE")]
    pub state: Option<PathBuf>,
    /// How it talks to the server
    #[arg(long, value_name = "HOW", env = "ORCHESTRATOR_TRANSPORT", default_value = "auto")]
    pub transport: Transport,
    /// Seconds that running tasks have to end after SIGTERM
    #[arg(long, value_name = "SECONDS", env = "ORCHESTRATOR_DRAIN_S", default_value = "300")]
    pub drain_s: u64,
    /// Seconds that a stopped agent has to stop its programs
    #[arg(long, value_name = "SECONDS", env = "ORCHESTRATOR_GRACE_S", default_value = "10")]
    pub grace_s: u64,
    /// The model for agents that ask one
    #[arg(long, value_name = "NAME", env = "ORCHESTRATOR_MODEL")]
    pub model: Option<String>,
    /// The server of the model, up to `/v1`: OpenAI, Ollama, vLLM, llama.cpp
    #[arg(long, value_name = "URL", env = "ORCHESTRATOR_MODEL_URL")]
    pub model_url: Option<String>,
    /// The environment variable that holds the model's key
    #[arg(long, value_name = "VARIABLE", env = "ORCHESTRATOR_MODEL_KEY_ENV")]
    pub model_key_env: Option<String>,
    /// What the model costs, in USD for a million tokens: INPUT:OUTPUT or INPUT:OUTPUT:CACHED, like 0.25:2
    #[arg(long, value_name = "PRICE", env = "ORCHESTRATOR_MODEL_PRICE")]
    pub model_price: Option<Price>,
    /// A TOML file with a default for every flag: `slots = 8`, `label = ["team:shop"]`
    #[arg(long, value_name = "FILE", env = "ORCHESTRATOR_CONFIG")]
    config: Option<PathBuf>,
    /// What it says about itself on standard error: error, warn, info, debug, trace
    #[arg(long, value_name = "LEVEL", env = "ORCHESTRATOR_LOG", default_value = "info")]
    pub log: String,
    /// How that is written
    #[arg(long, value_name = "FORMAT", env = "ORCHESTRATOR_LOG_FORMAT", default_value = "text")]
    pub log_format: LogFormat,
    /// The OpenTelemetry collector that traces are sent to, by OTLP over HTTP: `http://HOST:4318`; none by
    /// default. Needs a build with the feature `otel`
    #[arg(long, value_name = "URL", env = "ORCHESTRATOR_OTLP")]
    pub otlp: Option<String>,
}

const AFTER: &str = "\
The command line wins over the environment, and that over the file.
SIGTERM, Ctrl-C or a closed terminal: takes nothing more, finishes what runs, and stops; a second one gives back what
runs at once. Exit status: 0 stopped in order, 2 wrong usage, 4 the server refuses this worker.";

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line
    Json,
}

/// How a worker talks to its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Transport {
    /// A WebSocket, or requests where WebSockets do not get through
    Auto,
    /// A WebSocket
    Websocket,
    /// Requests that wait
    LongPoll,
}

impl From<Transport> for Way {
    fn from(transport: Transport) -> Self {
        match transport {
            Transport::Auto => Self::Auto,
            Transport::Websocket => Self::WebSocket,
            Transport::LongPoll => Self::LongPoll,
        }
    }
}

/// Understands a command line, with the configuration file that it names.
pub(super) fn parse(words: Vec<OsString>) -> Result<Args, clap::Error> {
    let mut command = Args::command();
    let named = config::named(words.iter().skip(1).cloned());
    if let Some(path) = named {
        command = config::apply(&path, command)?;
    }
    Args::from_arg_matches(&command.try_get_matches_from(words)?)
}

impl Args {
    pub(super) fn server(&self) -> String {
        let named = self.server.clone().or_else(|| std::env::var("ORCHESTRATOR_URL").ok());
        let named = named.filter(|url| !url.trim().is_empty());
        named.unwrap_or_else(|| "http://127.0.0.1:8080".to_owned())
    }

    pub(super) fn token(&self) -> Result<Option<String>, Failure> {
        let Some(path) = &self.token_file else {
            return Ok(self.token.clone());
        };
        let token = std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("--token-file {}: {error}", path.display())))?;
        Ok(Some(token))
    }

    /// How many tasks run at once. Most agents wait for programs and models, so twice the processors is not too many.
    pub(super) fn slots(&self) -> u32 {
        self.slots.unwrap_or_else(|| {
            let processors = std::thread::available_parallelism().map_or(2, usize::from);
            u32::try_from(processors).unwrap_or(32).saturating_mul(2).clamp(2, 64)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Result<Args, String> {
        let words = std::iter::once(&"orchestrator-worker").chain(words).map(OsString::from);
        parse(words.collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_flag_has_a_variable() {
        for flag in Args::command().get_arguments() {
            let name = flag.get_long().expect("a long name");
            if !["help", "version"].contains(&name) {
                let variable = format!("ORCHESTRATOR_{}", name.replace('-', "_").to_uppercase());
                assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(&*variable));
            }
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("worker.toml");
        std::fs::write(
            &path,
            "slots = 3\nlabel = ['team:shop', 'rack=7']\nlocal = true\nserver = 'http://a'",
        )
        .expect("a file");
        let file = path.to_str().expect("a path");
        let from_file = args(&["--config", file]).expect("a command line");
        assert_eq!(from_file.slots(), 3);
        assert_eq!(from_file.label, ["team:shop", "rack=7"]);
        assert!(from_file.local);
        assert_eq!(from_file.server(), "http://a");
        let both = args(&["--slots", "5", &format!("--config={file}"), "--label", "x:y"]).expect("a command line");
        assert_eq!((both.slots(), both.label), (5, vec!["x:y".to_owned()]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("worker.toml");
        let file = path.to_str().expect("a path");
        for (text, words) in [
            ("slot = 3", "`slot` is not a key"),
            ("slots = [3]", "`slots` is one value"),
            ("slots = ", "worker.toml"),
            ("slots = 0", "0 is not in"),
        ] {
            std::fs::write(&path, text).expect("a file");
            let error = args(&["--config", file]).expect_err(text);
            assert!(error.contains(words), "{error}");
        }
        assert!(
            args(&["--config", "/no/such/file"])
                .expect_err("no file")
                .contains("/no/such/file")
        );
        assert!(args(&["--slots", "none"]).is_err());
    }
}
