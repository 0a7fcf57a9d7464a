//! The conversation with a provider.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use orchestrator_core::{
    TaskError,
    clock::{Clock, SystemClock},
    protocol::Usage,
};
use reqwest::{Response, Url, redirect};
use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use super::{LlmInput, LlmOutput, Provider, Secret, answer::Answer, failure, sse::Events};
pub use failure::Failed;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(15);

/// The longest answer that is read, in bytes: models that ramble on for ever exist.
const MAX_ANSWER: usize = 8 << 20;

/// A client of one provider. Cheap to clone. It never tries again by itself: the scheduler does.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    url: Url,
    provider: Provider,
    key: Option<Secret>,
}

impl Client {
    /// A client of a provider, with its key found.
    ///
    /// # Errors
    ///
    /// The address is none, or the key cannot be found.
    pub fn new(provider: Provider) -> Result<Self, String> {
        // Another part of the program may have chosen one before, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let address = format!("{}/chat/completions", provider.base_url.trim_end_matches('/'));
        let url = Url::parse(&address)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                format!(
                    "`{}` is not the address of a server, as in http://127.0.0.1:11434/v1",
                    provider.base_url
                )
            })?;
        let key = provider.key.as_ref().map(Secret::find).transpose()?;
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            // A redirect would carry the key to who knows where.
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|e| format!("no connections can be made: {e}"))?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                url,
                provider,
                key,
            }),
        })
    }

    /// The model that is asked when an input names none.
    pub fn model(&self) -> &str {
        &self.inner.provider.model
    }

    /// Asks, and passes the answer's pieces on as they come.
    ///
    /// # Errors
    ///
    /// Classed by what helps: retryable (connection, server, cut or misfitting answer), rate limited (with the wait asked
    /// for), needs attention (key, quota), terminal (the request itself). What it cost is told nevertheless.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the connection.
    pub async fn ask(&self, input: &LlmInput, deltas: Option<mpsc::Sender<String>>) -> Result<LlmOutput, Failed> {
        let body = request(&self.inner.provider, input)?;
        let mut response = self.send(&body).await?;
        if response.status().as_u16() == 400 && input.json_schema.is_some() {
            // Servers that know no schemas say 400; what they answer is checked all the same.
            let mut plain = body.clone();
            plain["response_format"] = json!({"type": "json_object"});
            response = self.send(&plain).await?;
        }
        let status = response.status();
        if !status.is_success() {
            return Err(self.refused(response).await.into());
        }
        let mut answer = Answer::default();
        let read = self.read(response, &mut answer, deltas).await;
        let usage = self.cost(&answer);
        let failed = |error| Failed {
            error,
            usage: usage.clone(),
        };
        read.map_err(failed)?;
        let json = input
            .json_schema
            .as_ref()
            .map(|schema| answer.json(schema))
            .transpose()
            .map_err(failed)?;
        Ok(LlmOutput {
            text: answer.text,
            json,
            model: answer.model,
            finish_reason: answer.finish_reason,
            usage,
        })
    }

    async fn send(&self, body: &Value) -> Result<Response, TaskError> {
        let mut request = self.inner.http.post(self.inner.url.clone()).json(body);
        if let Some(key) = &self.inner.key {
            request = request.bearer_auth(key.expose());
        }
        let silence = self.silence();
        match tokio::time::timeout(silence, request.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(self.broken("cannot be reached", &error)),
            Err(_) => Err(TaskError::retryable(format!(
                "{} said nothing for {silence:?}",
                self.place()
            ))),
        }
    }

    fn silence(&self) -> Duration {
        Duration::try_from_secs_f64(self.inner.provider.silence_s).unwrap_or(Duration::from_mins(2))
    }

    fn place(&self) -> String {
        format!("the model's server {}", self.inner.url.origin().ascii_serialization())
    }

    fn broken(&self, what: &str, error: &reqwest::Error) -> TaskError {
        use std::error::Error;
        let mut why = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            why = inner.to_string();
            source = inner.source();
        }
        TaskError::retryable(format!("{} {what}: {}", self.place(), self.scrub(&why)))
    }

    fn scrub(&self, text: &str) -> String {
        self.inner
            .key
            .as_ref()
            .map_or_else(|| text.to_owned(), |key| key.scrub(text))
    }

    async fn refused(&self, response: Response) -> TaskError {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = tokio::time::timeout(self.silence(), response.text()).await;
        let body = self.scrub(&body.ok().and_then(Result::ok).unwrap_or_default());
        let now_s = SystemClock.now().as_micros() / 1_000_000;
        failure::from_status(status, &headers, &body, &self.place(), now_s)
    }

    async fn read(
        &self,
        response: Response,
        answer: &mut Answer,
        deltas: Option<mpsc::Sender<String>>,
    ) -> Result<(), TaskError> {
        let streamed = response
            .headers()
            .get("content-type")
            .and_then(|kind| kind.to_str().ok())
            .is_some_and(|kind| kind.starts_with("text/event-stream"));
        let mut stream = response.bytes_stream();
        let mut events = Events::default();
        let mut whole = Vec::new();
        let mut size = 0;
        loop {
            let chunk = match tokio::time::timeout(self.silence(), stream.next()).await {
                Ok(Some(Ok(chunk))) => chunk,
                Ok(Some(Err(error))) => return Err(self.broken("broke off in the middle of its answer", &error)),
                Ok(None) => break,
                Err(_) => {
                    return Err(TaskError::retryable(format!(
                        "{} fell silent in the middle of its answer",
                        self.place()
                    )));
                }
            };
            size += chunk.len();
            if size > MAX_ANSWER {
                return Err(TaskError::terminal(format!(
                    "the answer is longer than {MAX_ANSWER} bytes; set max_tokens"
                )));
            }
            if streamed {
                for event in events.add(&chunk) {
                    take(answer, &event, deltas.as_ref()).await?;
                }
            } else {
                whole.extend_from_slice(&chunk);
            }
        }
        if streamed {
            if let Some(event) = events.finish() {
                take(answer, &event, deltas.as_ref()).await?;
            }
        } else {
            take(answer, &String::from_utf8_lossy(&whole), deltas.as_ref()).await?;
        }
        if answer.finish_reason.is_empty() {
            return Err(TaskError::retryable(format!(
                "{} broke off in the middle of its answer",
                self.place()
            )));
        }
        Ok(())
    }

    fn cost(&self, answer: &Answer) -> Usage {
        let prices = &self.inner.provider.prices;
        let price = prices
            .get(&answer.model)
            .or_else(|| prices.get(&self.inner.provider.model))
            .copied()
            .unwrap_or_default();
        Usage {
            input_tokens: answer.input_tokens,
            output_tokens: answer.output_tokens,
            cached_tokens: answer.cached_tokens,
            cost_usd: price.of(answer.input_tokens, answer.cached_tokens, answer.output_tokens),
            wall_s: 0.0,
        }
    }
}

async fn take(answer: &mut Answer, event: &str, deltas: Option<&mpsc::Sender<String>>) -> Result<(), TaskError> {
    if event.trim() == "[DONE]" {
        return Ok(());
    }
    let piece: Value = serde_json::from_str(event)
        .map_err(|_| TaskError::retryable("the model's server sent something that is not JSON"))?;
    let text = answer.add(&piece)?;
    if let (Some(deltas), false) = (deltas, text.is_empty()) {
        // Nobody has to listen.
        let _ = deltas.send(text).await;
    }
    Ok(())
}

/// The request's body.
fn request(provider: &Provider, input: &LlmInput) -> Result<Value, TaskError> {
    let mut messages: Vec<Value> = Vec::new();
    messages.extend(
        input
            .system
            .as_ref()
            .map(|text| json!({"role": "system", "content": text})),
    );
    messages.extend(
        input
            .messages
            .iter()
            .map(|m| json!({"role": m.role, "content": m.content})),
    );
    messages.extend(
        input
            .prompt
            .as_ref()
            .map(|text| json!({"role": "user", "content": text})),
    );
    if messages.is_empty() {
        return Err(TaskError::terminal(
            "there is nothing to ask: give a prompt or messages",
        ));
    }
    let mut body = Map::new();
    body.insert("model".into(), json!(input.model.as_ref().unwrap_or(&provider.model)));
    body.insert("messages".into(), json!(messages));
    body.insert("stream".into(), json!(true));
    body.insert("stream_options".into(), json!({"include_usage": true}));
    let options = [
        ("temperature", input.temperature.map(Value::from)),
        ("max_tokens", input.max_tokens.map(Value::from)),
        ("seed", input.seed.map(Value::from)),
    ];
    body.extend(
        options
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    if let Some(schema) = &input.json_schema {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
        body.insert("response_format".into(), format);
    }
    Ok(Value::Object(body))
}
