//! What a person says of a review before it counts.

use orchestrator_core::{
    Json, TaskContext, TaskError,
    context::Checkpoint,
    protocol::{CheckpointFrequency, Verdict},
};
use serde_json::json;

use super::{numbered, report::Written};

/// What a person is shown of a page, in bytes, and of its findings: what is asked is kept whole with the task.
const SHOWN: (usize, usize) = (200_000, 200);

const HELP: &str = "To correct it, name what is to be left out: a check (`secret.*`), a file, a line or a folder (`src/generated/`), or \
    a check and a place on one line. Where a model takes part, say it in your own words.";

/// Whether people are asked. A review changes nothing, so that nothing of it is costly to undo: it asks those only who want
/// to be.
pub(super) const fn is_wanted(frequency: CheckpointFrequency) -> bool {
    matches!(frequency, CheckpointFrequency::Low | CheckpointFrequency::High)
}

/// Asks a person about the review of a round. Gives what they want corrected, unless they accept it.
pub(super) async fn ask(ctx: &TaskContext, round: usize, written: &Json) -> Result<Option<String>, TaskError> {
    let damaged = |error: serde_json::Error| TaskError::terminal(format!("the report cannot be shown: {error}"));
    let Written { report, markdown } = serde_json::from_str(written.get()).map_err(damaged)?;
    let page = if markdown.len() > SHOWN.0 {
        let end = (0..=SHOWN.0)
            .rev()
            .find(|end| markdown.is_char_boundary(*end))
            .unwrap_or(0);
        format!("{}\n\n… the rest is in the report.", &markdown[..end])
    } else {
        markdown
    };
    let findings = &report.findings[..report.findings.len().min(SHOWN.1)];
    let evaluation = json!({
        "scores": report.scores,
        "recommendations": report.recommendations,
        "findings": findings,
    });
    let question = match round {
        1 => format!("Is this review of {} right?", report.repo),
        _ => format!(
            "Is this review of {} right now? It was corrected {}.",
            report.repo,
            times(round - 1)
        ),
    };
    let checkpoint = Checkpoint::new(question)
        .content(&page)
        .map_err(damaged)?
        .evaluation(evaluation)
        .context(json!({ "help": HELP }));
    let decision = ctx.checkpoint_with(numbered("approval", round), checkpoint).await?;
    match decision.decision {
        Verdict::Accept => Ok(None),
        Verdict::Correct => Ok(Some(decision.feedback)),
        Verdict::Reject => Err(TaskError::terminal(match decision.feedback.trim() {
            "" => "a person rejected the review".to_owned(),
            why => format!("a person rejected the review: {why}"),
        })),
    }
}

fn times(n: usize) -> String {
    match n {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        n => format!("{n} times"),
    }
}
