//! What only all files together tell: duplicated blocks, and linters that look at the whole.

use orchestrator_core::{TaskContext, TaskError};
use serde::{Deserialize, Serialize};

use super::{ReviewInput, blocking};
use crate::review::{
    analyser::{self, ToolRun},
    finding::{Finding, Unchecked},
    overview,
    runner::ProcessRunner,
    scope::Scope,
};

/// The input of `code_review.repository`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RepositoryInput {
    pub(super) input: ReviewInput,
    pub(super) scope: Scope,
    pub(super) tools: Vec<ToolRun>,
}

/// What was found in all files together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Together {
    pub(super) findings: Vec<Finding>,
    pub(super) unchecked: Vec<Unchecked>,
}

pub(super) async fn review(ctx: TaskContext, all: RepositoryInput) -> Result<Together, TaskError> {
    let options = all.input.options();
    ctx.log("looking for duplicated blocks").await;
    let (root, scope, checks) = (all.input.repo.clone(), all.scope.clone(), options.clone());
    let (mut findings, mut unchecked) = blocking(move || overview::cross_file_findings(&root, &scope, &checks)).await?;
    ctx.log("running the linters that look at the whole").await;
    let work = WorkFolder::new(&ctx)?;
    let analysis = analyser::analyse_repository(
        &all.input.repo,
        &all.scope,
        &all.tools,
        &options,
        &work.0,
        &ProcessRunner,
    )
    .await;
    findings.extend(analysis.findings);
    unchecked.extend(analysis.unchecked);
    Ok(Together { findings, unchecked })
}

/// A folder outside the repository for what linters write, gone with the task.
struct WorkFolder(std::path::PathBuf);

impl WorkFolder {
    fn new(ctx: &TaskContext) -> Result<Self, TaskError> {
        let path = std::env::temp_dir().join(format!("orchestrator-review-{}", ctx.task_id()));
        std::fs::create_dir_all(&path)
            .map_err(|e| TaskError::retryable(format!("the folder {} cannot be made: {e}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // What cannot be removed is left to whoever cleans temporary folders.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
