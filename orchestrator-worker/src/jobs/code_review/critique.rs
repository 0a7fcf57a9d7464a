//! A second agent looks at what the first ones found.

use orchestrator_core::{TaskContext, TaskError, protocol::ErrorClass};
use serde::{Deserialize, Serialize};

use super::{
    ReviewInput,
    file::to_ask,
    reader::{Reader, is_worth_another_try},
};
use crate::review::{
    correction,
    critique::{Critique, FileFacts, critique, model},
    finding::{Finding, Unchecked},
    model::Request,
};

/// The input of `code_review.critique`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CritiqueInput {
    pub(super) input: ReviewInput,
    pub(super) findings: Vec<Finding>,
    pub(super) files: Vec<FileFacts>,
    /// Whether a model takes part.
    #[serde(default)]
    pub(super) model: bool,
    /// What a person who has read the report wants corrected.
    #[serde(default)]
    pub(super) corrections: Vec<String>,
}

/// What the second look left, and what it could not do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Looked {
    pub(super) critique: Critique,
    #[serde(default)]
    pub(super) unchecked: Vec<Unchecked>,
    /// What became of corrections.
    #[serde(default)]
    pub(super) notes: Vec<String>,
}

pub(super) async fn review(ctx: TaskContext, look: CritiqueInput, reader: Option<Reader>) -> Result<Looked, TaskError> {
    let found = look.findings.len();
    let mut looked = Looked {
        critique: critique(look.findings, &look.files, &look.input.options()),
        ..Looked::default()
    };
    if let Some(reader) = reader.filter(|_| look.model) {
        judge(&ctx, &reader, &look.corrections, &mut looked).await?;
    }
    // A person has the last word.
    for said in &look.corrections {
        let note = match correction::apply(&mut looked.critique, said) {
            0 if look.model => format!("a person asked for a correction: {said}"),
            0 => format!(
                "a person asked for a correction, but named no check, file or folder that has findings, so nothing was \
                 left out: {said}"
            ),
            n => format!("a person left {n} finding(s) out: {said}"),
        };
        looked.notes.push(note);
    }
    let critique = &looked.critique;
    ctx.log(format!(
        "{} of {found} finding(s) kept, {} removed, {} changed",
        critique.kept.len(),
        critique.dropped.len(),
        critique.changed.len()
    ))
    .await;
    Ok(looked)
}

/// Lets a model doubt what is doubtful. One that gives no usable answer leaves everything as it was, which is told.
async fn judge(
    ctx: &TaskContext,
    reader: &Reader,
    corrections: &[String],
    looked: &mut Looked,
) -> Result<(), TaskError> {
    let Some((request, indices)) = model::request(&looked.critique.kept, corrections) else {
        return Ok(());
    };
    let answer: Result<String, String> = ctx.step("model", || question(ctx, reader, &request)).await?;
    let missed = match answer {
        Ok(answer) => model::apply(&mut looked.critique, &indices, &answer)
            .err()
            .map(|error| format!("the model's answer cannot be used: {error}")),
        Err(why) => Some(why),
    };
    let missed = missed.map(|why| Unchecked::new("the second look at the findings", why));
    looked.unchecked.extend(missed);
    Ok(())
}

async fn question(ctx: &TaskContext, reader: &Reader, request: &Request) -> Result<Result<String, String>, TaskError> {
    match reader.ask(ctx, &to_ask(request)).await {
        Ok(output) => Ok(Ok(output.text)),
        Err(error) if error.class == ErrorClass::Cancelled || is_worth_another_try(ctx, &error) => Err(error),
        Err(error) => Ok(Err(format!("the model did not take part: {}", error.message))),
    }
}
