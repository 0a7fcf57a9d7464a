//! Agents that work for the app's tests: they write, ask each other and people, and spend nothing.

mod pipeline;
mod review;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use orchestrator_core::{
    AgentError, Json, NewTask, TaskContext, TaskError,
    agent::{Registry, agent},
    context::Checkpoint,
    protocol::{Usage, Usd, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::sleep;

pub(crate) use self::{pipeline::Pipeline, review::Review};

/// Something to be written about.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Article {
    /// About what.
    pub(crate) topic: String,
    /// How long each line takes, in milliseconds.
    #[serde(default)]
    pub(crate) pace_ms: u64,
}

/// A draft to be made.
#[derive(Debug, Serialize, Deserialize)]
struct Draft {
    topic: String,
    feedback: String,
    pace_ms: u64,
}

/// What a task that streams does.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    /// How many lines.
    pub(crate) lines: u32,
    /// How long between them, in milliseconds.
    pub(crate) every_ms: u64,
}

/// Every agent of these tests.
pub(crate) fn registry() -> anyhow::Result<Registry> {
    let mut agents = Registry::new();
    let all = [
        agents.add(agent("article", article)),
        agents.add(agent("draft", draft)),
        agents.add(agent("critique", critique)),
        agents.add(agent("stream", stream)),
        agents.add(agent("review", review::review)),
        agents.add(agent("review.file", review::file)),
        agents.add(agent("release", pipeline::pipeline)),
        agents.add(agent("fan", fan)),
        agents.add(agent("nap", nap)),
        agents.add(agent("batch", nap)),
        agents.add(agent("large", |_: TaskContext, bytes: usize| async move {
            Ok::<_, AgentError>("0123456789abcde\n".repeat(bytes / 16))
        })),
        agents.add(agent("compile", |ctx: TaskContext, (): ()| async move {
            ctx.output("stderr", "error[E0308]: mismatched types in src/payment.rs:41")
                .await;
            Err::<(), _>(TaskError::terminal("the build failed with exit status 101").with_detail(json!({"exit": 101})))
        })),
    ];
    for added in all {
        added?;
    }
    Ok(agents)
}

/// Drafts, has it criticised by two, and asks a person until the person is content.
async fn article(ctx: TaskContext, article: Article) -> Result<String, AgentError> {
    let Article { topic, pace_ms } = article;
    let mut feedback = String::new();
    for round in 1..=5 {
        let draft = Draft {
            topic: topic.clone(),
            feedback: feedback.clone(),
            pace_ms,
        };
        let task = described("draft", &format!("Draft {round}: {topic}"), &draft)?;
        let text: String = ctx.call(format!("draft {round}"), task).await?;
        let critics = ["style", "facts"]
            .map(|what| described("critique", &format!("Critique of the {what}"), &(what, &text)))
            .into_iter()
            .collect::<Result<Vec<_>, _>>()?;
        let findings: Vec<_> = ctx.map_tasks::<String>(format!("critique {round}"), critics, 2).await?;
        let findings: Vec<String> = findings.into_iter().collect::<Result<_, _>>()?;
        let checkpoint = Checkpoint::new("Publish this text?")
            .content(&json!({"text": text}))?
            .evaluation(json!({
                "scores": {"code_quality": 8, "completeness": 7, "security": 9, "architecture": 8, "testability": 6},
                "issues": findings,
            }))
            .context(json!({"topic": topic, "round": round}));
        let decision = ctx.checkpoint_with(format!("publish {round}"), checkpoint).await?;
        match decision.decision {
            Verdict::Accept => return Ok(text),
            Verdict::Correct => feedback = decision.feedback,
            Verdict::Reject => return Err(AgentError::terminal(format!("rejected: {}", decision.feedback))),
        }
    }
    Err(AgentError::terminal("five drafts, and none was good enough"))
}

async fn draft(ctx: TaskContext, draft: Draft) -> Result<String, AgentError> {
    let lines = [
        format!("# {}", draft.topic),
        String::new(),
        "Agents share a queue of tasks; each takes what it can do.".to_owned(),
        "What is finished is remembered, and is never done again.".to_owned(),
    ];
    let revised = (!draft.feedback.is_empty()).then(|| format!("Revised: {}", draft.feedback));
    let lines: Vec<String> = lines.into_iter().chain(revised).collect();
    for (n, line) in lines.iter().enumerate() {
        ctx.log(line.clone()).await;
        ctx.progress((n + 1) as f64 / lines.len() as f64).await;
        sleep(Duration::from_millis(draft.pace_ms)).await;
    }
    ctx.usage(Usage {
        input_tokens: 1_200,
        output_tokens: 340,
        cost_usd: Usd::from_dollars(0.0087),
        ..Usage::default()
    })
    .await;
    Ok(lines.join("\n"))
}

async fn critique(ctx: TaskContext, (what, text): (String, String)) -> Result<String, AgentError> {
    ctx.log(format!("reading {} lines for {what}", text.lines().count()))
        .await;
    Ok(format!("The {what} could be better in line {}.", text.lines().count()))
}

/// Writes lines that say when they were written, so that whoever sees them knows how long it took.
async fn stream(ctx: TaskContext, stream: Stream) -> Result<u32, AgentError> {
    for n in 0..stream.lines {
        ctx.log(format!("{} line {n}", now_us())).await;
        sleep(Duration::from_millis(stream.every_ms)).await;
    }
    Ok(stream.lines)
}

/// Takes its time.
async fn nap(_: TaskContext, ms: u64) -> Result<u64, AgentError> {
    sleep(Duration::from_millis(ms)).await;
    Ok(ms)
}

/// Has many children, which nap, each a little longer than the one before.
async fn fan(ctx: TaskContext, (count, ms, apart_ms): (u32, u64, u64)) -> Result<usize, AgentError> {
    let naps = ctx
        .map::<_, u64>("nap", "nap", (0..count).map(|n| ms + u64::from(n) * apart_ms), 0)
        .await?;
    Ok(naps.len())
}

/// A task with words for people.
pub(crate) fn described(kind: &str, words: &str, input: &impl Serialize) -> Result<NewTask, serde_json::Error> {
    let mut task = NewTask::new(kind, Json::of(input)?);
    words.clone_into(&mut task.description);
    Ok(task)
}

/// The time, in microseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "how long something takes is measured, not decided on"
)]
pub(crate) fn now_us() -> u128 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_micros()
}
