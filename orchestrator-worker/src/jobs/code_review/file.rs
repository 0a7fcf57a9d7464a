//! The review of one file.

use orchestrator_core::{TaskContext, TaskError};
use serde::{Deserialize, Serialize};

use super::{ReviewInput, blocking};
use crate::review::{
    analyser::{self, ToolRun},
    file::{FileReview, inspect},
    runner::ProcessRunner,
    scope::SourceFile,
};

/// The input of `code_review.file`: where the file is, not what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FileInput {
    pub(super) input: ReviewInput,
    pub(super) file: SourceFile,
    pub(super) tools: Vec<ToolRun>,
}

pub(super) async fn review(ctx: TaskContext, one: FileInput) -> Result<FileReview, TaskError> {
    ctx.log(one.file.path.to_string()).await;
    let options = one.input.options();
    let (root, file) = (one.input.repo.clone(), one.file.clone());
    let checks = options.clone();
    let mut review = blocking(move || inspect(&root, &file, &checks)).await?;
    let analysis = analyser::analyse_file(&one.input.repo, &one.file, &one.tools, &options, &ProcessRunner).await;
    review.add(analysis);
    Ok(review)
}
