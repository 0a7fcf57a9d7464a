//! Is it a secret, or does it only look like one?

use std::collections::BTreeMap;

/// Words that people write where a secret would stand.
const WORDS: &[&str] = &[
    "example",
    "sample",
    "dummy",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "your",
    "insert",
    "replace",
    "xxxx",
    "fake",
    "mock",
    "todo",
    "redacted",
    "removed",
    "hidden",
    "secret",
    "password",
    "passwd",
    "foobar",
    "foo",
    "bar",
    "baz",
    "lorem",
    "notreal",
    "not-real",
    "not_real",
    "invalid",
    "undefined",
    "default",
    "null",
    "none",
    "123456",
    "abcdef",
    "qwerty",
    "asdf",
    "deadbeef",
    "test",
    "demo",
    "hunter2",
    "...",
    "***",
    "<",
    ">",
    "${",
    "{{",
    "%(",
    "$(",
    "process.env",
    "os.environ",
    "getenv",
    "user",
    "letmein",
    "opensesame",
    "correcthorse",
    "s3cr3t",
    "t0ken",
    "token",
];

/// Bits of information a character, from 0 to 8: about 4 for random letters and digits, 3 for words.
pub fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<u8, u32> = BTreeMap::new();
    text.bytes().for_each(|byte| *counts.entry(byte).or_default() += 1);
    let total = text.len() as f64;
    counts
        .values()
        .map(|count| f64::from(*count) / total)
        .map(|share| -share * share.log2())
        .sum()
}

/// True for what a person typed instead of a secret: `changeme`, `your-token`, `xxxxxxxx`.
pub(super) fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    WORDS.iter().any(|word| lower.contains(word)) || is_made_up(value)
}

/// True for a value with a pattern that no generator produces: `AKIA…EXAMPLE`, `0123456789`, `aaaaaaaa`, `abcabcabc`.
pub(super) fn is_made_up(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let marked = [
        "example",
        "xxxx",
        "fake",
        "dummy",
        "placeholder",
        "your",
        "abcdefgh",
        "12345678",
        "00000000",
        "testtest",
    ];
    marked.iter().any(|word| lower.contains(word)) || longest_run(&lower, 0) >= 6 || longest_run(&lower, 1) >= 8
}

/// The longest run of characters that each differ from the one before by `step`: 0 for `aaaa`, 1 for `abcd`.
fn longest_run(text: &str, step: u8) -> usize {
    let mut longest = 0;
    let mut run = 1;
    for pair in text.as_bytes().windows(2) {
        run = if pair[1].wrapping_sub(pair[0]) == step {
            run + 1
        } else {
            1
        };
        longest = longest.max(run);
    }
    longest
}

/// True for words joined by punctuation, paths, URLs, identifiers: names of things rather than secrets.
pub(super) fn is_name(value: &str) -> bool {
    let words = value
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    let wordy = words.clone().all(|word| {
        let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
        // Camel case counts as words; a capital in every other place does not.
        let changes = letters
            .as_bytes()
            .windows(2)
            .filter(|w| w[0].is_ascii_uppercase() != w[1].is_ascii_uppercase())
            .count();
        (letters.bytes().all(|b| b.is_ascii_alphabetic())
            && changes * 3 <= letters.len() + 3
            && word.len() - letters.len() <= 2)
            || word.bytes().all(|b| b.is_ascii_digit()) && word.len() <= 4
    });
    let uuid = value.len() == 36 && value.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    // Names are joined by few signs; generated passwords have the others.
    let signs = value.contains(['!', '$', '%', '^', '&', '*', '~', '#', '@', '+', '?', '=']);
    (wordy && !signs)
        || uuid
        || value.contains("://")
        || value.starts_with(['/', '.', '#', '@', '$', '%', '-', '&', '?'])
}

/// Decodes Base64 of the URL kind without padding; stops at the first foreign character.
pub(super) fn decode_base64url(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut bits, mut held) = (0u32, 0);
    for byte in text.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        held += 6;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_and_names_are_no_secrets() {
        for value in [
            "changeme",
            "your-api-key",
            "xxxxxxxxxxxx",
            "AKIAIOSFODNN7EXAMPLE",
            "aaaaaaaaaa",
            "abcdefghijkl",
            "${TOKEN}",
        ] {
            assert!(is_placeholder(value), "{value}");
        }
        for value in [
            "access_token_expired",
            "/var/run/secrets",
            "authorizationHeaderName",
            "https://x.y/z",
            "#/definitions/x",
            "v1.token.name2",
        ] {
            assert!(is_name(value), "{value}");
        }
        for value in ["kJ8sn2Lq0vRt5XwZ", "9f86d081884c7d659a2feaa0c55ad015", "aB3$kk9!pQz2"] {
            assert!(!is_name(value) && !is_placeholder(value), "{value}");
        }
    }

    #[test]
    fn base64_of_urls() {
        assert_eq!(decode_base64url("eyJhbGciOiJIUzI1NiJ9"), b"{\"alg\":\"HS256\"}");
    }
}
