//! The review of one file.

use orchestrator_core::{TaskContext, TaskError, protocol::ErrorClass};
use serde::{Deserialize, Serialize};

use super::{
    ReviewInput, blocking,
    reader::{Reader, is_worth_another_try},
};
use crate::{
    llm::{LlmInput, Message},
    review::{
        analyser::{self, ToolRun},
        file::{FileReview, Loaded, inspect, load},
        finding::{Finding, Unchecked},
        model,
        runner::ProcessRunner,
        scope::SourceFile,
    },
};

/// The input of `code_review.file`: where the file is, not what is in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct FileInput {
    pub(super) input: ReviewInput,
    pub(super) file: SourceFile,
    pub(super) tools: Vec<ToolRun>,
    /// Whether a model takes part.
    #[serde(default)]
    pub(super) model: bool,
}

pub(super) async fn review(ctx: TaskContext, one: FileInput, model: Option<Reader>) -> Result<FileReview, TaskError> {
    ctx.log(one.file.path.to_string()).await;
    let options = one.input.options();
    let (root, file) = (one.input.repo.clone(), one.file.clone());
    let checks = options.clone();
    let mut review = blocking(move || inspect(&root, &file, &checks)).await?;
    let analysis = analyser::analyse_file(&one.input.repo, &one.file, &one.tools, &options, &ProcessRunner).await;
    review.add(analysis);
    if let Some(reader) = model.filter(|_| one.model && review.skipped.is_none()) {
        ask_model(&ctx, &reader, &one, &mut review).await?;
    }
    Ok(review)
}

/// What one question to a model gave.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Said {
    findings: Vec<Finding>,
    unchecked: Vec<Unchecked>,
    /// Whether it has read what it was shown.
    #[serde(default)]
    read: bool,
}

/// Adds what a model says of the file. Each question is a step: an answer that was paid for is never asked for again. A
/// model that gives no usable answer makes the file one that it could not check, and fails nothing.
async fn ask_model(
    ctx: &TaskContext,
    reader: &Reader,
    one: &FileInput,
    review: &mut FileReview,
) -> Result<(), TaskError> {
    let Loaded::Text(text, _) = load(&one.input.repo, &one.file.path, one.input.options().max_file_bytes) else {
        return Ok(());
    };
    let (requests, unchecked) = model::requests(&one.file.source(&text), &review.findings);
    let mut said = Said {
        unchecked,
        ..Said::default()
    };
    for (number, request) in requests.into_iter().enumerate() {
        let answer: Said = ctx
            .step(format!("model {number}"), || question(ctx, reader, &request))
            .await?;
        said.findings.extend(answer.findings);
        said.unchecked.extend(answer.unchecked);
        said.read |= answer.read;
    }
    review.unchecked.extend(said.unchecked);
    if said.read {
        review.add_model(said.findings);
    }
    Ok(())
}

async fn question(ctx: &TaskContext, reader: &Reader, request: &model::Request) -> Result<Said, TaskError> {
    let input = to_ask(request);
    let place = request.chunk.file.to_string();
    let missed = |why: String| Said {
        unchecked: vec![Unchecked::new(place.clone(), why)],
        ..Said::default()
    };
    match reader.ask(ctx, &input).await {
        Ok(output) => Ok(match model::read(&output.text, &request.chunk) {
            Ok(reading) => Said {
                findings: reading.findings,
                unchecked: Vec::new(),
                read: true,
            },
            Err(error) => missed(format!("the model's answer cannot be used: {error}")),
        }),
        Err(error) if error.class == ErrorClass::Cancelled || is_worth_another_try(ctx, &error) => Err(error),
        Err(error) => Ok(missed(format!("the model did not review it: {}", error.message))),
    }
}

/// A request as the model's client takes it.
pub(super) fn to_ask(request: &model::Request) -> LlmInput {
    let messages = request.messages.iter();
    LlmInput {
        messages: messages
            .map(|m| Message {
                role: m.role.clone(),
                content: m.content.clone(),
            })
            .collect(),
        json_schema: Some(request.schema.clone()),
        temperature: Some(0.0),
        ..LlmInput::default()
    }
}
