//! The well-known formats of credentials.

use std::sync::LazyLock;

use regex::Regex;

use super::Secret;
use super::placeholder::{decode_base64url, entropy, is_made_up, is_placeholder};
use crate::review::checks::pattern::constant;
use crate::review::finding::{Confidence, Severity};

struct Format {
    check: &'static str,
    name: &'static str,
    /// Group 1, or the whole match, is the secret.
    pattern: &'static str,
    severity: Severity,
    confidence: Confidence,
    accept: fn(&str) -> bool,
}

/// Shorthand for the usual case: critical, high confidence, anything but a placeholder.
const fn key(check: &'static str, name: &'static str, pattern: &'static str) -> Format {
    Format {
        check,
        name,
        pattern,
        severity: Severity::Critical,
        confidence: Confidence::High,
        accept: looks_random,
    }
}

#[rustfmt::skip]
const FORMATS: &[Format] = &[
    key("secret.aws_access_key", "An AWS access key id", r"\b((?:AKIA|ASIA)[A-Z2-7]{16})\b"),
    key("secret.github_token", "A GitHub token", r"\b(gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b"),
    key("secret.gitlab_token", "A GitLab token", r"\b(gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[A-Za-z0-9_-]{20,64})\b"),
    key("secret.slack_token", "A Slack token", r"\b(xox[abeoprs]-(?:\d+-)*[A-Za-z0-9-]{20,250}|xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{30,})\b"),
    key("secret.slack_webhook", "A Slack webhook", r"https://hooks\.slack\.com/(?:services|workflows)/(T[A-Z0-9]{6,}/[AB][A-Z0-9]{6,}/[A-Za-z0-9]{20,})"),
    Format { severity: Severity::High, confidence: Confidence::Medium, ..key("secret.google_api_key", "A Google API key", r"\b(AIza[0-9A-Za-z_-]{35})(?:[^0-9A-Za-z_-]|$)") },
    key("secret.google_oauth", "A Google OAuth client secret", r"\b(GOCSPX-[A-Za-z0-9_-]{28})(?:[^0-9A-Za-z_-]|$)"),
    key("secret.stripe_key", "A live Stripe key", r"\b((?:sk|rk)_live_[0-9A-Za-z]{16,247})\b"),
    key("secret.npm_token", "An npm token", r"\b(npm_[A-Za-z0-9]{36})\b"),
    key("secret.pypi_token", "A PyPI token", r"\b(pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,})"),
    key("secret.openai_key", "An OpenAI key", r"\b(sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,}T3BlbkFJ[A-Za-z0-9_-]{20,})"),
    key("secret.anthropic_key", "An Anthropic key", r"\b(sk-ant-(?:api|admin)\d\d-[A-Za-z0-9_-]{80,})"),
    key("secret.huggingface_token", "A Hugging Face token", r"\b(hf_[A-Za-z]{34})\b"),
    key("secret.sendgrid_key", "A SendGrid key", r"\b(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})\b"),
    key("secret.digitalocean_token", "A DigitalOcean token", r"\b(do[opr]_v1_[a-f0-9]{64})\b"),
    key("secret.telegram_token", "A Telegram bot token", r"\b(\d{8,10}:AA[A-Za-z0-9_-]{33})(?:[^0-9A-Za-z_-]|$)"),
    key("secret.azure_storage_key", "An Azure storage key", r"AccountKey=([A-Za-z0-9+/]{86}==)"),
    key("secret.databricks_token", "A Databricks token", r"\b(dapi[a-f0-9]{32})\b"),
    key("secret.shopify_token", "A Shopify token", r"\b(shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32})\b"),
    Format { severity: Severity::High, confidence: Confidence::Medium, ..key("secret.twilio_key", "A Twilio API key", r"\b(SK[0-9a-f]{32})\b") },
    Format { accept: is_key_body, ..key("secret.private_key", "A private key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |PGP )?PRIVATE KEY(?: BLOCK)?-----((?:\\[rn]|[\s,A-Za-z0-9+/=:.*'\x22-]){64,}?)-----END ") },
    Format { severity: Severity::Medium, confidence: Confidence::Medium, accept: is_token,
        ..key("secret.jwt", "A JSON web token", r"\b(eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{20,})") },
    Format { severity: Severity::High, confidence: Confidence::Medium, accept: is_password,
        ..key("secret.url_password", "A password in a URL", r#"\b(?:postgres(?:ql)?|mysql|mariadb|mongodb(?:\+srv)?|rediss?|amqps?|mssql|clickhouse|ftp|sftp|smtps?|ldaps?|https?)://[^\s:/@"'<>{}$%]+:([^\s:/@"'<>{}$%`]{6,})@[\w.-]*\w\.[a-z]{2,}"#) },
];

static COMPILED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FORMATS.iter().map(|format| constant(format.pattern)).collect());

/// The credentials in `text` that are worth telling.
pub(super) fn find(text: &str) -> Vec<Secret> {
    matches(text, true)
}

/// Everything in `text` that has the format of a credential, placeholders included, in order.
pub(super) fn find_all(text: &str) -> Vec<Secret> {
    let mut all = matches(text, false);
    all.sort_by_key(|secret| (secret.start, std::cmp::Reverse(secret.end)));
    all
}

fn matches(text: &str, accepted_only: bool) -> Vec<Secret> {
    let mut found = Vec::new();
    for (format, regex) in FORMATS.iter().zip(COMPILED.iter()) {
        for captures in regex.captures_iter(text) {
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else {
                continue;
            };
            if accepted_only && (!(format.accept)(secret.as_str()) || is_example_host(&captures[0])) {
                continue;
            }
            found.push(Secret {
                check: format.check,
                name: format.name,
                severity: format.severity,
                confidence: format.confidence,
                start: secret.start(),
                end: secret.end(),
            });
        }
    }
    found
}

fn looks_random(secret: &str) -> bool {
    entropy(secret) > 2.8 && !is_made_up(secret)
}

/// The inside of a PEM block is Base64 with the variety of one.
fn is_key_body(body: &str) -> bool {
    let letters: String = body
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
        .collect();
    // An encrypted key is useless without its password.
    letters.len() >= 64 && entropy(&letters) > 4.5 && !body.contains("ENCRYPTED") && !body.contains("...")
}

/// A real JWT has a header that names its algorithm. The one of jwt.io and other teaching material is left out.
fn is_token(token: &str) -> bool {
    let mut parts = token.split('.').map(decode_base64url);
    let (Some(header), Some(payload)) = (parts.next(), parts.next()) else {
        return false;
    };
    let header = String::from_utf8_lossy(&header).into_owned();
    let payload = String::from_utf8_lossy(&payload).to_lowercase();
    let lesson = [
        "john doe",
        "1234567890",
        "example",
        "\"sub\":\"test",
        "user@",
        "foo",
        "joe\"",
    ];
    header.contains("\"alg\"") && !lesson.iter().any(|word| payload.contains(word))
}

fn is_password(password: &str) -> bool {
    !is_placeholder(password) && password.len() >= 6
}

/// `https://user:pw@example.com` and the like appear in every parser's documentation.
fn is_example_host(url: &str) -> bool {
    let Some((_, host)) = url.rsplit_once('@') else {
        return false;
    };
    let host = host.to_ascii_lowercase();
    [
        "example.",
        "localhost",
        "127.0.0.1",
        "domain.",
        "host.",
        "hostname",
        "server.",
        "foo.",
        "test.",
        "proxy.",
        "mycompany",
    ]
    .iter()
    .any(|part| host.contains(part))
        || host
            .rsplit('.')
            .next()
            .is_some_and(|last| matches!(last, "test" | "local" | "invalid"))
}
