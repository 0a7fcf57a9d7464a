//! A server in the test's hand, and a client that says what came back.

use orchestrator_server::{Config, Server};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

/// A server with its own store.
pub(crate) struct TestServer {
    pub(crate) url: String,
    client: Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: String,
    pub(crate) body: Value,
    pub(crate) text: String,
    /// The methods that the address takes, where the answer says so.
    pub(crate) allow: String,
}

impl Reply {
    /// The body of an answer with this status.
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self.body
    }

    /// That it is a problem with this status and code, and what its detail says.
    pub(crate) fn problem(self, status: u16, code: &str) -> String {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        assert_eq!(self.content_type, "application/problem+json", "{}", self.text);
        assert_eq!(self.body["code"], code, "{}", self.text);
        assert_eq!(self.body["status"], status);
        for field in ["type", "title", "detail"] {
            assert!(
                self.body[field].as_str().is_some_and(|s| !s.is_empty()),
                "{}",
                self.text
            );
        }
        self.body["detail"].as_str().unwrap_or_default().to_owned()
    }
}

/// What tests start from: memory, any port.
pub(crate) fn config() -> Config {
    Config {
        listen: "127.0.0.1:0".parse().expect("an address"),
        database: "memory:".to_owned(),
        ..Config::default()
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(config()).await
    }

    pub(crate) async fn start_with(config: Config) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let server = Server::start(config).await.expect("the server starts");
        let url = server.url();
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            server.run(stopped).await.expect("it serves");
        });
        Self {
            url,
            client: Client::new(),
            stop: Some(stop),
            task,
        }
    }

    /// Calls with a body, as whoever has a token.
    pub(crate) async fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::reply(request.send().await.expect("an answer")).await
    }

    /// Sends a body as it is.
    pub(crate) async fn send(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Reply {
        self.send_by("POST", path, content_type, body).await
    }

    /// Sends a body as it is, by any method.
    pub(crate) async fn send_by(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Reply {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.header("content-type", content_type).body(body);
        Self::reply(request.send().await.expect("an answer")).await
    }

    async fn reply(response: reqwest::Response) -> Reply {
        let status = response.status();
        let header = |name: &str| {
            let value = response.headers().get(name).cloned();
            value.map_or_else(String::new, |value| value.to_str().expect("a text").to_owned())
        };
        let (content_type, allow) = (header("content-type"), header("allow"));
        let text = response.text().await.expect("a text");
        Reply {
            status,
            content_type,
            allow,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            text,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.call("GET", path, None, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.call("POST", path, None, Some(body)).await
    }

    /// Posts nothing.
    pub(crate) async fn poke(&self, path: &str) -> Reply {
        self.call("POST", path, None, None).await
    }

    /// Stops it in order.
    pub(crate) async fn stop(mut self) {
        self.stop.take();
        self.task.await.expect("it ends in order");
    }
}
