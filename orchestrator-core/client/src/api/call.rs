//! One call, and trying it again.

use std::{sync::Arc, time::Duration};

use orchestrator_protocol::{Code, Problem};
use reqwest::{Method, Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};

use super::{Client, ClientError, Made};
use crate::{ServerAddress, retry::Backoff, transport::Transport};

/// How often a call is tried.
const TRIES: usize = 4;

/// The same for those who wait: after the first seconds about one in four seconds, so some five minutes.
const ENDURING_TRIES: usize = 85;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long connecting may take; a browser knows better.
#[cfg(not(target_family = "wasm"))]
const CONNECTING: Duration = Duration::from_secs(5);

/// A part of a path.
pub(super) fn segment(text: &str) -> String {
    let mut url: reqwest::Url = "http://x".parse().expect("a URL");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.clear().push(text);
    }
    url.path().trim_start_matches('/').to_owned()
}

/// A call that is put together.
pub(super) struct Call<'c> {
    client: &'c Client,
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    patience: Duration,
    /// Whether it does no harm when it happens twice.
    repeatable: bool,
}

impl Client {
    /// A client of a server, for a program outside a browser.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up on this machine.
    #[cfg(feature = "native")]
    pub fn new(address: ServerAddress) -> Result<Self, ClientError> {
        rustls::crypto::ring::default_provider().install_default().ok();
        Self::over(address, crate::transport::native())
    }

    /// A client of a server, for a page in a browser.
    ///
    /// # Errors
    ///
    /// None that is known.
    #[cfg(all(target_family = "wasm", target_os = "unknown", not(feature = "native")))]
    pub fn new(address: ServerAddress) -> Result<Self, ClientError> {
        Self::over(address, crate::transport::browser())
    }

    /// A client of a server that waits by a transport of the program's own.
    ///
    /// # Errors
    ///
    /// TLS cannot be set up on this machine.
    pub fn over(address: ServerAddress, transport: Arc<dyn Transport>) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder();
        #[cfg(not(target_family = "wasm"))]
        let http = http.connect_timeout(CONNECTING);
        let http = http.build().map_err(|error| ClientError::Unreachable {
            address: address.to_string(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            address,
            http,
            transport,
            tries: TRIES,
        })
    }

    /// The same for those who wait for something that they know the server has: one that goes away meanwhile is asked again
    /// for five minutes, since it is being restarted, or another will be in its place.
    #[must_use]
    pub fn enduring(&self) -> Self {
        Self {
            tries: ENDURING_TRIES,
            ..self.clone()
        }
    }

    /// Where its server is.
    pub fn address(&self) -> &ServerAddress {
        &self.address
    }

    pub(super) fn read(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path, true)
    }

    pub(super) fn call(&self, method: Method, path: &str, repeatable: bool) -> Call<'_> {
        Call {
            client: self,
            method,
            path: format!("/api/v1{path}"),
            query: Vec::new(),
            body: None,
            patience: PATIENCE,
            repeatable,
        }
    }
}

impl Call<'_> {
    pub(super) fn query(mut self, pairs: Vec<(String, String)>) -> Self {
        self.query = pairs;
        self
    }

    pub(super) fn body(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_vec(body).ok();
        self
    }

    /// Waits for an answer that takes this long by itself.
    pub(super) fn patient(mut self, wait: Duration) -> Self {
        self.patience = PATIENCE + wait;
        self
    }

    /// The answer.
    pub(super) async fn answer<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        Ok(self.made().await?.value)
    }

    /// That it is done.
    pub(super) async fn done(self) -> Result<(), ClientError> {
        self.send().await.map(drop)
    }

    /// The answer, and whether it says that something is new.
    pub(super) async fn made<T: DeserializeOwned>(self) -> Result<Made<T>, ClientError> {
        let address = self.client.address.to_string();
        let response = self.send().await?;
        let new = response.status() == StatusCode::CREATED;
        let strange = |reason: String| ClientError::Strange {
            address: address.clone(),
            reason,
        };
        let bytes = response.bytes().await.map_err(|error| strange(error.to_string()))?;
        let value = serde_json::from_slice(&bytes).map_err(|error| strange(error.to_string()))?;
        Ok(Made { value, new })
    }

    async fn send(&self) -> Result<Response, ClientError> {
        let mut backoff = Backoff::new([11; 16]);
        let mut attempt = 0;
        loop {
            let wait = backoff.next();
            if !wait.is_zero() {
                self.client.transport.sleep(wait).await;
            }
            let tried = self.try_once(attempt).await;
            attempt += 1;
            match tried {
                Ok(response) => return Ok(response),
                Err((error, untouched)) => {
                    let again = error.is_transient() && (self.repeatable || untouched);
                    if !again || attempt >= self.client.tries.max(self.client.address.replicas()) {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Tries it once: why it failed, and whether nothing can have happened.
    async fn try_once(&self, attempt: usize) -> Result<Response, (ClientError, bool)> {
        let mut url = self.client.address.http(attempt, &self.path);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let mut request = self.client.http.request(self.method.clone(), url);
        if let Some(token) = self.client.address.token() {
            request = request.bearer_auth(token);
        }
        if let Some(body) = &self.body {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let response = request.timeout(self.patience).send().await;
        let response = response.map_err(|error| {
            #[cfg(not(target_family = "wasm"))]
            let untouched = error.is_connect();
            #[cfg(target_family = "wasm")]
            let untouched = false;
            (self.unreachable(&error), untouched)
        })?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        let refused = serde_json::from_str::<Problem>(&text).map_or_else(
            |_| ClientError::Strange {
                address: self.client.address.to_string(),
                reason: format!("HTTP status {}", status.as_u16()),
            },
            |problem| ClientError::Refused(Box::new(problem)),
        );
        let untouched = matches!(refused.code(), Some(Code::Unavailable | Code::RateLimited));
        Err((refused, untouched && status != StatusCode::SERVICE_UNAVAILABLE))
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        // The innermost reason is the one that people can do something about.
        let mut reason: &dyn std::error::Error = error;
        while let Some(inner) = reason.source() {
            reason = inner;
        }
        let reason = if error.is_timeout() {
            "it does not answer".to_owned()
        } else {
            reason.to_string()
        };
        ClientError::Unreachable {
            address: self.client.address.to_string(),
            reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_a_path_cannot_leave_it() {
        assert_eq!(segment("provider:anthropic"), "provider:anthropic");
        assert_eq!(segment("a/../b?c#d e"), "a%2F..%2Fb%3Fc%23d%20e");
    }
}
