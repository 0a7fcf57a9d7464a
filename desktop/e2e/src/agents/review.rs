//! A review that asks people: files side by side, findings, a page in Markdown.

use std::time::Duration;

use orchestrator_core::{
    AgentError, TaskContext,
    context::Checkpoint,
    protocol::{Usage, Usd, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::described;

/// What is to be reviewed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Review {
    /// Of whom.
    pub(crate) repo: String,
    /// Files, with how long each takes, in milliseconds.
    pub(crate) files: Vec<(String, u64)>,
}

/// How many files are read side by side.
const ABREAST: u32 = 5;

/// Reads the files, and asks a person until the person is content.
pub(super) async fn review(ctx: TaskContext, review: Review) -> Result<Value, AgentError> {
    ctx.log(format!("{} files of {}", review.files.len(), review.repo))
        .await;
    let files: Result<Vec<_>, _> = review
        .files
        .iter()
        .map(|file| described("review.file", &file.0, file))
        .collect();
    let read = ctx.map_tasks::<usize>("file", files?, ABREAST).await?;
    let lines: usize = read.into_iter().sum::<Result<usize, _>>()?;
    let mut corrected = String::new();
    for round in 1.. {
        let page = page(&review, lines, &corrected);
        let checkpoint = Checkpoint::new(format!("Is this review of {} right?", review.repo))
            .content(&page)?
            .evaluation(judged())
            .context(json!({"round": round, "commit": "4f1c9ae", "files": review.files.len(), "lines": lines}));
        let decision = ctx.checkpoint_with(format!("approval {round}"), checkpoint).await?;
        match decision.decision {
            Verdict::Accept => {
                let mut output = judged();
                output["markdown"] = page.into();
                return Ok(output);
            }
            Verdict::Correct => corrected = decision.feedback,
            Verdict::Reject => break,
        }
    }
    Err(AgentError::terminal("a person rejected the review"))
}

/// Reads a file, and says how far it is. Its last part is the hard one.
pub(super) async fn file(ctx: TaskContext, (path, ms): (String, u64)) -> Result<usize, AgentError> {
    let parts = 2 + path.len() % 7;
    for part in 1..=parts {
        ctx.log(format!("{path}: part {part} of {parts}")).await;
        ctx.progress((part as f64 - 0.5) / (parts as f64 + 2.0)).await;
        sleep(Duration::from_millis(if part == parts { ms } else { 5 })).await;
    }
    ctx.usage(Usage {
        input_tokens: 2_400 + 31 * path.len() as u64,
        output_tokens: 420,
        cost_usd: Usd::from_dollars(0.0131),
        ..Usage::default()
    })
    .await;
    Ok(120 + 13 * path.len())
}

fn judged() -> Value {
    json!({
        "scores": {"overall": 6.4, "verdict": "needs_work", "architecture": 7.5, "code_quality": 7.0, "security": 4.0,
            "testability": 6.5, "performance": 8.0},
        "findings": [
            {"severity": "critical", "file": "src/refund.rs", "line": 88, "check": "secret.token",
                "message": "A live API token is in the code.", "why": "Revoke it, and read it from the environment."},
            {"severity": "high", "file": "src/ledger.rs", "line": 41, "check": "error.swallowed",
                "message": "A failed write is logged and then forgotten.", "why": "The balance is wrong from then on."},
            {"severity": "medium", "file": "src/http.rs", "line": 132, "check": "size.function",
                "message": "`handle` has 164 lines and does four things.", "why": ""},
            {"severity": "low", "file": "src/money.rs", "line": 9, "check": "debt.todo",
                "message": "A TODO without an issue.", "why": ""}],
        "recommendations": ["Revoke the token in src/refund.rs today.", "Return the error from `Ledger::write`."],
    })
}

fn page(review: &Review, lines: usize, corrected: &str) -> String {
    let note = if corrected.is_empty() {
        "`cargo clippy` ran; `cargo audit` is not installed there.".to_owned()
    } else {
        format!("Corrected: {corrected}")
    };
    format!(
        "# Review of `{}`\n\n\
         **Verdict: needs work** (6.4 of 10)\n\n\
         {} files with {lines} lines were read; four things were found, one of which cannot wait.\n\n\
         | dimension | score | findings | worst |\n|---|---:|---:|---|\n\
         | security | 4.0 | 1 | critical |\n| code quality | 7.0 | 2 | high |\n| testability | 6.5 | 1 | low |\n\
         | performance | 8.0 | 0 | – |\n\n\
         > Note: {note}\n\n\
         ## What to fix first\n\n\
         1. **Revoke the token** in `src/refund.rs:88`. It is in the history too, so deleting the line is not enough.\n\
         2. **Return the error** of `Ledger::write`:\n\n\
         ```rust\nself.store.write(&entry).await?;\n```\n\n\
         ## What is good\n\n\
         - Amounts are whole cents everywhere, and never floats.\n\
         - Each request has a key, and a second one with the same key changes *nothing*.\n",
        review.repo,
        review.files.len()
    )
}
