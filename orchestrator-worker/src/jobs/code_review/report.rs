//! The page at the end.

use orchestrator_core::{TaskContext, TaskError};
use serde::{Deserialize, Serialize};

use crate::review::report::{Parts, Report, markdown, report};

/// The output of the job: the report for machines and for people.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Written {
    pub(super) report: Report,
    pub(super) markdown: String,
}

pub(super) async fn write(ctx: TaskContext, parts: Parts) -> Result<Written, TaskError> {
    let report = report(parts);
    ctx.log(format!("{} finding(s)", report.findings.len())).await;
    let markdown = markdown(&report);
    Ok(Written { report, markdown })
}
