//! Where a server is, and how to be let in.

use std::fmt;

use reqwest::Url;

/// Where a server is: the URLs of one or more replicas (or of a balancer before them), and the token that lets one in.
#[derive(Clone)]
pub struct ServerAddress {
    urls: Vec<Url>,
    token: Option<String>,
}

/// A text that is no server's address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a server's URL: {reason}; write http://host:8080 or https://host")]
pub struct AddressError {
    /// What was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl ServerAddress {
    /// Reads a URL, or several that are separated by commas, tried in turn. `http`, `https`, `ws` and `wss` are known.
    ///
    /// # Errors
    ///
    /// One of them is no such URL.
    pub fn parse(text: &str, token: Option<String>) -> Result<Self, AddressError> {
        let urls = text.split(',').map(str::trim).filter(|url| !url.is_empty()).map(parse);
        let urls = urls.collect::<Result<Vec<_>, _>>()?;
        if urls.is_empty() {
            return Err(wrong(text, "it is empty"));
        }
        let token = token
            .map(|token| token.trim().to_owned())
            .filter(|token| !token.is_empty());
        Ok(Self { urls, token })
    }

    /// The token, if one is needed.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// How many replicas it names.
    pub fn replicas(&self) -> usize {
        self.urls.len()
    }

    /// The URL of something on one of the replicas: the `attempt`th in turn.
    pub fn http(&self, attempt: usize, path: &str) -> Url {
        let mut url = self.urls[attempt % self.urls.len()].clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// The same for a WebSocket.
    pub fn socket(&self, attempt: usize, path: &str) -> Url {
        let mut url = self.http(attempt, path);
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Between schemes of the web this always works.
        let _ = url.set_scheme(scheme);
        url
    }
}

fn parse(text: &str) -> Result<Url, AddressError> {
    let mut url: Url = text.parse().map_err(|error| wrong(text, format!("{error}")))?;
    let scheme = match url.scheme() {
        "http" | "ws" => "http",
        "https" | "wss" => "https",
        other => return Err(wrong(text, format!("`{other}` is not spoken here"))),
    };
    let _ = url.set_scheme(scheme);
    if url.host_str().is_none_or(str::is_empty) {
        return Err(wrong(text, "it names no host"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        // Never said back: it may be a secret.
        return Err(wrong("…", "a token is given by itself, never in a URL"));
    }
    Ok(url)
}

fn wrong(text: &str, reason: impl Into<String>) -> AddressError {
    AddressError {
        text: text.to_owned(),
        reason: reason.into(),
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The URLs, without the token.
impl fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, url) in self.urls.iter().enumerate() {
            let comma = if n == 0 { "" } else { ", " };
            write!(f, "{comma}{}", url.as_str().trim_end_matches('/'))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let one = ServerAddress::parse("http://localhost:8080", None).expect("a URL");
        assert_eq!(
            one.socket(7, "/api/v1/worker").as_str(),
            "ws://localhost:8080/api/v1/worker"
        );
        let two = ServerAddress::parse("https://a/base/, wss://b:1", Some(" secret\n".to_owned())).expect("URLs");
        assert_eq!(two.http(0, "/x").as_str(), "https://a/base/x");
        assert_eq!(two.socket(1, "/x").as_str(), "wss://b:1/x");
        assert_eq!(two.token(), Some("secret"));
        assert_eq!(format!("{two:?}"), "https://a/base, https://b:1", "and no secret");
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "localhost:8080",
            "ftp://a",
            "http://",
            "http://a/?token=secret",
            "http://u:secret@a",
        ] {
            let error = ServerAddress::parse(text, None).expect_err(text).to_string();
            assert!(error.contains("write http://host:8080"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
