//! A second agent looks at what the first ones found.

use orchestrator_core::{TaskContext, TaskError};
use serde::{Deserialize, Serialize};

use super::ReviewInput;
use crate::review::{
    critique::{Critique, FileFacts, critique},
    finding::Finding,
};

/// The input of `code_review.critique`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CritiqueInput {
    pub(super) input: ReviewInput,
    pub(super) findings: Vec<Finding>,
    pub(super) files: Vec<FileFacts>,
}

pub(super) async fn review(ctx: TaskContext, look: CritiqueInput) -> Result<Critique, TaskError> {
    let found = look.findings.len();
    let critique = critique(look.findings, &look.files, &look.input.options());
    ctx.log(format!(
        "{} of {found} finding(s) kept, {} removed, {} changed",
        critique.kept.len(),
        critique.dropped.len(),
        critique.changed.len()
    ))
    .await;
    Ok(critique)
}
