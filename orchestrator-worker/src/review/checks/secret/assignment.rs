//! Passwords and tokens without a known format: a telling name that is given a random-looking value.

use super::Secret;
use super::placeholder::{entropy, is_name, is_placeholder};
use crate::review::checks::pattern::patterns;
use crate::review::finding::{Confidence, Severity};
use crate::review::source::{Kind, Language, Source};

/// The id of this check.
pub(super) const CHECK: &str = "secret.assigned";

patterns! {
    QUOTED = r#"(?ix)
        (?P<name>[\w.-]*(?:password|passwd|passphrase|secret|token|api_?-?key|access_?-?key|private_?-?key|auth_?-?key|credential)[\w-]*)
        ["'\]]{0,2} \s* (?: :\s*(?:&(?:'static\s+)?)?[A-Za-z]+\s*=|:=|=>|=|:) \s* (?:[rbuf]{1,2})? ["'`](?P<value>[^"'`\s]{8,200})["'`]"#;
    BARE = r#"(?imx)^\s*(?:export\s+|ENV\s+|ARG\s+|-\s+|set\s+)?
        (?P<name>[\w.-]*(?:password|passwd|passphrase|secret|token|api_?-?key|access_?-?key|private_?-?key|auth_?-?key|credential)[\w-]*)
        \s*[=:]\s*(?P<value>[^\s"'`\#{}$<>()\[\]*&|,]{16,200})\s*$"#;
    // Names about secrets rather than of secrets.
    ABOUT = r"(?ix)(?:url|uri|path|file|name|type|header|field|prefix|suffix|env|var|regex|pattern|label|message|msg|placeholder
        |hash|digest|public|endpoint|template|format|title|text|description|help|hint|id|length|size|count|class|attr|column
        |param|parameter|arg|selector|query|scope|issuer|audience|algorithm|error|invalid|missing|required|reset|forgot|version
        |tokenizer|tokens|token_?kind|csrf|xsrf|next_?token|page_?token|page|cursor|fixture|checksum|integrity|fingerprint|salt|nonce)s?$
        |^(?:public|test|mock|fake|dummy|example|csrf|xsrf|next|page|sample)|tokeni[sz]|public_?key|primary_?key|foreign_?key";
}

/// What looks like an assigned secret.
pub(super) fn find(source: &Source<'_>) -> Vec<Secret> {
    let mut found = Vec::new();
    for captures in QUOTED.captures_iter(source.text) {
        found.extend(judge(source, &captures));
    }
    let bare = matches!(
        source.language,
        Language::Ini | Language::Yaml | Language::Shell | Language::Dockerfile
    );
    if bare {
        for captures in BARE.captures_iter(source.text) {
            found.extend(judge(source, &captures));
        }
    }
    found
}

fn judge(source: &Source<'_>, captures: &regex::Captures<'_>) -> Option<Secret> {
    let (name, value) = (captures.name("name")?, captures.name("value")?);
    let comment = source
        .mask
        .comments
        .as_bytes()
        .get(name.start())
        .is_some_and(|byte| *byte != b' ');
    // Prose explains; it does not configure.
    let prose = source.language.kind() == Kind::Prose;
    if comment || prose || ABOUT.is_match(name.as_str()) || is_placeholder(value.as_str()) || is_name(value.as_str()) {
        return None;
    }
    let severity = weigh(name.as_str(), value.as_str())?;
    Some(Secret {
        check: CHECK,
        name: "What looks like a password or token",
        severity,
        confidence: Confidence::Medium,
        start: value.start(),
        end: value.end(),
    })
}

/// How bad it is; None when the value does not look like a secret.
fn weigh(name: &str, value: &str) -> Option<Severity> {
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let signs = has(u8::is_ascii_punctuation);
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let random = if hex {
        value.len() >= 32 && entropy(value) > 3.0
    } else {
        value.len() >= 16 && entropy(value) > 3.6
    };
    // Code that builds the value is no secret: `prefix+var`, `a(b)`, `x[1]`, `%s`.
    let built = value.contains(['(', ')', '[', ']', '{', '}', '|', '\\', ';', ','])
        || value.contains("%s")
        || value.contains("::");
    if built || !letters {
        return None;
    }
    if digits && random {
        return Some(Severity::High);
    }
    let name = name.to_ascii_lowercase();
    let password = name.contains("password") || name.contains("passwd") || name.contains("passphrase");
    (password && digits && signs && value.len() >= 10).then_some(Severity::Medium)
}
