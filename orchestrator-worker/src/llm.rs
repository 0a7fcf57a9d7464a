//! The agent `llm`: asks a model over OpenAI's chat completions, which Ollama, vLLM and llama.cpp speak too.

mod answer;
mod client;
mod failure;
mod price;
mod secret;
mod sse;

use std::{collections::BTreeMap, path::PathBuf};

use orchestrator_core::{Agent, TaskContext, TaskError, agent, protocol::Usage};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::client::Client;
pub use self::price::Price;
pub use self::secret::Secret;

/// The server of a model, and how to use it.
#[derive(Debug, Clone, PartialEq)]
pub struct Provider {
    /// The server's address, up to `/v1`.
    pub base_url: String,
    /// The model that is asked when the input names none.
    pub model: String,
    /// Where the key is found; none for servers that need none.
    pub key: Option<KeySource>,
    /// What models cost, by name. Unknown models cost nothing that we know of.
    pub prices: BTreeMap<String, Price>,
    /// The longest wait for the first byte of an answer and between two, in seconds. Defaults to 120.
    pub silence_s: f64,
}

impl Provider {
    /// A server and one of its models, with no key and no prices.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            key: None,
            prices: BTreeMap::new(),
            silence_s: 120.0,
        }
    }
}

/// Where a key is found when it is needed. The key itself is never stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// An environment variable of the worker.
    Environment(String),
    /// A file on the worker; white space around the key is ignored.
    File(PathBuf),
}

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// Its text.
    pub content: String,
}

/// The input of `llm`: a prompt, or a conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Question", description = "A prompt, or a conversation.")]
#[schemars(extend("x-order" = ["prompt", "system", "messages", "model", "temperature", "max_tokens", "seed",
    "json_schema"]))]
#[serde(deny_unknown_fields, default)]
pub struct LlmInput {
    /// What to ask, when there is only one message.
    #[schemars(title = "Prompt", extend("format" = "multiline"))]
    pub prompt: Option<String>,
    /// What the model is to know first.
    #[schemars(title = "System prompt", extend("format" = "multiline"))]
    pub system: Option<String>,
    /// The conversation; `prompt` comes after it.
    #[schemars(title = "Conversation")]
    pub messages: Vec<Message>,
    /// The model. Defaults to the provider's.
    #[schemars(title = "Model")]
    pub model: Option<String>,
    /// From 0 (always the same) to 2. The server's default when it is missing.
    #[schemars(title = "Temperature", range(min = 0, max = 2))]
    pub temperature: Option<f64>,
    /// The most tokens of an answer.
    #[schemars(title = "Longest answer", range(min = 1))]
    pub max_tokens: Option<u32>,
    /// For answers that can be repeated, where the server can.
    #[schemars(title = "Seed")]
    pub seed: Option<u64>,
    /// The schema of an answer that is JSON.
    #[schemars(title = "Schema of the answer")]
    pub json_schema: Option<Value>,
}

/// What a model answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LlmOutput {
    /// The answer.
    pub text: String,
    /// The answer as JSON, when a schema was given.
    pub json: Option<Value>,
    /// The model that answered, as the server says.
    pub model: String,
    /// Why it stopped: `stop`, or as the server says.
    pub finish_reason: String,
    /// What it cost.
    pub usage: Usage,
}

/// The agent for a provider.
///
/// # Errors
///
/// The address is none, or the key cannot be found.
pub fn llm(provider: Provider) -> Result<impl Agent, String> {
    let client = Client::new(provider)?;
    let agent = agent("llm", move |ctx: TaskContext, input: LlmInput| {
        let client = client.clone();
        async move { ask(&ctx, &client, &input).await }
    });
    Ok(agent
        .description("Asks a model: `{\"prompt\": \"…\"}`.")
        .input_schema(schemars::schema_for!(LlmInput)))
}

/// Asks a model for a task: streams the answer to its log, counts what it cost, and stops when the task is stopped.
///
/// # Errors
///
/// As the provider failed, classed; see [`Client::ask`].
pub async fn ask(ctx: &TaskContext, client: &Client, input: &LlmInput) -> Result<LlmOutput, TaskError> {
    let mut line = String::new();
    let (deltas, mut arriving) = tokio::sync::mpsc::channel::<String>(64);
    let asked = client.ask(input, Some(deltas));
    tokio::pin!(asked);
    let answer = loop {
        tokio::select! {
            biased;
            () = ctx.cancelled() => {
                let class = orchestrator_core::protocol::ErrorClass::Cancelled;
                return Err(TaskError::new(class, "the model's answer was not waited for"));
            }
            Some(delta) = arriving.recv() => {
                line.push_str(&delta);
                while let Some(end) = line.find('\n') {
                    let rest = line.split_off(end + 1);
                    ctx.output("stdout", line.trim_end()).await;
                    line = rest;
                }
            }
            answer = &mut asked => break answer,
        }
    };
    while let Ok(delta) = arriving.try_recv() {
        line.push_str(&delta);
    }
    for rest in line.lines().filter(|l| !l.is_empty()) {
        ctx.output("stdout", rest).await;
    }
    let (usage, result) = match answer {
        Ok(output) => (output.usage.clone(), Ok(output)),
        Err(failed) => (failed.usage, Err(failed.error)),
    };
    if !usage.is_zero() {
        ctx.usage(usage).await;
    }
    result
}
