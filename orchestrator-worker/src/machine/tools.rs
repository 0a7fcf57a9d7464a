//! Tools: programs that tasks may require, found by asking each for its version.

use std::{collections::BTreeSet, process::Stdio, sync::LazyLock, time::Duration};

use futures::future::join_all;
use regex::Regex;
use tokio::{process::Command, time::timeout};

/// How long a tool may take to say its version.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program that tasks may require as `tool:NAME`.
#[derive(Debug, Clone, Copy)]
pub struct Tool {
    /// The name in the label.
    pub name: &'static str,
    /// The program.
    pub program: &'static str,
    /// What makes it say its version.
    pub asks: &'static [&'static str],
}

const fn tool(name: &'static str) -> Tool {
    named(name, name, &["--version"])
}

const fn named(name: &'static str, program: &'static str, asks: &'static [&'static str]) -> Tool {
    Tool { name, program, asks }
}

/// The tools that are looked for.
pub const TOOLS: [Tool; 26] = [
    tool("git"),
    tool("cargo"),
    tool("node"),
    tool("npm"),
    named("python", "python3", &["--version"]),
    tool("uv"),
    named("go", "go", &["version"]),
    named("java", "java", &["-version"]),
    tool("gcc"),
    tool("make"),
    tool("docker"),
    tool("podman"),
    tool("ruff"),
    tool("shellcheck"),
    tool("gh"),
    named("claude-code", "claude", &["--version"]),
    tool("codex"),
    tool("gemini"),
    tool("opencode"),
    tool("qwen"),
    tool("aider"),
    tool("goose"),
    named("cursor-agent", "cursor-agent", &["--version"]),
    tool("ollama"),
    named("llama-server", "llama-server", &["--version"]),
    tool("vllm"),
];

/// `tool:NAME` and `version:NAME:VERSION` for each tool that is there. All are asked at once.
pub(super) async fn labels(tools: &[Tool]) -> BTreeSet<String> {
    let found = join_all(tools.iter().map(async |tool| (tool, ask(tool).await))).await;
    let mut labels = BTreeSet::new();
    for (tool, answer) in found {
        let Some(answer) = answer else { continue };
        labels.insert(format!("tool:{}", tool.name));
        if let Some(version) = version(&answer) {
            labels.insert(format!("version:{}:{version}", tool.name));
        }
    }
    labels
}

/// What a tool says when it is asked for its version; none when it is not there, or does not work.
async fn ask(tool: &Tool) -> Option<String> {
    let output = Command::new(tool.program)
        .args(tool.asks)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(PATIENCE, output).await.ok()?.ok()?;
    let said = [output.stdout, output.stderr].concat();
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&said).into_owned())
}

/// The first thing that looks like a version.
fn version(text: &str) -> Option<&str> {
    static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\d+\.\d+(\.\d+)?").ok());
    Some(VERSION.as_ref()?.find(text)?.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (text, expected) in [
            ("git version 2.47.1", Some("2.47.1")),
            ("v22.11.0\n", Some("22.11.0")),
            ("go version go1.23.4 linux/amd64", Some("1.23.4")),
            ("openjdk version \"21.0.5\" 2024-10-15", Some("21.0.5")),
            ("2.1.0 (Claude Code)", Some("2.1.0")),
            ("ollama is here", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn only_what_works_is_offered() {
        let tools = [
            named("shell", "sh", &["-c", "echo shell 5.2"]),
            named("broken", "sh", &["-c", "exit 1"]),
            tool("there-is-no-such-program"),
        ];
        let expected = ["tool:shell", "version:shell:5.2"].map(str::to_owned);
        assert_eq!(labels(&tools).await, expected.into());
    }

    #[test]
    fn no_name_twice() {
        let names: BTreeSet<_> = TOOLS.iter().map(|tool| tool.name).collect();
        assert_eq!(names.len(), TOOLS.len());
    }
}
