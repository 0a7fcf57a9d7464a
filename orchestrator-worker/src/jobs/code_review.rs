//! The review of a repository as a tree of tasks.
//!
//! `code_review` lists the files, asks for one `code_review.file` each, several at a time, and for one
//! `code_review.repository` that looks at them together; `code_review.critique` takes a second look at what they found,
//! and `code_review.report` makes a page of it. Where people want to be asked, one accepts it, or says what is to be
//! corrected: then the second look and the page are made anew. What has been finished is never done again: the listing is
//! a step, and everything else a child with a name.

mod approval;
mod critique;
mod file;
mod input;
mod reader;
mod report;
mod repository;

use std::sync::Arc;

use orchestrator_core::{
    Agent, Json, NewTask, TaskContext, TaskError, agent,
    protocol::{ErrorClass, RetryPolicy, SideEffects},
};
use serde::{Deserialize, Serialize};

pub use self::input::ReviewInput;
use self::{
    critique::{CritiqueInput, Looked},
    file::FileInput,
    reader::Reader,
    repository::{RepositoryInput, Together},
};
use crate::{
    llm::{Client, LlmInput},
    review::{
        analyser::{self, Detection},
        critique::FileFacts,
        file::FileReview,
        finding::{Finding, Unchecked},
        overview,
        report::Parts,
        runner::ProcessRunner,
        scope::{self, Scope},
    },
};

/// The agents of the job, which ask a model when there is one.
pub fn agents(model: Option<Client>) -> Vec<Arc<dyn Agent>> {
    let model = model.map(Reader::new);
    let (asked, judge) = (model.clone(), model.clone());
    vec![
        Arc::new(
            agent("code_review", move |ctx, input| review(ctx, input, asked.clone()))
                .description("Reviews a repository and reports what it found.")
                .input_schema(schemars::schema_for!(ReviewInput)),
        ),
        Arc::new(
            agent("code_review.file", move |ctx, one| {
                file::review(ctx, one, model.clone())
            })
            .description("Reviews one file."),
        ),
        Arc::new(agent("code_review.repository", repository::review).description("Looks at all files together.")),
        Arc::new(
            agent("code_review.critique", move |ctx, look| {
                critique::review(ctx, look, judge.clone())
            })
            .description("Takes a second look at findings."),
        ),
        Arc::new(agent("code_review.report", report::write).description("Makes a page of a review.")),
    ]
}

/// What there is to review, and with what.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Plan {
    scope: Scope,
    detection: Detection,
}

/// The model that takes part, or why it does not.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Participant {
    model: Option<String>,
    missing: Option<Unchecked>,
}

async fn review(ctx: TaskContext, input: ReviewInput, model: Option<Reader>) -> Result<Json, TaskError> {
    let plan: Plan = ctx.step("plan", || plan(&input)).await?;
    let files = plan.scope.files.len();
    ctx.log(format!("{files} file(s) to review")).await;
    for tool in &plan.detection.tools {
        ctx.log(format!("with {} {}", tool.name, tool.version)).await;
    }
    let participant = match &model {
        Some(reader) if files > 0 => ctx.step("model", || reach(&ctx, reader)).await?,
        _ => Participant::default(),
    };
    let together = RepositoryInput {
        input: input.clone(),
        scope: plan.scope.clone(),
        tools: plan.detection.tools.clone(),
    };
    let together = ctx
        .spawn(
            "together",
            task("code_review.repository", &together, "all files together")?,
        )
        .await?;
    let model = participant.model.is_some();
    let reviews = review_files(&ctx, &input, &plan, model).await?;
    let together: Together = together.join().await?;
    let mut corrections = Vec::new();
    loop {
        let round = corrections.len() + 1;
        let looked = look_again(&ctx, &input, &plan, &reviews, &together, &corrections, model).await?;
        let mut unchecked = looked.unchecked;
        unchecked.extend(participant.missing.clone());
        let parts = Parts {
            scope: plan.scope.clone(),
            reviews: reviews.clone(),
            critique: looked.critique,
            unchecked,
            tools: plan.detection.tools.clone(),
            model: participant.model.clone(),
            notes: looked.notes,
        };
        let page = task("code_review.report", &parts, "the report")?;
        let written: Json = ctx.call(numbered("report", round), page).await?;
        if !approval::is_wanted(ctx.checkpoint_frequency()) {
            return Ok(written);
        }
        match approval::ask(&ctx, round, &written).await? {
            None => return Ok(written),
            Some(correction) => {
                ctx.log(format!("to be corrected: {correction}")).await;
                corrections.push(correction);
            }
        }
    }
}

/// The name of a child of a round: the first has none of its own.
fn numbered(name: &str, round: usize) -> String {
    match round {
        1 => name.to_owned(),
        n => format!("{name} {n}"),
    }
}

async fn plan(input: &ReviewInput) -> Result<Plan, TaskError> {
    let options = input.options();
    let scope = scope::scope(&input.name(), &input.repo, &options, &ProcessRunner)
        .await
        .map_err(|error| TaskError::terminal(error.to_string()))?;
    let detection = analyser::detect(&input.repo, &scope, &options, &ProcessRunner).await;
    Ok(Plan { scope, detection })
}

/// Whether the model answers at all. One that does not is told once, and not by every file after it has waited in vain.
async fn reach(ctx: &TaskContext, reader: &Reader) -> Result<Participant, TaskError> {
    let question = LlmInput {
        prompt: Some("Answer with one word: ready".to_owned()),
        ..LlmInput::default()
    };
    let name = reader.model().to_owned();
    match reader.ask(ctx, &question).await {
        Err(error) if error.class == ErrorClass::Cancelled => Err(error),
        // Asked for patience, and so there: each question waits for its own turn.
        Err(error) if error.class != ErrorClass::RateLimited => {
            let why = format!("it was not asked: {}", error.message);
            ctx.log(format!("going on without the model `{name}`: {}", error.message))
                .await;
            Ok(Participant {
                model: None,
                missing: Some(Unchecked::new(format!("model `{name}`"), why)),
            })
        }
        _ => {
            ctx.log(format!("with the model `{name}`")).await;
            Ok(Participant {
                model: Some(name),
                missing: None,
            })
        }
    }
}

/// A review of each file. A file whose review failed is one that could not be checked.
async fn review_files(
    ctx: &TaskContext,
    input: &ReviewInput,
    plan: &Plan,
    model: bool,
) -> Result<Vec<FileReview>, TaskError> {
    let tasks = plan
        .scope
        .files
        .iter()
        .map(|file| {
            let one = FileInput {
                input: input.clone(),
                file: file.clone(),
                tools: plan.detection.tools.clone(),
                model,
            };
            task("code_review.file", &one, &file.path.to_string())
        })
        .collect::<Result<Vec<_>, _>>()?;
    let outcomes = ctx.map_tasks::<FileReview>("file", tasks, input.max_parallel()).await?;
    let reviews = outcomes.into_iter().zip(&plan.scope.files).map(|(outcome, file)| {
        outcome.unwrap_or_else(|error| FileReview {
            path: file.path.clone(),
            language: file.language,
            role: file.role,
            unchecked: vec![Unchecked::new(
                file.path.to_string(),
                format!("its review failed: {}", error.message),
            )],
            ..FileReview::default()
        })
    });
    Ok(reviews.collect())
}

/// What a second agent leaves of the findings, and what could not be checked.
async fn look_again(
    ctx: &TaskContext,
    input: &ReviewInput,
    plan: &Plan,
    reviews: &[FileReview],
    together: &Together,
    corrections: &[String],
    model: bool,
) -> Result<Looked, TaskError> {
    let options = input.options();
    let mut findings: Vec<Finding> = reviews.iter().flat_map(|review| review.findings.clone()).collect();
    findings.extend(together.findings.clone());
    findings.extend(overview::repository_findings(&plan.scope, reviews, &options));
    let look = CritiqueInput {
        input: input.clone(),
        findings,
        files: reviews.iter().map(FileFacts::from).collect(),
        model,
        corrections: corrections.to_vec(),
    };
    let mut looked: Looked = ctx
        .call(
            numbered("critique", corrections.len() + 1),
            task("code_review.critique", &look, "a second look at the findings")?,
        )
        .await?;
    looked.unchecked.extend(plan.detection.unchecked.clone());
    looked.unchecked.extend(together.unchecked.clone());
    Ok(looked)
}

/// A child that changes nothing and may be tried again.
fn task(task_type: &str, input: &impl Serialize, description: &str) -> Result<NewTask, TaskError> {
    let input = Json::of(input).map_err(|e| TaskError::terminal(format!("{task_type}: {e}")))?;
    let mut task = NewTask::new(task_type, input);
    description.clone_into(&mut task.description);
    task.side_effects = SideEffects::None;
    task.retry = RetryPolicy {
        max_attempts: 2,
        ..RetryPolicy::default()
    };
    Ok(task)
}

/// Runs what blocks beside the runtime.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, TaskError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| TaskError::retryable(error.to_string()))
}
