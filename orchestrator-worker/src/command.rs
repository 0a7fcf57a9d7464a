//! The agent `command`: runs any program, streams what it writes, and leaves nothing of it behind.

mod capture;
mod lines;
mod process;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use orchestrator_core::{Agent, TaskContext, TaskError, agent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::process::{End, Process};

/// The variables that every program gets unless it says otherwise: what programs need to find their things, and nothing
/// that is secret.
pub const PASSED: [&str; 14] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "TMPDIR",
    "TERM",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "XDG_CACHE_HOME",
];

/// The input of `command`. Only `argv` is required.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Command", description = "A program that is run on the worker.")]
#[schemars(extend("x-order" = ["argv", "cwd", "stdin", "env", "pass_env", "timeout_s", "silence_timeout_s",
    "output_cap_bytes", "grace_s", "ok_exit_codes"]))]
#[serde(deny_unknown_fields)]
pub struct CommandInput {
    /// The program and its arguments. There is no shell unless you name one.
    #[schemars(title = "Program and arguments", length(min = 1), example = ["cargo", "test"])]
    pub argv: Vec<String>,
    /// What it reads from standard input. Nothing by default: it sees the end at once.
    #[serde(default)]
    #[schemars(title = "Standard input", extend("format" = "multiline"))]
    pub stdin: Option<String>,
    /// Variables that are set for it.
    #[serde(default)]
    #[schemars(title = "Variables")]
    pub env: BTreeMap<String, String>,
    /// Names of the worker's variables that it gets beside [`PASSED`].
    #[serde(default)]
    #[schemars(
        title = "Variables of the worker",
        description = "Names of the worker's variables that it gets beside the usual ones."
    )]
    pub pass_env: Vec<String>,
    /// Where it runs. Defaults to the worker's own folder.
    #[serde(default)]
    #[schemars(title = "Folder")]
    pub cwd: Option<PathBuf>,
    /// The longest it may run, in seconds. No limit by default; the task's own `timeout_s` counts too.
    #[serde(default)]
    #[schemars(title = "Time limit", range(min = 0))]
    pub timeout_s: Option<f64>,
    /// The longest it may write nothing, in seconds. No limit by default.
    #[serde(default)]
    #[schemars(title = "Time limit of silence", range(min = 0))]
    pub silence_timeout_s: Option<f64>,
    /// How much of each output stream is kept for the result, in bytes: its beginning and its end. Defaults to 1 MiB.
    /// Everything is streamed to the task's log regardless.
    #[serde(default = "default_cap")]
    #[schemars(title = "Output that is kept")]
    pub output_cap_bytes: usize,
    /// Seconds between SIGTERM and SIGKILL when it is stopped. Defaults to 5.
    #[serde(default = "default_grace")]
    #[schemars(title = "Grace", range(min = 0))]
    pub grace_s: f64,
    /// Exit codes that mean success. Defaults to 0 alone.
    #[serde(default = "default_ok")]
    #[schemars(title = "Exit codes of success")]
    pub ok_exit_codes: Vec<i32>,
}

const fn default_cap() -> usize {
    1 << 20
}

const fn default_grace() -> f64 {
    5.0
}

fn default_ok() -> Vec<i32> {
    vec![0]
}

/// What a program gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandOutput {
    /// Its exit code.
    pub exit_code: i32,
    /// What it wrote to standard output; what is not UTF-8 is replaced, and what is too much left out with a remark.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// The agent.
pub fn command() -> impl Agent {
    agent("command", run)
        .description("Runs a program: `{\"argv\": [\"cargo\", \"test\"], \"cwd\": \"/srv/repo\"}`.")
        .input_schema(schemars::schema_for!(CommandInput))
}

async fn run(ctx: TaskContext, input: CommandInput) -> Result<CommandOutput, TaskError> {
    check(&input)?;
    let mark = ctx.task_id().to_string();
    // A run of this task whose worker was killed may have left its program behind.
    process::sweep(&mark);
    let process = Process::spawn(&input, &mark)?;
    let grace = Duration::try_from_secs_f64(input.grace_s).unwrap_or_default();
    let cancelled = ctx.cancellation();
    let limits = process::Limits {
        timeout: seconds(input.timeout_s),
        silence: seconds(input.silence_timeout_s),
        grace,
        cap: input.output_cap_bytes,
    };
    let (end, stdout, stderr) = process.follow(&ctx, &limits, cancelled).await?;
    let program = &input.argv[0];
    let detail = json!({"stdout": tail(&stdout), "stderr": tail(&stderr)});
    match end {
        End::Code(code) if input.ok_exit_codes.contains(&code) => Ok(CommandOutput {
            exit_code: code,
            stdout,
            stderr,
        }),
        End::Code(code) => {
            let said = stderr
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it wrote no error");
            Err(
                TaskError::retryable(format!("`{program}` ended with exit code {code}: {said}"))
                    .with_detail(json!({"exit_code": code, "output": detail})),
            )
        }
        End::Signal(signal) => {
            let message = format!("`{program}` was ended by signal {signal}");
            Err(TaskError::retryable(message).with_detail(json!({"signal": signal, "output": detail})))
        }
        End::TimedOut => Err(TaskError::retryable(format!(
            "`{program}` ran longer than {} s and was stopped",
            input.timeout_s.unwrap_or_default()
        ))
        .with_detail(detail)),
        End::Silent => Err(TaskError::retryable(format!(
            "`{program}` wrote nothing for {} s and was stopped",
            input.silence_timeout_s.unwrap_or_default()
        ))
        .with_detail(detail)),
        End::Cancelled => {
            let message = format!("`{program}` was stopped");
            Err(TaskError::new(
                orchestrator_core::protocol::ErrorClass::Cancelled,
                message,
            ))
        }
    }
}

fn seconds(seconds: Option<f64>) -> Option<Duration> {
    seconds.and_then(|s| Duration::try_from_secs_f64(s).ok())
}

fn check(input: &CommandInput) -> Result<(), TaskError> {
    let wrong = |message: &str| Err(TaskError::terminal(message));
    if input.argv.first().is_none_or(String::is_empty) {
        return wrong("argv: name a program, as in [\"cargo\", \"test\"]");
    }
    if input.argv.iter().any(|argument| argument.contains('\0')) {
        return wrong("argv: an argument cannot hold a NUL character");
    }
    let bad = |s: &Option<f64>| s.is_some_and(|s| !s.is_finite() || s <= 0.0);
    if bad(&input.timeout_s) || bad(&input.silence_timeout_s) || !input.grace_s.is_finite() || input.grace_s < 0.0 {
        return wrong("timeout_s and silence_timeout_s must be above 0, and grace_s not below");
    }
    Ok(())
}

/// The last part of an output, for an error's detail.
fn tail(text: &str) -> &str {
    const KEPT: usize = 4096;
    let mut start = text.len().saturating_sub(KEPT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}
