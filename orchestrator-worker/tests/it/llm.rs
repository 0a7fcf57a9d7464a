//! A model's server that behaves, and one that does not.

use std::{fmt::Write, time::Duration};

use orchestrator_core::{
    Error, Json, NewTask, Orchestrator,
    protocol::{ErrorClass, TaskState},
};
use orchestrator_worker::llm::{KeySource, LlmOutput, Price, Provider, llm};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_partial_json, method, path},
};

fn stream(pieces: &[&str]) -> ResponseTemplate {
    let mut body = String::new();
    for piece in pieces {
        let event = json!({"model": "m-1", "choices": [{"delta": {"content": piece}}]});
        let _ = write!(body, "data: {event}\n\n");
    }
    let end = json!({"choices": [{"delta": {}, "finish_reason": "stop"}]});
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10}});
    let _ = write!(body, "data: {end}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    ResponseTemplate::new(200).set_body_raw(body, "text/event-stream")
}

async fn server(answer: ResponseTemplate) -> (MockServer, Provider) {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let mut provider = Provider::new(format!("{}/v1", server.uri()), "m");
    provider.prices.insert(
        "m-1".into(),
        Price {
            input: 1.0,
            cached: 0.1,
            output: 10.0,
        },
    );
    (server, provider)
}

async fn ask(provider: Provider, input: Value) -> Result<(LlmOutput, orchestrator_core::protocol::Task), Error> {
    let orchestrator = Orchestrator::open("memory:").await?;
    orchestrator.register(llm(provider).expect("a client"))?;
    let mut task = NewTask::new("llm", Json::from(input));
    task.retry.max_attempts = 1;
    let handle = orchestrator.submit(task).await?;
    let output = handle.output().await?;
    let lines = orchestrator.engine().logs(orchestrator_core::store::LogQuery {
        task: handle.id(),
        after: orchestrator_core::protocol::Seq(0),
        limit: 0,
    });
    assert!(!lines.await?.is_empty(), "the answer is streamed to the log");
    Ok((output, handle.get().await?))
}

async fn failure(provider: Provider, input: Value) -> orchestrator_core::TaskError {
    match ask(provider, input).await {
        Err(Error::TaskFailed { error, .. }) => error,
        Err(Error::NeedsAttention { message, .. }) => {
            orchestrator_core::TaskError::new(ErrorClass::NeedsAttention, message)
        }
        other => panic!("a failure, not {other:?}"),
    }
}

#[tokio::test]
async fn an_answer_with_its_cost() {
    let (server, provider) = server(stream(&["hel", "lo\nwor", "ld"])).await;
    let (output, task) = ask(provider, json!({"prompt": "greet", "system": "be kind"}))
        .await
        .expect("an answer");
    assert_eq!(
        (output.text.as_str(), output.finish_reason.as_str()),
        ("hello\nworld", "stop")
    );
    assert_eq!((task.usage.input_tokens, task.usage.output_tokens), (1000, 10));
    assert!((task.usage.cost_usd.as_dollars() - 0.0011).abs() < 1e-9);
    let asked: Value = server.received_requests().await.expect("requests")[0]
        .body_json()
        .expect("JSON");
    assert_eq!(asked["messages"][0]["role"], "system");
    assert_eq!(asked["stream_options"]["include_usage"], true);
}

#[tokio::test]
async fn an_answer_that_is_not_streamed() {
    let body = json!({"model": "m-1", "choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}});
    let (_server, provider) = server(ResponseTemplate::new(200).set_body_json(body)).await;
    assert_eq!(
        ask(provider, json!({"prompt": "x"})).await.expect("an answer").0.text,
        "whole"
    );
}

#[tokio::test]
async fn json_on_request_also_from_servers_that_know_no_schemas() {
    let server = MockServer::start().await;
    let refused = ResponseTemplate::new(400).set_body_json(json!({"error": {"message": "response_format is unknown"}}));
    let schema = body_partial_json(json!({"response_format": {"type": "json_schema"}}));
    Mock::given(schema)
        .respond_with(refused)
        .with_priority(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(stream(&["{\"ok\":", " true}"]))
        .mount(&server)
        .await;
    let provider = Provider::new(server.uri(), "m");
    let input = json!({"prompt": "x", "json_schema": {"type": "object", "required": ["ok"]}});
    assert_eq!(
        ask(provider, input).await.expect("an answer").0.json,
        Some(json!({"ok": true}))
    );
}

#[tokio::test]
async fn a_misfit_costs_and_is_retryable() {
    let (_server, provider) = server(stream(&["not json"])).await;
    let error = failure(provider, json!({"prompt": "x", "json_schema": {"type": "object"}})).await;
    assert_eq!(error.class, ErrorClass::Retryable);
    assert!(error.message.contains("not JSON"), "{error}");
}

#[tokio::test]
async fn failures_say_what_to_do_and_never_the_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, "sk-very-secret\n").expect("a file");
    for (status, class, said) in [
        (401, ErrorClass::NeedsAttention, "look at the key"),
        (404, ErrorClass::Terminal, "model's name"),
        (429, ErrorClass::RateLimited, "429"),
        (500, ErrorClass::Retryable, "500"),
        (307, ErrorClass::Terminal, "307"),
    ] {
        let body = json!({"error": {"message": "sk-very-secret is no good"}});
        let answer = ResponseTemplate::new(status)
            .set_body_json(body)
            .insert_header("location", "http://127.0.0.1:1/");
        let (server, mut provider) = server(answer).await;
        provider.key = Some(KeySource::File(file.clone()));
        let error = failure(provider, json!({"prompt": "x"})).await;
        assert_eq!(error.class, class, "{status}: {error}");
        assert!(error.message.contains(said), "{status}: {error}");
        assert!(!format!("{error:?}").contains("sk-very-secret"), "{error:?}");
        let sent = &server.received_requests().await.expect("requests")[0];
        assert_eq!(
            sent.headers
                .get("authorization")
                .map(wiremock::http::HeaderValue::as_bytes),
            Some(&b"Bearer sk-very-secret"[..])
        );
    }
}

/// A server that says something and then nothing more.
async fn rude(said: &'static str, close: bool) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 65_536];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(said.as_bytes()).await;
            if !close {
                open.push(socket);
            }
        }
    });
    let mut provider = Provider::new(format!("http://{address}/v1"), "m");
    provider.silence_s = 0.3;
    provider
}

const BEGUN: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"he\"}}]}\n\n";

#[tokio::test]
async fn servers_that_break_off() {
    for (said, close, expected) in [
        (BEGUN, true, "broke off"),
        (BEGUN, false, "fell silent"),
        ("", false, "said nothing"),
        ("", true, "cannot be reached"),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: garbage\n\n",
            true,
            "not JSON",
        ),
    ] {
        let error = failure(rude(said, close).await, json!({"prompt": "x"})).await;
        assert_eq!(error.class, ErrorClass::Retryable, "{error}");
        assert!(error.message.contains(expected), "{said:?}: {error}");
    }
    let nobody = Provider::new("http://127.0.0.1:1/v1", "m");
    let error = failure(nobody, json!({"prompt": "x"})).await;
    assert!(
        error.message.contains("http://127.0.0.1:1 cannot be reached"),
        "{error}"
    );
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_the_answer() {
    let (_server, provider) = server(stream(&["late"]).set_delay(Duration::from_hours(1))).await;
    let orchestrator = Orchestrator::open("memory:").await.expect("a store");
    orchestrator
        .register(llm(provider).expect("a client"))
        .expect("registered");
    let handle = orchestrator
        .submit(NewTask::new("llm", Json::from(json!({"prompt": "x"}))))
        .await
        .expect("submitted");
    handle.cancel("enough").await.expect("a cancel");
    assert_eq!(handle.settled().await.expect("an end").state, TaskState::Cancelled);
}

#[test]
fn wrong_settings_are_named() {
    let refused = |provider| llm(provider).err().expect("a refusal");
    assert!(refused(Provider::new("not an address", "m")).contains("not an address"));
    let mut provider = Provider::new("http://127.0.0.1:1/v1", "m");
    provider.key = Some(KeySource::Environment("NO_SUCH_KEY".into()));
    assert!(refused(provider).contains("NO_SUCH_KEY"));
}
