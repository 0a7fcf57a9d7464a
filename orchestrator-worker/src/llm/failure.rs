//! What a provider's failure means for a task.

use std::time::Duration;

use orchestrator_core::{
    TaskError,
    protocol::{ErrorClass, Usage},
};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

/// A failure, with what it cost nevertheless.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// The failure.
    pub error: TaskError,
    /// What was spent before it failed.
    pub usage: Usage,
}

impl From<TaskError> for Failed {
    fn from(error: TaskError) -> Self {
        Self {
            error,
            usage: Usage::default(),
        }
    }
}

/// The class of an HTTP status with its body's words.
pub(super) fn class(status: u16, body: &str) -> ErrorClass {
    let quota = body.contains("insufficient_quota") || body.contains("billing");
    match status {
        401..=403 => ErrorClass::NeedsAttention,
        429 if quota => ErrorClass::NeedsAttention,
        429 => ErrorClass::RateLimited,
        408 | 409 | 425 | 500..=599 => ErrorClass::Retryable,
        _ => ErrorClass::Terminal,
    }
}

/// The failure that an answer with an error status is.
pub(super) fn from_status(status: u16, headers: &HeaderMap, body: &str, asked: &str, now_s: i64) -> TaskError {
    let said = message(body);
    let class = class(status, body);
    let hint = match (class, status) {
        (ErrorClass::NeedsAttention, 401 | 403) => "; look at the key and what it may do",
        (ErrorClass::NeedsAttention, _) => "; look at the account's quota and billing",
        (ErrorClass::Terminal, 404) => "; look at the model's name and the server's address",
        (ErrorClass::Terminal, 413) => "; the request is too long",
        _ => "",
    };
    let mut error = TaskError::new(class, format!("{asked} answered {status}: {said}{hint}"))
        .with_detail(json!({ "status": status }));
    error.retry_after_s = retry_after(headers, body, now_s).map(|d| d.as_secs_f64());
    error
}

/// The words of an error's body, cut to a line.
fn message(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    let said = value["error"]["message"]
        .as_str()
        .or_else(|| value["error"].as_str())
        .or_else(|| value["message"].as_str());
    let line = said.unwrap_or(body).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        "nothing more".to_owned()
    } else {
        line.chars().take(300).collect()
    }
}

/// How long a provider asks to wait: by header, in seconds or as a date, or in words.
fn retry_after(headers: &HeaderMap, body: &str, now_s: i64) -> Option<Duration> {
    let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).map(str::trim);
    if let Some(ms) = header("retry-after-ms").and_then(|v| v.parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    if let Some(value) = header("retry-after") {
        return match value.parse::<f64>() {
            Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            Err(_) => http_date(value).map(|at| Duration::from_secs(u64::try_from(at - now_s).unwrap_or(0))),
        };
    }
    let reset = ["x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"]
        .into_iter()
        .filter_map(|n| span(header(n)?));
    reset.max().or_else(|| in_words(body))
}

/// Seconds since 1970 of a date as HTTP writes it.
fn http_date(text: &str) -> Option<i64> {
    httpdate::parse_http_date(text)
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .and_then(|since| i64::try_from(since.as_secs()).ok())
}

/// A span like `1m30.5s` or `20ms`.
fn span(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        seconds += number
            * match &rest[..unit] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// The span of "try again in 20s".
fn in_words(body: &str) -> Option<Duration> {
    let after = body.split("try again in ").nth(1)?;
    let end = after
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .unwrap_or(after.len());
    span(after[..end].trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_classes() {
        use ErrorClass::{NeedsAttention, RateLimited, Retryable, Terminal};
        for (status, body, expected) in [
            (500, "", Retryable),
            (529, "", Retryable),
            (503, "", Retryable),
            (429, "slow down", RateLimited),
            (429, r#"{"error":{"code":"insufficient_quota"}}"#, NeedsAttention),
            (401, "", NeedsAttention),
            (403, "", NeedsAttention),
            (402, "", NeedsAttention),
            (400, "", Terminal),
            (404, "", Terminal),
            (413, "", Terminal),
            (302, "", Terminal),
        ] {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn patience_is_read_in_all_its_forms() {
        let with = |name: &'static str, value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            headers
        };
        let now = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (headers, body, seconds) in [
            (with("retry-after", "17"), "", Some(17.0)),
            (with("retry-after-ms", "1500"), "", Some(1.5)),
            (with("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT"), "", Some(60.0)),
            (with("retry-after", "Sun, 06 Nov 1994 08:00:00 GMT"), "", Some(0.0)),
            (with("x-ratelimit-reset-tokens", "1m30.5s"), "", Some(90.5)),
            (HeaderMap::new(), "Please try again in 20s. Visit", Some(20.0)),
            (HeaderMap::new(), "Please try again in 250ms.", Some(0.25)),
            (with("retry-after", "soon"), "", None),
            (HeaderMap::new(), "", None),
        ] {
            let found = retry_after(&headers, body, now).map(|d| d.as_secs_f64());
            assert_eq!(found, seconds, "{headers:?} {body}");
        }
    }

    #[test]
    fn words_are_found_and_bounded() {
        assert_eq!(message(r#"{"error":{"message":"no\nsuch model"}}"#), "no such model");
        assert_eq!(message(&"x".repeat(10_000)).len(), 300);
        assert_eq!(message(""), "nothing more");
    }
}
